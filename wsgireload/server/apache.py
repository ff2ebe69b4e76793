"""The Apache of this process."""

from __future__ import annotations

import os

from wsgireload.changes import fingerprint
from wsgireload.server import native


def command(parent: int) -> str:
    """Return a fingerprint of the command line that started an Apache; "" if it is not revealed.

    `parent` is the pid of Apache's parent process. Other Apaches of this machine have another
    configuration, so another command line; the same Apache has the same one after its next start.
    """
    if os.name == "nt":
        return fingerprint(os.fsencode(native.command_line()))  # its child has the same
    try:
        with open(f"/proc/{parent}/cmdline", "rb") as file:
            return fingerprint(file.read())
    except OSError:
        return ""
