"""Which of the running applications a command line names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support.published import publish

from wsgireload.cli import main


def requested(folder: Path) -> list[str]:
    """The monitors from which a restart was requested."""
    return sorted(path.stem for path in folder.glob("*.restart"))


@pytest.fixture
def several(folder: Path) -> Path:
    """Two applications: one with two processes, and one with two interpreters."""
    publish(folder, "1-a", group="shop", script="/srv/shop/app.wsgi")
    publish(folder, "2-a", group="shop", script="/srv/shop/app.wsgi", pid=os.getppid())
    publish(folder, "3-a", group="blog", script="/srv/blog/app.wsgi")
    publish(folder, "3-b", group="blog", script="/srv/blog/admin.wsgi", application="admin")
    return folder


def test_several_applications_are_listed(several: Path, capsys) -> None:
    """Without a name nothing is restarted: the applications are listed, and the exit code is 2."""
    assert main(["restart", "--wait", "0"]) == 2
    data = capsys.readouterr()
    assert data.out == ""
    assert data.err == (
        "wsgireload: several applications run; name one, or use --all:\n"
        f"  blog, pid {os.getpid()}, /srv/blog/admin.wsgi, /srv/blog/app.wsgi\n"
        f"  shop, pid {', '.join(map(str, sorted((os.getpid(), os.getppid()))))}, "
        "/srv/shop/app.wsgi\n"
    )
    assert requested(several) == []


def test_several_applications_as_json(several: Path, capsys) -> None:
    """JSON has them too, so that a program can choose."""
    assert main(["restart", "--wait", "0", "--json"]) == 2
    data = json.loads(capsys.readouterr().out)
    assert not data["ok"]
    assert [each["name"] for each in data["applications"]] == ["blog", "shop"]
    assert data["applications"][1]["scripts"] == ["/srv/shop/app.wsgi"]


@pytest.mark.parametrize(
    ("given", "restarted"),
    [
        (["shop"], ["1-a", "2-a"]),
        (["/srv/blog/admin.wsgi"], ["3-a", "3-b"]),
        (["--all"], ["1-a", "2-a", "3-a", "3-b"]),
    ],
    ids=str,
)
def test_a_named_application(several: Path, given: list[str], restarted: list[str]) -> None:
    """A name, a script or --all selects all processes of the applications that it names."""
    assert main(["restart", *given, "--wait", "0"]) == 1  # nothing comes of it here
    assert requested(several) == restarted


def test_the_only_application_needs_no_name(folder: Path) -> None:
    """Several processes or interpreters of one application are no choice."""
    publish(folder, "1-a", group="shop")
    publish(folder, "2-a", group="shop", pid=os.getppid(), application="admin")
    assert main(["restart", "--wait", "0"]) == 1
    assert requested(folder) == ["1-a", "2-a"]


@pytest.mark.parametrize("name", ["nothing", "/srv/shop", "sho", "\x1b[2J"])
def test_no_such_application(several: Path, name: str, capsys) -> None:
    """A name that means none is an error that lists those that run."""
    assert main(["restart", name, "--wait", "0"]) == 2
    err = capsys.readouterr().err
    assert f"NAME is {name!r}; it takes one of the applications that run:\n  blog, pid" in err
    assert requested(several) == []


def test_one_name_in_two_apaches(folder: Path, capsys) -> None:
    """A name that two Apaches have restarts none of them; the script tells them apart."""
    publish(folder, "1-a", group="site", parent=7, script="/srv/one.wsgi")
    publish(folder, "2-a", group="site", parent=8, script="/srv/two.wsgi")
    assert main(["restart", "site", "--wait", "0"]) == 2
    assert "name its WSGI script" in capsys.readouterr().err
    assert requested(folder) == []
    assert main(["restart", "/srv/two.wsgi", "--wait", "0"]) == 1
    assert requested(folder) == ["2-a"]


@pytest.fixture
def _gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder was removed, as an old release."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()


@pytest.mark.usefixtures("_gone")
def test_in_a_folder_that_is_gone(several: Path, capsys) -> None:
    """A name is looked up as elsewhere; a relative path makes no sense there."""
    assert main(["restart", "shop", "--wait", "0"]) == 1
    assert requested(several) == ["1-a", "2-a"]
    assert main(["restart", "/srv/blog/admin.wsgi", "--wait", "0"]) == 1
    assert main(["restart", "sho", "--wait", "0"]) == 2
    assert "NAME is 'sho'" in capsys.readouterr().err


@pytest.mark.usefixtures("_gone")
@pytest.mark.parametrize("words", [["files", "a.wsgi"], ["config", "--flask", "a:b"]], ids=str)
def test_paths_in_a_folder_that_is_gone(words: list[str], capsys) -> None:
    """A command that needs the current folder reports that it is gone."""
    assert main(words) == 2
    expected = "wsgireload: the current folder is gone: change to one that exists\n"
    assert capsys.readouterr().err == expected


def test_a_name_and_all(several: Path, capsys) -> None:
    """NAME and --all exclude each other."""
    assert main(["restart", "shop", "--all"]) == 2
    assert "exclude each other" in capsys.readouterr().err


def test_a_name_where_nothing_runs(folder: Path, capsys) -> None:
    """Without any monitor a name is no mistake: there is nothing to restart."""
    assert main(["restart", "shop"]) == 1
    assert "no monitor found" in capsys.readouterr().out
