"""Run other programs, to their end and with a time limit, and read the files of other users."""

from __future__ import annotations

import locale
import subprocess
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wsgireload import settings

if TYPE_CHECKING:
    from wsgireload.cli.apache.accounts import Identity

TIMEOUT = 60.0  # seconds


def run(
    words: Sequence[str],
    environment: Mapping[str, str] | None = None,
    folder: str | None = None,
    timeout: float = TIMEOUT,
    identity: Identity | None = None,
    base: Mapping[str, str] | None = None,
) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr; -1, "" and the reason if the program cannot run.

    `environment` is added to `base`, by default our own; `folder` is the current one by default;
    `timeout` in seconds. `identity` is whose process it is, by default as this one; another takes
    root.
    """
    known = {**(settings.environment() if base is None else base), **(environment or {})}
    known.pop("AP_PARENT_PID", None)  # with it, an httpd takes itself for the child of another
    who: dict[str, Any] = {}
    if identity is not None:
        known |= dict.fromkeys(("USER", "LOGNAME"), identity.name) | {"HOME": identity.home}
        who = {"user": identity.uid, "group": identity.gid, "extra_groups": identity.groups}
    try:
        done = subprocess.run(
            words,
            env=known,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
            **who,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return -1, "", str(error)
    return done.returncode, _text(done.stdout), _text(done.stderr)


def _text(printed: bytes) -> str:
    """Read UTF-8, which Apache prints on Windows too, or else text of the locale."""
    try:
        text = printed.decode("utf-8")
    except UnicodeDecodeError:
        text = printed.decode(locale.getencoding(), "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_file(path: str) -> str:
    """Return the text of a file; "" if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:  # another user's file
        return ""
