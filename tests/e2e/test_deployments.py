"""`wsgireload wait`: it returns once every process runs what lies on disk, or says why not."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Callable

import pytest
from support.commandline import CommandLine, Done
from support.testsite import START, Site, Sites

from wsgireload.cli import wait
from wsgireload.cli.running import rollout

SLOW_TO_SCAN = "wsgireload.start(interval=0.3, settle=0.05, watch='poll'"


@pytest.fixture
def waits(command: CommandLine) -> Callable[..., Done]:
    """Runs `wsgireload wait` for the application of a site."""

    def run(site: Site, *words: str) -> Done:
        here = {"TMPDIR": str(site.temporary)}
        return command("wait", str(site.app / "app.wsgi"), *words, environment=here)

    return run


def preloaded(new_site: Sites, processes: int, start: str = START, line: str = "") -> Site:
    """A site of some preloaded processes, all of which are up."""
    site = new_site(daemon=f"processes={processes} threads=2", preload=True)
    site.edit("app.wsgi", f"{START})", f"{start})\n{line}")
    site.start()
    site.wait_for_line("watching: ", count=processes)
    return site


@pytest.mark.parametrize("rolling", [False, True])
def test_three_processes(new_site: Sites, waits, rolling: bool) -> None:
    """Once it returns 0, every process is a new one with the new code, rolling or not."""
    site = preloaded(new_site, 3, f"{START}, rolling={rolling}")
    before = site.daemons()
    site.edit("words.py", "old", "new")
    done = waits(site)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("runs what lies on disk") == 3
    assert not site.daemons() & before
    assert {site.ask().value for _ in range(30)} == {"new"}


@pytest.mark.parametrize("apache", ["6.1.1"], indirect=True)  # twenty restarts are enough
def test_it_never_returns_early(new_site: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started at once after a change that polling notices much later, it returns with the new code.

    In this process: the start of a command would give the monitor time.
    """
    site = preloaded(new_site, 1, SLOW_TO_SCAN)
    monkeypatch.setenv("TMPDIR", str(site.temporary))
    named = argparse.Namespace(name=str(site.app / "app.wsgi"), timeout=site.patience)
    assert wait.follow(named)[0] == 0
    for number in range(20):
        text = f"WORD = {number}\n"
        site.write("words.py", text)
        code, _, findings = wait.follow(named)
        assert (code, site.ask().value) == (0, number), findings


def test_a_broken_file(site: Site, waits) -> None:
    """It returns 1, with the place, while the old code serves on."""
    site.noisy = True
    site.edit("words.py", '"old"', '"old')
    done = waits(site)
    assert done.code == 1
    assert "holding: " in done.out
    assert "words.py, line 1: SyntaxError" in done.out
    assert site.ask().value == "old"
    site.edit("words.py", '"old', '"new"')
    assert waits(site).code == 0
    assert site.ask().value == "new"


def test_code_that_does_not_load(new_site: Sites, waits) -> None:
    """It returns 1 with the exception of the new process; after the repair 0."""
    site = preloaded(new_site, 1)
    site.noisy = True
    site.edit("words.py", 'WORD = "old"', 'raise RuntimeError("no database")')
    done = waits(site)
    assert done.code == 1
    assert "could not load the application: RuntimeError: no database" in done.out
    site.write("words.py", 'WORD = "new"\n')
    assert waits(site).code == 0
    assert site.ask().value == "new"


def test_code_that_does_not_start_a_monitor(
    new_site: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A preloaded process without a successor that can be seen is no success."""
    site = preloaded(new_site, 1)
    site.noisy = True
    monkeypatch.setenv("TMPDIR", str(site.temporary))
    monkeypatch.setattr(rollout, "ABSENT", 4.0)
    named = argparse.Namespace(name=str(site.app / "app.wsgi"), timeout=site.patience)
    assert wait.follow(named)[0] == 0
    site.edit(
        "app.wsgi",
        "\nimport wsgireload\n",
        "\nfrom wsgireload import no_such_name\nimport wsgireload\n",
    )
    code, _, [finding] = wait.follow(named)
    assert (code, finding.text[:22]) == (1, "0 of 1 processes run, ")


def test_a_stopped_process(site: Site, waits) -> None:
    """A process that does not answer is waited for until the time is over: 3."""
    assert waits(site).code == 0
    (pid,) = site.daemons()
    os.kill(pid, signal.SIGSTOP)
    try:
        done = waits(site, "--timeout", "1", "--json")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (done.code, done.json["ok"], done.json["timeout"]) == (3, False, True)
    assert [each["pid"] for each in done.json["monitors"]] == [pid]


def test_without_preloading(site: Site, waits) -> None:
    """Where a request loads the application, the next one runs the new code, and that is enough."""
    site.edit("words.py", "old", "new")
    for _ in range(2):  # also if all is over before
        done = waits(site)
        assert (done.code, done.err) == (0, "")
        assert "not loaded yet: the next request loads what lies on disk" in done.out
    assert site.ask().value == "new"
    assert "runs what lies on disk" in waits(site).out


def test_next_request(new_site: Sites, waits) -> None:
    """With when='next-request' it does not wait for that request."""
    line = "reload_required = wsgireload.reload_required"
    site = preloaded(new_site, 1, f"{START}, when='next-request'", line)
    assert site.ask().value == "old"
    site.edit("words.py", "old", "new")
    done = waits(site)
    assert (done.code, done.err) == (0, "")
    assert "the next request replaces it" in done.out
    assert site.ask().value == "new"
