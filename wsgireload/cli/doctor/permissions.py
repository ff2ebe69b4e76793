"""Whether another user may read a file or a folder, by the permissions on the way to it."""

from __future__ import annotations

import os
import stat

READ, WRITE, SEARCH = 4, 2, 1


def obstacle(path: str, user: str, access: int = READ) -> str:
    """Return what prevents a user from reading a path; "" if its permissions do not.

    `user` is a name; "" is the current user. `access` is READ, WRITE or both.
    """
    path = os.path.abspath(path)
    steps = [path]
    while (above := os.path.dirname(steps[-1])) != steps[-1]:
        steps.append(above)
    known = ids(user)
    for step in reversed(steps):
        wanted = access if step == path else SEARCH
        try:
            found = os.stat(step)
        except OSError as error:
            return f"{step}: {error.strerror}"
        if step == path and stat.S_ISDIR(found.st_mode):
            wanted |= SEARCH
        if not _is_allowed(found, step, wanted, known):
            return f"{step} has mode {stat.filemode(found.st_mode)}"
    return ""


def is_writable(folder: str, user: str) -> bool:
    """Return whether a user may create files in a folder."""
    is_fixed = os.statvfs(folder).f_flag & os.ST_RDONLY
    return not is_fixed and not obstacle(folder, user, WRITE)


def is_hidden(path: str) -> bool:
    """Return whether we may not even see if a path exists."""
    try:
        os.stat(path)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return False


def ids(user: str) -> tuple[int, set[int]] | None:
    """Return the uid and groups of a user; None for the current or an unknown one."""
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


def _is_allowed(
    found: os.stat_result, path: str, wanted: int, ids: tuple[int, set[int]] | None
) -> bool:
    if ids is None:
        return os.access(path, wanted)  # R_OK, W_OK and X_OK are the same bits
    uid, groups = ids
    shift = 6 if found.st_uid == uid else 3 if found.st_gid in groups else 0
    return uid == 0 or (found.st_mode >> shift) & wanted == wanted
