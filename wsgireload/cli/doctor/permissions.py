"""Whether another user may read a file or a folder, by the permissions on the way to it."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from wsgireload.cli.httpd import Dump
from wsgireload.cli.sites import Site

READ, WRITE, SEARCH = 4, 2, 1


class Account(NamedTuple):
    """The user and the groups of a process, each a name, or a number as in `#33`.

    `user` "" is the current user, `group` "" that user's own. `others` are the further groups;
    None for those that have the user as a member.
    """

    user: str
    group: str = ""
    others: tuple[str, ...] | None = None

    def __str__(self) -> str:
        return self.user or "this user"


def of_site(site: Site, dump: Dump) -> Account:
    """Return who the processes of a site are."""
    others = site.option("supplementary-groups")
    return Account(
        site.option("user") or dump.user,
        site.option("group") or dump.group,
        tuple(others.split(",")) if others else None,
    )


def obstacle(path: str, account: Account, access: int = READ) -> str:
    """Return what prevents a process from reading a path; "" if its permissions do not.

    `access` is READ, WRITE or both.
    """
    path = os.path.abspath(path)
    steps = [path]
    while (above := os.path.dirname(steps[-1])) != steps[-1]:
        steps.append(above)
    known = _ids(account)
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


def uid(account: Account) -> int | None:
    """Return the uid of an account; None for the current or an unknown user."""
    if account.user.startswith("#"):
        return int(account.user[1:]) if account.user[1:].isdecimal() else None
    import pwd

    try:
        return pwd.getpwnam(account.user).pw_uid if account.user else None
    except KeyError:
        return None


def _ids(account: Account) -> tuple[int, set[int]] | None:
    """Return the uid and groups of an account; None for the current or an unknown user."""
    if os.name == "nt" or (user := uid(account)) in (None, os.geteuid()):
        return None
    import grp
    import pwd

    def number(name: str) -> int:
        return int(name[1:]) if name.startswith("#") else grp.getgrnam(name).gr_gid

    try:
        known = pwd.getpwuid(user)
        group = number(account.group) if account.group else known.pw_gid
        if account.others is None:
            groups = set(os.getgrouplist(known.pw_name, group))
        else:
            groups = {group, *map(number, account.others)}
    except (KeyError, ValueError):
        return None
    return user, groups


def _is_allowed(
    found: os.stat_result, path: str, wanted: int, ids: tuple[int, set[int]] | None
) -> bool:
    if ids is None:
        return os.access(path, wanted)  # R_OK, W_OK and X_OK are the same bits
    uid, groups = ids
    shift = 6 if found.st_uid == uid else 3 if found.st_gid in groups else 0
    return uid == 0 or (found.st_mode >> shift) & wanted == wanted
