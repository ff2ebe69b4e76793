"""The probe inside a process that has httpd's functions."""

from __future__ import annotations

import pytest

DESCRIPTION = 'const char *ap_get_server_description(void) { return "Apache"; }\n'


def test_probe(child, library):
    """A process that has httpd's functions is Apache; on UNIX no more is known of it."""
    returned = child(
        "import json, wsgireload._native as n; print(json.dumps(n.probe()))",
        preload=library(DESCRIPTION),
    )
    assert returned == [True, 0, -1, -1, 0, ""]


@pytest.mark.parametrize(("name", "alone"), [("DEBUG", True), ("ONE_PROCESS", True), ("X", False)])
def test_one_process(child, library, name: str, alone: bool) -> None:
    """With -X, or -D ONE_PROCESS, no parent would replace this process: the probe refuses."""
    defines = f'''
    #include <string.h>
    int ap_exists_config_define(const char *name) {{ return strcmp(name, "{name}") == 0; }}
    '''
    *_, restart, refusal = child(
        "import json, wsgireload._native as n; print(json.dumps(n.probe()))",
        preload=library(DESCRIPTION + defines),
    )
    assert restart == (2 if alone else 0)
    assert ("httpd -X" in refusal) == alone


def test_loads_nothing(child, library):
    """httpd's functions in a library that is not in the global scope make no Apache."""
    returned = child(
        """
        import ctypes, json, sys, wsgireload._native as n
        stand_in = ctypes.CDLL(sys.argv[1])
        print(json.dumps([bool(stand_in.ap_get_server_description()), n.probe()[0]]))
        """,
        library(DESCRIPTION),
    )
    assert returned == [True, False]
