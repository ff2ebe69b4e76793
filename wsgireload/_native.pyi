"""The C core as a module: statuses, no exceptions. Use it through `wsgireload.server.native`.

Every function may be called in any thread of any interpreter, but those of a watcher in one thread
at a time, except watch_wake. What may take a while releases the GIL. Text comes from httpd or the
operating system, with U+FFFD for bytes that are not UTF-8.

An outcome is (status, code, call, message). The statuses: 0 done · 1 requested before, by whichever
interpreter · 2 not supported here · 3 failed · 4 not ready. After 2, 3 and 4 `call` names what
failed, and `code` and `message` are the operating system's, or 0 and ours.
"""

from typing import NewType, TypeAlias

_Outcome: TypeAlias = tuple[int, int, str, str]
_Watcher = NewType("_Watcher", object)  # a capsule, which frees the watcher

def probe() -> tuple[bool, str, str, int, int, int, int, str]:
    """Describe the server that this process is.

    (apache, version, mpm, parent, state, generation, restart, refusal), the fields of
    wsgireload_server. Text is "" where httpd supplies none, and where this is not Apache.
    """

def command_line() -> str:
    """Return the command line that started this process. Windows only: "" elsewhere."""

def restart() -> _Outcome:
    """Request that the server replace this process."""

def rearm() -> None:
    """Allow restart() to request once more, if the server did not act on the request."""

def linger(seconds: int, /) -> _Outcome:
    """End this process if it still runs so long after Apache began to replace it.

    Windows only. A later call replaces an earlier one, and 0 cancels it.
    """

def open_shared(path: str, /) -> tuple[int, _Outcome]:
    """Open a file for reading while others may write, rename and delete it: (handle, outcome).

    Windows only: the handle is Windows' own, -1 where the status is not 0.
    """

def marks(paths: bytes, count: int, /) -> bytes:
    """Examine files, whose paths end in a NUL each: 8 bytes for each, in native byte order.

    An unsigned number that changes when the file is written, replaced or restored. 0: there is no
    such file; 1: it cannot be examined. ValueError where `paths` does not hold `count` paths.
    """

def watch_begin() -> tuple[_Watcher | None, _Outcome]:
    """Return a new watcher: (watcher, outcome). None where the status is not 0."""

def watch_directory(
    watcher: _Watcher, path: bytes, interest: int, trust: bool, /
) -> tuple[int, _Outcome]:
    """Watch a directory: (id, outcome).

    `interest` is 0 for the directory itself, 1 for names in it, 2 for everything in it. The id is
    -1 where the status is not 0; where that is 2, the message is the kind of file system.
    """

def watch_name(watcher: _Watcher, directory: int, name: bytes, /) -> None:
    """Report a name in a watched directory."""

def watch_forget(watcher: _Watcher, directory: int, /) -> None:
    """Stop watching a directory."""

def watch_wait(
    watcher: _Watcher, milliseconds: int, /
) -> tuple[list[tuple[int, bool, bytes]], _Outcome]:
    """Wait for changes: ([(directory, gone, name)], outcome).

    1,024 of them at most; none when the time is over, or after watch_wake.
    """

def watch_wake(watcher: _Watcher, /) -> None:
    """End the current wait, or else the next one. From any thread."""

def watch_end(watcher: _Watcher, /) -> None:
    """Close the watcher's handle. Also in a forked child, where its parent watches on."""
