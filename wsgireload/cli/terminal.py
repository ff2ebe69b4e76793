"""Everything that the command line prints: text or JSON."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

from wsgireload import settings, threads
from wsgireload.log import escaped

COLOURS = {"ok": 32, "warn": 33, "fail": 31}
ALLOWED = re.compile("(\\033\\[(?:0|3[123])m|[\n\t])")  # in what is printed: our own, and lines
HOME, CLEAR = "\033[H", "\033[J"  # to the first line; from there to the end of the screen
ERASE = "\r\033[K"  # the line
BROKEN_PIPE = 141  # as a shell reports the programs that SIGPIPE ends: 128 + 13
LATE = 2.0  # seconds after which a command says what takes so long
FRAMES, FRAME = "|/-\\", 0.2  # of the spinner, and the seconds for which each is shown


class UsageError(Exception):
    """The command line makes no sense: one sentence for stderr, and exit code 2.

    `data` is added to the JSON.
    """

    def __init__(self, text: str, **data: object) -> None:
        super().__init__(text)
        self.data = data


class OutputError(Exception):
    """What was printed cannot be written; `reason` is an OSError."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def open_missing() -> None:
    """Discard output where the program was started without stdout or stderr."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the program's life
            setattr(sys, name, nowhere)


def print_text(text: str = "") -> None:
    """Print one or more lines. What a terminal would obey or cannot show is escaped."""
    _print(_encodable(_harmless(text)))


def print_json(value: object) -> None:
    """Print the answer to `--json`, the only output then."""
    _print(json.dumps(value, indent=2))


def print_screen(text: str) -> None:
    """Print lines in place of those on the screen, as many as it has room for."""
    columns, rows = shutil.get_terminal_size()
    shown, left = [], rows - 1
    for line in _harmless(text).expandtabs().splitlines():
        left -= max(1, -(-len(ALLOWED.sub("", line)) // columns))  # a long line takes several
        if left < 0:
            break
        shown.append(line)
    _print(HOME + CLEAR + _encodable("\n".join(shown)))
    flush()


def print_error(text: str) -> None:
    """Print an error on stderr."""
    print_aside(f"wsgireload: {text}")


def print_aside(text: str) -> None:
    """Print one line on stderr, which escapes what it cannot encode by itself."""
    _print(_harmless(text), sys.stderr)


def is_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def flush() -> None:
    """Write what was printed; OutputError if its reader has ended, or there is no room for it."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        raise OutputError(error) from None


def abandon(error: OutputError) -> int:
    """Let stdout take whatever is left, which Python writes at its end. Return the exit code."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    if isinstance(error.reason, BrokenPipeError):  # as of `| head`, which has read enough
        return BROKEN_PIPE
    with contextlib.suppress(OutputError):
        print_error(f"cannot write the output: {error.reason.strerror or error}")
    return 1


def print_progress(text: str = "") -> None:
    """Show what is waited for in place of the last such line, where stderr is a terminal."""
    if sys.stderr.isatty():
        room = shutil.get_terminal_size().columns - 1  # else a longer one would take two lines
        _print(f"{ERASE}{_harmless(text)[:room]}", sys.stderr, end="")


@contextlib.contextmanager
def busy(text: str) -> Iterator[None]:
    """Print `text` on stderr if the work inside takes long; on a terminal with a spinner."""
    done = threading.Event()
    waiting = threads.RealThread(lambda: _report_wait(text, done))
    try:
        yield
    finally:
        done.set()
        waiting.join(threading.TIMEOUT_MAX)


def _report_wait(text: str, done: threading.Event) -> None:
    if done.wait(LATE):
        return
    with contextlib.suppress(OutputError):
        if not sys.stderr.isatty():
            print_error(text)
            return
        frame = 0
        while not done.wait(FRAME):
            _print(f"{ERASE}{_harmless(text)} {FRAMES[frame % len(FRAMES)]}", sys.stderr, end="")
            frame += 1
        _print(ERASE, sys.stderr, end="")


def _print(text: str, file: TextIO | None = None, end: str = "\n") -> None:
    try:
        print(text, file=file, end=end, flush=file is not None)
    except OSError as error:
        raise OutputError(error) from None


def _encodable(text: str) -> str:
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def columns() -> int | None:
    """Return the width of the terminal; None if stdout is none, so that `| grep` sees all."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _harmless(text: str) -> str:
    return "".join(each if ALLOWED.match(each) else escaped(each) for each in ALLOWED.split(text))


def level(word: str) -> str:
    """Return ok, warn or fail, padded to one width; in colour on a terminal without NO_COLOR."""
    coloured = is_terminal() and not settings.environment().get("NO_COLOR")
    padded = f"{word:<4}"
    return f"\033[{COLOURS[word]}m{padded}\033[0m" if coloured else padded
