"""The doctor, with stand-ins for Apache, its files and Windows."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from wsgireload.cli import binary
from wsgireload.cli.apache.httpd import Dump, Httpd
from wsgireload.cli.doctor import Asked, examine
from wsgireload.cli.doctor.finding import Finding
from wsgireload.cli.installation import Installation
from wsgireload.cli.running import processes
from wsgireload.server import native

VERSION = """\
Server version: Apache/2.4.62 (Win64)
Architecture:   {bits}-bit
Server MPM:     WinNT
 -D HTTPD_ROOT="{root}"
 -D SERVER_CONFIG_FILE="conf/httpd.conf"
"""
DUMP = """\
Included configuration files:
  (*) {conf}
Loaded Modules:
 core_module (static)
 {modules}
ServerRoot: "{root}"
PidFile: "{root}/httpd.pid"
Define: SRVROOT={root}
"""
CONF = """\
LoadFile "{root}/python311.dll"
LoadModule wsgi_module mod_wsgi.so
AcceptFilter http none
WSGIScriptAlias / "{root}/app.wsgi"
WSGIPythonPath "{root}"
"""


def pe(bits: int, *texts: bytes) -> bytes:
    """Content that passes for a DLL, with texts in it."""
    machine = {64: 0x8664, 32: 0x14C}[bits]
    head = b"MZ" + bytes(0x3A) + struct.pack("<I", 0x40)
    return head + b"PE\0\0" + struct.pack("<H", machine) + b"\0" + b"\0".join(texts) + b"\0"


class Machine:
    """A Windows machine with an Apache, as the doctor sees it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bits = 64
        self.trouble = ""
        self.modules = "wsgi_module (shared)"
        self.installation = Installation(
            True, "3.11", 64, str(root), str(root), str(root / "wsgireload"), "/Users/me"
        )
        self.conf = root / "httpd.conf"
        self.conf.write_text(CONF.format(root=root))
        (root / "app.wsgi").write_text("import wsgireload\nwsgireload.start()\n")
        (root / "python311.dll").write_bytes(pe(64))
        (root / "mod_wsgi.so").write_bytes(pe(64, b"6.1.1", b"3.11.9", b"python311.dll"))

    def run(self, words: Sequence[str], _environment: Mapping[str, str]) -> tuple[int, str, str]:
        """Answers as httpd.exe does."""
        if "-V" in words:
            return 0, VERSION.format(bits=self.bits, root=self.root), ""
        assert "-t" in words
        if "-DDUMP_CONFIG" in words:
            return 1, "", "that mod_info is for another Apache"
        dump = DUMP.format(root=self.root, conf=self.conf, modules=self.modules)
        return (1 if self.trouble else 0), dump, self.trouble

    def cannot_load(self, name: str, why: str) -> None:
        """Let Apache fail at the first line with this name."""
        lines = self.conf.read_text().splitlines()
        number = next(n for n, line in enumerate(lines, 1) if name in line)
        where = f"httpd: Syntax error on line {number} of {self.conf}: "
        self.trouble = f"{where}Cannot load {self.root / name} into server: {why}"

    def examine(self, named: str | None = None) -> dict[str, Finding]:
        """The findings by name; one that is not ok replaces one that is."""
        found: dict[str, Finding] = {}
        for each in examine(Httpd("httpd.exe", None, self.run), named, self.installation):
            if each.what not in found or found[each.what].level == "ok":
                found[each.what] = each
        return found


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine without problems."""
    monkeypatch.setattr(native, "_missing", None)
    return Machine(tmp_path)


def bad(found: dict[str, Finding]) -> dict[str, str]:
    """The levels of the findings that are not ok; each has a cure."""
    assert all(each.cure for each in found.values() if each.level != "ok")
    return {what: each.level for what, each in found.items() if each.level != "ok"}


def test_healthy(machine: Machine) -> None:
    """Without problems every finding is ok."""
    found = machine.examine()
    assert bad(found) == {}, "\n".join(map(str, found.values()))
    assert "WinNT MPM" in found["Apache"].text
    assert found["mod_wsgi"].text.startswith("6.1.1 for Python 3.11 (python311.dll)")
    assert "process" not in found


@pytest.mark.parametrize(
    ("printed", "user"),
    [
        ({"User": 'name="www-data" id=33'}, "www-data"),
        ({"User": 'name="www-data" id=33 not_used'}, "www-data"),
        ({"User": 'name="#1000" id=1000'}, "#1000"),
        ({"User": 'name="#-1" id=4294967295 not_used'}, ""),
        ({}, ""),
    ],
)
def test_the_user(printed: dict[str, str], user: str) -> None:
    """Without a User directive Apache runs as whoever starts it."""
    assert Dump("", frozenset(), {}, printed, {}).user == user


def test_wrong_python(machine: Machine) -> None:
    """A mod_wsgi for another Python is named with both versions."""
    machine.installation = Installation(True, "3.12", 64, "C:/py", "C:/py", "C:/py/wsgireload")
    found = machine.examine()
    assert "mod_wsgi is for Python 3.11, this is Python 3.12" in found["Python"].text
    assert "Python 3.11 -m wsgireload doctor" in found["Python"].cure


def test_free_threaded(machine: Machine) -> None:
    """A free-threaded Python is another version, and named so."""
    machine.installation = Installation(True, "3.11t", 64, "C:/py", "C:/py", "C:/py/wsgireload")
    assert "this is free-threaded Python 3.11t" in machine.examine()["Python"].text


def test_bits_of_python(machine: Machine) -> None:
    """A 32-bit Apache and a 64-bit Python do not fit."""
    machine.bits = 32
    found = machine.examine()
    assert found["Python"].level == "fail"
    assert "Apache has 32 bits, this is Python 3.11, 64-bit" in found["Python"].text
    assert "install a 32-bit Python" in found["Python"].cure


def test_bits_of_a_library(machine: Machine) -> None:
    """A DLL of other bits is found by Apache's error and the header of the DLL."""
    (machine.root / "python311.dll").write_bytes(pe(32))
    machine.cannot_load("python311.dll", "%1 is not a valid Win32 application.")
    found = machine.examine()
    assert bad(found) == {"LoadFile": "fail"}
    assert f"Apache has 64 bits, {machine.root}/python311.dll has 32" in found["LoadFile"].text


