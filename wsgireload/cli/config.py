"""Print the Apache configuration and the WSGI script of an application."""

from __future__ import annotations

import argparse
import os
import tempfile

from wsgireload.cli import configuration, httpd, pasted
from wsgireload.cli.configuration import Application
from wsgireload.cli.httpd import Httpd
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
        "requests, and a hold of code that does not load",
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
    print_text(f"# Apache's configuration{pasted.destination(application.name, apache)}\n{conf}")
    _print_script(application, script)
    if error:
        print_error(f"Apache rejects these lines: {error}")
    elif is_pasted:
        print_text("# checked: these lines are in Apache's configuration, and it accepts them")
    elif error is not None:
        print_text("# checked: Apache accepts these lines")
    return 1 if error else 0


def check(conf: str, apache: Httpd | None) -> tuple[str, bool]:
    """Check these lines with Apache's own configuration, as `pasted.check`."""
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
        return pasted.check(conf, path.replace("\\", "/"), apache)


def _application(options: argparse.Namespace) -> Application:
    if options.django:
        return configuration.django(options.django, options.name, options.url)
    if options.flask:
        return configuration.flask(options.flask, options.folder, options.name, options.url)
    return configuration.existing(options.script, options.name, options.url)


def _print_script(application: Application, script: str) -> None:
    if not script:
        print_text(f"# {application.script} already calls wsgireload.start()")
    else:
        where = "at the top of " if application.existing else ""
        print_text(f"# {where}{application.script}\n{script}")
