"""Log: one line for each event, where an operator reads it."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from wsgireload import threads
from wsgireload.log import Event, Log, Word, few, shown

logger = logging.getLogger("wsgireload")
WORDS = [
    (Word.WATCHING, "watching", logging.INFO),
    (Word.CHANGED, "changed", logging.INFO),
    (Word.HOLDING, "holding", logging.WARNING),
    (Word.RESTARTING, "restarting", logging.WARNING),
    (Word.RELOADED, "reloaded", logging.INFO),
    (Word.INACTIVE, "inactive", logging.WARNING),
]

# Real configuration, in a process of its own: it would take pytest's handlers away here.
DISABLED = """
import logging.config
from wsgireload.log import Log, Word
Log("app").say(Word.WATCHING, "before")
logging.config.dictConfig({
    "version": 1,
    "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
    "root": {"handlers": ["out"], "level": "DEBUG"},
})
Log("app").say(Word.WATCHING, "after")
"""
CLOSED = io.StringIO()
CLOSED.close()


class Broken(io.TextIOBase):
    """A stream on which nothing can be written."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def say_unconfigured(stream: object, word: str, text: str, log: Log | None = None) -> None:
    """Log a line where logging is not configured and stderr is this stream."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        patch.setattr(logger, "propagate", False)  # pytest's own handlers stand further up
        assert not logger.hasHandlers()
        (log or Log("app")).say(word, text)


@pytest.mark.parametrize(("word", "first", "level"), WORDS)
def test_unconfigured_lines_go_to_stderr(word: str, first: str, level: int) -> None:
    """If logging is not configured, each line goes to stderr, and ends with its level."""
    stderr = io.StringIO()
    say_unconfigured(stderr, word, "views.py", Log("site|/app"))
    name = logging.getLevelName(level).lower()
    told = f"{first}: views.py [pid {os.getpid()}, application 'site|/app', {name}]"
    assert stderr.getvalue() == f"wsgireload: {told}\n"


@pytest.mark.parametrize(
    "bad", ["\n", "\r", "\x1b[2J", "\x00", "\u202e", "\u2028", "\x85"], ids=ascii
)
def test_one_line_whatever_is_said(bad: str) -> None:
    """Line breaks and control characters of a terminal are escaped."""
    stderr = io.StringIO()
    say_unconfigured(stderr, Word.HOLDING, f"ä a{bad}wsgireload: reloaded: all is well")
    (line,) = stderr.getvalue().removesuffix("\n").split("\n")
    assert line.isprintable()
    assert "ä a\\" in line


@pytest.mark.parametrize(("word", "first", "level"), WORDS)
def test_configured_lines_go_to_the_users_handlers(
    word: str,
    first: str,
    level: int,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """If it is, the line goes there alone, with its level and our logger's name."""
    caplog.set_level(logging.DEBUG)
    Log("app").say(word, "100% of it")
    [record] = caplog.records
    assert (record.name, record.levelno) == ("wsgireload", level)
    assert record.getMessage().startswith(f"{first}: 100% of it [pid ")
    assert capsys.readouterr().err == ""


class ApacheHandler(logging.Handler):
    """Behaves like mod_wsgi.LogHandler: formats and writes what is not below Apache's LogLevel."""

    configured = logging.INFO
    lines: list[tuple[str, str]]

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= self.configured:
            self.lines.append((record.levelname, self.format(record)))


@pytest.fixture
def apache(monkeypatch: pytest.MonkeyPatch) -> type[ApacheHandler]:
    """A mod_wsgi that can set the level of a line."""
    monkeypatch.setattr(ApacheHandler, "lines", [], raising=False)
    monkeypatch.setitem(sys.modules, "mod_wsgi", SimpleNamespace(LogHandler=ApacheHandler))
    return ApacheHandler


