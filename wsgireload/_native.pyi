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
