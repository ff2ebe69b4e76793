"""Is the changed code there, does it compile, and will the new process load it?"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable

from wsgireload.changes import DELETED, Change, Changes
from wsgireload.decide.compile_sources import Fault, fault_of
from wsgireload.decide.compiler import Compiler, read
from wsgireload.decide.verdict import GO, Gate, Go, Hold, Verdict, Wait
from wsgireload.log import Log, Word, few, shown
from wsgireload.report import Held
from wsgireload.server.files import size

POLL, SELDOM = 0.00025, 0.02  # seconds between two checks whether compiling is done: see pause()
MOST_HERE = 200_000  # bytes of a source; compiling it stops this process for 0.15 s

Wanted = tuple[dict[str, Change], bool]  # the sources; whether nothing but deletions differs


class Syntax(Gate):
    """Holds a restart while changed code does not compile, or is missing with its folder.

    Compiling takes time, in which a file may change: the verdict is given after another scan.
    `checkpoint` is called before each file, and may raise to end the check. Where the `compiler`
    fails, compile in this process.

    `left` returns the seconds for which writing may go on after all. So long nothing is held, and a
    change without a source passes only after the compiler had nothing to do: on a busy machine the
    writer of the next file waits for its turn, too. `is_endless`: writing goes on and on.
    `by_hook` returns whether the application's own import hook accepts a source that is no Python.
    """

    def __init__(
        self,
        checkpoint: Callable[[], None],
        compiler: Compiler,
        left: Callable[[], float] = lambda: 0.0,
        is_endless: Callable[[], bool] = lambda: True,
        by_hook: Callable[[str], bool] = lambda _path: False,
    ) -> None:
        self._checkpoint = checkpoint
        self._compiler = compiler
        self._left = left
        self._is_endless = is_endless
        self._by_hook = by_hook
        self._accepted: set[str] = set()  # sources that a hook has accepted
        self._begun: Wanted | None = None
        self._checked: Wanted | None = None
        self._judged: tuple[Verdict, bool] | None = None  # and whether the verdict lasts
        self._verdict: Verdict = GO
        self._lasts = True
        self._polls = 0

    def check(self, changes: Changes) -> Verdict:
        sources = {path: each for path, each in changes.files.items() if each.is_python}
        if not sources and not self._left():
            return GO
        wanted = sources, all(each.kind == DELETED for each in changes.files.values())
        if self._begun != wanted and not self._is_endless():
            self._begun = None
        is_judged = self._checked == wanted and (self._lasts or self._compiler.rests)
        if self._begun is None and not is_judged:
            self._accepted.clear()
            self._begin(*wanted)
            self._begun = wanted
            return Wait(0.0)
        if self._begun is not None:
            # Endless writing had its time in settle.py: it is compiled the next time.
            judged = self._poll(self._begun[0])
            if judged is None:
                self._polls += 1
                return Wait(pause(self._polls))
            self._verdict, self._lasts = judged
            self._checked, self._begun = self._begun, None
            if not self._lasts:
                self._compiler.put_off()
        left = self._left() if isinstance(self._verdict, Hold) else 0.0
        return Wait(left) if left else self._verdict

    def prefetch(self) -> None:
        if self._begun is None:
            try:
                self._compiler.prefetch()
            except Exception:  # `check` finds out
                self._compiler.end()

    def reset(self) -> None:
        self._begun = self._checked = None
        self.end()

    def end(self) -> None:
        self._compiler.end()

    def _begin(self, sources: Iterable[str], only_deleted: bool) -> None:
        self._judged, self._polls = None, 0
        if only_deleted and (hold := next(filter(None, map(vanished, sources)), None)):
            self._judged = hold, True
            return
        try:
            self._compiler.begin(map(self._next, sources))
        except Exception:  # there is no such program, or it may not be run
            self._judged = self._compile_here(sources)

    def _next(self, path: str) -> str:
        self._checkpoint()
        return path

    def _poll(self, sources: Iterable[str]) -> tuple[Verdict, bool] | None:
        """The verdict, and whether it lasts as long as the files stay as they are."""
        if self._judged is not None:
            return self._judged
        try:
            judged = self._compiler.poll()
        except Exception:
            return self._compile_here(sources)
        if judged is None:
            return None
        if judged.path is not None and judged.fault is not None:
            if self._is_translated(judged.path, judged.fault):
                self._accepted.add(judged.path)
                self._begin([each for each in sources if each not in self._accepted], False)
                return None
            return hold_of(judged.path, judged.fault), judged.fault[-1]
        return passed(judged.skipped), True

    def _compile_here(self, sources: Iterable[str]) -> tuple[Verdict, bool]:
        self._compiler.end()
        skipped = []
        for path in map(self._next, sources):
            if size(path) > MOST_HERE:
                skipped.append(path)
                continue
            hold, lasting = compiles(path)
            if hold is not None and not (lasting and self._by_hook(path)):
                return hold, lasting
        return passed(skipped), True

    def _is_translated(self, path: str, fault: Fault) -> bool:
        """Whether a hook accepts a small source with a syntax error. It runs in this process."""
        is_syntax = fault[0] is not None and fault[-1]
        return is_syntax and size(path) <= MOST_HERE and self._by_hook(path)


class StaleBytecode(Gate):
    """Removes bytecode of an earlier text before the restart; holds where old code would come back.

    A restart by hand passes with a warning. `freshen` is the function of detect/bytecode.py.
    """

    def __init__(self, freshen: Callable[[Iterable[str]], list[str]], log: Log) -> None:
        self._freshen = freshen
        self._log = log

    def check(self, changes: Changes) -> Verdict:
        stale = self._freshen([path for path in changes.files if path.endswith(".py")])
        if not stale:
            return GO
        what = "Python would load this bytecode of an earlier text instead of the changed source"
        reason = f"{what}; remove it or compile it again: {few(map(shown, stale))}"
        if not changes.by_hand:
            return Hold(reason)
        self._log.say_once(Word.HOLDING, reason)
        return GO


def compiles(path: str) -> tuple[Hold | None, bool]:
    """The hold where a Python source does not compile, else None; and whether that lasts.

    Reading and memory may fail now and succeed later. A missing file holds nothing.
    """
    source, fault = read(path)
    if source is not None:
        fault = fault_of(source, path)
    return (None, True) if fault is None else (hold_of(path, fault), fault[-1])


def hold_of(path: str, fault: Fault) -> Hold:
    """The hold for a source that does not compile, or cannot be read."""
    line, column, text, what, _ = fault
    where = f"{shown(path)}, line {line}" if line else shown(path)
    code = f": {text.strip()}" if text and text.strip() else ""
    return Hold(f"{where}: {what}{code}", Held(path, line, column, text, what))


def pause(polls: int) -> float:
    """Seconds until the next check whether compiling is done, more and more.

    Most sources take a millisecond: the first two checks follow at once.
    """
    return min(POLL * 1.25 ** min(polls - 3, 20), SELDOM) if polls > 2 else 0.0


def passed(skipped: Collection[str]) -> Verdict:
    """The verdict where nothing is at fault."""
    note = f"; too large to compile before the restart: {few(map(shown, skipped))}"
    return Go(note) if skipped else GO


def vanished(path: str) -> Hold | None:
    """The hold where a missing file's folder is missing or empty too: unmounted, most likely.

    None if a module has taken the place of the package that the folder was.
    """
    folder = os.path.dirname(path)
    try:
        with os.scandir(folder) as entries:
            empty = next(entries, None) is None
    except OSError as error:
        empty = isinstance(error, (FileNotFoundError, NotADirectoryError))
    reason = f"{shown(folder)} is gone or empty, and nothing has replaced its code"
    held = empty and not _is_module(folder)
    return Hold(reason, Held(path, None, None, None, None)) if held else None


def _is_module(folder: str) -> bool:
    """Whether a package is a module now: that of this folder, or one around it that is gone too."""
    while not os.path.isfile(f"{folder}.py"):
        folder, below = os.path.dirname(folder), folder
        if folder == below or os.path.isdir(folder):
            return False
    return True
