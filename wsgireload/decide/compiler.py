"""Compile sources as a fresh Python would, in a process beside the application.

In the application's own process compile() would keep the GIL (25 s with a source of 15 MB), obey
the application's warning filters, and crash where a source overflows the stack of the parser.
"""

import marshal
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, NamedTuple

from wsgireload.decide import compile_sources
from wsgireload.decide.command import Command, interpreter, temporary_file
from wsgireload.decide.compile_sources import Fault
from wsgireload.decide.own_program import OwnProgram
from wsgireload.server.files import content, size
from wsgireload.threads import time

LIMIT = 60.0  # seconds that compiling may take
MOST = 4 << 20  # bytes of a source that is compiled: 4 MiB take 4 s and 0.7 GB
LARGEST = 1 << 30  # bytes: what is larger is no source, and Python could not load it
REST = 10.0  # seconds without a prefetch after one in vain: a file may be touched for ever
REPEAT = 10  # a judgement that may change is made again after so many times what it took
KILLED = -9  # the exit code of a process that the system ended for want of memory
# By its bytecode, as an import would: a program that is run by its name is compiled each time.
RUN = (
    "import sys; from _frozen_importlib_external import SourceFileLoader; "
    "exec(SourceFileLoader('__main__', sys.argv[1]).get_code('__main__'))"
)


class Judgement(NamedTuple):
    """The first source that does not compile, and its fault; the sources too large to compile."""

    path: str | None = None
    fault: Fault | None = None
    skipped: tuple[str, ...] = ()


class Compiler:
    """Compiles a set of sources in one process, one set at a time.

    All methods raise an exception of any kind where that cannot be done: compile here then.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        clock: Callable[[], float],
        cached: Callable[[], dict[str, str]] = dict,
    ) -> None:
        """`cached` returns the loaded sources of which Python keeps bytecode, and where."""
        version = "{}.{}".format(*sys.version_info)
        path = compile_sources.__file__
        self._program = OwnProgram(path)
        run = () if path.endswith(".pyc") else ("-c", RUN)  # bytecode alone is run as it is
        words = [interpreter() or "", *_options(), *run, path, version]
        self._command = Command(words, environment, None, LIMIT, clock)
        self._clock = clock
        self._rests_until = self._again_at = self._began = clock()
        self._cached = cached
        self._since = time.time_ns()
        self._paths: list[str] = []
        self._skipped: list[str] = []
        self._unread: Judgement | None = None
        self._pipe: int | None = None  # the input of a process that waits for sources
        self._exchange: IO[bytes] | None = None  # its output, which begins with the sources
        self._size = 0

    @property
    def rests(self) -> bool:
        """Whether the judgement that was put off is still to wait."""
        return self._clock() < self._again_at

    def put_off(self) -> None:
        """The same sources are to be judged again: later, as that may take a minute."""
        now = self._clock()
        self._again_at = now + REPEAT * (now - self._began)

    def prefetch(self) -> None:
        """Start the process, unless one runs: that takes longer than to compile most sources."""
        if self._exchange is None and self._clock() >= self._rests_until:
            self._start()

    def _start(self) -> None:
        reading, self._pipe = os.pipe()
        try:
            self._exchange = temporary_file()
            self._command.start(stdin=reading, stdout=self._exchange)
        finally:
            os.close(reading)
        kept = marshal.dumps((self._cached(), self._since))
        marshal.dump(kept, self._exchange)  # as bytes: marshal reads a file in tiny pieces

    def begin(self, paths: Iterable[str]) -> None:
        """Compile these sources, up to one that cannot be read; a missing one is skipped."""
        self._began = self._clock()
        if self._pipe is None:  # else a process waits
            self.end()
        if self._exchange is None:
            self._start()
        assert self._exchange is not None
        for path in paths:
            if MOST < size(path) <= LARGEST and os.access(path, os.R_OK):
                self._skipped.append(path)
                continue
            source, fault = read(path)
            if fault is not None:
                self._unread = Judgement(path, fault)
                break
            if source is not None:
                self._paths.append(path)
                marshal.dump((path, source), self._exchange)
        marshal.dump(None, self._exchange)
        self._exchange.flush()
        self._size = self._exchange.tell()
        self._tell(b"\n")

    def poll(self) -> Judgement | None:
        """The judgement, once; None as long as there is none."""
        outcome = self._command.poll()
        if outcome is None:
            return None
        if self._program.is_replaced:  # it may have been so when the process began
            raise ValueError("an upgrade has replaced the program")
        judged = self._judgement(outcome.code)
        if judged.fault is None and self._unread is not None:
            judged = self._unread
        judged = judged._replace(skipped=tuple(self._skipped))
        self.end()
        return judged

    def end(self) -> None:
        if self._pipe is not None:
            self._rests_until = self._clock() + REST
        self._tell(b"")
        self._command.end()
        if self._exchange is not None:
            self._exchange.close()
        self._exchange = self._unread = None
        self._paths, self._skipped = [], []

    def _tell(self, word: bytes) -> None:
        """Let the process that waits go on; without a word it ends."""
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            try:
                if word:
                    os.write(pipe, word)
            finally:
                os.close(pipe)

    def _judgement(self, code: int | None) -> Judgement:
        """What the program answered before it ended with this code; None: it took too long."""
        import json

        assert self._exchange is not None
        self._exchange.seek(self._size)
        answers = [json.loads(line) for line in self._exchange.read().splitlines()]
        *numbers, last = answers  # ValueError: it did not even begin
        if isinstance(last, int):
            what = f"compiling it ends Python with exit code {code}"
            if code is None:
                what = f"compiling it takes more than {LIMIT:g} s"
            lasting = code not in (None, KILLED)
            return Judgement(self._paths[last], (None, None, None, what, lasting))
        if last is None:
            return Judgement()
        # One that the application has registered? 3.14 also says where none is declared.
        if "encoding" in last[3] and "no encoding declared" not in last[3]:
            raise LookupError(last[3])
        return Judgement(self._paths[numbers[-1]], (*last,))


def read(path: str) -> tuple[bytes | None, Fault | None]:
    """A source; nothing at all for a missing one, and the fault of one that cannot be read."""
    try:
        return content(path), None
    except (FileNotFoundError, NotADirectoryError):
        return None, None
    except OSError as error:
        return None, (None, None, None, f"cannot be read: {error.strerror}", False)
    except MemoryError as error:
        return None, (None, None, None, f"MemoryError: {error}".rstrip(": "), False)


def _options() -> Iterator[str]:
    """The options that make another Python compile as the application's own did at its start."""
    yield "-I"  # no module of the application's
    yield "-S"
    if sys.dont_write_bytecode:  # then none of this program's own either
        yield "-B"
    if sys.flags.optimize:
        yield "-" + "O" * sys.flags.optimize
    if sys.pycache_prefix is not None:
        yield f"-Xpycache_prefix={sys.pycache_prefix}"
    for option in sys.warnoptions:
        yield f"-W{option}"
    digits = getattr(sys.flags, "int_max_str_digits", -1)  # not in 3.11.0
    if digits >= 0:
        yield f"-Xint_max_str_digits={digits}"
