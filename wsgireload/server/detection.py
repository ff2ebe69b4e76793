"""What do we run inside, and may a restart be asked for there?"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType

from wsgireload.record import Record
from wsgireload.server import native

WINDOWS = os.name == "nt"


class Server(Record):
    """What this process belongs to.

    `kind` is daemon, embedded, windows or none; `refusal` one sentence on why no restart may be
    asked for here, None where it may. `processes` is how many the process group has, `parent`
    the pid of the process that replaces this one.
    """

    kind: str
    refusal: str | None
    process_group: str = ""
    application: str = ""
    processes: int = 1
    mod_wsgi: ModuleType | None = None
    parent: int = 0


def detect(forced: str | None = None) -> Server:
    """The server we are in; `forced` is the user's word for it, which is believed."""
    inside = mod_wsgi()
    kind = forced or _kind(inside)
    return Server(
        kind,
        _refusal(kind, inside, forced=forced is not None),
        process_group=_text(inside, "process_group"),
        application=_text(inside, "application_group"),
        processes=_count(inside, "maximum_processes"),
        mod_wsgi=inside,
        parent=_parent(),
    )


def mod_wsgi() -> ModuleType | None:
    """The module that mod_wsgi makes inside Apache.

    The package of the same name, which is for starting Apache, has no `version`.
    """
    module = sys.modules.get("mod_wsgi")
    return module if isinstance(getattr(module, "version", None), tuple) else None


def _kind(inside: ModuleType | None) -> str:
    if inside is None:
        return "none"
    if WINDOWS:
        return "windows"
    return "daemon" if _text(inside, "process_group") else "embedded"


def _refusal(kind: str, inside: ModuleType | None, *, forced: bool) -> str | None:
    missing = native.unavailable()
    if kind == "none":
        if inside is not None:
            return "start() was told that this process is no server's"
        return "this process is not Apache's: no mod_wsgi in it"
    if kind == "embedded":
        return (
            "mod_wsgi runs in embedded mode here, where a child may not restart its Apache: "
            "give the application a process of its own with WSGIDaemonProcess and WSGIProcessGroup"
        )
    if missing is not None:
        return missing
    if kind == "windows" and not WINDOWS:
        return "start() was told that this is Windows, and it is not"
    apache = native.apache()
    if apache is None and (kind == "windows" or not forced):
        return "mod_wsgi is here, but this process is not Apache's"
    return apache.refusal if apache is not None else None


def running_requests(inside: ModuleType) -> int | None:
    """How many requests this process serves now, in all of its interpreters; None: unknown.

    mod_wsgi counts them since 4.6.
    """
    metrics = getattr(inside, "process_metrics", None)
    told = metrics() if callable(metrics) else None
    count = told.get("active_requests") if isinstance(told, dict) else None
    if isinstance(count, int):
        return count
    running = getattr(inside, "active_requests", None)
    return len(running) if isinstance(running, dict) else None


def opener() -> Callable[[str], int] | None:
    """How files are opened in nobody's way, where that is not how Python opens them."""
    return native.open_shared if WINDOWS else None


def marks() -> Callable[[Sequence[str]], Sequence[int]] | None:
    """How many files are looked at at once, where the native module does that."""
    return native.marks if native.unavailable() is None else None


def command() -> str:
    """The command line that this server was started with, ready to be run again with more."""
    return native.command_line()


def _parent() -> int:
    """Apache itself tells on Windows, where os.getppid() takes a detour that wine lacks."""
    if not WINDOWS:
        return os.getppid()
    apache = native.apache() if native.unavailable() is None else None
    return apache.parent if apache is not None else 0


def _text(inside: ModuleType | None, name: str) -> str:
    found = getattr(inside, name, "")
    return found if isinstance(found, str) else ""


def _count(inside: ModuleType | None, name: str) -> int:
    found = getattr(inside, name, 1)
    return found if isinstance(found, int) and found > 0 else 1
