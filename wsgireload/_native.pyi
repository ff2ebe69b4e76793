"""The C core as a module: statuses, no exceptions. Use it through `wsgireload.server.native`.

Every function is that of csrc/wsgireload.h with the same name, where threads and arguments are
described. What may take a while releases the GIL. Text comes from the operating system,
with U+FFFD for bytes that are not UTF-8. An outcome is (status, code, call, message), the fields of
wsgireload_outcome.
"""

from typing import NewType, TypeAlias

_Outcome: TypeAlias = tuple[int, int, str, str]
_Watcher = NewType("_Watcher", object)  # a capsule, which frees the watcher

def probe() -> tuple[bool, int, int, int, int, str]:
    """Describe the server that this process is, with the fields of wsgireload_server."""

def command_line() -> str:
    """Return the command line that started this process. Windows only: "" elsewhere."""

def process_start(pid: int, /) -> int:
    """Windows only: return when a process started; 0: none runs. 1: not revealed, as elsewhere."""

def restart(signal: int, /) -> _Outcome:
    """Request that the server replace this process, on UNIX by one of enum wsgireload_signals."""

def taken() -> int:
    """Return the signals that do not reach mod_wsgi, as bits of enum wsgireload_signals."""

def rearm() -> None:
    """Allow restart() to request once more, if the server did not act on the request."""

def linger(seconds: int, /) -> _Outcome:
    """Windows only: end this process if it still runs so long after Apache began to replace it."""

def close_on_fork(descriptor: int, on: bool, /) -> None:
    """Give forked children the null device in place of a descriptor, or no longer."""

def job(process: int, /) -> tuple[int, _Outcome]:
    """Windows only: make a job of a process, by its handle: (job or -1, outcome)."""

def end_job(job: int, kill: bool, /) -> None:
    """Free a job, and end its processes if `kill`."""

def marks(paths: bytes, count: int, /) -> bytes:
    """Return 8 bytes for each path, in native byte order; ValueError if there are not `count`.

    Each has its NUL, in paths and names to the other functions too: the core reads to there.
    """

def file_system(path: bytes, /) -> tuple[int, _Outcome]:
    """Return the number of the kind of file system that a path is on: (number or -1, outcome)."""

def watch_begin() -> tuple[_Watcher | None, _Outcome]:
    """Return a new watcher: (watcher, outcome). None where the status is not 0."""

def watch_directory(watcher: _Watcher, path: bytes, interest: int, /) -> tuple[int, _Outcome]:
    """Watch a directory: (id or -1, outcome)."""

def watch_name(watcher: _Watcher, directory: int, name: bytes, /) -> None:
    """Report a name in a watched directory."""

def watch_forget(watcher: _Watcher, directory: int, /) -> None:
    """Stop watching a directory."""

def watch_wait(
    watcher: _Watcher, seconds: float, /
) -> tuple[list[tuple[int, int, bytes]], _Outcome]:
    """Wait for at most 240 changes: ([(directory, kind, name)], outcome)."""

def watch_wake(watcher: _Watcher, /) -> None:
    """End the current wait, or else the next one. From any thread."""

def watch_end(watcher: _Watcher, /) -> None:
    """Close the watcher's handle. Also in a forked child, where its parent watches on."""
