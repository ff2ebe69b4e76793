"""The way to the C core: statuses become values and exceptions here, and nowhere else."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
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

# enum wsgireload_interest: that a directory, or the symbolic link to it, is moved or deleted, and
# that what was named comes or goes in it; that such is written to; and of whatever it holds
ITSELF, NAMES, ALL = range(3)
_LONGEST = 4_000_000.0  # seconds whose milliseconds C's unsigned int holds


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


def marks(paths: Sequence[str]) -> memoryview:
    """Look at files: for each a number that moves when it is written, replaced or restored.

    Unsigned, of 64 bits. 0: there is no such file; 1: it cannot be looked at.
    """
    try:
        found = _core().marks(os.fsencode("".join([f"{path}\0" for path in paths])), len(paths))
    except ValueError:  # one holds a NUL, or what no path here can hold: each by itself, then
        found = b"".join([_mark(path) for path in paths])
    return memoryview(found).cast("Q")


def _mark(path: str) -> bytes:
    try:
        found: bytes = _core().marks(os.fsencode(f"{path}\0"), 1)
    except ValueError:
        return int.to_bytes(1, 8, sys.byteorder)
    return found


class Watcher:
    """What changes in directories, as the operating system tells it. To be ended.

    NativeError where it tells nothing (UNSUPPORTED), or where a limit is reached. All watchers of
    the process share one thread of the C core's: see csrc/wsgireload.h.
    """

    def __init__(self) -> None:
        self._ended = False
        self._number, outcome = _core().watch_begin()
        _done(outcome)

    def directory(self, path: str, interest: int, *, trust: bool) -> int:
        """Watch a directory; returns a number for it, the same for the same directory.

        `interest` is ITSELF, NAMES or ALL, and only grows. NativeError where it cannot be watched;
        where events cannot be trusted, its message is the kind of file system. `trust` is True to
        watch all the same.
        """
        try:
            asked = _core().watch_directory(self._number, os.fsencode(path), interest, trust)
        except ValueError as error:  # it holds a NUL, or what no path here can hold
            raise NativeError("wsgireload_watch_directory", 0, str(error)) from None
        number: int = asked[0]
        _done(asked[1])
        return number

    def name(self, directory: int, name: str) -> None:
        """Hear of a name in a directory: on Windows the path from there on, with backslashes."""
        with contextlib.suppress(ValueError):  # no file can have that name
            _core().watch_name(self._number, directory, os.fsencode(name))

    def forget(self, directory: int) -> None:
        """Watch a directory no more."""
        _core().watch_forget(self._number, directory)

    def wait(self, seconds: float) -> list[tuple[int, bool, str]]:
        """Wait for changes, in one thread at a time: (directory, gone, name) for each.

        None when the time is over, or when woken or ended. The directory is -1 where events were
        lost: anything may have changed anywhere, so watch every directory anew. `gone` says that it
        is watched no more. The name is "" where it may be anything. NativeError where no event will
        ever come again.
        """
        milliseconds = int(min(max(seconds, 0), _LONGEST) * 1000 + 0.999)
        changes, outcome = _core().watch_wait(self._number, milliseconds)
        if not self._ended:
            _done(outcome)
        return [(directory, gone, os.fsdecode(name)) for directory, gone, name in changes]

    def wake(self) -> None:
        """End the wait that is on, or else the next one."""
        _core().watch_wake(self._number)

    def end(self) -> None:
        """End, and end the wait that is on in another thread. Again does nothing."""
        self._ended = True
        _core().watch_end(self._number)


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
