"""The only door to the C core: it turns statuses into values and exceptions."""

import contextlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NamedTuple

from wsgireload.errors import NativeError
from wsgireload.server.file_systems import NETWORK_DRIVE, SHARED, is_share
from wsgireload.server.files import WINDOWS, whole

try:
    # "from wsgireload import _native" would call a missing file a circular import.
    import wsgireload._native as _native  # noqa: PLR0402
except Exception as error:  # whatever the loader raises: a site never goes down because of us
    _missing: str | None = f"{type(error).__name__}: {error}"
else:
    _missing = None

# enum wsgireload_status of csrc/wsgireload.h
_OK = _REQUESTED = 0
_ALREADY_REQUESTED, _UNSUPPORTED, _FAILED, _NOT_READY = 1, 2, 3, 4
_SIGINT, _SIGTERM = 1, 2  # enum wsgireload_signals

# enum wsgireload_interest: a directory or symbolic link itself is moved or deleted, or a name that
# was added appears or disappears in it; also, such a file is written; also, anything in it changes
ITSELF, NAMES, ALL = range(3)
# enum wsgireload_kind, of a change: the file may still be written; the directory is no longer
# watched; the file was closed after writing, or renamed into its place; it was written, and is open
CHANGED, GONE, SAVED, WRITTEN = range(4)


class Apache(NamedTuple):
    """The httpd that this process is. The first two are known on Windows only."""

    parent: int = 0  # the pid of Apache's parent process; 0: it has none
    generation: int = -1  # the number of restarts before this process; -1: unknown
    refusal: str | None = None  # one sentence why no restart may ever be requested


def unavailable() -> str | None:
    """Return one sentence why the native module does not load; None where it does."""
    return _missing and f"the native module does not load: {_missing}"


def apache() -> Apache | None:
    """Return the Apache that this process is; None where it is another program."""
    is_apache, parent, _, generation, outlook, refusal = _core().probe()
    never = refusal if outlook == _UNSUPPORTED else None
    return Apache(parent, generation, never) if is_apache else None


def is_replaced() -> bool:
    """Return whether Apache has begun to replace this process. Known on Windows only."""
    return bool(_core().probe()[4] == _ALREADY_REQUESTED)


def command_line() -> str:
    """Return the command line that started this process, as Windows keeps it; "" elsewhere."""
    return str(_core().command_line())


def process_start(pid: int) -> int:
    """Windows only: return when a process started, as a number that no other one has.

    0: no process with this pid runs; 1: its start is not revealed, as without the native module.
    """
    if not 0 < pid < 1 << 32:
        return 0
    return 1 if _missing else int(_native.process_start(pid))


def restart() -> bool:
    """Request that the server replace this process, once for all interpreters.

    True: requested by this call. False: requested before. NativeError: nothing was requested, and
    the next call tries again. On UNIX this sends SIGINT to the process.
    """
    return _done(_core().restart(_SIGINT)) == _REQUESTED


def terminate() -> bool:
    """Request the same; on UNIX by SIGTERM."""
    return _done(_core().restart(_SIGTERM)) == _REQUESTED


def taken() -> set[str]:
    """Return which of SIGINT and SIGTERM do not reach mod_wsgi: other code has taken them.

    Unblocks SIGINT in this thread, from which mod_wsgi may be about to send it: see wsgireload.h.
    """
    taken = _core().taken()
    return {name for bit, name in ((_SIGINT, "SIGINT"), (_SIGTERM, "SIGTERM")) if taken & bit}


def rearm() -> None:
    """Allow restart() to request once more. For the caller that got True: see wsgireload.h."""
    _core().rearm()


def linger(seconds: int) -> None:
    """End this process if it still runs so long after Apache began to replace it; 0: do not.

    Windows only. Use more than Apache's Timeout: see csrc/wsgireload.h. NativeError if it fails.
    """
    _done(_core().linger(seconds))


def close_on_fork(descriptor: int, *, on: bool) -> None:
    """Give forked children the null device in place of a descriptor, or no longer.

    Call it with `on` False before closing the descriptor here.
    """
    _core().close_on_fork(descriptor, on)


def job(process: int) -> int:
    """Return a job that holds a process, by its handle, and all that it will start; end it.

    NativeError where that cannot be done, as on all systems but Windows.
    """
    made, outcome = _core().job(process)
    _done(outcome)
    return int(made)


def end_job(job: int, *, kill: bool) -> None:
    """Free a job, and end its processes if `kill`."""
    _core().end_job(job, kill)


