"""May another user read a file or a folder? By the permissions of all that leads to it."""

from __future__ import annotations

import os
import stat

READ, PASS = 4, 1


def trouble(path: str, user: str) -> str:
    """What is in the way, in a few words; "" where nothing is, as far as permissions tell.

    `user` is a name; "" is who we are.
    """
    path = os.path.abspath(path)
    steps = [path]
    while (above := os.path.dirname(steps[-1])) != steps[-1]:
        steps.append(above)
    who = _ids(user)
    for step in reversed(steps):
        wanted = READ if step == path else PASS
        try:
            found = os.stat(step)
        except OSError as error:
            return f"{step}: {error.strerror}"
        if step == path and stat.S_ISDIR(found.st_mode):
            wanted |= PASS
        if not _may(found, step, wanted, who):
            return f"{step} has mode {stat.filemode(found.st_mode)}"
    return ""


def _ids(user: str) -> tuple[int, set[int]] | None:
    """The user's number and groups; None for who we are, or where there are none."""
    if not user or os.name == "nt":
        return None
    import pwd

    try:
        known = pwd.getpwnam(user)
    except KeyError:
        return None
    if known.pw_uid == os.geteuid():
        return None
    return known.pw_uid, set(os.getgrouplist(user, known.pw_gid))


def _may(found: os.stat_result, path: str, wanted: int, who: tuple[int, set[int]] | None) -> bool:
    if who is None:
        mode = (os.R_OK if wanted & READ else 0) | (os.X_OK if wanted & PASS else 0)
        return os.access(path, mode)
    user, groups = who
    shift = 6 if found.st_uid == user else 3 if found.st_gid in groups else 0
    return user == 0 or (found.st_mode >> shift) & wanted == wanted
