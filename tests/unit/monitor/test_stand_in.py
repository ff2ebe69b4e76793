"""What answers in place of a WSGI script that could not be loaded."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from wsgireload.monitor.stand_in import PATIENCE, StandIn
from wsgireload.report import Failed
from wsgireload.server import detection
from wsgireload.threads import time

NAME = "_mod_wsgi_5tand1n"
FAILED = Failed(1.0, "NameError: first", "Traceback\nNameError: <first>", "/site/views.py", 3)
HERE = {"REMOTE_ADDR": "127.0.0.1", "SERVER_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"}
ELSEWHERE = {**HERE, "REMOTE_ADDR": "192.0.2.1"}
GOOD = """
def application(environ, start_response):
    start_response('200 OK', [])
    return [b'good']
"""
LIVE = "application = middleware(application, live=True)"


class Site:
    """A script that fails, and what mod_wsgi finds in its place."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "app.wsgi"
        self.restarts: list[None] = []
        self.statuses: list[str] = []
        self.save("raise NameError('second')\napplication = None")
        script = ModuleType(NAME)
        script.__file__ = str(self.path)
        self.stand_in = StandIn(script, lambda: self.restarts.append(None))

    def save(self, source: str) -> None:
        """Save the script, with the mtime of before: mod_wsgi answers to another one."""
        self.path.write_text(source)
        os.utime(self.path, (1e9, 1e9))

    def get(self, who: dict[str, str], name: str = "application", **more: str) -> str:
        """Answer a request as mod_wsgi does once it has found the module."""
        environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", **who, **more}
        environ["mod_wsgi.callable_object"] = name

        def start_response(status: str, _headers: object) -> None:
            self.statuses.append(status[:3])

        application = vars(sys.modules[NAME])[name]
        return b"".join(application(environ, start_response)).decode()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Loading the script has just failed."""
    site = Site(tmp_path)
    site.stand_in.begin(FAILED)
    yield site
    sys.modules.pop(NAME, None)


def test_what_mod_wsgi_compares(site: Site) -> None:
    """The module has the script's mtime in microseconds, so that no process is replaced for it."""
    assert vars(sys.modules[NAME])["__mtime__"] == 10**15
    assert vars(sys.modules[NAME])["__file__"] == str(site.path)
    assert "reload_required" not in vars(sys.modules[NAME])
    assert not detection.scripts_loaded()
    assert not detection.scripts_loading()


def test_a_script_with_a_hook(site: Site) -> None:
    """`reload_required` is ours where the script has one: a change is handed over as ever."""
    del sys.modules[NAME]
    site.save("raise NameError\nreload_required = None")
    site.stand_in.begin(FAILED)
    assert detection.reload_hook()


def test_this_machine_gets_the_page(site: Site) -> None:
    """It shows the first failure; later ones in the same process may only follow from it."""
    page = site.get(HERE)
    assert "NameError: &lt;first&gt;" in page
    assert "/site/views.py, line 3" in page
    assert "second" not in page
    assert site.statuses == ["500"]


def test_a_failure_without_a_place(tmp_path: Path) -> None:
    """Where mod_wsgi has dropped the traceback, the page has that of the second attempt."""
    site = Site(tmp_path)
    site.stand_in.begin(FAILED._replace(path=None, line=None))
    page = site.get(HERE)
    del sys.modules[NAME]
    assert f"{site.path}, line 1" in page
    assert "stand_in.py" not in page


def test_others_get_the_exception(site: Site) -> None:
    """mod_wsgi logs it and answers 500, as it does where the script fails again."""
    by_proxy = {**HERE, "HTTP_VIA": "x"}, {**HERE, "SERVER_PROTOCOL": "HTTP/1.0"}
    for who in (ELSEWHERE, {**HERE, "HTTP_HOST": "evil.example"}, *by_proxy):
        with pytest.raises(NameError, match="second"):
            site.get(who)
    assert site.statuses == []


@pytest.mark.parametrize("who", [HERE, ELSEWHERE])
def test_a_script_that_loads_after_all(site: Site, who: dict[str, str]) -> None:
    """It answers this request, and takes its place for good."""
    site.save(GOOD)
    assert site.get(who) == "good"
    module = sys.modules[NAME]
    assert vars(module)["__mtime__"] == 10**15
    assert detection.scripts_loaded()
    assert site.stand_in._answer({**who, "REQUEST_METHOD": "GET"}, lambda *_: None) == [b"good"]
    assert sys.modules[NAME] is module
    site.stand_in.end()
    assert sys.modules[NAME] is module


