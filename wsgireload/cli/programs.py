"""Other programs: run to their end, without a terminal, and not for ever."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from wsgireload import settings

TIMEOUT = 60.0  # seconds


def run(words: Sequence[str], environment: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Exit code, stdout and stderr; -1 and the reason for a program that cannot be run.

    `environment` is what it has beside ours.
    """
    known = {**settings.environment(), **(environment or {})}
    known.pop("AP_PARENT_PID", None)  # an httpd that finds it believes that it is another's child
    try:
        done = subprocess.run(
            words,
            env=known,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return -1, "", str(error)
    return done.returncode, done.stdout, done.stderr
