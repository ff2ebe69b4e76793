"""The lines for Apache and for the WSGI script of one application."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib.util import find_spec

from wsgireload.cli import binary
from wsgireload.cli.doctor.here import Here
from wsgireload.cli.terminal import MisuseError

DEBIAN = "/usr/lib/apache2/modules/mod_wsgi.so"
FEDORA = "/usr/lib64/httpd/modules/mod_wsgi_python3.so"
START = "import wsgireload\nwsgireload.start()\n"
ASK = "reload_required = wsgireload.reload_required\n"


@dataclass(frozen=True)
class Application:
    """One application: the folder of its modules, its WSGI script, and what that has to say."""

    name: str
    folder: str
    script: str
    url: str
    body: str
    """The script without our lines; "" for one that there is."""
    existing: bool = False


def django(project: str, name: str | None, url: str) -> Application:
    """From the folder of a project."""
    folder = os.path.abspath(project)
    try:
        with open(os.path.join(folder, "manage.py"), encoding="utf-8") as file:
            found = re.search(r"DJANGO_SETTINGS_MODULE['\"], *['\"]([\w.]+)", file.read())
    except OSError as error:
        takes = "it takes the folder with manage.py"
        raise MisuseError(f"--django is {project!r}; {takes}: {error.strerror}") from None
    if found is None:
        raise MisuseError(
            f"--django is {project!r}, whose manage.py names no DJANGO_SETTINGS_MODULE"
        )
    body = (
        "import os\n"
        "from django.core.wsgi import get_wsgi_application\n\n"
        f'os.environ["DJANGO_SETTINGS_MODULE"] = "{found[1]}"\n'
        "application = get_wsgi_application()\n"
    )
    return _new(folder, name, url, body)


def flask(app: str, folder: str, name: str | None, url: str) -> Application:
    """From where the application is, in the way of `flask --app`."""
    module, _, called = app.partition(":")
    variable, factory = called.removesuffix("()"), called.endswith("()")
    if not all(part.isidentifier() for part in (*module.split("."), variable)):
        raise MisuseError(f"--flask is {app!r}; it takes MODULE:APP or MODULE:FACTORY()")
    folder = os.path.abspath(folder)
    path = os.path.join(folder, *module.split("."))
    if not os.path.isfile(f"{path}.py") and not os.path.isdir(path):
        raise MisuseError(f"--flask is {app!r}, and there is no {module} in {folder}: see --folder")
    body = f"from {module} import {variable} as application\n"
    if factory:
        body = f"from {module} import {variable}\n\napplication = {variable}()\n"
    return _new(folder, name, url, body)


def existing(path: str, name: str | None, url: str) -> Application:
    """From a WSGI script."""
    script = os.path.abspath(path)
    if not os.path.isfile(script):
        raise MisuseError(
            f"SCRIPT is {path!r}, which is no file; it takes a WSGI script that there is"
        )
    folder = os.path.dirname(script)
    return Application(_name(folder, name), folder, script, url, "", existing=True)


def script(application: Application, here: Here) -> str:
    """The WSGI script, or what is to be at the top of one that there is; "" where it is."""
    ours = START if here.windows else START + ASK  # on Windows nobody asks
    if not application.existing:
        return f"{ours}\n{application.body}"
    with open(application.script, encoding="utf-8", errors="replace") as file:
        return "" if "wsgireload.start(" in file.read() else ours


def conf(application: Application, here: Here) -> str:
    """The lines for Apache."""
    return _on_windows(application, here) if here.windows else _on_unix(application, here)


def place(application: Application, here: Here) -> str:
    """Where the lines belong, where that is known."""
    if here.windows:
        return ", conf\\httpd.conf"
    debian = (
        f": /etc/apache2/sites-available/{application.name}.conf, then a2ensite {application.name}"
    )
    return debian if os.path.isdir("/etc/apache2") else ""


def _on_unix(application: Application, here: Here) -> str:
    name, folder = application.name, application.folder
    module = _mod_wsgi(here)
    home = [f"python-home={_quoted(here.prefix)}"] if here.prefix != here.base_prefix else []
    options = [*home, f"python-path={_quoted(folder)}", "display-name=%{GROUP}"]
    groups = f"process-group={name} application-group=%{{GLOBAL}}"
    return "\n".join(
        [
            "<IfModule !wsgi_module>",
            f"  LoadModule wsgi_module {_quoted(module)}",
            "</IfModule>",
            f"WSGIDaemonProcess {name} {' '.join(options)}",
            f"WSGIScriptAlias {application.url} {_quoted(application.script)} {groups}",
            *_granted(folder, os.path.basename(application.script)),
        ]
    )


def _on_windows(application: Application, here: Here) -> str:
    path = [application.folder]
    if here.prefix != here.base_prefix:  # mod_wsgi on Windows takes no virtual environment as home
        path += [f"{here.prefix}\\Lib\\site-packages"]
    lines = [
        f'LoadFile "{here.library}"',
        f'LoadModule wsgi_module "{_mod_wsgi(here)}"',
        f'WSGIPythonHome "{here.base_prefix}"',
        f'WSGIPythonPath "{";".join(path)}"',
        "AcceptFilter http none",
        "AcceptFilter https none",
        f'WSGIScriptAlias {application.url} "{application.script}" application-group=%{{GLOBAL}}',
        *_granted(application.folder, re.split(r"[\\/]", application.script)[-1]),
    ]
    return "\n".join(lines).replace("\\", "/")


def _granted(folder: str, script: str) -> list[str]:
    inside = [f"  <Files {_quoted(script)}>", "    Require all granted", "  </Files>"]
    return [f"<Directory {_quoted(folder)}>", *inside, "</Directory>"]


def _mod_wsgi(here: Here) -> str:
    """The module that is for this Python: its own, or the system's."""
    spec = find_spec("mod_wsgi")
    for package in (spec.submodule_search_locations or ()) if spec else ():
        folder = os.path.join(package, "server")
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            if name.startswith("mod_wsgi") and name.endswith((".so", ".pyd")):
                return os.path.join(folder, name)
    for path in (DEBIAN, FEDORA):
        found = binary.look(path)
        if found is not None and found.python == here.version:
            return path
    raise MisuseError(f"there is no mod_wsgi for Python {here.version} here: pip install mod_wsgi")


def _new(folder: str, name: str | None, url: str, body: str) -> Application:
    return Application(_name(folder, name), folder, os.path.join(folder, "app.wsgi"), url, body)


def _name(folder: str, given: str | None) -> str:
    if given is not None and not re.fullmatch(r"[\w.-]+", given):
        raise MisuseError(f"--name is {given!r}; it takes letters, digits, '_', '.' and '-'")
    return given or re.sub(r"[^\w.-]", "-", os.path.basename(folder)) or "site"


def _quoted(path: str) -> str:
    return f'"{path}"' if re.search(r"[\s\"']", path) else path
