"""This process and its Apache, by what tells them apart from others."""

from __future__ import annotations

import os

from wsgireload.changes import fingerprint
from wsgireload.server import native, process


def identities(parent: int) -> tuple[str, str, str]:
    """Return what `Snapshot` has of this process, of its Apache, and of the command of that.

    `parent` is the pid of Apache's parent process.
    """
    return process.identity(os.getpid()), process.identity(parent), command(parent)


def command(parent: int) -> str:
    """Return a fingerprint of the command line that started an Apache; "" if it is not revealed.

    `parent` is the pid of Apache's parent process. Other Apaches of this machine have another
    configuration, so another command line; the same Apache has the same one after its next start.
    """
    if os.name == "nt":
        return fingerprint(os.fsencode(native.command_line()))  # its child has the same
    try:
        return fingerprint(process.proc(parent, "cmdline"))
    except OSError:
        return ""
