"""What `wsgireload status` prints of a monitor."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from support.published import publish
from support.standinapache import apache

from wsgireload.cli import main, status, terminal
from wsgireload.cli.apache import httpd
from wsgireload.cli.running.described import duration
from wsgireload.server import process

FAILED = {
    "at": 0.0,
    "error": "NameError: name 'x' is not defined",
    "traceback": "Traceback (most recent call last):\n  File ...\nNameError: …\n",
    "path": "/srv/mysite/views.py",
    "line": 3,
}


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What the command prints."""
    main(["status", *words])
    return capsys.readouterr().out


def test_the_application(folder: Path, capsys) -> None:
    """The script, the time for which it runs, its requests and its own files are printed."""
    since = time.time() - 130
    publish(folder, script="/srv/mysite/app.wsgi", since=since, requests=12, files=69, own=2)
    out = printed(capsys)
    assert ": watching, 69 files, 2 of them yours\n" in out
    assert "      script       /srv/mysite/app.wsgi\n" in out
    assert "      running      for 2 min, 12 requests\n" in out


def test_a_script_that_hangs(folder: Path, capsys) -> None:
    """A script that is still being loaded is not watched in silence: the exit code is 1."""
    text = "the WSGI script is still being loaded: /srv/mysite/hello.py, line 9"
    publish(folder, loading=text)
    assert main(["status"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("warn")
    assert ": loading, " in out
    assert f"      loading      {text}\n" in out


def test_the_url(folder: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    """--verbose prints the URL, by Apache's configuration; a broken Apache does no harm."""
    made = apache(tmp_path, "Listen 8080\nWSGIScriptAlias /shop /srv/mysite/app.wsgi\n")
    publish(folder, script="/srv/mysite/app.wsgi")
    status._url.cache_clear()
    monkeypatch.setattr(httpd, "find", lambda: made)
    assert "      url          http://127.0.0.1:8080/shop" in printed(capsys, "--verbose")
    assert "8080" not in printed(capsys)
    status._url.cache_clear()
    monkeypatch.setattr(httpd, "find", lambda: 1 / 0)
    assert " url " not in printed(capsys, "--verbose")


def test_while_processes_are_replaced(folder: Path, capsys) -> None:
    """Between two processes of an application it is said that there will be a monitor."""
    this = {"apache": process.identity(os.getppid())}
    publish(folder, parent=os.getppid(), more=this).rename(folder / "0.ended")
    assert "no monitor runs now: the last process of site was replaced; " in printed(capsys)


def test_what_is_not_known(folder: Path, capsys) -> None:
    """Without events of mod_wsgi no number of requests is printed."""
    publish(folder, since=time.time() - 5)
    assert "      running      for 5 s\n" in printed(capsys)


def test_a_failed_start(folder: Path, capsys) -> None:
    """The exception is printed with its place, and its traceback with --verbose."""
    publish(folder, failed=FAILED | {"at": time.time() - 4})
    assert main(["status"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("fail  site, pid ")
    assert ": failed, 7 files\n" in out
    where = "(/srv/mysite/views.py, line 3)"
    assert f"      failed       4 s ago: NameError: name 'x' is not defined {where}\n" in out
    assert "Traceback" not in out
    assert "\n        Traceback (most" in printed(capsys, "--verbose")
    data = json.loads(printed(capsys, "--json"))
    assert not data["ok"]
    assert data["monitors"][0]["status"]["failed"]["line"] == 3


def test_the_output_of_a_check(folder: Path, capsys) -> None:
    """The last lines that a failed check has printed are indented; --verbose prints all."""
    output = "\n".join(f"line {number}\x1b[2J" for number in range(1, 31))
    publish(folder, holding="the preflight 'make check' ended with 2", output=output)
    out = printed(capsys)
    assert "      holding      the preflight 'make check' ended with 2\n        (10 lines" in out
    assert "\n        'line 11\\x1b[2J'\n" in out
    assert "line 10\\" not in out
    assert "line 10\\" in printed(capsys, "--verbose")


def test_a_pause(folder: Path, capsys) -> None:
    """A pause is printed with its end."""
    until = time.time() + 420.5
    publish(folder, paused=until)
    out = printed(capsys)
    assert out.startswith("warn  site, pid ")
    assert ": paused, 7 files\n" in out
    end = time.strftime("%H:%M:%S", time.localtime(until))
    assert f"      paused       until {end}, for 7 min; `wsgireload resume` ends it\n" in out


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (0.4, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_durations(seconds: float, text: str) -> None:
    """A duration is printed in its largest unit."""
    assert duration(seconds) == text


def frames(monkeypatch: pytest.MonkeyPatch, *deeds: object) -> None:
    """Let one deed happen after each frame of --watch, and Ctrl-C after the last one."""
    left = list(deeds)

    def sleep(_: float) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()  # type: ignore[operator]

    monkeypatch.setattr(status.time, "sleep", sleep)


def test_watch_prints_changes(folder: Path, capsys, monkeypatch) -> None:
    """Where the output is no terminal, --watch prints again what has changed, until Ctrl-C."""
    publish(folder)
    held = lambda: publish(folder, holding="a.py, line 1")  # noqa: E731
    later = lambda: publish(folder, holding="a.py, line 1", looks=9, requests=5)  # noqa: E731
    frames(monkeypatch, held, later, lambda: None)
    assert main(["status", "--watch"]) == 130
    out = capsys.readouterr().out
    assert [line.rpartition(": ")[2] for line in out.splitlines() if "pid" in line] == [
        "watching, 7 files",
        "holding, 7 files",
    ]


def test_watch_redraws(folder: Path, monkeypatch) -> None:
    """On a terminal --watch draws each second in the same place."""
    drawn: list[str] = []
    publish(folder)
    frames(monkeypatch, lambda: None, lambda: publish(folder, holding="a.py"))
    monkeypatch.setattr(status, "is_terminal", lambda: True)
    monkeypatch.setattr(status, "print_screen", drawn.append)
    assert main(["status", "--watch"]) == 130
    assert ["holding" in each for each in drawn] == [False, False, True]


def test_watch_as_json(folder: Path, capsys, monkeypatch) -> None:
    """With --json each change is one more JSON text, also on a terminal."""
    publish(folder)
    frames(monkeypatch, lambda: publish(folder, files=8))
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    assert main(["status", "--watch", "--json"]) == 130
    decoder, out = json.JSONDecoder(), capsys.readouterr().out
    first, end = decoder.raw_decode(out)
    second, _ = decoder.raw_decode(out[end:].lstrip())
    assert [each["monitors"][0]["status"]["files"] for each in (first, second)] == [7, 8]
