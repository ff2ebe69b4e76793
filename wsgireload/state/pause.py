"""A pause: until when no process of an application restarts, whoever saves what.

It is an empty file beside the status files, `<application>.pause`. Its start is its time of access,
and its end its time of modification: root may have created it, and its content would be closed to
the processes of this user.
"""

import contextlib
from typing import NamedTuple

from wsgireload.changes import fingerprint
from wsgireload.state.private_dir import PrivateDir

PAUSE = ".pause"
LONGEST = 86400.0  # seconds: it has to end by itself


class Pause(NamedTuple):
    """Its start and its end, in seconds since 1970."""

    since: float
    until: float

    def left(self, now: float) -> float:
        """Return the seconds until its end; 0 or less if it is over.

        Never more than it had at its start, if the clock has been set back since then.
        """
        return min(self.until - now, self.until - self.since, LONGEST)

    def begin(self, folder: PrivateDir, application: str) -> None:
        """Create the file, in place of that of an earlier pause; OSError if that fails."""
        folder.write(application + PAUSE, b"", times=(self.since, self.until))


def read(folder: PrivateDir, application: str) -> Pause | None:
    """Return the pause, which may be over; None if there is no file."""
    with contextlib.suppress(OSError):
        return Pause(*folder.times(application + PAUSE))
    return None


def end(folder: PrivateDir, application: str) -> bool:
    """Remove the file. False if there is none; OSError if it is still there."""
    name = application + PAUSE
    if folder.remove(name):
        return True
    if folder.has(name):
        raise PermissionError(f"cannot remove {name}")
    return False


def application_name(server: str, group: str, script: str | None, command: str = "") -> str:
    """Return a name for an application: the same in its processes, of any Apache of this user.

    `server` is the kind of its server, `group` its process group, "" where it has none. With a
    `command`, it is the name for that Apache alone: see server/apache.py.
    """
    return fingerprint(" ".join([server, group or script or "", *filter(None, [command])]).encode())
