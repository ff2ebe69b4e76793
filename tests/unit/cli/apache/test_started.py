"""The options of a running Apache, which decide how it reads its configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsgireload.cli.apache import places, started
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
    config = "/etc/apache2/apache2.conf"
    assert started.options(running, config, "/etc/apache2", "apache2.conf") == expected


def test_a_configuration_that_is_named() -> None:
    """The options of the system's Apache are not those of one with another configuration."""
    running = [["/usr/sbin/apache2", "-DWSGI"]]
    named = "/home/me/server/httpd.conf"
    assert started.options(running, named, "/etc/apache2", "apache2.conf") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('OPTIONS="-D WSGI -DTLS"\n', ["-D", "WSGI", "-DTLS"]),
        ("#OPTIONS=-DOLD\nOPTIONS=-DWSGI # ours\nLANG=C\n", ["-DWSGI"]),
        ("[Service]\nEnvironment=OPTIONS=-DWSGI\n", ["-DWSGI"]),
        ('[Service]\nEnvironment=LANG=C "OPTIONS=-D WSGI"\n', ["-D", "WSGI"]),
        ('OPTIONS="-DWSGI\n', []),
        ("", []),
    ],
)
def test_a_service(
    text: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a running Apache its options are those with which the system starts it."""
    (tmp_path / "httpd").write_text(text)
    program = "/usr/sbin/httpd"
    place = places.Place((program,), arguments=("OPTIONS", str(tmp_path / "http*")))
    monkeypatch.setattr(places, "PLACES", {"x": place})
    assert started.service(program, {}) == [program, *expected]
    assert started.service("/opt/httpd", {}) == ["/opt/httpd"]


def test_a_service_of_freebsd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last of the files of rc that sets the flags counts."""
    place = places.PLACES["FreeBSD"]
    name, *paths = place.arguments
    assert "/etc/rc.conf" in paths
    moved = place._replace(arguments=(name, *(f"{tmp_path}{path}" for path in paths)))
    monkeypatch.setattr(places, "PLACES", {"x": moved})
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/rc.conf").write_text('apache24_enable="YES"\napache24_flags="-DOLD"\n')
    (tmp_path / "etc/rc.conf.local").write_text("apache24_flags='-D WSGI'\n")
    assert started.service(*place.programs, {}) == [*place.programs, "-D", "WSGI"]


def test_a_service_of_debian() -> None:
    """Its file `envvars` has the options."""
    given = {"APACHE_ARGUMENTS": "-D WSGI"}
    assert started.service("/usr/sbin/apache2", given) == ["/usr/sbin/apache2", "-D", "WSGI"]


def test_processes_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The arguments of another user's process are not taken: root would run what they say."""
    assert any("pytest" in " ".join(words) for words in processes.trusted())
    monkeypatch.setattr(processes, "owner", lambda pid: 12345)
    assert list(processes.trusted()) == []
