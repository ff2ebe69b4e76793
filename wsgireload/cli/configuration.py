"""The Apache configuration and the WSGI script of one application."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib.util import find_spec

from wsgireload.cli import binary, modules
from wsgireload.cli.apache import places
from wsgireload.cli.installation import Installation
from wsgireload.cli.terminal import UsageError

# Seconds for requests at the end of a process, after those of `patience`. As long as this, an open
# stream makes visitors wait at each restart: docs/deploying.md. Development has mod_wsgi's own 5 s.
SHUTDOWN_TIMEOUT = 10
PROCESSES = 2  # for visitors: while one is kept from ending, the other serves
MAIN = "application-group=%{GLOBAL}"
STARTS = re.compile(r"^[^#\n]*\bwsgireload\.start\(", re.MULTILINE)  # and not in a comment
APP = re.compile(r"^[^#\n]*['\"]wsgireload\.django\b", re.MULTILINE)
START = "import wsgireload\nwsgireload.start({})\n"
FOR_VISITORS = 'preflight="import"'
AT_ONCE = "# For development: an ended process is replaced at once, not after half a second."
NOT_AT_ONCE = f"{AT_ONCE}\n# Left out for visitors: it runs in Apache's parent process, as root."
# On Windows mod_wsgi loads the script as a child starts, as the alias names its group; with the
# first request it takes it for changed, and would load it once more.
LOADED_ONCE = "WSGIScriptReloading Off"
RELOAD_REQUIRED = "reload_required = wsgireload.reload_required\n"
DOLLAR = "wsgireload_dollar"  # a variable of Apache, for what is not to be read as one


@dataclass(frozen=True)
class Application:
    """One application: the folder of its modules, its WSGI script and the content of that."""

    name: str
    folder: str
    script: str
    url: str
    body: str
    """The script without our lines; "" for an existing script."""
    existing: bool = False


def django(project: str, name: str | None, url: str) -> Application:
    """Return the application of a Django project, given its folder."""
    folder = os.path.abspath(project)
    try:
        with open(os.path.join(folder, "manage.py"), encoding="utf-8") as file:
            found = modules.SETTINGS.search(file.read())
    except OSError as error:
        takes = "it takes the folder with manage.py"
        raise UsageError(f"--django is {project!r}; {takes}: {error.strerror}") from None
    if found is None:
        raise UsageError(f"--django is {project!r}; its manage.py sets no DJANGO_SETTINGS_MODULE")
    body = (
        "import os\n"
        "from django.core.wsgi import get_wsgi_application\n\n"
        f'os.environ["DJANGO_SETTINGS_MODULE"] = "{found[1]}"\n'
        "application = get_wsgi_application()\n"
    )
    return _new(folder, name, url, body)


def flask(app: str, folder: str, name: str | None, url: str) -> Application:
    """Return a Flask application, given as for `flask --app`."""
    module, _, called = app.partition(":")
    variable, is_factory = called.removesuffix("()"), called.endswith("()")
    if not all(part.isidentifier() for part in (*module.split("."), variable)):
        raise UsageError(f"--flask is {app!r}; it takes MODULE:APP or MODULE:FACTORY()")
    folder = os.path.abspath(folder)
    path = os.path.join(folder, *module.split("."))
    if not os.path.isfile(f"{path}.py") and not os.path.isdir(path):
        raise UsageError(f"--flask is {app!r}; there is no {module} in {folder}: use --folder")
    body = f"from {module} import {variable} as application\n"
    if is_factory:
        body = f"from {module} import {variable}\n\napplication = {variable}()\n"
    return _new(folder, name, url, body)


def existing(path: str, name: str | None, url: str) -> Application:
    """Return the application of an existing WSGI script."""
    script = os.path.abspath(path)
    if not os.path.isfile(script):
        raise UsageError(f"SCRIPT is {path!r}; it takes an existing WSGI script")
    folder = modules.root(script)
    return Application(_name(folder, name), folder, script, url, "", existing=True)


def script(
    application: Application, installation: Installation, *, production: bool = False
) -> str:
    """Return the WSGI script, or the lines to add to an existing one: "" if it has them.

    For `production` with the settings that protect visitors.
    """
    text, *settings = [application.body]
    if application.existing:
        text, *settings = modules.sources(application.script, application.folder)
    if STARTS.search(text):
        return ""
    if any(map(APP.search, settings)):  # the app starts wsgireload
        line = f"import wsgireload\n{RELOAD_REQUIRED}"
        return "" if installation.windows or "reload_required" in text else line
    ours = START.format(FOR_VISITORS if production else "")
    if not installation.windows:  # there mod_wsgi does not call reload_required
        ours += RELOAD_REQUIRED
    return ours if application.existing else f"{ours}\n{text}"


def conf(application: Application, installation: Installation, *, production: bool = False) -> str:
    """Return the lines for Apache: those for development, or for a server with visitors."""
    paths = application.folder, application.script, installation.prefix, installation.package
    for text in (*paths, application.url):
        if not text.isprintable():
            raise UsageError(f"Apache's configuration cannot contain {text!r}")
    if ":" in application.folder and not installation.windows:
        raise UsageError(f"python-path cannot contain {application.folder!r}: it separates by ':'")
    if installation.windows:
        found = _conf_on_windows(application, installation)
    else:
        lines = _conf_on_unix(application, installation, production=production)
        found = "\n".join([*lines, *_respawn(installation, production=production)])
    if "${" not in found:
        return found
    # There is no escape for it, but Apache replaces a variable once only.
    return f"Define {DOLLAR} $\n{found.replace('${', f'${{{DOLLAR}}}{{')}"


def _conf_on_unix(
    application: Application, installation: Installation, *, production: bool
) -> list[str]:
    name, folder = application.name, application.folder
    options = [f"processes={PROCESSES}"] if production else []
    if installation.is_virtual_environment:
        options.append(f"python-home={_quoted(installation.prefix)}")
    options.append(f"python-path={_quoted(folder)}")
    options += [f"shutdown-timeout={SHUTDOWN_TIMEOUT}"] if production else []
    groups = f"process-group={name} {MAIN}"
    return [
        "<IfModule !wsgi_module>",
        f"  LoadModule wsgi_module {_quoted(_mod_wsgi(installation))}",
        "</IfModule>",
        f"WSGIDaemonProcess {name} {' '.join(options)}",
        f"WSGIScriptAlias {_quoted(application.url)} {_quoted(application.script)} {groups}",
        *_granted(application.script),
    ]


def _respawn(installation: Installation, *, production: bool) -> list[str]:
    """Return the line that loads our library into Apache's parent; for visitors a comment."""
    path = _quoted(installation.respawn)
    if not installation.respawn:
        return []
    if production:
        return [NOT_AT_ONCE, f"# LoadFile {path}"]
    # Without the condition Apache would not start after an uninstallation.
    return [AT_ONCE, f"<IfFile {path}>", f"  LoadFile {path}", "</IfFile>"]


