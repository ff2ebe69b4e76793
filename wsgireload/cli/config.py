"""Print the Apache configuration and the WSGI script of an application."""

from __future__ import annotations

import argparse
import os
import tempfile

from wsgireload.cli import configuration, modules
from wsgireload.cli.apache import directives, httpd
from wsgireload.cli.apache.directives import INCLUDES, Directive, Files
from wsgireload.cli.apache.httpd import DUPLICATE, Dump, Httpd
from wsgireload.cli.configuration import Application
from wsgireload.cli.installation import Installation
from wsgireload.cli.terminal import UsageError, print_error, print_json, print_text


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments that describe an application."""
    application = command.add_mutually_exclusive_group(required=True)
    application.add_argument("--django", metavar="PROJECT", help="folder with manage.py")
    application.add_argument(
        "--flask", metavar="MODULE:APP", help="application object, or MODULE:FACTORY()"
    )
    application.add_argument("script", nargs="?", metavar="SCRIPT", help="existing WSGI script")
    command.add_argument(
        "--folder",
        default=".",
        metavar="FOLDER",
        help="folder of MODULE, for --flask (default: the current one)",
    )
    command.add_argument(
        "--name", metavar="NAME", help="name of the process group (default: that of the folder)"
    )
    command.add_argument(
        "--url", default="/", metavar="URL", help="URL path of the application (default: /)"
    )
    command.add_argument(
        "--check", action="store_true", help="let Apache check the lines with its configuration"
    )
    command.add_argument(
        "--production",
        action="store_true",
        help="for a server with visitors, not for development: two processes, more time for "
        "requests, and a check before each restart that the code loads",
    )
    httpd.add_arguments(command)


def run(options: argparse.Namespace) -> int:
    """Return 1 if --check finds that Apache rejects the lines."""
    application, installation = _application(options), Installation.current()
    production = options.production
    conf = configuration.conf(application, installation, production=production)
    script = configuration.script(application, installation, production=production)
    apache = httpd.named(options)
    error, is_pasted = check(conf, apache) if options.check else (None, False)
    if options.json:
        lines = {"conf": conf, "script": script, "script_path": application.script}
        print_json({"ok": not error, **lines, "trouble": error})
        return 1 if error else 0
    print_text(f"# Apache's configuration{_destination(application.name, apache)}\n{conf}")
    _print_script(application, script, production=production)
    if error:
        print_error(f"Apache rejects these lines: {error}")
    elif is_pasted:
        print_text("# checked: these lines are in Apache's configuration, and it accepts them")
    elif error is not None:
        print_text("# checked: Apache accepts these lines")
    return 1 if error else 0


def check(conf: str, apache: Httpd | None) -> tuple[str, bool]:
    """Return Apache's error about these lines, and whether its configuration has them already.

    The error is "" if Apache accepts them. Lines that it has already are not added once more.
    """
    if apache is None:
        raise UsageError("--check needs an Apache, and none was found: --httpd /path/to/httpd")
    # Apache for Windows is moved: it finds its configuration from where its program lies.
    if os.name != "nt" and apache.config and not os.path.isfile(apache.config):
        text = f"--check needs a configuration, and there is no {apache.config}"
        raise UsageError(f"{text}: --config FILE")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "site.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(conf)
        return _check(path.replace("\\", "/"), apache)


def _check(path: str, httpd: Httpd) -> tuple[str, bool]:
    """As `check`, for the lines in a file."""
    those = [each for each in directives.read(httpd)[0] if each.name.startswith("wsgi")]
    known = {(each.name, each.arguments) for each in those}
    printed = Files(_of_one_file(path, httpd.dump), httpd.environment)
    own = [each for each in printed if each.name.startswith("wsgi")]
    if all((each.name, each.arguments) in known for each in own):
        return httpd.check(), True
    error = httpd.check(path)
    if DUPLICATE in error:
        error += _explained(own, those)
    return error, False


def _explained(own: list[Directive], those: list[Directive]) -> str:
    names = {each.arguments[:1] for each in own if each.name == "wsgidaemonprocess"}
    for each in those:
        if each.name == "wsgidaemonprocess" and each.arguments[:1] in names:
            name = each.arguments[0]
            return f" ({name!r} is defined in {each}: replace those lines, or use --name)"
    return ""


def _of_one_file(path: str, dump: Dump) -> Dump:
    """Return a dump of which the main file is this one, and includes no others."""
    return Dump("", dump.modules, dump.defines, dump.values, {("", 0): [path]})


def _application(options: argparse.Namespace) -> Application:
    if not options.url.startswith("/"):
        raise UsageError(f"--url is {options.url!r}; it takes a URL path such as /app")
    url = options.url.rstrip("/") or "/"  # else mod_wsgi would have no path below it
    if options.django is not None:
        return configuration.django(options.django, options.name, url)
    if options.flask is not None:
        return configuration.flask(options.flask, options.folder, options.name, url)
    return configuration.existing(options.script, options.name, url)


def _print_script(application: Application, script: str, *, production: bool) -> None:
    if not script:
        print_text(f"# {application.script} already starts wsgireload")
        texts = modules.sources(application.script, application.folder)
        if production and not any("preflight" in text for text in texts):
            print_text('# for visitors, add to its settings: preflight="import"')
    else:
        where = "at the top of " if application.existing else ""
        print_text(f"# {where}{application.script}\n{script}")


def _destination(name: str, httpd: Httpd | None) -> str:
    """Return where the lines of a site belong, as the end of a sentence; "" if that is unknown.

    The main configuration file of a system's package ends with the folder of its sites.
    """
    if os.name == "nt":
        return ", conf\\httpd.conf"
    if httpd is None or not os.path.isfile(httpd.config):
        return ""
    main = Files(_of_one_file(httpd.config, httpd.dump), httpd.environment)
    patterns = [each.arguments[0] for each in main if each.name in INCLUDES and not each.sections]
    patterns = [each for each in patterns if os.path.basename(each) == "*.conf"]
    if not patterns:
        return f": {httpd.config}"
    folder = os.path.dirname(httpd.absolute(patterns[-1]))
    available = f"{folder.removesuffix('enabled')}available"
    if folder.endswith("-enabled") and os.path.isdir(available):
        return f": {available}/{name}.conf, then a2ensite {name}"
    return f": {folder}/{name}.conf"
