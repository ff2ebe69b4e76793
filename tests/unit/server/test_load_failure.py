"""Why a WSGI script could not be loaded."""

from __future__ import annotations

import _thread
import io
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from support.waiting import wait_for

from wsgireload.server import load_failure
from wsgireload.server.load_failure import MOST_TEXT, LoadFailure

Arguments = tuple[tuple[object, ...], dict[str, object]]
# How mod_wsgi 4.9 and 5.0, and how 6.1 logs an exception.
CALLS: list[Callable[[BaseException, io.StringIO], Arguments]] = [
    lambda error, log: ((type(error), error, error.__traceback__, None, log), {}),
    lambda error, log: ((error,), {"file": log}),
]


@pytest.fixture(params=CALLS)
def log(request: pytest.FixtureRequest) -> Callable[[BaseException], str]:
    """Log an exception as mod_wsgi does; returns what is logged."""

    def log(error: BaseException) -> str:
        file, end = io.StringIO(), traceback.format_exception_only(error)[-1]
        # No Python code calls it: a thread begins with it.
        _thread.start_new_thread(traceback.print_exception, *request.param(error, file))
        wait_for(lambda: file.getvalue().endswith(end))
        return file.getvalue()

    return log


@pytest.fixture
def failure() -> Iterator[LoadFailure]:
    """A script is about to be loaded."""
    failure = LoadFailure()
    failure.watch()
    yield failure
    failure.end()


def load(path: Path, source: str, name: str = "_mod_wsgi_1") -> BaseException:
    """Load a script; returns what it raises, with the traceback that begins in it."""
    path.write_text(source)
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - of any kind
        exec(compile(source, str(path), "exec"), {"__name__": name})
    began = caught.value.__traceback__
    return caught.value.with_traceback(began and began.tb_next)


def test_the_exception(
    failure: LoadFailure, log: Callable[[BaseException], str], tmp_path: Path
) -> None:
    """What ended loading is noted with its place and traceback, and logged as before."""
    error = load(tmp_path / "app.wsgi", "import os\n\nos.stat(no_such)")
    text = log(error)
    assert failure.last is not None
    at, *rest = failure.last
    assert at > 1e9
    assert rest == ["NameError: name 'no_such' is not defined", text, str(tmp_path / "app.wsgi"), 3]
    assert text.startswith("Traceback")


def test_the_innermost_place_of_the_user(
    failure: LoadFailure, log: Callable[[BaseException], str], tmp_path: Path
) -> None:
    """The place is where the user's code failed, and not inside a library that it called."""
    log(load(tmp_path / "app.wsgi", "import json\n\n\njson.loads('{')"))
    assert failure.last is not None
    assert failure.last[3:] == (str(tmp_path / "app.wsgi"), 4)


def test_a_syntax_error(
    failure: LoadFailure, log: Callable[[BaseException], str], tmp_path: Path
) -> None:
    """The place of a SyntaxError is the line that does not compile."""
    source = f"compile('x = 1\\nx = = 2', {str(tmp_path / 'views.py')!r}, 'exec')"
    log(load(tmp_path / "app.wsgi", source))
    assert failure.last is not None
    assert failure.last[3:] == (str(tmp_path / "views.py"), 2)


def test_a_traceback_that_begins_in_an_import(
    failure: LoadFailure, log: Callable[[BaseException], str], tmp_path: Path
) -> None:
    """What a module raises that the script imports is noted, also where the script is left out."""
    (tmp_path / "views.py").write_text("1 / 0")
    source = f"import sys, importlib\nsys.path.insert(0, {str(tmp_path)!r})\n"
    error = load(tmp_path / "app.wsgi", source + "importlib.import_module('views')")
    while "importlib._bootstrap" not in error.__traceback__.tb_frame.f_code.co_filename:  # type: ignore[union-attr]
        error = error.with_traceback(error.__traceback__.tb_next)  # type: ignore[union-attr]
    log(error)
    assert failure.last is not None
    assert failure.last[3:] == (str(tmp_path / "views.py"), 1)