def _conf_on_windows(application: Application, installation: Installation) -> str:
    path = [application.folder]
    if installation.is_virtual_environment:  # mod_wsgi on Windows takes none as its home
        path += [f"{installation.prefix}\\Lib\\site-packages"]
    lines = [
        f'LoadFile "{installation.python_dll}"',
        f'LoadModule wsgi_module "{_mod_wsgi(installation)}"',
        f'WSGIPythonHome "{installation.base_prefix}"',
        f'WSGIPythonPath "{";".join(path)}"',
        "AcceptFilter http none",
        "AcceptFilter https none",
        f'WSGIScriptAlias {_quoted(application.url)} "{application.script}" {MAIN}',
        *_granted(application.script.replace("\\", "/"), LOADED_ONCE),
    ]
    return "\n".join(lines).replace("\\", "/")


def _granted(script: str, *more: str) -> list[str]:
    folder, _, file = script.rpartition("/")
    lines = [f"    {line}" for line in ("Require all granted", *more)]
    inside = [f"  <Files {_section(file)}>", *lines, "  </Files>"]
    return [f"<Directory {_section(folder)}>", *inside, "</Directory>"]


def _mod_wsgi(installation: Installation) -> str:
    """Return the mod_wsgi for this Python: of its packages, or of the system."""
    spec = find_spec("mod_wsgi")
    for package in (spec.submodule_search_locations or ()) if spec else ():
        folder = os.path.join(package, "server")
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            if name.startswith("mod_wsgi") and name.endswith((".so", ".pyd")):
                return os.path.join(folder, name)
    for path in places.mod_wsgi():
        found = binary.inspect(path)
        if found is not None and found.python == installation.version:
            return path
    raise UsageError(f"no mod_wsgi for Python {installation.version}: pip install mod_wsgi")


def _new(folder: str, name: str | None, url: str, body: str) -> Application:
    return Application(_name(folder, name), folder, os.path.join(folder, "app.wsgi"), url, body)


def _name(folder: str, given: str | None) -> str:
    if given is not None and not re.fullmatch(r"[\w.-]+", given):
        raise UsageError(f"--name is {given!r}; it takes letters, digits, '_', '.' and '-'")
    return given or re.sub(r"[^\w.-]", "-", os.path.basename(folder)) or "site"


def _quoted(text: str) -> str:
    """Return a text as one word of Apache's configuration."""
    if not re.search(r"""[\s"'\\<>]""", text):
        return text
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def _section(path: str) -> str:
    """Return a path for a section, where wildcards and backslashes make it a pattern."""
    if re.search(r"[*?[]", path):
        path = re.sub(r"[*?[]", r"[\g<0>]", path.replace("\\", r"\\"))
    return _quoted(path)