def test_wrong_loadfile(machine: Machine) -> None:
    """A LoadFile of a missing file is named, with the one that this Python needs."""
    (machine.root / "python311.dll").unlink()
    machine.cannot_load("python311.dll", "The specified module could not be found.")
    found = machine.examine()
    assert bad(found) == {"LoadFile": "fail"}
    assert f"does not exist ({machine.conf}, line 1)" in found["LoadFile"].text
    assert f'LoadFile "{machine.root}/python311.dll"' in found["LoadFile"].cure


def test_loadfile_of_another_python(machine: Machine) -> None:
    """A mod_wsgi without its Python needs a LoadFile, which the cure names."""
    machine.cannot_load("mod_wsgi.so", "The specified module could not be found.")
    found = machine.examine()
    assert bad(found) == {"LoadModule": "fail"}
    assert "mod_wsgi.so needs python311.dll, which is missing" in found["LoadModule"].text
    assert f'above it: LoadFile "{machine.root}/python311.dll"' in found["LoadModule"].cure


def test_no_mod_wsgi(machine: Machine) -> None:
    """Without mod_wsgi the cure names the program that prints its lines."""
    machine.modules = "alias_module (shared)"
    found = machine.examine()
    assert found["mod_wsgi"].level == "fail"
    assert found["mod_wsgi"].cure.startswith("`mod_wsgi-express module-config`")


def test_one_user_alone(machine: Machine) -> None:
    """A service cannot read a Python in a user's own folder."""
    home = r"C:\Users\me\AppData\Local\Programs\Python\Python311"
    machine.installation = Installation(
        True, "3.11", 64, home, home, str(machine.root), r"C:\Users\me"
    )
    found = machine.examine()
    assert found["installation"].level == "fail"
    assert "for all users" in found["installation"].cure
    assert found["permissions"].level == "fail"
    assert home in found["permissions"].text


