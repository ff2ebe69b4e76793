"""Calls beside a thread: in order, and whatever they do, the thread goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

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
    wait_for(lambda: "wsgireload-log" not in {each.name for each in threading.enumerate()})
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


def test_there_is_one_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a call that blocks no other waits, and so many stay in memory."""
    monkeypatch.setattr(threads, "SLOW", 0.02)
    free = threading.Event()
    slow: list[float] = []
    calls: list[int] = []
    made = Beside(threads.RealThread, slow.append)
    assert not made.deliver(lambda: free.wait(DEADLINE))
    assert not any(made.deliver(partial(calls.append, number)) for number in range(3 * MOST))
    assert slow == [0.02]
    free.set()
    wait_for(lambda: not made.is_busy)
    assert calls == list(range(MOST))
    assert made.deliver(partial(calls.append, 0))


def test_two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each learns of its own call whether it was made, and none is said to be slow."""
    slow: list[float] = []
    made = Beside(threads.RealThread, slow.append)
    outcomes: list[bool] = []

    def deliver() -> None:
        outcomes.extend(made.deliver(lambda: None) for _ in range(500))

    others = [threading.Thread(target=deliver) for _ in range(2)]
    for each in others:
        each.start()
    for each in others:
        each.join()
    assert outcomes == [True] * 1000
    assert not slow


def test_a_forked_child(handler: Blocking, log: Log) -> None:
    """It waits for no thread of its parent, which has none there."""
    handler.free.clear()
    started = threading.Thread(target=log.say, args=(Word.CHANGED, "a.py"))
    started.start()
    wait_for(lambda: any(each.name == "wsgireload-log" for each in threading.enumerate()))
    log.forget()
    handler.free.set()
    started.join()
    log.say(Word.CHANGED, "b.py")
    assert handler.lines[-1] == "changed: b.py"


def test_the_end_of_a_process(handler: Blocking, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for the handlers, as the interpreter would be freed under them."""
    monkeypatch.setattr(threads, "SLOW", 0.02)
    handler.free.clear()
    log.say(Word.CHANGED, "a.py")
    threading.Timer(0.05, handler.free.set).start()
    log.wait(DEADLINE)
    assert handler.lines[0] == "changed: a.py"


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
