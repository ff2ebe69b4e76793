"""The command line of a Windows Python, with a real winnt Apache."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.windows.lab import windows
from support.windows.testsite import WindowsSite


class Command:
    """Runs `python -m wsgireload` with the Windows Python of a site."""

    def __init__(self, site: WindowsSite) -> None:
        self._site = site
        self._packages = next(path for path in site.served.python_path if str(path) != "app")

    def __call__(self, *words: str) -> tuple[int, Any]:
        """The exit code, and the output of `--json`."""
        lab, version = self._site.lab, self._site.version
        python = lab.home(version) / "python.exe"
        known = {"PYTHONPATH": windows(self._packages), "PYTHONUTF8": "1"}
        done = lab.run(python, "-P", "-m", "wsgireload", *words, "--json", environment=known)
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)


@pytest.fixture
def command(site: WindowsSite) -> Command:
    """The command line with the Python of the site."""
    return Command(site)


def test_doctor(site: WindowsSite, command: Command) -> None:
    """On a real winnt Apache every finding is ok."""
    httpd = windows(site.apache.httpd)
    code, told = command("doctor", "--httpd", httpd, "--config", windows(site.root / "httpd.conf"))
    said = {each["what"]: each for each in told["findings"]}
    assert {what: each["text"] for what, each in said.items() if each["level"] != "ok"} == {}
    assert code == 0
    assert "Apache/2.4.69 (Win64), 64-bit, WinNT MPM" in said["Apache"]["text"]
    assert "6.1.1 for Python 3.11 (python311.dll)" in said["mod_wsgi"]["text"]
    assert "changes are reported at once" in said["events"]["text"]


def test_status_and_restart(site: WindowsSite, command: Command) -> None:
    """A running child is found by its status file, and restarts on request."""
    code, told = command("status")
    assert code == 0
    assert [each["status"]["pid"] for each in told["monitors"]] == [site.child]
    before = site.child
    code, told = command("restart", "--wait", "20")
    assert (code, [each["pid"] for each in told["monitors"]]) == (0, [before])
    site.wait_for_line("restarting: requested by hand: wsgireload restart")
    site.wait_for(lambda: site.child != before, "another child")


def test_restart_by_the_pid_file(site: WindowsSite, command: Command) -> None:
    """An event of its parent restarts Apache itself, unless its configuration is broken."""
    config, httpd = site.root / "httpd.conf", windows(site.apache.httpd)
    where = ("--pid-file", windows(site.root / "httpd.pid"), "--httpd", httpd)
    where += ("--config", windows(config))
    text = config.read_text()
    config.write_text(text + "Nonsense On\n")
    code, told = command("restart", *where)
    assert code == 1
    assert "Invalid command 'Nonsense'" in told["trouble"]
    config.write_text(text)
    assert command("restart", *where)[0] == 0
    site.wait_for(lambda: site.restarts() == 1, "a restart")