def test_virtual_environment(machine: Machine) -> None:
    """A virtual environment is in use if WSGIPythonPath names it; a home alone is not enough."""
    venv = machine.root / "venv"
    package = venv / "Lib" / "site-packages" / "wsgireload"
    package.mkdir(parents=True)
    base = str(machine.root)
    machine.installation = Installation(
        True, "3.11", 64, str(venv), base, str(package), "/Users/me"
    )
    conf = machine.conf.read_text() + f'WSGIPythonHome "{base}"\n'
    machine.conf.write_text(conf)
    assert bad(machine.examine()) == {"python-home": "warn"}
    machine.conf.write_text(conf + f'WSGIPythonPath "{package.parent}"\n')
    assert bad(machine.examine()) == {}


def test_connections(machine: Machine) -> None:
    """Without AcceptFilter none a restart may lose a connection."""
    machine.conf.write_text(machine.conf.read_text().replace("AcceptFilter http none\n", ""))
    found = machine.examine()
    assert bad(found) == {"AcceptFilter": "warn"}
    assert "AcceptFilter http none" in found["AcceptFilter"].cure


@pytest.mark.parametrize(
    ("group", "lines", "cure"),
    [
        ("", "", "application-group=%{GLOBAL} to its WSGIScriptAlias"),
        ("", "WSGIApplicationGroup %{GLOBAL}", "application-group=%{GLOBAL}"),
        ("application-group=%{RESOURCE}", "", "application-group=%{GLOBAL}"),
        ("application-group=%{GLOBAL}", "", "WSGIScriptReloading Off"),
        ("application-group=site", "WSGIScriptReloading Off", ""),
        ("application-group=%{GLOBAL}", "<Files *.wsgi>\nWSGIScriptReloading Off\n</Files>", ""),
        ("", "WSGIImportScript x application-group=%{GLOBAL}\nWSGIScriptReloading Off", ""),
    ],
)
def test_preloading(group: str, lines: str, cure: str, machine: Machine) -> None:
    """On Windows a script that names its group is preloaded, and once if nothing reloads it."""
    text = machine.conf.read_text().replace('app.wsgi"', f'app.wsgi" {group}')
    machine.conf.write_text(f"{text}\n{lines}\n")
    found = machine.examine()
    assert bad(found) == {}
    assert (cure in found["preloading"].cure, bool(found["preloading"].cure)) == (True, bool(cure))


def test_restricted(machine: Machine) -> None:
    """WSGIRestrictEmbedded On leaves no mode on Windows."""
    machine.conf.write_text(machine.conf.read_text() + "WSGIRestrictEmbedded On\n")
    assert bad(machine.examine()) == {"WSGIRestrictEmbedded": "fail"}


