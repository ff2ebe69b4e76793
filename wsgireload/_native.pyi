"""The C core as it is: statuses, no exceptions. `wsgireload.native` is the way to it.

Every function may be called in any thread of any interpreter, and releases the GIL. Texts are what
httpd or the operating system said, with U+FFFD for bytes that are not UTF-8.
"""

def probe() -> tuple[bool, str, str]:
    """What server this process is: (apache, version, mpm).

    The texts are "" where httpd does not say, and where this is not Apache.
    """

def restart() -> tuple[int, int, str, str]:
    """Ask the server to replace this process: (status, code, call, message).

    0 asked just now · 1 asked before, by whichever interpreter · 2 not supported here · 3 failed.
    After 2 and 3 `call` names what failed, and `code` and `message` are the operating system's
    number and words.
    """

def rearm() -> None:
    """Let restart() ask once more, for a restart that the server never took up."""