def marks(paths: Sequence[str]) -> memoryview:
    """Return a number for each file, which changes when it is written, replaced or restored.

    Unsigned, of 60 bits. 0: there is no such file; 1: it cannot be examined.
    """
    text = "".join([f"{path}\0" for path in (map(whole, paths) if WINDOWS else paths)])
    try:
        found = _core().marks(_encoded(text), len(paths))
    except ValueError:  # one contains a NUL, or cannot be encoded: then each by itself
        unknown = int.to_bytes(1, 8, sys.byteorder)
        found = unknown if len(paths) == 1 else b"".join([marks([path]) for path in paths])
    return memoryview(found).cast("Q")


class Watcher:
    """Reports what changes in directories, with one handle of the operating system.

    It belongs to one thread at a time: only `wake` may be called from any. `end` it in that thread,
    or in a forked child, where its parent watches on. Once it has ended, `wait` returns nothing,
    `directory` raises NativeError, and all else does nothing.
    """

    def __init__(self) -> None:
        """NativeError where the system reports no changes, or a limit is reached."""
        self._handle, outcome = _core().watch_begin()
        _done(outcome)

    def directory(self, path: str, interest: int, *, trust: bool) -> int:
        """Watch a directory; returns its id, the same for the same directory.

        `interest` is ITSELF, NAMES or ALL; the wider one holds. NativeError where it cannot be
        watched. Where the file system does not report all changes its message is the kind of file
        system, unless `trust` is True or the interest ITSELF.
        """
        if self._handle is None:
            raise NativeError("wsgireload_watch_directory", 0, "the watcher has ended")
        try:
            encoded = _terminated(whole(path) if WINDOWS else path)
        except ValueError as error:  # it contains a NUL, or cannot be encoded
            raise NativeError("wsgireload_watch_directory", 0, str(error)) from None
        if not trust and interest != ITSELF and (kind := _shared_kind(path, encoded)):
            raise NativeError("wsgireload_watch_directory", 0, kind)
        found, outcome = _core().watch_directory(self._handle, encoded, interest)
        _done(outcome)
        return int(found)

    def name(self, directory: int, name: str) -> None:
        """Report a name in a directory: on Windows the path below it, with backslashes."""
        if self._handle is not None:
            with contextlib.suppress(ValueError):  # no file can have that name
                _core().watch_name(self._handle, directory, _terminated(name))

    def forget(self, directory: int) -> None:
        if self._handle is not None:
            _core().watch_forget(self._handle, directory)

    def wait(self, seconds: float) -> list[tuple[int, int, str]]:
        """Wait for changes: (directory, kind, name) for each; none when the time is over, or woken.

        The directory is -1 where events were lost: anything may have changed anywhere, so watch
        every directory anew. The kind is CHANGED, GONE, SAVED or WRITTEN. The name is "" where it
        may be any. NativeError where no event will ever arrive again.
        """
        if self._handle is None:
            return []
        changes, outcome = _core().watch_wait(self._handle, seconds)
        _done(outcome)
        return [(directory, kind, _decoded(name)) for directory, kind, name in changes]

    def wake(self) -> None:
        """End the current wait, or else the next one; from any thread."""
        # Read once: `end` may drop it meanwhile, and the reference keeps the C watcher.
        if (handle := self._handle) is not None:
            _core().watch_wake(handle)

    def end(self) -> None:
        """Stop watching everything, and release the handle. A second call does nothing."""
        handle, self._handle = self._handle, None
        if handle is not None:
            _core().watch_end(handle)


def _shared_kind(path: str, encoded: bytes) -> str | None:
    if WINDOWS and is_share(path):  # a server that does not respond would take long
        return NETWORK_DRIVE
    number, outcome = _core().file_system(encoded)
    _done(outcome)
    return SHARED.get(number)


def _encoded(text: str) -> bytes:
    """Return paths and names as the operating system takes them; ValueError if it takes no such."""
    return text.encode("utf-16-le", "surrogatepass") if WINDOWS else os.fsencode(text)


def _terminated(text: str) -> bytes:
    if "\0" in text:
        raise ValueError("embedded null character")
    return _encoded(f"{text}\0")


def _decoded(name: bytes) -> str:
    return name.decode("utf-16-le", "surrogatepass") if WINDOWS else os.fsdecode(name)


def _done(outcome: tuple[int, int, str, str]) -> int:
    """Return a status of success; NativeError for every other."""
    status, code, call, message = outcome
    if status in (_OK, _ALREADY_REQUESTED):
        return status
    raise NativeError(call, code, message)


def _core() -> ModuleType:
    if _missing is not None:
        raise NativeError("import wsgireload._native", 0, _missing)
    return _native