def test_one_process(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """httpd -X has no parent that starts another child."""
    (machine.root / "httpd.pid").write_text("4711\r\n")
    monkeypatch.setattr(processes, "command_line", lambda pid: f"httpd.exe -X ({pid})")
    found = machine.examine()
    assert bad(found) == {"running": "fail"}
    assert "httpd.exe -X (4711)" in found["running"].text


@pytest.mark.parametrize("content", ["", "no pid", "4711 "])
def test_a_pid_file_without_a_pid(machine: Machine, content: str) -> None:
    """A PID file that says nothing is no problem, and no misuse of the command line."""
    (machine.root / "httpd.pid").write_text(content)
    assert bad(machine.examine()) == {}


@pytest.mark.parametrize(
    ("error", "text", "cure"),
    [
        (
            "apache2: Could not open configuration file /etc/x.conf: No such file or directory",
            "no configuration: /etc/x.conf: No such file or directory",
            "name one with --config FILE",
        ),
        (
            "AH0: x\nhttpd: Could not open configuration file /etc/x.conf: Permission denied",
            "no configuration: /etc/x.conf: Permission denied",
            "--config FILE",
        ),
        (
            "Syntax error on line 3 of /etc/x.conf: Could not open configuration file /y: no",
            "Syntax error on line 3",
            "correct that line",
        ),
        (
            "Syntax error on line 8 of /x: DefaultRuntimeDir must be a valid directory",
            "DefaultRuntimeDir must be",
            "if Apache has not run since the machine was started, start it",
        ),
        (
            "(2)No such file or directory: AH02291: Cannot access directory '/x/logs/' for log",
            "Cannot access directory '/x/logs/'",
            "create that folder",
        ),
        (
            "Syntax error on line 5 of /x: Invalid command 'WSGIFreeThreading', perhaps misspelled",
            "Invalid command 'WSGIFreeThreading'",
            "update mod_wsgi",
        ),
        (
            "Syntax error on line 1 of /x: Invalid option to WSGI daemon process definition.",
            "Invalid option to WSGI",
            "update mod_wsgi",
        ),
        (
            "Syntax error on line 1 of /x: Apache has not been designed to serve pages while",
            "Apache has not been designed",
            "--user of mod_wsgi-express",
        ),
    ],
)
def test_no_configuration(machine: Machine, error: str, text: str, cure: str) -> None:
    """A missing configuration or folder is not reported as a wrong line, nor an old mod_wsgi as
    one that is not loaded.
    """
    machine.trouble = error
    found = machine.examine()["configuration"]
    assert (found.level, text in found.text, cure in found.cure) == ("fail", True, True)


def test_missing_native_module(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The import error of the native module is reported."""
    monkeypatch.setattr(native, "_missing", "ImportError: DLL load failed")
    found = machine.examine()
    assert bad(found) == {"native module": "fail"}
    assert "DLL load failed" in found["native module"].text


def test_script_that_is_not_served(machine: Machine) -> None:
    """A script without an alias is named, with the command that prints one."""
    other = machine.root / "other.wsgi"
    other.write_text("")
    found = machine.examine(str(other))
    assert bad(found) == {"WSGI script": "fail"}
    assert f"wsgireload config {other}" in found["WSGI script"].cure
    assert "does not exist" in machine.examine("/nowhere.wsgi")["WSGI script"].text


def test_script_without_start(machine: Machine) -> None:
    """A script without our lines gets them as a cure."""
    (machine.root / "app.wsgi").write_text("application = None\n")
    found = machine.examine()
    assert bad(found) == {"WSGI script": "fail"}
    assert "wsgireload.start()" in found["WSGI script"].cure


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("mysite/settings.py", 'INSTALLED_APPS += ["wsgireload.django"]\n'),
        ("config/settings/base.py", "INSTALLED_APPS = ['wsgireload.django']\n"),
        ("mysite.py", "from wsgireload.flask import init_app\n"),
    ],
)
def test_script_that_a_framework_starts(machine: Machine, module: str, text: str) -> None:
    """Django's app and Flask's init_app start wsgireload: the script need not."""
    (machine.root / "app.wsgi").write_text("import wsgireload\napplication = None\n")
    path = machine.root / module
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    found = machine.examine()
    assert bad(found) == {}
    assert f"started in {path}" in found["WSGI script"].text


def test_no_apache(machine: Machine) -> None:
    """Without an Apache the other checks still run."""
    found = {
        each.what: each for each in examine(None, None, machine.installation, Asked("/no/httpd"))
    }
    assert "'/no/httpd', which is not a program" in found["Apache"].text
    assert found["native module"].level == "ok"


def test_bits_of_every_kind(tmp_path: Path) -> None:
    """32 and 64 bits are read from both kinds of libraries; other files have 0."""
    file = tmp_path / "library"
    for content, bits in (
        (pe(32), 32),
        (pe(64), 64),
        (b"\x7fELF\x01", 32),
        (b"\x7fELF\x02", 64),
        (b"?", 0),
    ):
        file.write_bytes(content)
        told = binary.inspect(str(file))
        assert told is not None
        assert told.bits == bits
    assert binary.inspect(str(tmp_path / "nowhere")) is None


def test_a_group_defined_twice(machine: Machine) -> None:
    """A copied virtual host, as of certbot, defines its process group once more."""
    machine.trouble = "AH00526: Syntax error on line 9 of /x: Name duplicates previous WSGI daemon"
    machine.trouble += " definition."
    assert "above all virtual hosts" in machine.examine()["configuration"].cure
