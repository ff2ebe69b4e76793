"""The check of the addresses and logs of Apache's configuration, with a stand-in for Apache."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.standins import Clock
from support.waiting import decision, wait_for

from wsgireload.changes import Change, Changes
from wsgireload.decide import command
from wsgireload.decide.apache_config import FRESH
from wsgireload.decide.unchecked import Unchecked
from wsgireload.decide.verdict import GO, Hold, Verdict

DUMP = """\
import os, pathlib, sys
folder = pathlib.Path({folder!r})
print("Included configuration files:")
for number, path in enumerate(sorted(folder.glob("*.conf"))):
    print(f"    ({{number}}) {{path}}" if number else f"  (*) {{path}}")
print('ServerRoot: "' + {folder!r} + '"')
sys.exit("AP_PARENT_PID" in os.environ or (folder / "broken").exists())
"""
EDIT = Changes({"a.py": Change(b"2")})


class Apache:
    """Stands in for the server; `begun` counts the runs of its program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.begun = 0

    def write(self, text: str, name: str = "httpd.conf") -> None:
        (self.folder / name).write_text(text)


@pytest.fixture
def apache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apache:
    """A server that is configured by all files of a folder."""
    apache, real = Apache(tmp_path), subprocess.Popen

    def popen(
        line: str | list[str], *, creationflags: int, **options: object
    ) -> subprocess.Popen[bytes]:
        if isinstance(line, list):  # the program that tries addresses
            return real(line, **options)  # type: ignore[call-overload,no-any-return]
        assert line == "httpd -n name -t -DDUMP_INCLUDES -DDUMP_RUN_CFG"
        apache.begun += 1
        code = DUMP.format(folder=str(tmp_path))
        return real([sys.executable, "-c", code], **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(command, "NO_WINDOW", 0x08000000)  # as on Windows
    monkeypatch.setattr(subprocess, "Popen", popen)
    apache.write("ServerName localhost\nListen 127.0.0.1:1\n")
    return apache


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def gate(apache: Apache, clock: Clock) -> Iterator[Unchecked]:
    """The gate, which has seen the configuration of the start."""
    gate = Unchecked("httpd -n name", {"AP_PARENT_PID": "7", **os.environ}, clock)
    wait_for(gate.announce)
    yield gate
    gate.end()


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program has."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def answer(gate: Unchecked) -> Verdict:
    """Wait for the verdict."""
    return decision(gate, EDIT)


def test_the_same_configuration(gate: Unchecked, apache: Apache) -> None:
    """An address of the start is Apache's own, and nothing more is run."""
    assert answer(gate) == answer(gate) == GO
    assert apache.begun == 1


@pytest.mark.parametrize("form", ["Listen 127.0.0.1:{}", '\tlisten "{}"\r', "Listen *:{} https"])
def test_a_new_address_that_is_taken(
    gate: Unchecked, apache: Apache, taken: int, form: str
) -> None:
    """It is held with the file and the line, until the line is gone again."""
    good = "ServerName localhost\nListen 127.0.0.1:1\n"
    apache.write(f"{good}{form.format(taken)}\n")
    hold = answer(gate)
    assert isinstance(hold, Hold)
    assert hold.place is not None
    assert (hold.place.path, hold.place.line) == (str(apache.folder / "httpd.conf"), 3)
    assert "' is new, and Apache would end: Address already in use" in hold.reason
    assert answer(gate) == hold
    apache.write(good)
    assert answer(gate) == GO


def test_saved_by_notepad(gate: Unchecked, apache: Apache) -> None:
    """A mark at the beginning, and other ends of lines, hide no address: Apache skips them too."""
    (apache.folder / "httpd.conf").write_bytes(
        b"\xef\xbb\xbfListen 127.0.0.1:1\r\nKeepAlive On\r\n"
    )
    assert answer(gate) == GO


def test_it_becomes_free(gate: Unchecked, apache: Apache, clock: Clock) -> None:
    """It goes on by itself once the other program has ended."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        apache.write(f"Listen 127.0.0.1:{other.getsockname()[1]}\n")
        assert isinstance(answer(gate), Hold)
    clock.now += FRESH
    assert answer(gate) == GO


def test_a_new_file(gate: Unchecked, apache: Apache, taken: int) -> None:
    """A file that an IncludeOptional finds is read as well."""
    apache.write(f"Listen 127.0.0.1:{taken}\n", "site.conf")
    hold = answer(gate)
    assert isinstance(hold, Hold)
    assert "site.conf, line 1" in hold.reason


@pytest.mark.parametrize("line", ["Listen ${PORT}", "Listen nowhere.example:80", "Listen 99999"])
def test_an_address_that_is_not_known(gate: Unchecked, apache: Apache, line: str) -> None:
    """What cannot be found out holds nothing; neither does a free port, or a comment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    apache.write(f"{line}\n#Listen 192.0.2.1:80\nListen 127.0.0.1:{port}\n")
    assert answer(gate) == GO


def test_another_machines_address(gate: Unchecked, apache: Apache) -> None:
    """An address that this machine lacks is held."""
    apache.write("Listen 192.0.2.1:80\nListen [2001:db8::1]:80\n")
    hold = answer(gate)
    assert isinstance(hold, Hold)
    assert "192.0.2.1:80' is new" in hold.reason


def test_no_address_is_left(gate: Unchecked, apache: Apache) -> None:
    """Apache does not start without any."""
    apache.write("#Listen 127.0.0.1:1\n")
    hold = answer(gate)
    assert isinstance(hold, Hold)
    assert "httpd.conf: no Listen is left" in hold.reason


def test_a_broken_configuration(apache: Apache, taken: int) -> None:
    """What is broken is reported by the check of the configuration, not here."""
    apache.write("", "broken")
    gate = Unchecked("httpd -n name", {}, Clock())
    apache.write(f"Listen 127.0.0.1:{taken}\n")
    assert answer(gate) == answer(gate) == GO
    assert apache.begun == 1


def test_no_program(gate: Unchecked, apache: Apache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that cannot be run is reported by that check, too."""

    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file")

    monkeypatch.setattr(subprocess, "Popen", missing)
    apache.write("Listen 127.0.0.1:2\n")
    assert answer(gate) == GO


@pytest.fixture
def programs(tmp_path: Path) -> None:
    """Two programs, of which one has a space in its path."""
    for path in ("bin/rotate.exe", "b in/rotate.exe"):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).touch()


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('CustomLog "|bin/nope.exe logs/x 86400" common', "there is no program {0}/bin/nope.exe"),
        ("ErrorLog |bin/nope.exe", "there is no program {0}/bin/nope.exe"),
        ('  transferlog "||bin/rotate x"', "there is no program {0}/bin/rotate"),
        ('GlobalLog "|rotate.exe x" common', "there is no program {0}/rotate.exe"),
        (r'CustomLog "|bin\rotate.exe x" common', "there is no program {0}/binrotate.exe"),
        (r'CustomLog "|\"{0}/bin x/rotate.exe\" x" common', "no program {0}/bin x/rotate.exe"),
        ('CustomLog "|${{BIN}}/nope.exe" common', "there is no program {0}/bin/nope.exe"),
        ("CustomLog bin common", "{0}/bin is a folder"),
        ("ErrorLog '{0}/b in'", "{0}/b in is a folder"),
    ],
)
def test_a_new_log_that_cannot_be_opened(
    gate: Unchecked, apache: Apache, tmp_path: Path, line: str, why: str
) -> None:
    """Apache would end: the restart is held with the line, until that is gone again."""
    good = f'Define BIN "{tmp_path}/bin"\nListen 127.0.0.1:1\n'
    line = line.format(tmp_path)
    apache.write(f"{good}{line}\n")
    hold = answer(gate)
    assert isinstance(hold, Hold)
    assert f"httpd.conf, line 3: '{line.strip()}' is new, and Apache would end: " in hold.reason
    assert f"{why.format(tmp_path)}; correct the path" in hold.reason
    assert hold.place is not None
    assert (hold.place.path, hold.place.line) == (str(tmp_path / "httpd.conf"), 3)
    apache.write(good)
    assert answer(gate) == GO


LOGS = r"""
Define BIN {0}/bin
Define SITE one
Define SITE two
CustomLog x.log common
#CustomLog bin common
CustomLog "|bin/rotate.exe x" common
CustomLog "| ${{BIN}}/rotate.exe x" common
CustomLog "|\"{0}/b in/rotate.exe\" x" common
CustomLog "|'b in/rotate.exe' x" common
CustomLog "|b\ in/rotate.exe x" common
CustomLog "|$nope.exe x" common
CustomLog "||$nope.exe x" common
CustomLog "|bin/nope.bat x" common
CustomLog "|bin/$name/nope.exe x" common
CustomLog "|bin/@name/nope.exe x" common
CustomLog "|bin/nope.exe x 86400
CustomLog "|${{SITE}}/rotate.exe x" common
CustomLog "|${{NOPE}}/rotate.exe x" common
CustomLog \
"""


@pytest.mark.usefixtures("programs")
def test_new_logs_that_can_be_opened(gate: Unchecked, apache: Apache, tmp_path: Path) -> None:
    """They hold nothing; nor does one that is not known, as it has a shell or a variable."""
    apache.write("Listen 127.0.0.1:1\n" + LOGS.format(tmp_path))
    assert answer(gate) == GO


def test_a_log_of_the_start(apache: Apache, clock: Clock) -> None:
    """A log with which Apache has started holds nothing, as in a section that does not apply."""
    lines = 'Listen 127.0.0.1:1\n<IfModule no>\nCustomLog "|nope.exe" common\n</IfModule>\n'
    apache.write(lines)
    gate = Unchecked("httpd -n name", {}, clock)
    wait_for(gate.announce)
    apache.write(f"KeepAlive On\n{lines}")
    assert answer(gate) == GO


def test_its_program_comes(gate: Unchecked, apache: Apache, tmp_path: Path) -> None:
    """It goes on by itself once the program exists."""
    apache.write('Listen 127.0.0.1:1\nCustomLog "|rotate.exe" common\n')
    assert isinstance(answer(gate), Hold)
    (tmp_path / "rotate.exe").touch()
    assert answer(gate) == GO
