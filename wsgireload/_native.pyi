"""The C core as it is: statuses, no exceptions. `wsgireload.native` is the way to it.

Every function may be called in any thread of any interpreter, and releases the GIL. Texts are what
httpd or the operating system said, with U+FFFD for bytes that are not UTF-8.

Statuses: 0 done · 1 asked before, by whichever interpreter · 2 not supported here · 3 failed ·
4 not ready. After 2, 3 and 4 `call` names what failed, and `code` and `message` are the operating
system's number and words, or our words and 0.
"""

def probe() -> tuple[bool, str, str, int, int, int, int, str]:
    """What server this process is.

    (apache, version, mpm, parent, state, generation, restart, refusal), the fields of
    wsgireload_server. The texts are "" where httpd does not say, and where this is not Apache.
    """

def command_line() -> str:
    """How this process was started, in one string. Windows alone: "" elsewhere."""

def restart() -> tuple[int, int, str, str]:
    """Ask the server to replace this process: (status, code, call, message)."""

def rearm() -> None:
    """Let restart() ask once more, for a restart that the server never took up."""

def linger(seconds: int, /) -> tuple[int, int, str, str]:
    """End this process so long after Apache began to replace it: (status, code, call, message).

    Windows alone. A later call counts anew, and 0 calls it off.
    """

def open_shared(path: str, /) -> tuple[int, tuple[int, int, str, str]]:
    """Open a file for reading, in nobody's way: (handle, (status, code, call, message)).

    Windows alone: the handle is Windows' own, -1 where the status is not 0.
    """

def watch_begin() -> tuple[int, tuple[int, int, str, str]]:
    """Begin to watch: (watcher, (status, code, call, message)). The watcher is to be ended."""

def watch_directory(
    watcher: int, path: bytes, interest: int, trust: bool, /
) -> tuple[int, tuple[int, int, str, str]]:
    """Watch a directory: (number, (status, code, call, message)).

    `interest` is 0 for the directory itself, 1 for names in it, 2 for all that is in it. The number
    is -1 where the status is not 0; where that is 2, the message is the kind of file system.
    """

def watch_name(watcher: int, directory: int, name: bytes, /) -> None:
    """Hear of a name in a directory that is watched."""

def watch_forget(watcher: int, directory: int, /) -> None:
    """Watch a directory no more."""

def watch_wait(
    watcher: int, milliseconds: int, /
) -> tuple[list[tuple[int, bool, bytes]], tuple[int, int, str, str]]:
    """Wait for changes: ([(directory, gone, name)], (status, code, call, message)).

    64 of them at most; none when the time is over, or the watcher was woken or ended.
    """

def watch_wake(watcher: int, /) -> None:
    """End the wait that is on, or else the next one."""

def watch_end(watcher: int, /) -> None:
    """End a watcher, and the wait that is on in another thread."""

def marks(paths: bytes, count: int, /) -> bytes:
    """Look at so many files, whose paths end in a NUL each: 8 bytes for each, in native order.

    An unsigned number that moves when the file is written, replaced or restored. 0: there is no
    file; 1: it cannot be looked at. ValueError where `paths` does not hold so many.
    """
