"""The doctor, with an Apache that runs."""

from __future__ import annotations

import os
import signal
import subprocess

from support import processgroup
from support.apacheserver import free_port, wait_for
from support.commandline import CommandLine
from support.doctoring import Doctor, bad, configure
from support.testsite import Site, Sites


def test_one_process(healthy: Site, doctor: Doctor) -> None:
    """An Apache with -X cannot start another process."""
    healthy.noisy = True
    config = configure(healthy, ":65000", f":{free_port()}")
    apache = subprocess.Popen([healthy.apache.httpd, "-X", "-f", config], process_group=0)
    try:
        wait_for((healthy.root / "run" / "httpd.pid").exists, "Apache's pid file")
        found = doctor(healthy)
    finally:
        os.killpg(apache.pid, signal.SIGTERM)
        apache.wait(20)
        wait_for(lambda: not processgroup.members(apache.pid), "the end of Apache's processes")
    assert bad(found) == {"running": "fail"}
    assert f"-X -f {config}" in found["running"]["text"]
    assert "without -X" in found["running"]["cure"]


def test_running(healthy: Site, doctor: Doctor) -> None:
    """A running Apache is reported with its pid."""
    healthy.start()
    found = doctor(healthy)
    assert bad(found) == {}
    assert f"pid {healthy.pid}" in found["running"]["text"]


def test_an_inactive_site(new_site: Sites, command: CommandLine, doctor: Doctor) -> None:
    """A site that runs without a monitor is a failure, for the reason that its log has."""
    site = new_site(
        daemon=f"threads=5 python-home={command.home}",
        python_path=[],
        group="%{GLOBAL}",
        environment={"WSGIRELOAD": "off"},
    )
    site.start()
    site.ask()
    monitor = doctor(site, site.app / "app.wsgi")["monitor"]
    assert monitor["level"] == "fail"
    assert monitor["text"].endswith(": the environment has WSGIRELOAD=off")


def test_a_paused_site(healthy: Site, command: CommandLine, doctor: Doctor) -> None:
    """The cure of a pause is its end, also where it holds a change."""
    healthy.start()
    healthy.wait_for_looks()
    environment = {"TMPDIR": str(healthy.temporary)}
    assert command("pause", "--all", environment=environment).code == 0
    healthy.edit("words.py", "old", "new")
    healthy.wait_for_line("holding: paused")
    monitor = doctor(healthy, healthy.app / "app.wsgi", **environment)["monitor"]
    assert (monitor["level"], "resume" in monitor["cure"]) == ("warn", True)
