"""The doctor's finding about the coordinator of a fleet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wsgireload.cli.apache import accounts
from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.sites import Site
from wsgireload.cli.doctor import fleet, permissions
from wsgireload.cli.doctor.finding import Finding
from wsgireload.turn.rules import YES, Answer

Examine = Callable[[str], list[Finding]]


@pytest.fixture
def examined(tmp_path: Path) -> Examine:
    """The findings about a script with this value of `rolling`."""

    def examine(rolling: str) -> list[Finding]:
        script = tmp_path / "app.wsgi"
        script.write_text(f"import wsgireload\nwsgireload.start(rolling={rolling})\n")
        alias = Directive("wsgiscriptalias", ("/", str(script)))
        daemon = Directive("wsgidaemonprocess", ("site", f"python-path={tmp_path}"))
        site = Site(str(script), "/", alias, "site", "", daemon)
        return list(fleet.examine(site, accounts.Account("www-data")))

    return examine


@pytest.mark.parametrize("rolling", ["False", "True", "['lock']", "'redis://db'", "unknown"])
def test_no_coordinator(rolling: str, examined: Examine) -> None:
    """Without an address there is nothing to reach; a wrong one is found with the settings."""
    assert examined(rolling) == []


def test_it_answers(examined: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The finding shows who has the turn."""
    monkeypatch.setattr(fleet, "request", lambda *_words: Answer(YES, "no machine has it"))
    [found] = examined("'redis://db/site'")
    assert (found.level, found.text) == ("ok", "redis://db/site answers: no machine has it")


def test_no_answer(examined: Examine) -> None:
    """It is a failure, as every restart is held; the cure names the file for a password."""
    [found] = examined("'redis://127.0.0.1:1/site'")
    assert found.level == "fail"
    assert "no answer from redis://127.0.0.1:1/site: Connection refused" in found.text
    assert "?secret=PATH" in found.cure


def test_a_secret_that_apache_cannot_read(
    examined: Examine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has to be readable for Apache's user, not for who runs the doctor."""
    asked: list[tuple[str, str]] = []

    def obstacle(path: str, account: accounts.Account) -> str:
        asked.append((path, account.user))
        return f"{path} has mode -rw-------"

    monkeypatch.setattr(permissions, "obstacle", obstacle)
    [found] = examined(f"'redis://127.0.0.1:1/site?secret={tmp_path}/secret'")
    assert asked == [(f"{tmp_path}/secret", "www-data")]
    assert (found.level, "www-data cannot read" in found.text) == ("fail", True)
