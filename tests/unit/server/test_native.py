"""native.py: every status of the core becomes a value or an exception."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import pytest
from support.ffi import lib

from wsgireload.errors import NativeError
from wsgireload.server import native


@pytest.fixture
def core(monkeypatch):
    """A stand-in for _native, which returns what the test puts into it."""
    stand_in = SimpleNamespace(
        probe=lambda: (False, 0, -1, -1, 0, ""),
        restart=lambda signal: (0, 0, "kill", ""),
        taken=lambda: 0,
        rearm=lambda: None,
        command_line=lambda: "",
        process_start=lambda pid: 1,
        linger=lambda seconds: (0, 0, "", ""),
    )
    monkeypatch.setattr(native, "_native", stand_in)
    return stand_in


@pytest.fixture
def unloadable(monkeypatch) -> ModuleType:
    """native.py as it is where _native does not load."""
    monkeypatch.setitem(sys.modules, "wsgireload._native", None)
    spec = importlib.util.spec_from_file_location("native_without_core", native.__file__)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_real_core():
    """The installed core loads, and this process is no Apache."""
    assert native.unavailable() is None
    assert native.apache() is None


def test_apache(core):
    """Inside Apache a restart may be requested, unless its refusal says otherwise."""
    core.probe = lambda: (True, 0, -1, -1, 0, "")
    assert native.apache() == native.Apache()


WHY = "Apache is still starting this process"


@pytest.mark.parametrize(
    ("state", "outlook", "refusal", "reported"),
    [
        (0, 4, WHY, None),
        (1, 0, "", None),
        (2, 1, "", None),
        (1, 2, "httpd -X", "httpd -X"),
        (-1, 2, "mute", "mute"),
        (3, 2, "mute", "mute"),
    ],
)
def test_apache_on_windows(core, state, outlook, refusal, reported):
    """On Windows there are more values; a state that will pass is no refusal."""
    core.probe = lambda: (True, 42, state, 7, outlook, refusal)
    assert native.apache() == native.Apache(42, 7, reported)


@pytest.mark.parametrize(("outlook", "replaced"), [(0, False), (1, True), (2, False), (4, False)])
def test_replaced(core, outlook, replaced):
    """Apache has begun to replace the process where a first request would come too late."""
    core.probe = lambda: (True, 42, 2, 7, outlook, "")
    assert native.is_replaced() is replaced


@pytest.mark.parametrize(("status", "asked"), [(0, True), (1, False)])
def test_asked(core, status, asked):
    """A restart returns whether this call or an earlier one requested it."""
    core.restart = lambda signal: (status * signal, 0, "kill", "")
    assert native.restart() is asked


@pytest.mark.parametrize("status", [2, 3, 4, 99])
def test_failed(core, status):
    """Every other status is a NativeError with the call, the code and the system's message."""
    core.restart = lambda signal: (status, 1, "kill", "Operation not permitted")
    with pytest.raises(NativeError, match=r"^kill failed: Operation not permitted") as raised:
        native.restart()
    error = raised.value
    assert (error.call, error.code, error.message) == ("kill", 1, "Operation not permitted")


@pytest.mark.parametrize(("status", "asked"), [(0, True), (1, False)])
def test_terminate(core, status, asked):
    """The other way to restart reports in the same manner."""
    core.restart = lambda signal: (status * (signal == lib.WSGIRELOAD_SIGTERM), 0, "kill", "")
    assert native.terminate() is asked


def test_taken(core):
    """The bits of the core become names of signals."""
    core.taken = lambda: 0
    assert native.taken() == set()
    core.taken = lambda: lib.WSGIRELOAD_SIGINT
    assert native.taken() == {"SIGINT"}
    core.taken = lambda: lib.WSGIRELOAD_SIGINT | lib.WSGIRELOAD_SIGTERM
    assert native.taken() == {"SIGINT", "SIGTERM"}


def test_rearm(core):
    """Rearm reaches the core."""
    called = []
    core.rearm = lambda: called.append("rearm")
    native.rearm()
    assert called == ["rearm"]


def test_command_line(core):
    """The command line is the core's; where there is none it is empty."""
    assert native.command_line() == ""
    core.command_line = lambda: '"C:\\Apache24\\bin\\httpd.exe" -d C:/Apache24'
    assert native.command_line().endswith("-d C:/Apache24")


def test_process_start(core, unloadable):
    """The core knows the start of a process. No process has a number that is no pid."""
    core.process_start = lambda pid: 133_000_000_000_000_000 + pid
    assert native.process_start(7) == 133_000_000_000_000_007
    assert [native.process_start(pid) for pid in (-1, 0, 2**32, 2**64)] == [0] * 4
    assert unloadable.process_start(7) == 1


def test_linger(core):
    """Linger hands over the seconds, and raises where the core cannot do it."""
    seen = []
    core.linger = lambda seconds: (seen.append(seconds), (0, 0, "", ""))[1]
    native.linger(90)
    assert seen == [90]
    core.linger = lambda seconds: (2, 0, "wsgireload_linger", "this process is not Apache's")
    with pytest.raises(NativeError, match="wsgireload_linger failed: this process is not Apache's"):
        native.linger(90)


def test_unavailable(unloadable):
    """If the core does not load, the import succeeds, and the reason is the loader's."""
    assert unloadable.unavailable() == (
        "the native module does not load: "
        "ModuleNotFoundError: import of wsgireload._native halted; None in sys.modules"
    )


@pytest.mark.parametrize(
    "call",
    [
        ("apache",),
        ("command_line",),
        ("restart",),
        ("terminate",),
        ("taken",),
        ("rearm",),
        ("linger", 1),
    ],
)
def test_unavailable_calls(unloadable, call):
    """If the core does not load, every call raises with that reason."""
    name, *arguments = call
    with pytest.raises(NativeError, match=r"^import wsgireload\._native failed: ModuleNotFound"):
        getattr(unloadable, name)(*arguments)


def test_statuses():
    """The numbers in native.py are those of the header."""
    for name in ("OK", "REQUESTED", "ALREADY_REQUESTED", "UNSUPPORTED", "FAILED", "NOT_READY"):
        assert getattr(native, f"_{name}") == getattr(lib, f"WSGIRELOAD_{name}")
