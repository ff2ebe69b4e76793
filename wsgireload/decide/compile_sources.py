"""Compile Python sources, and report the first fault: a program of its own, which imports little.

decide/compiler.py runs it beside the application, with the version of Python for an argument. It
waits for a byte of input. Its output is a file that is open for reading too. In it are,
marshalled: the first two arguments of `write`, as bytes; each path with its source; and None. The
answer is appended, in lines of JSON: the number of each source as its turn comes, and at last its
fault or null.

If no source is at fault, their bytecode is written before it ends, so that no visitor waits for it
after the restart.
"""

from __future__ import annotations

import marshal
import os
import stat
import sys
import time
from _frozen_importlib_external import SourceFileLoader, cache_from_source
from itertools import chain

TYPE_CHECKING = False  # what typing and contextlib import takes longer than most sources
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import CodeType

MEMORY = 1 << 31  # bytes; compiling 4 MiB takes 0.7 GB

WRITING = 5.0  # seconds for the bytecode of other sources; the new process makes the rest
TICK = 11_000_000  # nanoseconds: the coarsest clock of Linux for file times, and a little more

# line, column, text of the line, error, and whether only a change of the source can mend it
Fault = tuple[int | None, int | None, str | None, str, bool]
Compiled = tuple[bytes, "CodeType"]  # a source, and its code


def fault_of(source: bytes | str, path: str) -> Fault | None:
    """Return why a source does not compile, None if it does. Line and column count from 1."""
    return compiled(source, path)[1]


def compiled(source: bytes | str, path: str) -> tuple[CodeType | None, Fault | None]:
    """Return the code of a source, or why it does not compile."""
    try:
        return compile(source, path, "exec", dont_inherit=True), None
    except SyntaxError as error:
        line = (error.text or "").rstrip("\r\n") or None
        what = f"{type(error).__name__}: {error.msg}"
        fault = error.lineno, error.offset or None, line, what, True
        # Before 3.13 the column in a source of bytes may be one of bytes, in a text it never is.
        # Python counts in the line of a file of that name, which may have a byte order mark.
        text = _decoded(source) if sys.version_info < (3, 13) else None
        return None, fault if text is None else fault_of(text, "<source>") or fault
    except (ValueError, OverflowError, RecursionError, MemoryError) as error:
        lasting = not isinstance(error, MemoryError)
        what = ": ".join(filter(None, (type(error).__name__, str(error))))
        return None, (None, None, None, what, lasting)


def _decoded(source: bytes | str) -> str | None:
    try:
        return source.decode("utf-8-sig") if isinstance(source, bytes) else None
    except UnicodeDecodeError:
        return None


def main(version: str) -> None:
    """Answer, unless this Python is of another version than the application's."""
    if version != "{}.{}".format(*sys.version_info):
        return
    _prepare()
    fault_of("def f(x): return [y for y in x if y]", "")  # the first one takes 0.7 ms longer
    if not os.read(0, 1):  # there is nothing to compile after all
        return
    with open(1, "rb", closefd=False) as file:
        file.seek(0)
        kept, since = marshal.loads(marshal.load(file))
        sources = list(iter(lambda: marshal.load(file), None))
    fault = None
    codes: dict[str, Compiled] = {}
    for number, (path, source) in enumerate(sources):
        os.write(1, b"%d\n" % number)
        code, fault = compiled(source, path)
        if code is None:
            break
        codes[path] = source, code
    if fault is None:
        os.write(1, b"null\n")
        write(kept, since, codes)
    else:
        import json

        os.write(1, json.dumps(fault).encode() + b"\n")


