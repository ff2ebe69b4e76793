"""The options of a running Apache, which decide how it reads its configuration."""

from __future__ import annotations

import pytest

from wsgireload.cli.apache import started
from wsgireload.cli.running import processes

SYSCONFIG = "/usr/sbin/httpd-prefork -DSYSCONFIG -C|PidFile /run/httpd.pid -D|FOREGROUND"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/usr/sbin/apache2 -k|start", []),
        ("/usr/sbin/apache2 -D|WSGI -d|/etc/apache2 -f|/etc/apache2/apache2.conf", ["-DWSGI"]),
        ("/usr/sbin/apache2 -DWSGI -f|apache2.conf -k|start", ["-DWSGI"]),
        (SYSCONFIG, ["-DSYSCONFIG", "-CPidFile /run/httpd.pid", "-DFOREGROUND"]),
        ("/usr/sbin/apache2 -DWSGI -f|/home/me/server/httpd.conf", []),
        ("/usr/sbin/apache2 -DWSGI -d|/home/me", []),
        ("/usr/sbin/apache2 -DWSGI -t -DDUMP_CONFIG", []),
        ("/usr/sbin/apache2 -V", []),
        ("/usr/sbin/nginx -DWSGI", []),
        ("(wsgi:site) -DWSGI", []),
    ],
)
def test_options(command: str, expected: list[str]) -> None:
    """Those of the server that reads the same file: of no other program, and of no check."""
    words = [word for part in command.split(" -") for word in f"-{part}".split("|")]
    words[0] = words[0].removeprefix("-")
    running = [["/bin/sh", "-c", "x"], words]
    assert started.options("/etc/apache2", "/etc/apache2/apache2.conf", running) == expected


def test_processes_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The arguments of another user's process are not taken: root would run what they say."""
    assert any("pytest" in " ".join(words) for words in processes.trusted())
    monkeypatch.setattr(processes, "owner", lambda pid: 12345)
    assert list(processes.trusted()) == []
