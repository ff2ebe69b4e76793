"""Where each installer of Windows puts Apache."""

from __future__ import annotations

import fnmatch

import pytest

from wsgireload.cli.apache import places

PROGRAMS = [
    r"C:\Apache24\bin\httpd.exe",
    r"C:\tools\Apache24\bin\httpd.exe",
    r"C:\Users\jo\AppData\Roaming\Apache24\bin\httpd.exe",
    r"C:\Program Files\Apache24\bin\httpd.exe",
    r"C:\Program Files (x86)\Apache Software Foundation\Apache2.4\bin\httpd.exe",
    r"C:\xampp\apache\bin\httpd.exe",
    r"C:\wamp64\bin\apache\apache2.4.62\bin\httpd.exe",
    r"C:\wamp\bin\apache\apache2.4.9\bin\httpd.exe",
    r"C:\laragon\bin\apache\httpd-2.4.62-240904-win64-VS17\bin\httpd.exe",
    r"C:\MAMP\bin\apache\bin\httpd.exe",
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_windows(program: str) -> None:
    """The program of Apache Lounge, chocolatey, XAMPP, WampServer, Laragon and MAMP is found."""
    assert any(fnmatch.fnmatchcase(program, pattern) for pattern in places.WINDOWS)
