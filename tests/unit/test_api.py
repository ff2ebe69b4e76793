"""The public functions, each in a Python of its own: what they touch is one per interpreter."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from wsgireload import api

PRELUDE = """
import logging, os, sys, threading, time, typing
class Named(typing.NamedTuple):
    field: "int"
early = set(sys.modules)  # from 3.14 on, logging and named tuples themselves import large modules
import wsgireload
imported = set(sys.modules)
import pathlib, signal
asked = threading.Event()
signal.signal(signal.SIGINT, lambda *_: asked.set())
preludes = set(sys.modules)
def thread_names():
    return [thread.name for thread in threading.enumerate()]
def wait_for(condition):
    pulse, end = threading.Event(), time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it never came true"
        pulse.wait(0.01)
"""


def run(tmp_path: Path, code: str, **environment: str) -> str:
    """What a program of these lines writes to stderr; it has to exit with 0."""
    known = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "PYTHONWARNINGS": "error"}
    program = PRELUDE + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=known | environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Exception ignored" not in done.stderr
    return done.stderr


def test_importing_does_nothing(tmp_path: Path) -> None:
    """No thread, no finder, no hook, no file: importing has no side effect."""
    run(
        tmp_path,
        """
        assert threading.active_count() == 1
        assert all("wsgireload" not in type(f).__module__ for f in sys.meta_path)
        assert os.listdir(".") == []
        """,
    )


def test_little_is_imported(tmp_path: Path) -> None:
    """Importing the package loads no large module: every interpreter would pay for it."""
    run(
        tmp_path,
        """
        large = {"dataclasses", "inspect", "ast", "hashlib", "tempfile", "subprocess"}
        assert not large & (imported - early), imported - early
        monitor = wsgireload.start(server="daemon", interval=0.01)
        wait_for(lambda: monitor.status().looks)
        assert not large & (set(sys.modules) - imported - preludes), set(sys.modules) - imported
        """,
    )


def test_outside_apache_it_is_inactive(tmp_path: Path) -> None:
    """start() in a plain Python never raises: one line says that this is no Apache."""
    err = run(
        tmp_path,
        """
        monitor = wsgireload.start()
        assert wsgireload.start() is monitor
        assert not monitor.active and "not Apache" in monitor.reason
        assert threading.active_count() == 1
        assert wsgireload.restart() is False
        assert wsgireload.reload_required("x") is False
        """,
    )
    assert err.count("inactive: ") == 2  # start, and restart


def test_before_start(tmp_path: Path) -> None:
    """Before start() there is a status, stop() does nothing, and tracked paths are kept."""
    run(
        tmp_path,
        """
        assert "has not been called" in wsgireload.status().reason
        wsgireload.stop()
        assert wsgireload.restart() is False
        wsgireload.track("one.html")
        wsgireload.start(server="daemon", interval=0.01)
        wait_for(lambda: wsgireload.status().looks > 1)
        pathlib.Path("one.html").touch()
        assert asked.wait(20)
        """,
    )


def test_start_imports_what_cannot_wait(tmp_path: Path) -> None:
    """The other parts are imported once the application is loaded, which they would delay."""
    run(
        tmp_path,
        """
        from wsgireload.monitor.loading import Loading
        Loading.comes_first = lambda _: True
        wsgireload.start(server="daemon")
        ours = {name for name in set(sys.modules) - early if name.startswith("wsgireload.")}
        late = {"decide.syntax", "detect.detector", "reloader", "watch.events", "monitor.wiring"}
        assert not {f"wsgireload.{name}" for name in late} & ours, ours
        assert len(ours) <= 36, sorted(ours)
        assert wsgireload.status().files == 0
        assert {f"wsgireload.{name}" for name in late} <= set(sys.modules)
        """,
    )


def test_no_annotation_is_compiled(tmp_path: Path) -> None:
    """NamedTuple compiles each one that is a text, in every process that starts."""
    run(
        tmp_path,
        """
        from wsgireload.monitor.loading import Loading
        Loading.comes_first = lambda _: True
        wsgireload.start(server="daemon")
        wsgireload.status()  # has the other parts imported
        checked = 0
        for name in set(sys.modules) - early:
            module = sys.modules[name]
            kinds = [each for each in vars(module).values() if isinstance(each, type)]
            if any(issubclass(each, tuple) and each.__module__ == name for each in kinds):
                checked += name.startswith("wsgireload.")
                assert not hasattr(module, "annotations"), name  # from __future__
        assert checked > 10
        """,
    )


def test_the_first_look_has_it_all(tmp_path: Path) -> None:
    """What was tracked before start() is there when the monitor begins."""
    run(
        tmp_path,
        """
        from wsgireload.monitor import Monitor
        begin, there = Monitor.start, []
        def start(self):
            there.extend(self._late.parts.detector._tracked._expanded)
            begin(self)
        Monitor.start = start
        wsgireload.track("one.html")
        wsgireload.start(server="daemon", interval=0.01)
        there = [path for path in there if not path.endswith(".pth")]  # of installed packages
        assert there == [os.path.abspath("one.html")]
        """,
    )


def test_start_twice(tmp_path: Path) -> None:
    """A second start returns the first monitor and adds what it tracks."""
    run(
        tmp_path,
        """
        first = wsgireload.start(server="daemon", interval=0.01)
        wait_for(lambda: wsgireload.status().looks)
        assert wsgireload.start(track="more.html") is first
        assert thread_names().count("wsgireload") == 1
        looks = wsgireload.status().looks
        wait_for(lambda: wsgireload.status().looks > looks + 1)
        pathlib.Path("more.html").touch()
        assert asked.wait(20)
        """,
    )


def test_settings_of_a_later_start(tmp_path: Path) -> None:
    """Settings that a later start alone has are without effect, and the log names them once."""
    run(
        tmp_path,
        """
        import contextlib, io
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            wsgireload.start(server="daemon", interval=0.01)
            wsgireload.start()
            wsgireload.start(server="daemon", track="more.html")
            assert "later" not in said.getvalue()
            for _ in range(2):
                wsgireload.start(interval=0.01, rolling=True, trigger="deployed")
        assert said.getvalue().count("without effect: rolling, trigger [") == 1
        """,
    )


def test_many_start_at_once(tmp_path: Path) -> None:
    """However many threads call start, there is one monitor and one thread."""
    run(
        tmp_path,
        """
        gate, found = threading.Barrier(16), []
        def call():
            gate.wait()
            found.append(wsgireload.start(server="daemon", interval=1.0))
        callers = [threading.Thread(target=call) for _ in range(16)]
        [caller.start() for caller in callers]
        [caller.join() for caller in callers]
        assert len(set(map(id, found))) == 1
        assert thread_names().count("wsgireload") == 1
        """,
    )


def test_stop_and_start_again(tmp_path: Path) -> None:
    """After stop there is no thread; start begins anew."""
    run(
        tmp_path,
        """
        for _ in range(20):
            assert wsgireload.start(server="daemon", interval=0.01).active
            wsgireload.stop()
            assert thread_names() == ["MainThread"]
        assert all("wsgireload" not in type(f).__module__ for f in sys.meta_path)
        """,
    )


@pytest.mark.parametrize("word", ["off", "0", "no", "False"])
def test_switched_off_by_the_environment(tmp_path: Path, word: str) -> None:
    """WSGIRELOAD=off: no thread, no file read, one line."""
    err = run(
        tmp_path,
        """
        monitor = wsgireload.start(server="daemon", enabled=True)
        assert not monitor.active
        assert threading.active_count() == 1
        """,
        WSGIRELOAD=word,
    )
    assert err.count(f"inactive: the environment has WSGIRELOAD={word}") == 1


def test_switched_off_by_the_script(tmp_path: Path) -> None:
    """enabled=False does the same."""
    run(tmp_path, 'assert "enabled=False" in wsgireload.start(enabled=False).reason')


def test_a_wrong_setting_raises(tmp_path: Path) -> None:
    """A setting that makes no sense is the script's mistake: it raises, and nothing is started."""
    run(
        tmp_path,
        """
        try:
            wsgireload.start(interval="soon")
        except wsgireload.SettingsError as error:
            assert "interval" in str(error) and "'soon'" in str(error)
        else:
            raise AssertionError("it was taken")
        assert threading.active_count() == 1
        assert "has not been called" in wsgireload.status().reason
        """,
    )


