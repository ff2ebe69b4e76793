"""Compile Python sources, and report the first fault: a program of its own, which imports little.

decide/compiler.py runs it beside the application, as `python -I -S compile_sources.py VERSION`.
It waits for a byte of input. Its output is a file that is open for reading too: for each source it
holds a line with the size in bytes and the path (as hexadecimal UTF-8), then the source. The answer
is appended: lines of JSON, which are the number of each source as its turn comes, and at last its
fault or null.
"""

from __future__ import annotations

import os
import sys

MEMORY = 1 << 31  # bytes; compiling 4 MiB takes 0.7 GB

# line, column, text of the line, error, and whether only a change of the source can mend it
Fault = tuple[int | None, int | None, str | None, str, bool]


def fault_of(source: bytes | str, path: str) -> Fault | None:
    """Return why a source does not compile, None if it does. Line and column count from 1."""
    try:
        compile(source, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = (error.text or "").rstrip("\r\n") or None
        what = f"{type(error).__name__}: {error.msg}"
        fault = error.lineno, error.offset or None, line, what, True
        # Before 3.13 the column in a source of bytes may be one of bytes, in a text it never is.
        # Python counts in the line of a file of that name, which may have a byte order mark.
        text = _decoded(source) if sys.version_info < (3, 13) else None
        return fault if text is None else fault_of(text, "<source>") or fault
    except (ValueError, OverflowError, RecursionError, MemoryError) as error:
        lasting = not isinstance(error, MemoryError)
        return None, None, None, f"{type(error).__name__}: {error}", lasting
    return None


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
        read = file.read()
    fault, at, number = None, 0, 0
    while at < len(read) and fault is None:
        os.write(1, b"%d\n" % number)
        begin = read.index(b"\n", at) + 1
        size, path = read[at:begin].split()
        at = begin + int(size)
        name = bytes.fromhex(path.decode()).decode("utf-8", "surrogatepass")
        fault = fault_of(read[begin:at], name)
        number += 1
    if fault is None:
        os.write(1, b"null\n")
    else:
        import json

        os.write(1, json.dumps(fault).encode() + b"\n")


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
    main(sys.argv[1])
    os._exit(0)  # nothing is left to tidy up, and the application waits
