"""What the core exports and declares, and what each platform has of it."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest
from support.children import IGNORED
from support.ffi import ffi, lib

CSRC = Path(__file__).parents[2] / "csrc"
INTERNAL = (CSRC / "internal.h").read_text()


def test_own_functions(child, library):
    """A library with functions of the same names in the global scope is never called."""
    imposter = library("""
        void *core_find(void) { return 0; }
        int core_failed(void) { return -1; }
        int core_outcome(int *out) { *out = 98; return -1; }
        void wsgireload_rearm(void) {}
        void wsgireload_restart(int signal, int *out) { *out = 99; }
        void wsgireload_probe(int *out) { *out = 1; }
    """)
    returned = child(
        IGNORED
        + """
native = sys.modules["wsgireload._native"]
returned = [request()[0], native.restart(1)[0], native.rearm(), native.restart(1)[0]]
output([*returned, native.probe()[0]])
""",
        preload=imposter,
    )
    assert returned == [lib.WSGIRELOAD_REQUESTED, lib.WSGIRELOAD_ALREADY_REQUESTED, None, 0, False]


def test_no_imposter(child, library):
    """A library's calls to its own functions do not reach ours of the same names."""
    returned = child(
        IGNORED
        + """
import ctypes
request()  # from here on our library is in the global scope
everybody = ctypes.CDLL(None)
output([hasattr(everybody, name) for name in ("wsgireload_probe", "core_find", "core_failed")])
"""
    )
    assert returned == [True, False, False]


def test_probe_outside_apache():
    """Outside Apache the probe reports that, and writes every field."""
    server = ffi.new("wsgireload_server *")
    ffi.memmove(server, b"\xff" * ffi.sizeof(server[0]), ffi.sizeof(server[0]))
    lib.wsgireload_probe(server)
    assert server.apache == 0
    # What only Windows tells.
    assert (server.parent, server.state, server.generation) == (0, lib.WSGIRELOAD_UNKNOWN, -1)
    assert (server.restart, ffi.string(server.refusal)) == (lib.WSGIRELOAD_REQUESTED, b"")
    assert lib.wsgireload_command_line() == ffi.NULL
    assert lib.wsgireload_process_start(os.getpid()) == 1


@pytest.mark.parametrize("call", ["wsgireload_linger", "wsgireload_job"])
def test_windows_alone(call):
    """Functions for Windows alone return "not supported" elsewhere, and write every field."""
    out = ffi.new("wsgireload_outcome *")
    ffi.memmove(out, b"\xff" * ffi.sizeof(out[0]), ffi.sizeof(out[0]))
    if call == "wsgireload_linger":
        lib.wsgireload_linger(1, out)
    else:
        assert lib.wsgireload_job(0, out) == -1
    assert (out.status, out.code) == (lib.WSGIRELOAD_UNSUPPORTED, 0)
    assert ffi.string(out.call) == call.encode()
    assert ffi.string(out.message) == b"not supported on this platform"


def test_exports():
    """The binary exports every function that the header declares, and setup.py names them all."""
    header = (CSRC / "wsgireload.h").read_text()
    declared = re.findall(r"^\w[\w ]+[ *]+(wsgireload_\w+)\(", header, re.MULTILINE)
    assert [name.removeprefix("wsgireload_") for name in declared] == [
        "probe",
        "command_line",
        "process_start",
        "restart",
        "taken",
        "rearm",
        "linger",
        "close_on_fork",
        "job",
        "end_job",
        "marks",
        "file_system",
        "watch_begin",
        "watch_directory",
        "watch_name",
        "watch_forget",
        "watch_wait",
        "watch_wake",
        "watch_end",
        "watch_free",
    ]
    assert all(hasattr(lib, name) for name in declared)
    setup = CSRC.with_name("setup.py").read_text()
    assert re.findall(r'"(wsgireload_\w+)"', setup) == declared


def functions(folder: str) -> dict[str, list[str]]:
    """The functions that each file of a folder has for other files, in their order."""
    function = re.compile(r"^(?!static)\w[\w ]+[ *]+((?:wsgireload|core)_\w+)\(", re.MULTILINE)
    return {file.stem: function.findall(file.read_text()) for file in (CSRC / folder).glob("*.c")}


def test_twins():
    """Both platforms have the same files and functions in order, but for win/file.c's own."""
    alone = re.findall(r"(core_\w+)\(", INTERNAL[INTERNAL.index("/* win/file.c alone") :])
    windows = {
        file: [name for name in names if name not in alone]
        for file, names in functions("win").items()
    }
    assert functions("unix") == windows
    assert all(windows.values())


def test_headers():
    """internal.h declares every function that the sources share, and no other."""
    declared = re.findall(r"(core_\w+)\(", re.sub(r"/\*.*?\*/", "", INTERNAL, flags=re.DOTALL))
    defined = {
        name for folder in (".", "unix", "win") for x in functions(folder).values() for name in x
    }
    assert sorted(declared) == sorted(name for name in defined if name.startswith("core_"))


def test_sources():
    """setup.py names every file, and the stub has what watcher.c and watch.c have elsewhere."""
    setup = CSRC.with_name("setup.py").read_text()
    named = {
        name: ast.literal_eval(value)
        for name, value in re.findall(r"^([A-Z]+) = (\(\".*?\))", setup, re.MULTILINE)
    }
    assert sorted(named["TWINS"] + named["EVENTS"]) == sorted(functions("unix"))
    assert sorted((*named["COMMON"], "watcher")) == sorted(functions("."))
    both = functions(".")["watcher"] + functions("unix")["watch"]
    border = [name for name in both if name.startswith("wsgireload_")]
    assert functions("stub") == {"watch": border}
