"""Is the changed code there, does it compile, and will the new process load it?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from wsgireload.changes import DELETED, Change, Changes
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict, Wait
from wsgireload.log import Log, Word, shown
from wsgireload.report import Held
from wsgireload.server.files import content


class Syntax(Gate):
    """Holds a restart while changed code does not compile, or is missing with its folder.

    Compiling takes time, in which a file may change: the verdict is given after another scan.
    `checkpoint` is called before each file, and may raise to end the check.
    """

    def __init__(self, checkpoint: Callable[[], None]) -> None:
        self._checkpoint = checkpoint
        self._checked: tuple[dict[str, Change], bool] | None = None
        self._rescanned = True
        self._verdict: Verdict = GO

    def check(self, changes: Changes) -> Verdict:
        sources = {path: each for path, each in changes.files.items() if each.is_python}
        if not sources:
            return GO
        only_deleted = all(each.kind == DELETED for each in changes.files.values())
        if self._rescanned and self._checked != (sources, only_deleted):
            self._verdict, lasting = self._compile_all(sources, only_deleted)
            self._checked = (sources, only_deleted) if lasting else None
            self._rescanned = False
            return Wait(0.0)
        # Writing that still goes on had its time in settle.py: it is compiled the next time.
        self._rescanned = True
        return self._verdict

    def reset(self) -> None:
        self._checked, self._rescanned = None, True

    def _compile_all(self, sources: Iterable[str], only_deleted: bool) -> tuple[Verdict, bool]:
        """The verdict, and whether it lasts as long as the files stay as they are."""
        if only_deleted and (hold := next(filter(None, map(vanished, sources)), None)):
            return hold, True
        for path in sources:
            self._checkpoint()
            hold, lasting = compiles(path)
            if hold is not None:
                return hold, lasting
        return GO, True


class StaleBytecode(Gate):
    """Removes bytecode of an earlier text before the restart; it never holds.

    `freshen` is the function of detect/bytecode.py.
    """

    def __init__(self, freshen: Callable[[Iterable[str]], list[str]], log: Log) -> None:
        self._freshen = freshen
        self._log = log

    def check(self, changes: Changes) -> Verdict:
        for cache in self._freshen([path for path in changes.files if path.endswith(".py")]):
            self._log.say_once(
                Word.HOLDING,
                f"could not remove stale bytecode {shown(cache)}; the new process may run old code",
            )
        return GO


def compiles(path: str) -> tuple[Hold | None, bool]:
    """The hold where a Python source does not compile, else None; and whether that lasts.

    Reading and memory may fail now and succeed later. A missing file holds nothing.
    """
    try:
        compile(content(path), path, "exec", dont_inherit=True)
    except (FileNotFoundError, NotADirectoryError):
        return None, True
    except SyntaxError as error:
        where = f"{shown(path)}, line {error.lineno}" if error.lineno else shown(path)
        text = f": {error.text.strip()}" if error.text and error.text.strip() else ""
        what = f"{type(error).__name__}: {error.msg}"
        line = (error.text or "").rstrip("\r\n") or None
        place = Held(path, error.lineno, error.offset or None, line, what)
        return Hold(f"{where}: {what}{text}", place), True
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        return Hold(f"{shown(path)} {what}", Held(path, None, None, None, what)), False
    except (ValueError, OverflowError, RecursionError, MemoryError) as error:
        what = f"{type(error).__name__}: {error}"
        lasting = not isinstance(error, MemoryError)
        return Hold(f"{shown(path)}: {what}", Held(path, None, None, None, what)), lasting
    return None, True


def vanished(path: str) -> Hold | None:
    """The hold where a missing file's folder is missing or empty too: unmounted, most likely."""
    folder = os.path.dirname(path)
    try:
        with os.scandir(folder) as entries:
            empty = next(entries, None) is None
    except OSError as error:
        empty = isinstance(error, (FileNotFoundError, NotADirectoryError))
    reason = f"{shown(folder)} is gone or empty, and nothing has replaced its code"
    return Hold(reason, Held(path, None, None, None, None)) if empty else None
