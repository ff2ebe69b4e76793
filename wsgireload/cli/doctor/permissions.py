"""Whether another user may read a file or a folder, by the permissions on the way to it."""

from __future__ import annotations

import os
import stat

from wsgireload.cli.apache.accounts import Account, Identity

READ, WRITE, SEARCH = 4, 2, 1


def obstacle(path: str, account: Account, access: int = READ) -> str:
    """Return what prevents a process from reading a path; "" if its permissions do not.

    `access` is READ, WRITE or both.
    """
    path = os.path.abspath(path)
    steps = [path]
    while (above := os.path.dirname(steps[-1])) != steps[-1]:
        steps.append(above)
    identity = account.identity()
    for step in reversed(steps):
        wanted = access if step == path else SEARCH
        try:
            found = os.stat(step)
        except OSError as error:
            return f"{step}: {error.strerror}"
        if step == path and stat.S_ISDIR(found.st_mode):
            wanted |= SEARCH
        if not _is_allowed(found, step, wanted, identity):
            return f"{step} has mode {stat.filemode(found.st_mode)}"
    return ""


def is_writable(folder: str, account: Account) -> bool:
    """Return whether a process may create files in a folder."""
    is_fixed = os.statvfs(folder).f_flag & os.ST_RDONLY
    return not is_fixed and not obstacle(folder, account, WRITE)


def is_hidden(path: str) -> bool:
    """Return whether we may not even see if a path exists."""
    try:
        os.stat(path)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return False


def _is_allowed(found: os.stat_result, path: str, wanted: int, identity: Identity | None) -> bool:
    if identity is None:
        return os.access(path, wanted)  # R_OK, W_OK and X_OK are the same bits
    shift = 6 if found.st_uid == identity.uid else 3 if found.st_gid in identity.groups else 0
    return identity.uid == 0 or (found.st_mode >> shift) & wanted == wanted
