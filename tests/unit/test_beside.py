"""Calls beside a thread: in order, and whatever they do, the thread goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest
from support.waiting import DEADLINE, wait_for

from wsgireload import threads
from wsgireload.log import Log, Word
from wsgireload.threads import MOST, Beside

SLOW_HANDLER = "a logging handler takes more than 0.02 s; restarts do not wait for it"


class Blocking(logging.Handler):
    """A handler that can be made to block, as one that connects to a dead host."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()
        self.free.set()
        self.lines: list[str] = []
        self.on_line: Callable[[], object] = lambda: None

    def emit(self, record: logging.LogRecord) -> None:
        self.free.wait(DEADLINE)
        self.on_line()
        self.lines.append(record.getMessage().split(" [")[0])


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Blocking:
    """The only handler of our logger."""
    logger = logging.getLogger("wsgireload")
    made = Blocking()
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "handlers", [made])
    monkeypatch.setattr(logger, "level", logging.INFO)
    logger.manager._clear_cache()  # type: ignore[attr-defined]
    return made


@pytest.fixture
def log() -> Log:
    """The log of a monitor that runs."""
    made = Log("app")
    made.use_threads(threads.RealThread)
    return made


def written(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines in Apache's error log."""
    return [line.split(" [")[0] for line in capsys.readouterr().err.splitlines()]


def test_lines_are_written_when_say_returns(
    handler: Blocking, log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    """In order, to the handlers alone; and no thread is left."""
    for number in range(20):
        log.say(Word.WATCHING, f"{number}")
        assert handler.lines[-1] == f"watching: {number}"
        assert "wsgireload-log" not in {each.name for each in threading.enumerate()}
    assert len(handler.lines) == 20
    assert not written(capsys)


def test_a_handler_that_blocks(
    handler: Blocking, log: Log, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines go to Apache's error log meanwhile, and later to the handler as well, in order."""
    monkeypatch.setattr(threads, "SLOW", 0.02)
    handler.free.clear()
    log.say(Word.CHANGED, "a.py")
    log.say(Word.RESTARTING, "a.py changed")
    assert written(capsys) == [
        f"wsgireload: watching: {SLOW_HANDLER}",
        "wsgireload: changed: a.py",
        "wsgireload: restarting: a.py changed",
    ]
    handler.free.set()
    wait_for(lambda: len(handler.lines) == 3)
    assert [line.split(":")[0] for line in handler.lines] == ["changed", "watching", "restarting"]
    monkeypatch.undo()


def test_there_is_one_wait(
    handler: Blocking, log: Log, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Behind a handler that blocks no line waits, and so many stay in memory."""
    handler.free.clear()
    waits: list[float] = []
    join = threads.RealThread.join
    monkeypatch.setattr(threads, "SLOW", 0.02)
    monkeypatch.setattr(
        threads.RealThread,
        "join",
        lambda self, timeout: (waits.append(timeout), join(self, timeout)),
    )
    for number in range(3 * MOST):
        log.say(Word.WATCHING, f"{number}")
    assert waits == [0.02]
    assert len(written(capsys)) == 3 * MOST + 1
    handler.free.set()
    wait_for(lambda: len(handler.lines) == MOST + 1)


def test_a_lock_of_logging(handler: Blocking, log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    """As dictConfig() holds it while a handler's constructor connects."""
    assert log  # its thread is another one than that which holds the lock
    with logging._lock:  # type: ignore[attr-defined]
        logging.getLogger("wsgireload").manager._clear_cache()  # type: ignore[attr-defined]
        log.say(Word.RESTARTING, "a.py changed")
    assert written(capsys)[-1] == "wsgireload: restarting: a.py changed"
    wait_for(lambda: "restarting: a.py changed" in handler.lines)


def test_a_handler_that_logs_itself(handler: Blocking, log: Log) -> None:
    """Its line is written at once."""
    handler.on_line = lambda: len(handler.lines) or handler.lines.append("") or inner()

    def inner() -> None:
        log.say(Word.WATCHING, "inner")
        assert handler.lines == ["", "watching: inner"]

    log.say(Word.WATCHING, "outer")
    assert handler.lines == ["", "watching: inner", "watching: outer"]


def test_where_no_thread_starts() -> None:
    """As at the end of an interpreter: the call is made at once."""

    def start(run: Callable[[], None]) -> threads.RealThread:
        raise RuntimeError("can't start new thread")

    calls: list[int] = []
    assert Beside(start).deliver(lambda: calls.append(1))
    assert calls == [1]


def test_what_a_call_raises() -> None:
    """It is ignored, and the next call is made."""

    def fails() -> None:
        raise SystemExit(3)

    calls: list[int] = []
    made = Beside(threads.RealThread)
    assert made.deliver(fails)
    assert made.deliver(lambda: calls.append(1))
    assert calls == [1]
