"""Real threads and locks, also where a library has put greenlets in their place."""

from __future__ import annotations

import _thread
import importlib.util
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType

import pytest
from support.builds import needs

from wsgireload import threads

FOREVER = 50.0  # seconds, near the limit of a test

PATCH = {
    "gevent": "from gevent import monkey\nmonkey.patch_all()\n",
    "eventlet": "import warnings\nwarnings.simplefilter('ignore')\n"
    "import eventlet\neventlet.monkey_patch()\n",
}
START = "import wsgireload\nmonitor = wsgireload.start(server='daemon', interval=0.01)\n"
WATCH = """
import sys, time
from pathlib import Path

def greenlet_that_waits_for(condition):
    end = time.monotonic() + 50
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)

restarts = []
import wsgireload.server.native as native
native.restart = lambda: restarts.append(1) or True
greenlet_that_waits_for(lambda: monitor.status().looks > 3)
assert not monitor.status().changed
Path(sys.argv[1]).write_text("two")
wsgireload.track(sys.argv[1])  # it also wakes
greenlet_that_waits_for(lambda: monitor.status().looks > 6)
wsgireload.restart("by hand")
greenlet_that_waits_for(lambda: restarts)
assert monitor.active
wsgireload.stop()
"""


@pytest.mark.parametrize("library", PATCH)
@pytest.mark.parametrize("order", ["before", "after", "before all imports"])
def test_a_library_that_replaces_threads(library: str, order: str, tmp_path: Path) -> None:
    """The monitor watches and restarts, and greenlets go on, whenever they took over."""
    needs(library)
    first = {"before": "import wsgireload\n", "after": START, "before all imports": ""}[order]
    code = first + PATCH[library] + ("" if order == "after" else START) + WATCH
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, tmp_path / "file"],
        env={"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr


def fresh() -> ModuleType:
    """The module as it is where it is imported now."""
    spec = importlib.util.spec_from_file_location("fresh_threads", threads.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_a_library_it_is_pythons_own() -> None:
    """Where nothing was replaced, no second module is made."""
    assert threads.are_real
    assert threads.allocate_lock is _thread.allocate_lock


@pytest.mark.parametrize("name", threads.NEEDED)
def test_each_replaced_function_is_replaced_back(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever function a library has replaced, ours starts threads and waits in the system."""
    monkeypatch.setattr(_thread, name, lambda *_: pytest.fail("this is the library's"))
    module = fresh()
    assert module.are_real
    ids: list[int] = []
    thread = module.RealThread(lambda: ids.append(module.get_native_id()))
    thread.join(FOREVER)
    thread.join(FOREVER)
    assert ids
    assert ids != [module.get_native_id()]


def test_where_there_is_no_second_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Python's own functions `are_real` is False."""
    monkeypatch.setattr(_thread, "start_new_thread", lambda *_: 0)
    monkeypatch.setattr("importlib.machinery.BuiltinImporter.find_spec", lambda *_: None)
    assert not fresh().are_real


def test_sleep() -> None:
    """It lasts about as long as it should."""
    began = time.monotonic()
    threads.sleep(0.01)
    assert 0.005 < time.monotonic() - began < FOREVER


def test_join_has_a_time_limit() -> None:
    """A thread that goes on is not waited for any longer."""
    event = threading.Event()
    thread = threads.RealThread(lambda: event.wait(FOREVER) and None)
    thread.join(0.01)
    event.set()
    thread.join(FOREVER)


def test_join_waits_until_the_thread_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only until its work is done: also while it unregisters itself, slowly."""
    real, runners = threading.get_ident, list[int]()

    def slow() -> int:
        if real() in runners:
            threads.sleep(0.05)
        return real()

    def work() -> None:
        runners.append(real())
        monkeypatch.setattr(threading, "get_ident", slow)

    thread = threads.RealThread(work)
    thread.join(FOREVER)
    monkeypatch.undo()
    assert "wsgireload" not in [each.name for each in threading.enumerate()]


@pytest.mark.parametrize("kind", ["trace", "profile"])
def test_a_debugger_does_not_see_our_threads(kind: str, request: pytest.FixtureRequest) -> None:
    """A function that debuggers have called in each thread is called in no thread of ours."""
    use, before = getattr(threading, f"set{kind}"), getattr(threading, f"get{kind}")()
    request.addfinalizer(lambda: use(before))
    seen: list[object] = []
    use(lambda *event: seen.append(event))
    thread = threads.RealThread(lambda: None)
    thread.join(FOREVER)
    assert not thread.is_current
    assert seen == []


def test_a_library_that_stops_the_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As freezegun does, in all modules: no function of our clocks is one of Python's."""
    for name in ("monotonic", "time", "time_ns"):
        assert getattr(threads.time, name) is not getattr(time, name)
        monkeypatch.setattr(time, name, lambda: 0)
        assert getattr(threads.time, name)() > 0
