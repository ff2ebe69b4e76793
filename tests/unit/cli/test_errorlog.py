"""Apache's error log, read from its end: the last exception, and the user's line in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.httpd import Httpd
from wsgireload.cli.doctor import errorlog
from wsgireload.cli.doctor.errorlog import Raised
from wsgireload.server.files import size

TRACEBACK = """\
Traceback (most recent call last):
  File "/srv/mysite/app.wsgi", line 3, in <module>
    import hello
  File "/srv/mysite/hello.py", line 7, in <module>
    django.setup()
    ^^^^^^^^^^^^^^
  File "/srv/venv/lib/python3.11/site-packages/django/__init__.py", line 24, in setup
    apps.populate()
KeyError: 'x'
"""
NEWEST = "[Thu Nov 26 06:52:20.1 2026] [wsgi:error] [pid {pid}:tid 9] [remote 127.0.0.1:1] "
OLDER = "[Thu Nov 26 06:52:20.1 2026] [wsgi:error] [pid {pid}] [client 127.0.0.1:1] "
RAISED = Raised("KeyError: 'x'", "/srv/mysite/hello.py", 7)


def logged(text: str, prefix: str = NEWEST, pid: int = 1) -> list[str]:
    """Lines of the log, by one process."""
    return [prefix.format(pid=pid) + line for line in text.splitlines()]


@pytest.mark.parametrize("prefix", [NEWEST, OLDER, "", "2026-11-26 06:52:20.123456 "])
def test_the_user_s_line(prefix: str) -> None:
    """The exception and the innermost line outside of libraries, in each format of the log."""
    assert errorlog.last_traceback(["[x] other", *logged(TRACEBACK, prefix), "[y] z"]) == RAISED
    assert str(RAISED) == "KeyError: 'x' (/srv/mysite/hello.py, line 7)"


def test_processes_that_write_at_once() -> None:
    """Lines of two processes that alternate are kept apart."""
    one, two = logged(TRACEBACK), logged(TRACEBACK.replace("KeyError", "OSError"), pid=2)
    mixed = [line for pair in zip(one, two, strict=True) for line in pair]
    assert errorlog.last_traceback(mixed) == RAISED._replace(error="OSError: 'x'")


def test_the_last_complete_one() -> None:
    """A traceback that is still being written does not hide the one before it."""
    assert errorlog.last_traceback([*logged(TRACEBACK), *logged(TRACEBACK)[:4]]) == RAISED
    assert errorlog.last_traceback(logged("Traceback (most recent call last):")) is None
    assert errorlog.last_traceback([]) is None


@pytest.mark.parametrize("prefix", [NEWEST, OLDER])
def test_without_a_traceback(prefix: str) -> None:
    """Where mod_wsgi logs an exception alone, that is the reason."""
    text = "WSGI0174: TypeError exception raised processing WSGI script '/x'.\nTypeError: x"
    assert errorlog.last_traceback(logged(text, prefix)) == Raised("TypeError: x")


def test_only_the_end_is_read(tmp_path: Path) -> None:
    """A huge log costs no more than its last part; a log that began anew is read from its start."""
    log = tmp_path / "error.log"
    log.write_text("x" * 100 + "\n" + "line\n" * errorlog.MOST)
    found = errorlog.read(str(log))
    assert found is not None
    assert found[-1] == "line"
    assert sum(len(line) + 1 for line in found) <= errorlog.MOST + 1
    log.write_text("new\n")
    assert errorlog.read(str(log), 1000) == ["new"]
    assert errorlog.read(str(log), 4) == []


def test_no_log(tmp_path: Path) -> None:
    """A pipe blocks nothing; a missing or unreadable log is None."""
    os.mkfifo(tmp_path / "pipe")
    assert errorlog.read(str(tmp_path / "pipe")) is None
    assert errorlog.read(str(tmp_path / "nowhere")) is None
    assert errorlog.read("") is None
    assert size(str(tmp_path / "nowhere")) == 0


def test_the_log_of_a_virtual_host() -> None:
    """A virtual host has its own log, or that of the server; a program is no file."""
    httpd = Httpd("httpd", None, lambda words, environment: (0, "", ""))
    every = [
        Directive("errorlog", ("/var/log/main.log",)),
        Directive("errorlog", ("/var/log/one.log",), host=1),
        Directive("errorlog", ("|/usr/bin/rotatelogs x",), host=2),
        Directive("errorlog", ("syslog:local1",), host=3),
    ]
    found = [errorlog.file(every, host, httpd) for host in range(5)]
    assert found == ["/var/log/main.log", "/var/log/one.log", "", "", "/var/log/main.log"]
