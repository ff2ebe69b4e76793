"""The httpd.conf of one server: as little as a site with one WSGI application needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from support.apache import Apache
from support.builds import FREE_THREADED

GROUP = "site"
"""The name of the daemon process group."""

WITHOUT_GIL = ["WSGIFreeThreading On"] if FREE_THREADED else []
"""Otherwise mod_wsgi keeps the GIL."""

EXAMPLE = "/srv/mysite"
"""Where the examples' apache.conf have the application."""

BASE = """\
ServerRoot "{root}"
ServerName localhost
Listen 127.0.0.1:{port}
PidFile "{root}/run/httpd.pid"
DefaultRuntimeDir "{root}/run"
Mutex "file:{root}/run" default
ErrorLog "{root}/error.log"
LogLevel info

# A module that is built in must not be loaded once more.
<IfModule !mpm_{mpm}_module>
  LoadModule mpm_{mpm}_module "{modules}/mod_mpm_{mpm}.so"
</IfModule>
<IfModule !unixd_module>
  LoadModule unixd_module "{modules}/mod_unixd.so"
</IfModule>
<IfModule !authz_core_module>
  LoadModule authz_core_module "{modules}/mod_authz_core.so"
</IfModule>
LoadModule wsgi_module "{mod_wsgi}"

StartServers 1
{limits}

<Directory "{root}">
  Require all granted
</Directory>
WSGISocketPrefix "{root}/run/wsgi"
"""

THREADS = """\
ServerLimit 1
ThreadsPerChild 25
MinSpareThreads 1
MaxSpareThreads 25
MaxRequestWorkers 25"""


@dataclass(frozen=True)
class Application:
    """What is served, and in which processes and interpreters of mod_wsgi's."""

    scripts: Mapping[str, str] = field(default_factory=lambda: {"/": "app.wsgi"})
    """URL -> WSGI script; unless `group` says otherwise each has a sub-interpreter of its own."""
    daemon: str | None = "threads=5"
    """Options of the daemon process group; None is embedded mode."""
    group: str | None = None
    """The application group of all scripts; %{GLOBAL} is the main interpreter."""
    preload: bool = False
    """Load the scripts as a process starts, not with the first request."""
    python_path: Sequence[str | Path] = ()
    """Where the application's packages are; a relative folder is one of the server's own."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of Apache's, beside the few that every server has."""
    directives: str = ""
    mpm: str = "event"
    example: str = ""
    """An example's apache.conf, which takes the place of what would be served else."""


def httpd_conf(
    apache: Apache, served: Application, root: Path, port: int, user: str | None = None
) -> str:
    """The text for a server in `root`, whose scripts are in `root`/app."""
    files = {"modules": apache.modules, "mod_wsgi": apache.mod_wsgi}
    limits = "" if served.mpm == "prefork" else THREADS
    lines = [BASE.format(root=root, port=port, mpm=served.mpm, limits=limits, **files)]
    # Errors name a line, which must not depend on who runs the tests.
    lines += [f"User {user}", f"Group {user}"] if user else ["", ""]
    if apache.python_home:
        lines += [f'WSGIPythonHome "{apache.python_home}"']
    path = ":".join(str(root / folder) for folder in [*served.python_path, "app"])
    if served.example:
        example = _moved(served.example, root, path)
        return "\n".join([*lines, example, served.directives, *WITHOUT_GIL, ""])
    if served.daemon is None:
        lines += [f'WSGIPythonPath "{path}"']
    else:
        options = f'display-name=%{{GROUP}} python-path="{path}" {served.daemon}'
        lines += [f"WSGIDaemonProcess {GROUP} {options}", f"WSGIProcessGroup {GROUP}"]
        # No Python in Apache's own child, which has no use for it and may crash as it ends it.
        lines += ["WSGIRestrictEmbedded On"]
    if served.group:
        lines += [f"WSGIApplicationGroup {served.group}"]
    for url, script in sorted(served.scripts.items(), reverse=True):  # "/" takes what is left
        # An alias that names both groups: that is what mod_wsgi preloads.
        groups = f"process-group={GROUP} application-group={script}" if served.preload else ""
        lines += [f'WSGIScriptAlias {url} "{root}/app/{script}" {groups}']
    return "\n".join([*lines, served.directives, *WITHOUT_GIL, ""])


def _moved(example: str, root: Path, path: str) -> str:
    """The text for an application that lies here, and finds its packages in `path`."""
    for old, new in (
        (f"python-home={EXAMPLE}/venv ", ""),
        (f"python-path={EXAMPLE}\n", f'python-path="{path}"\n'),
        (EXAMPLE, f"{root}/app"),
    ):
        if old not in example:
            raise ValueError(f"there is no {old!r} in it:\n{example}")
        example = example.replace(old, new)
    return example
