"""What a process knows of its Apache."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from wsgireload.server import native
from wsgireload.server.apache import command


@pytest.fixture
def apaches() -> Iterator[list[int]]:
    """The pids of three programs: the first two have the same command line."""
    code = "print(flush=True); input()"
    words = [[sys.executable, "-c", code, each] for each in ("one", "one", "two")]
    pipe = subprocess.PIPE
    started = [subprocess.Popen(each, stdin=pipe, stdout=pipe) for each in words]
    for each in started:
        each.stdout.readline()  # before that it may still be a copy of this process
    yield [each.pid for each in started]
    for each in started:
        each.communicate(b"\n")


def test_the_command_of_an_apache(apaches: list[int]) -> None:
    """It is the same for the same command line, whatever the pid, and another for another."""
    one, again, two = map(command, apaches)
    assert one == again != two
    assert command(2**30) == ""


def test_the_command_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """There it is that of the process itself, which may hold any characters."""
    monkeypatch.setattr(os, "name", "nt")
    found = set()
    for line in ("httpd -f one", "httpd -f two", "httpd -f \udcff"):
        monkeypatch.setattr(native, "command_line", lambda: line)  # noqa: B023
        found.add(command(7))
    assert len(found) == 3
