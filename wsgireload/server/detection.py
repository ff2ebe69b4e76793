"""Which server this process belongs to, and whether it may be restarted there."""

import os
import sys
from types import ModuleType
from typing import NamedTuple, TypeVar

from wsgireload.server import native

T = TypeVar("T")
WINDOWS = os.name == "nt"
SCRIPT_PREFIX = "_mod_wsgi_"  # of the modules that WSGI scripts are, whatever their suffix
EXPRESS_PREFIX = "__wsgi_"  # of those that the script of mod_wsgi-express makes of the user's
STAND_IN = "__wsgireload__"  # marks what answers for a script that could not be loaded
EXPRESS = {"entry_point", "application_type", "callable_object"}  # in mod_wsgi-express's script


class Server(NamedTuple):
    """The server of this process."""

    kind: str  # daemon, embedded, windows or none
    refusal: str | None  # one sentence on why no restart may be requested here; None where it may
    process_group: str = ""
    application: str = ""
    processes: int = 1  # in the process group
    mod_wsgi: ModuleType | None = None
    parent: int = 0  # the pid of the process that replaces this one
    is_service: bool = False  # a service script runs here, in a process without requests


def detect(forced: str | None = None) -> Server:
    """The server of this process; `forced` is its kind where the user has set it."""
    inside = mod_wsgi()
    group = _attribute(inside, "process_group", "")
    if inside is None:
        kind = "none"
    elif WINDOWS:
        kind = "windows"
    else:
        kind = "daemon" if group else "embedded"
    kind = forced or kind
    return Server(
        kind,
        _refusal(kind, inside, forced=forced is not None),
        process_group=group,
        application=_attribute(inside, "application_group", ""),
        processes=max(1, _attribute(inside, "maximum_processes", 1)),
        mod_wsgi=inside,
        parent=_parent(),
        is_service=_is_service(kind, inside),
    )


def mod_wsgi() -> ModuleType | None:
    """The module that mod_wsgi makes inside Apache; None elsewhere.

    The package of the same name, which is for starting Apache, has no `version`.
    """
    module = sys.modules.get("mod_wsgi")
    return module if isinstance(getattr(module, "version", None), tuple) else None


def is_first_child() -> bool:
    """Whether this is the first process of its Apache since that started. Known on Windows only."""
    apache = _apache() if WINDOWS else None
    return apache is not None and apache.generation == 0


def _is_service(kind: str, inside: ModuleType | None) -> bool:
    return kind == "daemon" and _attribute(inside, "threads_per_process", 1) == 0


def _refusal(kind: str, inside: ModuleType | None, *, forced: bool) -> str | None:
    if kind == "none":
        if inside is not None:
            return "start() was called with server='none'"
        return "this process is not Apache's: no mod_wsgi in it"
    apache = _apache()
    if kind == "embedded":
        return (apache and apache.refusal) or (
            "mod_wsgi runs in embedded mode here, where a child may not restart its Apache: "
            "give the application a process of its own with WSGIDaemonProcess and WSGIProcessGroup"
        )
    if _is_service(kind, inside) and _attribute(inside, "application_group", ""):
        # Python handles signals in the main interpreter only, and mod_wsgi waits for none here.
        return (
            "no signal ends a service script in a sub-interpreter: "
            "add application-group=%{GLOBAL} to its WSGIImportScript"
        )
    if (missing := native.unavailable()) is not None:
        return missing
    if kind == "windows" and not WINDOWS:
        return "start() was called with server='windows', and this is not Windows"
    if apache is not None:
        return apache.refusal
    if forced and kind != "windows":
        return None
    return "mod_wsgi is here, but this process is not Apache's"


def _apache() -> native.Apache | None:
    return native.apache() if native.unavailable() is None else None


def script() -> str:
    """The path of the WSGI script, as Apache's configuration names it; "" if there is none."""
    return next(iter(script_paths()), "")


def script_paths() -> list[str]:
    """The absolute paths of all WSGI scripts of this interpreter.

    The script of mod_wsgi-express loads the user's, which is the one returned, or imports a module.
    """
    found = []
    for script in _scripts():
        path = getattr(script, "entry_point" if _is_express(script) else "__file__", None)
        if isinstance(path, str) and os.path.dirname(path):
            found.append(os.path.abspath(path))
    return found


def script_folder() -> str:
    """The folder of the WSGI script; the current folder if there is none."""
    return os.path.dirname(script()) or os.getcwd()


def scripts_loaded() -> bool:
    """Whether this interpreter has a WSGI script, and each one has been loaded completely.

    mod_wsgi notes a script's mtime in it then, and removes the module of a script that fails.
    """
    return _scripts_have("__mtime__") and not any(hasattr(x, STAND_IN) for x in _scripts())


def scripts_loading() -> bool:
    """Whether a WSGI script of this interpreter is being loaded."""
    return bool(_loading())


def loading_script() -> ModuleType | None:
    """The WSGI script that is being loaded; mod_wsgi loads one at a time."""
    return next((script for script in _loading() if isinstance(script, ModuleType)), None)


def reload_hook() -> bool | None:
    """Whether the WSGI scripts of this interpreter have a `reload_required` for mod_wsgi to call.

    True: each has ours, or one of its own, which may call ours. False: another's, as the script of
    mod_wsgi-express has, which the user cannot change. None: one of them has none.
    """
    scripts = _scripts()
    if any(map(_is_express, scripts)):
        return False
    # mod_wsgi calls none of a script without an application, as that of WSGIImportScript.
    scripts = [script for script in scripts if hasattr(script, "application")] or scripts
    if not scripts or not all(hasattr(script, "reload_required") for script in scripts):
        return None
    return all(map(_may_call_ours, scripts))


def _may_call_ours(script: object) -> bool:
    home = getattr(getattr(script, "reload_required", None), "__module__", None)
    return home in ("wsgireload.api", getattr(script, "__name__", ""))


def _is_express(script: object) -> bool:
    return all(hasattr(script, name) for name in EXPRESS)


def _scripts_have(name: str) -> bool:
    scripts = _scripts()
    return bool(scripts) and all(hasattr(script, name) for script in scripts)


def _loading() -> list[object]:
    return [script for script in _scripts() if not hasattr(script, "__mtime__")]


def _scripts() -> list[object]:
    names: list[object] = [*sys.modules]  # of any type
    found = [name for name in names if isinstance(name, str) and name.startswith(SCRIPT_PREFIX)]
    return [sys.modules[name] for name in found if name in sys.modules]


def _parent() -> int:
    if not WINDOWS:
        return os.getppid()
    # From Apache itself: on Windows os.getppid() takes a detour that wine lacks.
    apache = _apache()
    return apache.parent if apache is not None else 0


def _attribute(inside: ModuleType | None, name: str, default: T) -> T:
    """An attribute of mod_wsgi's module; the default where it has none of that type."""
    found = getattr(inside, name, default)
    return found if isinstance(found, type(default)) else default