def test_a_forked_child_has_no_monitor(tmp_path: Path) -> None:
    """A forked child has no monitor and no locked lock, and its changes restart nothing."""
    run(
        tmp_path,
        """
        import warnings
        warnings.simplefilter("ignore")  # 3.12 warns of any fork beside a thread
        wsgireload.start(server="daemon", interval=0.01)
        child = os.fork()
        if not child:
            ok = "has not been called" in wsgireload.status().reason
            ok = ok and wsgireload.restart() is False
            wsgireload.stop()
            ok = ok and all("wsgireload" not in type(f).__module__ for f in sys.meta_path)
            os._exit(0 if ok else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert wsgireload.status().active
        """,
    )


def test_the_end_is_silent(tmp_path: Path) -> None:
    """A process that ends while its monitor runs exits with 0 and logs nothing about it."""
    err = run(
        tmp_path,
        """
        wsgireload.start(server="daemon", interval=0.01)
        wait_for(lambda: wsgireload.status().looks)
        """,
    )
    assert len(err.splitlines()) == 1
    assert err.startswith("wsgireload: watching: ")


def test_the_whole_way(tmp_path: Path) -> None:
    """An edited module sends one real SIGINT to its own process."""
    (tmp_path / "views.py").write_text("x = 1\n")
    err = run(
        tmp_path,
        """
        sys.path.insert(0, os.getcwd())
        wsgireload.start(server="daemon", interval=0.01)
        import views
        wait_for(lambda: wsgireload.status().looks > 1)
        os.utime("views.py")
        pathlib.Path("views.py").write_text("x = 1\\n")
        looks = wsgireload.status().looks
        wait_for(lambda: wsgireload.status().looks > looks + 5)
        assert not asked.is_set()
        pathlib.Path("views.py").write_text("x = 2\\n")
        assert asked.wait(20)
        """,
    )
    assert "restarting: " in err
    assert "views.py changed" in err


class _Stopped:
    """The state of an interpreter whose monitor another thread stops right after any read."""

    tracked: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.left: list[object] = [Mock()]

    @property
    def monitor(self) -> object:
        """The monitor once, then none."""
        return self.left.pop() if self.left else None

    for_requests = monitor


@pytest.mark.parametrize(
    "call",
    [
        lambda: api.reload_required("app.wsgi"),
        lambda: api.restart("why"),
        lambda: api.track("a.html"),
        api.status,
        lambda: list(api.streams([b"a"])),
    ],
)
def test_a_monitor_that_is_stopped_meanwhile(
    call: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request fails because another thread stops the monitor in the middle of a call."""
    monkeypatch.setattr(api, "_here", _Stopped())
    call()
