"""The command line of a Windows Python, with a real winnt Apache."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from support.windows import installed
from support.windows.testsite import WindowsSite, WindowsSites


def command(*words: str | Path) -> tuple[int, Any]:
    """Run `python -m wsgireload`: its exit code, and the output of `--json`."""
    done = installed.python("-m", "wsgireload", *words, "--json")
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_doctor(site: WindowsSite) -> None:
    """On a real winnt Apache every finding is ok."""
    code, told = command("doctor", "--httpd", site.apache.httpd, "--config", site.config)
    said = {each["what"]: each for each in told["findings"]}
    assert {what: each["text"] for what, each in said.items() if each["level"] != "ok"} == {}
    assert code == 0
    apache = r"Apache/2\.4\.\d+ \(Win64\).*, 64-bit, WinNT MPM"
    assert re.search(apache, said["Apache"]["text"])
    major, minor = sys.version_info[:2]
    mod_wsgi = rf"\d+\.\d+\.\d+ for Python {major}\.{minor} \(python{major}{minor}\.dll\)"
    assert re.search(mod_wsgi, said["mod_wsgi"]["text"])
    assert "changes are reported at once" in said["events"]["text"]


def test_doctor_of_another_language(new_site: WindowsSites) -> None:
    """It finds a script whose path Apache prints in UTF-8, whatever the code page is."""
    script = "größe/app.wsgi"
    site: WindowsSite = new_site(scripts={"/": "app.wsgi", "/b": script})
    site.write(script, (site.app / "app.wsgi").read_text("utf-8"))
    site.start()
    done = installed.run(
        *(sys.executable, "-P", "-m", "wsgireload", "doctor", site.app / script, "--json"),
        *("--httpd", site.apache.httpd, "--config", site.config),
        PYTHONPATH=str(installed.packages()),
        PYTHONUTF8="0",
    )
    findings = json.loads(done.stdout)["findings"]
    assert [each["text"] for each in findings if each["level"] == "fail"] == []


def test_status_and_restart(site: WindowsSite) -> None:
    """A running child is found by its status file, and restarts on request."""
    site.wait_for(lambda: command("status")[0] == 0, "a status file: the first scan takes its time")
    code, told = command("status")
    assert code == 0
    assert [each["status"]["pid"] for each in told["monitors"]] == [site.child]
    before = site.child
    code, told = command("restart", "--wait", "20")
    assert (code, [each["pid"] for each in told["monitors"]]) == (0, [before])
    site.wait_for_line("restarting: requested by hand: wsgireload restart")
    site.wait_for(lambda: site.child != before, "another child")


def test_a_status_of_an_earlier_process(site: WindowsSite) -> None:
    """The status file of a process that had the same pid is no monitor, and is removed."""
    site.wait_for(lambda: command("status")[0] == 0, "a status file: the first scan takes its time")
    [found] = command("status")[1]["monitors"]
    pid, start = found["process"].split()
    assert int(pid) == site.child
    ghost = Path(found["folder"], f"{pid}-ghost.state")
    ghost.write_text(json.dumps({**found, "process": f"{pid} {int(start) - 1}"}))
    assert [each["process"] for each in command("status")[1]["monitors"]] == [found["process"]]
    assert not ghost.exists()


def test_restart_by_the_pid_file(site: WindowsSite) -> None:
    """An event of its parent restarts Apache itself, unless its configuration is broken."""
    where = ("--pid-file", site.pid_file, "--httpd", site.apache.httpd)
    where += ("--config", site.config)
    text = site.config.read_text()
    site.config.write_text(text + "Nonsense On\n")
    code, told = command("restart", *where)
    assert code == 1
    assert "Invalid command 'Nonsense'" in told["trouble"]
    site.config.write_text(text)
    assert command("restart", *where)[0] == 0
    site.wait_for(lambda: site.restarts() == 1, "a restart")


def test_wait(site: WindowsSite) -> None:
    """It returns once the old child has ended; a broken change is reported."""
    before = site.child
    site.edit("words.py", "old", "new")
    code, told = command("wait", "--timeout", "60")
    assert (code, [each["state"] for each in told["monitors"]]) == (0, ["next-request"])
    assert site.child != before
    assert site.ask().value == "new"
    site.wait_for_looks()
    code, told = command("wait", "--timeout", "60")
    assert (code, [each["pid"] for each in told["monitors"]]) == (0, [site.child])
    site.edit("words.py", '"new"', '"new')
    code, told = command("wait", "--timeout", "60")
    assert code == 1
    assert "words.py, line 1: SyntaxError" in told["monitors"][0]["text"]