def write(kept: dict[str, str], since: int, codes: Mapping[str, Compiled]) -> None:
    """Write bytecode: of these sources, of loaded ones that were replaced, and of new ones.

    A deployment also replaces files that stay as they are, and brings modules that the changed ones
    will import. `kept` are the loaded sources that Python keeps bytecode of, and where; `since` is
    a time before the deployment, in nanoseconds since 1970.
    """
    changed = [path for path in codes if path in kept]
    for path in changed:
        _write(path, kept[path], codes[path])
    end = time.monotonic() + WRITING
    beside = (path for path in _beside(changed) if path not in kept)
    for path in (each for each in chain(kept, beside) if each not in codes):
        if time.monotonic() > end:
            break
        try:
            found = os.stat(path)
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode) and changed_ns(found) > since:
            _write(path, kept.get(path) or cache_from_source(path))


def _beside(changed: Iterable[str]) -> Iterator[str]:
    """Return the sources in the folders of changed ones."""
    for folder in dict.fromkeys(map(os.path.dirname, changed)):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        yield from (os.path.join(folder, name) for name in names if name.endswith(".py"))


def _write(path: str, cache: str, compiled: Compiled | None = None) -> None:
    folder = os.path.dirname(cache)
    while not os.path.lexists(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    # Elsewhere the application has chosen another place meanwhile, or Python could not write.
    if cache_from_source(path) == cache and os.access(folder, os.W_OK):
        try:  # noqa: SIM105 - contextlib takes long to import
            Writer(path, compiled).write(cache)
        except Exception:  # the new process compiles it, and logs what is wrong
            pass


class Writer(SourceFileLoader):
    """Writes bytecode as an import does, in the same place and of the same kind; runs nothing."""

    def __init__(self, path: str, compiled: Compiled | None) -> None:
        """`compiled`: what is known of the source already."""
        super().__init__("", path)
        self._compiled = compiled
        self._written: bytes | None = None

    def write(self, cache: str) -> None:
        """Write the bytecode, with the source's own time if it is certain to be of its text.

        By that detect/bytecode.py tells it from bytecode of an earlier text. File times tell two
        texts from each other only if the clock has ticked in between.
        """
        before = os.stat(self.path)
        self.get_code("")
        after = os.stat(self.path)
        if self._written is None:
            return
        read = self.get_data(cache)
        if read != self._written:
            if self._written.startswith(read):  # not that of another process, which may differ
                os.remove(cache)  # a full disk has taken the beginning of it, which does not load
        elif changed_ns(before) == changed_ns(after) < time.time_ns() - TICK:
            os.utime(cache, ns=(after.st_atime_ns, after.st_mtime_ns))

    def get_data(self, path: str) -> bytes:
        data = super().get_data(path)
        is_ours = path == self.path or self._written is not None
        if self._compiled is not None and not is_ours and not any(data[4:8]):
            raise FileNotFoundError(path)  # it goes by time, and may be of an earlier text
        return data

    def source_to_code(  # type: ignore[override]
        self, data: bytes, path: str, _name: str | None = None, *, _optimization: int = -1
    ) -> CodeType:  # Python 3.15 gives a name
        if self._compiled is not None and data == self._compiled[0]:
            return self._compiled[1]
        return compile(data, path, "exec", dont_inherit=True)

    def set_data(  # type: ignore[override]
        self, path: str, data: bytes, *, _mode: int = 0o666
    ) -> None:
        super().set_data(path, data, _mode=_mode)  # errors are ignored
        self._written = data


def changed_ns(found: os.stat_result) -> int:
    """As in detect/digest.py, from which this program may import nothing."""
    return max(found.st_mtime_ns, found.st_ctime_ns) if os.name == "nt" else found.st_ctime_ns


def _prepare() -> None:
    """Keep warnings and memory within bounds, and the messages of a crash out of any log."""
    sys.stderr = None  # warnings are dropped; those that -W makes errors are raised
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or hard > MEMORY:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))
    except (ImportError, OSError, ValueError):  # Windows, or a system that has no such bound
        pass


if __name__ == "__main__":
    main(sys.argv[-1])
    os._exit(0)  # nothing is left to tidy up, and the application waits