@pytest.mark.parametrize("name", ["__main__", "views"])
def test_other_exceptions(
    failure: LoadFailure, log: Callable[[BaseException], str], tmp_path: Path, name: str
) -> None:
    """What other code raises or logs meanwhile is not noted."""
    log(load(tmp_path / "views.py", "1 / 0", name))
    traceback.print_exception(load(tmp_path / "app.wsgi", "1 / 0"), file=io.StringIO())
    traceback.print_exception(None, file=io.StringIO())
    assert failure.last is None


def test_a_traceback_that_begins_in_a_library(
    failure: LoadFailure, log: Callable[[BaseException], str], tmp_path: Path
) -> None:
    """What is logged first after the script has left sys.modules has ended it."""
    failure.is_gone = lambda: True
    log(load(tmp_path / "views.py", "1 / 0", "library"))
    log(load(tmp_path / "other.py", "1 / 0", "library"))
    assert failure.last is not None
    assert failure.last.path == str(tmp_path / "views.py")


def test_no_traceback(failure: LoadFailure, log: Callable[[BaseException], str]) -> None:
    """Where mod_wsgi has no traceback, as of a script's own exception, only that is noted."""
    log(ValueError("no"))
    assert failure.last is not None
    assert failure.last[1:] == ("ValueError: no", "ValueError: no\n", None, None)


def test_a_long_traceback(
    failure: LoadFailure, log: Callable[[BaseException], str], tmp_path: Path
) -> None:
    """Of a long traceback the last part is kept, and of the exception its last line."""
    log(load(tmp_path / "app.wsgi", f"raise ValueError('first\\n' * {MOST_TEXT} + 'last')"))
    assert failure.last is not None
    assert len(failure.last.traceback) == MOST_TEXT
    assert failure.last.error == "last"


def test_the_function_is_put_back() -> None:
    """Afterwards `traceback` has its own function again."""
    before, failure = traceback.print_exception, LoadFailure()
    failure.watch()
    assert traceback.print_exception != before
    failure.end()
    failure.end()
    assert traceback.print_exception == before


def test_another_tool_replaces_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another tool has put in place meanwhile stays, and still works."""
    failure = LoadFailure()
    failure.watch()
    wrapped = partial(traceback.print_exception)
    monkeypatch.setattr(traceback, "print_exception", wrapped)
    failure.end()
    assert traceback.print_exception is wrapped
    file = io.StringIO()
    traceback.print_exception(ValueError("x"), file=file)
    assert "ValueError: x" in file.getvalue()


def test_a_failure_of_ours(
    failure: LoadFailure,
    log: Callable[[BaseException], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An error of ours is no reason that nothing is logged."""
    monkeypatch.setattr(load_failure, "failed", None)
    assert "ZeroDivisionError" in log(load(tmp_path / "app.wsgi", "1 / 0"))
    assert failure.last is None


def test_where_a_script_is_being_loaded(tmp_path: Path) -> None:
    """The innermost line of the application's own is named, of the thread that loads a script."""
    held, asked = _thread.allocate_lock(), list[str]()
    held.acquire()
    source = "def serve():\n    asked.append(__name__)\n    held.acquire()\nserve()\n"
    (script := tmp_path / "app.wsgi").write_text(source)
    code = compile(source, str(script), "exec")

    def run(name: str) -> str:
        names = {"__name__": name, "asked": asked, "held": held}
        thread = _thread.start_new_thread(exec, (code, names))
        wait_for(lambda: name in asked)
        try:
            return load_failure.place_of(thread)
        finally:
            held.release()

    assert run("_mod_wsgi_1") == f"{script}, line 3"
    assert run("another") == ""
    assert load_failure.place_of(0) == ""


def test_the_text_of_a_line(tmp_path: Path) -> None:
    """The text of a line is that of the file, None where there is none."""
    (tmp_path / "a.py").write_text("x = 1\n  y = 2\n")
    path = str(tmp_path / "a.py")
    assert load_failure.source_line(path, 2) == "  y = 2"
    assert load_failure.source_line(path, 3) is None
    assert load_failure.source_line(None, 1) is None
