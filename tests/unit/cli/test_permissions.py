"""What another user may read and write, by the modes of folders and the groups of a process."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from wsgireload.cli.apache import accounts
from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.httpd import Dump
from wsgireload.cli.apache.sites import Site
from wsgireload.cli.doctor import permissions, python
from wsgireload.cli.installation import Installation

UNKNOWN = accounts.Identity(2**31, 2**31, [], "somebody", "/")


@pytest.mark.parametrize(
    ("mode", "may"), [(0o755, True), (0o700, False), (0o711, True), (0o750, False)]
)
def test_permissions_of_another_user(mode: int, may: bool, monkeypatch) -> None:
    """Another user needs x on every folder of the path."""
    monkeypatch.setattr(accounts.Account, "identity", lambda _: UNKNOWN)
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is closed to others
        file = Path(folder, "file")
        file.write_text("")
        file.chmod(0o644)
        Path(folder).chmod(mode)
        said = permissions.obstacle(str(file), accounts.Account("somebody"))
    assert said == ("" if may else f"{folder} has mode {stat.filemode(stat.S_IFDIR | mode)}")


@pytest.mark.parametrize(
    ("mode", "may"), [(0o755, False), (0o777, True), (0o773, True), (0o772, False)]
)
def test_writing_by_another_user(mode: int, may: bool, monkeypatch) -> None:
    """Another user needs w and x on a folder to create files there."""
    monkeypatch.setattr(accounts.Account, "identity", lambda _: UNKNOWN)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(mode)
        assert permissions.is_writable(folder, accounts.Account("somebody")) is may


@pytest.mark.skipif(os.geteuid() != 0, reason="for another user there has to be more than one")
@pytest.mark.parametrize(
    ("options", "may"),
    [
        ([], True),  # Apache's Group
        (["user=nobody"], True),
        (["user=nobody", "group=nogroup"], False),
        (["user=nobody", "group=nogroup", "supplementary-groups=tty,www-data"], True),
        (["user=#65534", "group=#33"], True),
        (["user=#65534", "group=#65534"], False),
        (["group=www-data"], True),
    ],
)
def test_permissions_of_groups(options: list[str], may: bool) -> None:
    """A process has the groups of its WSGIDaemonProcess, or else Apache's Group."""
    values = {"User": 'name="nobody" id=65534', "Group": 'name="www-data" id=33'}
    dump = Dump("", frozenset(), {}, values, {})
    alias = Directive("wsgiscriptalias", ("/", "/srv/app.wsgi"))
    daemon = Directive("wsgidaemonprocess", ("site", *options))
    site = Site("/srv/app.wsgi", "/", alias, "site", "", daemon)
    with tempfile.NamedTemporaryFile() as file:
        os.chown(file.name, 0, 33)
        Path(file.name).chmod(0o640)
        found = permissions.obstacle(file.name, accounts.of_site(site, dump))
    assert (found == "") is may


@pytest.mark.parametrize("option", ["python-home", "python-path"])
def test_a_folder_of_another_user(tmp_path: Path, option: str, monkeypatch) -> None:
    """Python ends at its start, or finds no modules, where its folders are closed to its user."""
    monkeypatch.setattr(accounts.Account, "identity", lambda _: UNKNOWN)
    for name in ("app", "closed"):
        (tmp_path / name).mkdir()
    script_path = tmp_path / "app" / "app.wsgi"
    script_path.write_text("")
    (tmp_path / "closed").chmod(0o700)
    allowed = permissions._is_allowed
    inside = str(tmp_path / "closed")
    monkeypatch.setattr(
        permissions,
        "_is_allowed",
        lambda found, path, *rest: path != inside or allowed(found, path, *rest),
    )
    daemon = Directive("wsgidaemonprocess", ("site", f"{option}={inside}"))
    site = Site(str(script_path), "/", daemon, "site", "", daemon)
    found = python.readable(Installation.current(), site, accounts.Account("somebody"))
    assert (found.level, f"cannot read {inside}" in found.text) == ("fail", True)
