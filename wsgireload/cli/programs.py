"""Run other programs, to their end and with a time limit, and read the files of other users."""

from __future__ import annotations

import locale
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wsgireload import settings

TIMEOUT = 60.0  # seconds


@dataclass(frozen=True)
class Account:
    """A user with the groups and the environment of a login."""

    name: str
    uid: int
    gid: int
    home: str

    @classmethod
    def of(cls, user: str, group: str = "") -> Account | None:
        """Find a user, by name or as #uid; `group` likewise, by default the user's own.

        None for root, for an unknown one, on Windows, and where this process is not root: such a
        process can only be itself.
        """
        if os.name == "nt" or os.geteuid() != 0 or not user:
            return None
        import grp
        import pwd

        try:
            by_id = user.startswith("#")
            found = pwd.getpwuid(int(user[1:])) if by_id else pwd.getpwnam(user)
            gid = found.pw_gid
            if group:
                gid = int(group[1:]) if group.startswith("#") else grp.getgrnam(group).gr_gid
        except (KeyError, ValueError, OverflowError):
            return None
        account = cls(found.pw_name, found.pw_uid, gid, found.pw_dir)
        return account if account.uid else None


def run(
    words: Sequence[str],
    environment: Mapping[str, str] | None = None,
    folder: str | None = None,
    timeout: float = TIMEOUT,
    account: Account | None = None,
) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr; -1, "" and the reason if the program cannot run.

    `environment` is added to ours, `folder` is the current one by default; `timeout` in seconds.
    `account` is whose process it is, by default as this one.
    """
    known = {**settings.environment(), **(environment or {})}
    known.pop("AP_PARENT_PID", None)  # with it, an httpd takes itself for the child of another
    who: dict[str, Any] = {}
    if account is not None:
        known |= {"HOME": account.home, "USER": account.name, "LOGNAME": account.name}
        groups = os.getgrouplist(account.name, account.gid)
        who = {"user": account.uid, "group": account.gid, "extra_groups": groups}
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