def test_the_script_while_it_is_loaded(site: Site) -> None:
    """Other requests meanwhile find what answers them, and no module that lacks an application."""
    site.save(f"import sys\nassert sys.modules[__name__].application.__self__\n{GOOD}")
    assert site.get(ELSEWHERE) == "good"


def test_another_name_of_the_application(tmp_path: Path) -> None:
    """Under whatever name the script has its application, mod_wsgi finds one."""
    site = Site(tmp_path)
    site.save("raise NameError\nother = None")
    site.stand_in.begin(FAILED)
    page = site.get(HERE, "other")
    del sys.modules[NAME]
    assert "first" in page


@pytest.mark.parametrize("module", ["starred", "starred.inner"])
def test_a_name_from_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """The application may also have its name from a module of which the script imports all."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "starred").mkdir()
    (tmp_path / "starred/__init__.py").write_text("")
    path = {"starred": "starred/__init__.py", "starred.inner": "starred/inner.py"}[module]
    (tmp_path / path).write_text("raise NameError\ndef other(): ...\n")
    monkeypatch.setitem(sys.modules, "starred", ModuleType("starred"))
    vars(sys.modules["starred"])["__path__"] = [str(tmp_path / "starred")]
    if module == "starred":
        monkeypatch.delitem(sys.modules, "starred")  # as an import that has failed leaves it
    site = Site(tmp_path)
    site.save(f"from {module} import *  # all")
    site.stand_in.begin(FAILED)
    page = site.get(HERE, "other")
    del sys.modules[NAME]
    assert "first" in page


@pytest.mark.parametrize(
    "line",
    [
        "from no_such_module import *",
        "from no_such_package.inner import *",
        "from .inner import *",
        "import os; from starred import *",
        "from starred import *",
    ],
)
def test_a_name_that_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """Nothing answers in the script's place then: mod_wsgi would not load the script again."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "starred.py").write_text("from another import *\n")
    site = Site(tmp_path)
    site.save(line)
    with contextlib.suppress(Exception):  # as where it is called
        site.stand_in.begin(FAILED)
    assert NAME not in sys.modules
    site.save(f"application = None\n{line}")
    site.stand_in.begin(FAILED)
    assert "first" in site.get(HERE)
    del sys.modules[NAME]


def test_a_script_that_was_saved_meanwhile(site: Site) -> None:
    """mod_wsgi loads it again, from the start."""
    site.stand_in.end()
    assert NAME not in sys.modules
    os.utime(site.path, (2e9, 2e9))
    site.stand_in.begin(FAILED)
    assert NAME not in sys.modules


def test_a_script_that_is_there(site: Site) -> None:
    """What another thread has loaded keeps its place."""
    sys.modules[NAME] = module = ModuleType(NAME)
    site.stand_in.begin(FAILED)
    assert sys.modules[NAME] is module


def test_a_process_that_never_loads_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while another process is requested, as startup-timeout would; then again later."""
    now = time.monotonic()
    for after, restarts in ((0, 0), (PATIENCE + 1, 1), (PATIENCE + 2, 1), (2 * PATIENCE + 3, 2)):
        monkeypatch.setattr(time, "monotonic", lambda at=now + after: at)
        site.get(HERE)
        assert len(site.restarts) == restarts


def test_the_page_after_a_start_in_the_same_process(site: Site) -> None:
    """What another request has loaded is newer than the page, though no process was replaced."""
    version = site.get(HERE).partition("live?v=")[2].partition('"')[0]
    site.save(f"{GOOD}from wsgireload.web import middleware\n{LIVE}")
    asked = {"PATH_INFO": "/.wsgireload/live", "QUERY_STRING": f"v={version}"}
    assert site.get(HERE, PATH_INFO="/") == "good"
    assert '"reload": true' in site.get(HERE, **asked)


def test_an_open_page_asks(site: Site) -> None:
    """Its own version is still current; a page of earlier code is to reload. No load is tried."""
    page = site.get(HERE)
    version = page.partition("live?v=")[2].partition('"')[0]
    site.save("1 / 0")
    asked = {"PATH_INFO": "/own/path/live"}
    assert '"reload": false' in site.get(HERE, QUERY_STRING=f"v={version}", **asked)
    assert '"reload": true' in site.get(HERE, QUERY_STRING="v=1.1.abc.", **asked)
    with pytest.raises(ZeroDivisionError):
        site.get(ELSEWHERE, QUERY_STRING=f"v={version}", **asked)
