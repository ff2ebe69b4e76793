"""The probe inside a process that has httpd's functions."""

from __future__ import annotations

import pytest
from support.builds import needs

DESCRIPTION = "const char *ap_get_server_description(void) { return %s; }\n"
BANNER = "const char *ap_get_server_banner(void) { return %s; }\n"
MPM = "const char *ap_show_mpm(void) { return %s; }\n"
VERSION = "Apache/2.4.57 (Debian) mod_wsgi/4.9.4 Python/3.11"

CASES = {
    "everything": (DESCRIPTION % f'"{VERSION}"' + MPM % '"event"', [True, VERSION, "event"]),
    "the description before the banner": (
        BANNER % '"Apache"' + DESCRIPTION % f'"{VERSION}"',
        [True, VERSION, ""],
    ),
    "only the banner": (BANNER % '"Apache"' + MPM % '"worker"', [True, "Apache", "worker"]),
    "no MPM": (DESCRIPTION % '"Apache"', [True, "Apache", ""]),
    "nothing to say": (DESCRIPTION % "0" + MPM % "0", [True, "", ""]),
    "not UTF-8": (
        DESCRIPTION % r'"Apache \xff\xc3"' + MPM % r'"\xe9v"',
        [True, "Apache \ufffd\ufffd", "\ufffdv"],
    ),
    "too long": (
        DESCRIPTION % f'"{"x" * 5000}"' + MPM % f'"{"y" * 5000}"',
        [True, "x" * 255, "y" * 31],
    ),
    "cut within a letter": (
        DESCRIPTION % f'"{"x" * 254}é"',
        [True, "x" * 254 + "\ufffd", ""],
    ),
    "an MPM and no server": (MPM % '"event"', [False, "", ""]),
}


@pytest.mark.parametrize(("source", "expected"), CASES.values(), ids=CASES)
def test_probe(child, library, source, expected):
    """The probe returns httpd's version and MPM, or whichever of them is known."""
    returned = child(
        "import json, wsgireload._native as n; print(json.dumps(n.probe()))",
        preload=library(source),
    )
    assert returned == [*expected, 0, -1, -1, 0, ""]


@pytest.mark.parametrize(("name", "alone"), [("DEBUG", True), ("ONE_PROCESS", True), ("X", False)])
def test_one_process(child, library, name: str, alone: bool) -> None:
    """With -X, or -D ONE_PROCESS, no parent would replace this process: the probe refuses."""
    defines = f'''
    #include <string.h>
    int ap_exists_config_define(const char *name) {{ return strcmp(name, "{name}") == 0; }}
    '''
    *_, restart, refusal = child(
        "import json, wsgireload._native as n; print(json.dumps(n.probe()))",
        preload=library(DESCRIPTION % '"Apache"' + defines),
    )
    assert restart == (2 if alone else 0)
    assert ("httpd -X" in refusal) == alone


def test_core_keeps_the_bytes(child, library):
    """The core returns httpd's bytes unchanged."""
    needs("cffi")
    returned = child(
        """
        import json
        from wsgireload.ffi import ffi, lib
        server = ffi.new("wsgireload_server *")
        lib.wsgireload_probe(server)
        print(json.dumps([server.apache, list(ffi.string(server.version))]))
        """,
        preload=library(DESCRIPTION % r'"A\xff"'),
    )
    assert returned == [1, [0x41, 0xFF]]


def test_loads_nothing(child, library):
    """httpd's functions in a library that is not in the global scope make no Apache."""
    returned = child(
        """
        import ctypes, json, sys, wsgireload._native as n
        stand_in = ctypes.CDLL(sys.argv[1])
        print(json.dumps([bool(stand_in.ap_get_server_description()), n.probe()[0]]))
        """,
        library(DESCRIPTION % '"Apache"'),
    )
    assert returned == [True, False]
