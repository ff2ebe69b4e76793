"""native.py: every status of the core becomes a value or an exception."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import pytest

from wsgireload import native
from wsgireload.errors import NativeError
from wsgireload.ffi import lib


@pytest.fixture
def core(monkeypatch):
    """A stand-in for _native, which says what the test puts into it."""
    stand_in = SimpleNamespace(
        probe=lambda: (False, "", ""), restart=lambda: (0, 0, "", ""), rearm=lambda: None
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
    """Inside Apache the version and the MPM are what httpd says."""
    core.probe = lambda: (True, "Apache/2.4.57", "event")
    assert native.apache() == native.Apache(version="Apache/2.4.57", mpm="event")


@pytest.mark.parametrize(("status", "asked"), [(0, True), (1, False)])
def test_asked(core, status, asked):
    """A restart tells whether this call or an earlier one asked."""
    core.restart = lambda: (status, 0, "", "")
    assert native.restart() is asked


@pytest.mark.parametrize("status", [2, 3, 99])
def test_failed(core, status):
    """Every other status is a NativeError that names the call, the code and the system's words."""
    core.restart = lambda: (status, 1, "kill", "Operation not permitted")
    with pytest.raises(NativeError, match=r"^kill failed: Operation not permitted") as raised:
        native.restart()
    error = raised.value
    assert (error.call, error.code, error.message) == ("kill", 1, "Operation not permitted")


def test_rearm(core):
    """Rearm reaches the core."""
    called = []
    core.rearm = lambda: called.append("rearm")
    native.rearm()
    assert called == ["rearm"]


def test_unavailable(unloadable):
    """Where the core does not load, the import goes well and the reason is the loader's."""
    assert unloadable.unavailable() == (
        "the native module does not load: "
        "ModuleNotFoundError: import of wsgireload._native halted; None in sys.modules"
    )


@pytest.mark.parametrize("name", ["apache", "restart", "rearm"])
def test_unavailable_calls(unloadable, name):
    """Where the core does not load, every call says so."""
    with pytest.raises(NativeError, match=r"^import wsgireload\._native failed: ModuleNotFound"):
        getattr(unloadable, name)()


def test_statuses():
    """The numbers in native.py are those of the header."""
    assert (native._ASKED, native._ALREADY_ASKED) == (
        lib.WSGIRELOAD_ASKED,
        lib.WSGIRELOAD_ALREADY_ASKED,
    )
