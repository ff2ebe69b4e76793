"""The only door to the C core: it turns statuses into values and exceptions."""

import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NamedTuple

from wsgireload.errors import NativeError
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


class Apache(NamedTuple):
    """The httpd that this process is. The first two are known on Windows only."""

    parent: int = 0  # the pid of Apache's parent process; 0: it has none
    generation: int = -1  # the number of restarts before this process; -1: unknown
    refusal: str | None = None  # one sentence why no restart may ever be requested


def path() -> str:
    """Return the file of the native module; "" where it does not load."""
    return "" if _missing else str(_native.__file__)


def unavailable() -> str | None:
    """Return one sentence why the native module does not load; None where it does."""
    return _missing and f"the native module does not load: {_missing}"


def apache() -> Apache | None:
    """Return the Apache that this process is; None where it is another program."""
    is_apache, parent, _, generation, outlook, refusal = core().probe()
    never = refusal if outlook == _UNSUPPORTED else None
    return Apache(parent, generation, never) if is_apache else None


def is_replaced() -> bool:
    """Return whether Apache has begun to replace this process. Known on Windows only."""
    return bool(core().probe()[4] == _ALREADY_REQUESTED)


def command_line() -> str:
    """Return the command line that started this process, as Windows keeps it; "" elsewhere."""
    return str(core().command_line())


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
    return done(core().restart(_SIGINT)) == _REQUESTED


def terminate() -> bool:
    """Request the same; on UNIX by SIGTERM."""
    return done(core().restart(_SIGTERM)) == _REQUESTED


def taken() -> set[str]:
    """Return which of SIGINT and SIGTERM do not reach mod_wsgi: other code has taken them.

    Unblocks SIGINT in this thread, from which mod_wsgi may be about to send it: see wsgireload.h.
    """
    taken = core().taken()
    return {name for bit, name in ((_SIGINT, "SIGINT"), (_SIGTERM, "SIGTERM")) if taken & bit}


def rearm() -> None:
    """Allow restart() to request once more. For the caller that got True: see wsgireload.h."""
    core().rearm()


def linger(seconds: int) -> None:
    """End this process if it still runs so long after Apache began to replace it; 0: do not.

    Windows only. Use more than Apache's Timeout: see csrc/wsgireload.h. NativeError if it fails.
    """
    done(core().linger(seconds))


def close_on_fork(descriptor: int, *, on: bool) -> None:
    """Give forked children the null device in place of a descriptor, or no longer.

    Call it with `on` False before closing the descriptor here.
    """
    core().close_on_fork(descriptor, on)


def job(process: int) -> int:
    """Return a job that holds a process, by its handle, and all that it will start; end it.

    NativeError where that cannot be done, as on all systems but Windows.
    """
    made, outcome = core().job(process)
    done(outcome)
    return int(made)


def end_job(job: int, *, kill: bool) -> None:
    """Free a job, and end its processes if `kill`."""
    core().end_job(job, kill)


def marks(paths: Sequence[str]) -> memoryview:
    """Return a number for each file, which changes when it is written, replaced or restored.

    Unsigned, of 60 bits. 0: there is no such file; 1: it cannot be examined.
    """
    text = "".join([f"{path}\0" for path in (map(whole, paths) if WINDOWS else paths)])
    try:
        found = core().marks(encoded(text), len(paths))
    except ValueError:  # one contains a NUL, or cannot be encoded: then each by itself
        unknown = int.to_bytes(1, 8, sys.byteorder)
        found = unknown if len(paths) == 1 else b"".join([marks([path]) for path in paths])
    return memoryview(found).cast("Q")


def encoded(text: str) -> bytes:
    """Return paths and names as the operating system takes them; ValueError if it takes no such."""
    return text.encode("utf-16-le", "surrogatepass") if WINDOWS else os.fsencode(text)


def done(outcome: tuple[int, int, str, str]) -> int:
    """Return a status of success; NativeError for every other."""
    status, code, call, message = outcome
    if status in (_OK, _ALREADY_REQUESTED):
        return status
    raise NativeError(call, code, message)


def core() -> ModuleType:
    """Return the native module; NativeError if it does not load."""
    if _missing is not None:
        raise NativeError("import wsgireload._native", 0, _missing)
    return _native
