"""Whose processes serve a site: their user and groups."""

from __future__ import annotations

import os
from typing import NamedTuple

from wsgireload.cli.apache.httpd import Dump
from wsgireload.cli.apache.sites import Site


class Identity(NamedTuple):
    """What a process of an account is to the system."""

    uid: int
    gid: int
    groups: list[int]
    name: str
    home: str


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

    def uid(self) -> int | None:
        """Return the number of the user; None for the current or an unknown one."""
        if self.user.startswith("#"):
            return int(self.user[1:]) if self.user[1:].isdecimal() else None
        import pwd

        try:
            return pwd.getpwnam(self.user).pw_uid if self.user else None
        except KeyError:
            return None

    def identity(self) -> Identity | None:
        """Return who this is; None for the current or an unknown user, and on Windows."""
        if os.name == "nt" or (uid := self.uid()) in (None, os.geteuid()):
            return None
        import pwd

        try:
            known = pwd.getpwuid(uid)
            gid = _number(self.group) if self.group else known.pw_gid
            if self.others is None:
                groups = os.getgrouplist(known.pw_name, gid)
            else:
                groups = [gid, *map(_number, self.others)]
        except (KeyError, ValueError, OverflowError):
            return None
        return Identity(uid, gid, groups, known.pw_name, known.pw_dir)


def of_site(site: Site, dump: Dump) -> Account:
    """Return who the processes of a site are."""
    others = site.option("supplementary-groups")
    return Account(
        site.option("user") or dump.user,
        site.option("group") or dump.group,
        tuple(others.split(",")) if others else None,
    )


def _number(group: str) -> int:
    import grp

    return int(group[1:]) if group.startswith("#") else grp.getgrnam(group).gr_gid
