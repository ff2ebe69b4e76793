"""May we: does the changed code compile?"""

from __future__ import annotations

from wsgireload.log import shown
from wsgireload.reading import content
from wsgireload.record import Record


class Hold(Record):
    """A wanted restart that waits, and why: one sentence that names the file."""

    reason: str
    path: str | None = None
    line: int | None = None


def compiles(path: str) -> Hold | None:
    """None where a Python source compiles, in the encoding that it declares; else the hold.

    A file that is gone holds nothing up.
    """
    try:
        compile(content(path), path, "exec", dont_inherit=True)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except SyntaxError as error:
        where = f"{shown(path)}, line {error.lineno}" if error.lineno else shown(path)
        text = f": {error.text.strip()}" if error.text and error.text.strip() else ""
        return Hold(f"{where}: {type(error).__name__}: {error.msg}{text}", path, error.lineno)
    except OSError as error:
        return Hold(f"{shown(path)} cannot be read: {error.strerror}", path)
    except (ValueError, OverflowError, RecursionError, MemoryError) as error:
        return Hold(f"{shown(path)}: {type(error).__name__}: {error}", path)
    return None
