"""The exception that ended the loading of a WSGI script."""

from __future__ import annotations

import contextlib
import linecache
import sys
import traceback
from collections.abc import Callable, Collection
from types import FrameType, TracebackType

from wsgireload.log import shown
from wsgireload.report import Failed
from wsgireload.server import process
from wsgireload.server.detection import SCRIPT_PREFIX
from wsgireload.server.libraries import is_own
from wsgireload.threads import time

MOST_TEXT = 20_000  # characters of a traceback, the last ones


class LoadFailure:
    """Notes why a script could not be loaded; `last` is None as long as none has failed.

    mod_wsgi reports that to no callback. It logs the exception with `traceback.print_exception`,
    which it looks up for each, from 4.9 to 6.1: from `watch` to `end` a function of ours is in its
    place, which notes the exception and calls the other.
    """

    def __init__(self) -> None:
        # Whether the script is no longer in sys.modules, as after a failure. Up to Python 3.11
        # mod_wsgi 6 has only the part of a traceback from the last `except` or `with` on.
        self.is_gone: Callable[[], bool] = lambda: False
        # Called in the thread that loads, before the next request.
        self.on_failure: Callable[[Failed], None] = lambda _failed: None
        self.last: Failed | None = None
        self._replaced: Callable[..., None] | None = None

    def watch(self) -> None:
        """Begin, in the thread that loads a script."""
        self._replaced = traceback.print_exception
        traceback.print_exception = self._print_exception

    def end(self) -> None:
        """End, unless another tool has put its own function in place of ours: it may call ours."""
        if self._replaced is not None and traceback.print_exception == self._print_exception:
            traceback.print_exception = self._replaced

    def _print_exception(self, *arguments: object, **named: object) -> None:
        with contextlib.suppress(Exception):  # the traceback is logged, whatever happens here
            if sys._getframe().f_back is None:  # it is called by C, and not by Python
                self._note(arguments)
        assert self._replaced is not None
        self._replaced(*arguments, **named)

    def _note(self, arguments: tuple[object, ...]) -> None:
        """Note an exception that a script has not caught.

        `arguments` have it, and its traceback too before mod_wsgi 6.
        """
        [error] = [each for each in arguments if isinstance(each, BaseException)]
        found = [each for each in arguments if isinstance(each, TracebackType)]
        began = found[0] if found else error.__traceback__
        if _is_of_script(began) or (self.last is None and self.is_gone()):
            self.last = failed(error, began)
            self.on_failure(self.last)


def failed(error: BaseException, began: TracebackType | None) -> Failed:
    """Describe an exception; `began` is its traceback from the script on."""
    text = "".join(traceback.format_exception(type(error), error, began))
    last = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    path, line = _place(error, began)
    return Failed(time.time(), last, text[-MOST_TEXT:], path, line)


def since_script(began: TracebackType | None, scripts: Collection[str]) -> TracebackType | None:
    """Return the part of a traceback that begins in a script; all of it where none does."""
    at = began
    while at is not None and at.tb_frame.f_code.co_filename not in scripts:
        at = at.tb_next
    return at or began


def place_of(thread: int) -> str:
    """Where in the user's own code a thread is that loads a script; "" where that is unknown."""
    innermost, frame = "", process.frames_of_threads().get(thread)
    while frame is not None:
        path = frame.f_code.co_filename
        if not innermost and is_own(path):
            innermost = f"{shown(path)}, line {frame.f_lineno}"
        if _is_script(frame):
            return innermost
        frame = frame.f_back
    return ""


def source_line(path: str | None, line: int | None) -> str | None:
    """The text of a line; None if it is not known."""
    return linecache.getline(path, line).rstrip("\r\n") or None if path and line else None


def _is_of_script(began: TracebackType | None) -> bool:
    """Whether an exception has ended a script.

    Up to Python 3.11 mod_wsgi 6 has only the part of a traceback from the script's import on, or
    none if the script itself has raised the exception.
    """
    if began is None:
        return True
    frame = began.tb_frame
    return _is_script(frame) or frame.f_code.co_filename.startswith("<frozen importlib")


def _is_script(frame: FrameType) -> bool:
    name = str(frame.f_globals.get("__name__"))
    return frame.f_code.co_name == "<module>" and name.startswith(SCRIPT_PREFIX)


def _place(error: BaseException, began: TracebackType | None) -> tuple[str | None, int | None]:
    """The innermost place in the user's own code; without one the innermost of all."""
    places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(began) if line]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno or 0))
    own = [place for place in places if is_own(place[0])] or places
    path, line = own[-1] if own else (None, 0)
    return path, line or None