@pytest.mark.parametrize(("word", "first", "level"), WORDS)
@pytest.mark.parametrize("configured", [logging.INFO, logging.WARNING, logging.ERROR])
def test_apache_gets_the_level(
    apache: type[ApacheHandler],
    monkeypatch: pytest.MonkeyPatch,
    *,
    word: str,
    first: str,
    level: int,
    configured: int,
) -> None:
    """Each line has its own level in Apache's log, or the lowest one that Apache writes; once."""
    monkeypatch.setattr(apache, "configured", configured)
    stderr = io.StringIO()
    say_unconfigured(stderr, word, "100% of it")
    line = f"wsgireload: {first}: 100% of it [pid {os.getpid()}, application 'app']"
    assert apache.lines == [(logging.getLevelName(max(level, configured)), line)]
    assert stderr.getvalue() == ""


def test_a_level_that_apache_discards(
    apache: type[ApacheHandler], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Apache writes no errors either, or the handler fails, the line goes to stderr."""
    stderr = io.StringIO()
    monkeypatch.setattr(apache, "configured", logging.CRITICAL)
    say_unconfigured(stderr, Word.CHANGED, "first")
    monkeypatch.setattr(apache, "emit", None)
    say_unconfigured(stderr, Word.CHANGED, "second")
    assert [line.split(" [")[0] for line in stderr.getvalue().splitlines()] == [
        "wsgireload: changed: first",
        "wsgireload: changed: second",
    ]


def test_fields_of_a_record(caplog: pytest.LogCaptureFixture) -> None:
    """A record has each field, so that formatters may name them; None where one does not apply."""
    caplog.set_level(logging.INFO)
    log = Log("site|/app")
    log.say(Word.HOLDING, "no", event=Event("held", ("a.py", "b.py"), 7, details="Traceback"))
    log.say(Word.RELOADED, "yes", event=Event("reloaded", seconds=0.5))
    log.say(Word.WATCHING, "3 files")
    names = ("event", "path", "line", "seconds", "details", "application")
    assert [[vars(record)[name] for name in names] for record in caplog.records] == [
        ["held", "a.py", 7, None, "Traceback", "site|/app"],
        ["reloaded", None, None, 0.5, None, "site|/app"],
        ["watching", None, None, None, None, "site|/app"],
    ]


def test_a_line_sends_its_event() -> None:
    """It is complete, and comes after the line; a line without an event sends nothing."""
    sent: list[Event] = []
    log = Log("site|/app", sent.append)
    before = time.time()
    log.say(Word.CHANGED, "a.py\nmodified", event=Event("changed", ("a.py",)))
    log.say_once(Word.RESTARTING, "x", event=Event("restarting"))
    log.say_once(Word.RESTARTING, "x", event=Event("restarting"))
    log.say(Word.WATCHING, "3 files")
    changed, restarting = sent
    assert changed._replace(at=0.0) == Event(
        "changed", ("a.py",), message=r"a.py\nmodified", application="site|/app", pid=os.getpid()
    )
    assert before <= changed.at <= time.time()
    assert (restarting.kind, restarting.message) == ("restarting", "x")


def test_an_event_is_plain_data() -> None:
    """Its dict can be written as JSON, and has every field."""
    event = Event("held", ("a.py",), 7, application="site", pid=1, at=2.5, message="no")
    plain = json.loads(json.dumps(event.asdict()))
    assert plain == {
        "kind": "held",
        "message": "no",
        "paths": ["a.py"],
        "line": 7,
        "seconds": None,
        "details": None,
        "application": "site",
        "pid": 1,
        "at": 2.5,
    }


def test_a_loud_line_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """A line of any word can be a warning, also one that is written once."""
    caplog.set_level(logging.INFO)
    Log("app").say_once(Word.WATCHING, "another reloader", loud=True)
    [record] = caplog.records
    assert record.levelno == logging.WARNING


def test_the_users_level_counts(caplog: pytest.LogCaptureFixture) -> None:
    """A user who configures warnings alone gets no more."""
    caplog.set_level(logging.WARNING)
    Log("app").say(Word.WATCHING, "3 files")
    assert not caplog.records


def run(program: str) -> list[str]:
    """What a program writes to stdout and to stderr."""
    ran = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    )
    return [ran.stdout, ran.stderr]


def test_a_logger_that_was_disabled() -> None:
    """If a dictConfig after our first line disables our logger, lines go to stderr."""
    out, err = run(DISABLED)
    assert out == ""
    assert [line.split(" [")[0] for line in err.splitlines()] == [
        "wsgireload: watching: before",
        "wsgireload: watching: after",
    ]


def test_stderr_is_looked_up_at_each_line() -> None:
    """The line goes to what sys.stderr is now, and not to what it was at import."""
    log, streams = Log("app"), [io.StringIO(), io.StringIO()]
    for stream in streams:
        say_unconfigured(stream, Word.CHANGED, "x", log)
    assert [stream.getvalue().count("changed: x") for stream in streams] == [1, 1]


@pytest.mark.parametrize("text", ["/srv/\udcff.py", "/srv/ü.py"], ids=ascii)
def test_unencodable_paths_are_written(text: str) -> None:
    """A path that no encoding knows is escaped, and its line is written."""
    raw = io.BytesIO()
    stderr = io.TextIOWrapper(raw, "utf-8", write_through=True)
    say_unconfigured(stderr, Word.CHANGED, text)
    assert b"changed: " + text.encode("utf-8", "backslashreplace") in raw.getvalue()
    assert raw.getvalue().count(b"\n") == 1


@pytest.mark.parametrize(
    "stream", [None, Broken(), CLOSED, object()], ids=["None", "full", "closed", "no stream"]
)
def test_broken_stderr_never_raises(stream: object) -> None:
    """A line that cannot be written raises nothing."""
    say_unconfigured(stream, Word.HOLDING, "x")


def test_a_users_handler_that_raises_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception of the user's handler does not reach the monitor."""

    class Raising(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError(record.getMessage())

    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "handlers", [Raising()])
    Log("app").say(Word.HOLDING, "x")


@pytest.mark.parametrize("beside", [False, True])
def test_a_line_that_the_users_logging_refuses(
    monkeypatch: pytest.MonkeyPatch, *, beside: bool
) -> None:
    """If a filter raises, as one that needs a request does, the line goes to stderr."""

    def needs_a_request(_record: logging.LogRecord) -> bool:
        raise RuntimeError("Working outside of request context.")

    handler, stderr = logging.StreamHandler(io.StringIO()), io.StringIO()
    log = Log("app")
    handler.addFilter(needs_a_request)
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "handlers", [handler])
    if beside:
        log.use_threads(threads.RealThread)
    log.say(Word.HOLDING, "x")
    assert stderr.getvalue().startswith("wsgireload: holding: x [pid ")
    handler.filters.clear()
    log.say(Word.HOLDING, "y")
    assert stderr.getvalue().count("\n") == 1


