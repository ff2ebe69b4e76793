"""The way to the C core: statuses become values and exceptions here, and nowhere else."""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType

from wsgireload.errors import NativeError
from wsgireload.record import Record

try:
    # "from wsgireload import _native" would call a missing file a circular import.
    import wsgireload._native as _native  # noqa: PLR0402
except Exception as error:  # whatever the loader says: a site never goes down because of us
    _missing: str | None = f"{type(error).__name__}: {error}"
else:
    _missing = None

# enum wsgireload_status of csrc/wsgireload.h
_OK = _ASKED = 0
_ALREADY_ASKED, _UNSUPPORTED, _FAILED, _NOT_READY = 1, 2, 3, 4
_STATES = ("starting", "running", "stopping")


class Apache(Record):
    """The httpd that this process is, in its own words: "" for what it does not say.

    Only Windows tells more: `parent` is the pid of Apache's parent process, 0 where there is none;
    `state` is starting, running or stopping (being replaced), "" where unknown; `generation` how
    many restarts this process came after, -1 where unknown. `ready` says whether a restart may be
    asked for now, `refusal` in one sentence why never; without one, not ready is not ready yet.
    """

    version: str
    mpm: str
    parent: int = 0
    state: str = ""
    generation: int = -1
    ready: bool = True
    refusal: str | None = None


def unavailable() -> str | None:
    """One sentence why the native module does not load; None where it does."""
    return _missing and f"the native module does not load: {_missing}"


def apache() -> Apache | None:
    """The Apache that this process is; None where it is another program."""
    is_apache, version, mpm, parent, state, generation, outlook, refusal = _core().probe()
    if not is_apache:
        return None
    return Apache(
        version,
        mpm,
        parent,
        _STATES[state] if state in range(len(_STATES)) else "",
        generation,
        outlook == _ASKED,
        refusal if outlook == _UNSUPPORTED else None,
    )


def command_line() -> str:
    """How this process was started, in one string, as Windows keeps it; "" elsewhere."""
    line: str = _core().command_line()
    return line


def restart() -> bool:
    """Ask the server to replace this process, once, whichever interpreter asks.

    True: asked just now. False: this process was asked before. NativeError: nothing was asked, and
    the next call tries again.
    """
    return _done(_core().restart()) == _ASKED


def rearm() -> None:
    """Let restart() ask once more. For the one who was told True: see csrc/wsgireload.h."""
    _core().rearm()


def linger(seconds: int) -> None:
    """End this process so long after Apache began to replace it, if it is still there; 0: do not.

    Windows alone. Give it more than Apache's Timeout: see csrc/wsgireload.h. NativeError where it
    cannot be done.
    """
    _done(_core().linger(seconds))


def open_shared(path: str, flags: int = os.O_RDONLY) -> int:
    """A file descriptor to read a file in nobody's way: also an opener for the built-in open().

    Windows alone: while it is open, others may write, rename and delete the file, which Python's
    own open() does not let them. OSError as open() has it; NativeError elsewhere.
    """
    handle, (status, code, call, message) = _core().open_shared(path)
    if status == _FAILED:
        # Windows' number makes it the FileNotFoundError, PermissionError, ... that open() raises.
        raise OSError(None, message, path, code)
    _done((status, code, call, message))
    # By name: what these modules hold, type checkers know on Windows alone.
    msvcrt, winapi = import_module("msvcrt"), import_module("_winapi")
    try:
        return int(msvcrt.open_osfhandle(handle, flags | getattr(os, "O_NOINHERIT", 0)))
    except OSError:
        winapi.CloseHandle(handle)
        raise


def _done(outcome: tuple[int, int, str, str]) -> int:
    """The status of what was done, or was done before; NativeError for every other."""
    status, code, call, message = outcome
    if status in (_OK, _ALREADY_ASKED):
        return status
    raise NativeError(call, code, message)


def _core() -> ModuleType:
    if _missing is not None:
        raise NativeError("import wsgireload._native", 0, _missing)
    return _native