def test_once_is_once(caplog: pytest.LogCaptureFixture) -> None:
    """The same text is logged once, another one again; a plain say() does not count."""
    caplog.set_level(logging.DEBUG)
    log = Log("app")
    for text in ("a", "b", "a", "b"):
        log.say_once(Word.WATCHING, text)
    log.say(Word.WATCHING, "a")
    said = [record.getMessage().split(" [")[0] for record in caplog.records]
    assert said == ["watching: a", "watching: b", "watching: a"]


def test_once_has_an_end(caplog: pytest.LogCaptureFixture) -> None:
    """Endless new texts fill neither the memory nor the log."""
    caplog.set_level(logging.DEBUG)
    log = Log("app")
    for number in range(3000):
        log.say_once(Word.WATCHING, f"file {number}")
    assert 100 <= len(caplog.records) <= 1000


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/srv/ä b.py", "/srv/ä b.py"),
        ("/srv/a\nb.py", r"'/srv/a\nb.py'"),
        ("/srv/\udcff.py", r"'/srv/\udcff.py'"),
        ("/srv/\x1b[31m.py", r"'/srv/\x1b[31m.py'"),
    ],
    ids=ascii,
)
def test_shown_paths_fit_a_line(path: str, told: str) -> None:
    """A path is shown as it is, or escaped where it would break the line."""
    assert shown(path) == told
    assert shown(path).isprintable()


@pytest.mark.parametrize(
    ("texts", "told"),
    [("", ""), ("a", "a"), ("abc", "a, b, c"), ("abcd", "a, b, c and 1 more"), ("a" * 99, None)],
)
def test_few_of_many(texts: str, told: str | None) -> None:
    """The first three are named, the rest counted."""
    assert few(texts) == (told if told is not None else "a, a, a and 96 more")
