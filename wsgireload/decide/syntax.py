"""May we: is the changed code there, and does it compile?"""

from __future__ import annotations

import os

from wsgireload.log import shown
from wsgireload.record import Record
from wsgireload.server.files import content


class Hold(Record):
    """A wanted restart that waits, and why: one sentence that names the file.

    Of what does not compile, as far as Python tells: `line` and `column` count from 1, `text` is
    that line as it stands in the file, `error` what is wrong with it.
    `passing`: it may be over though nothing changes, so ask again.
    """

    reason: str
    path: str | None = None
    line: int | None = None
    column: int | None = None
    text: str | None = None
    error: str | None = None
    passing: bool = False


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
        what = f"{type(error).__name__}: {error.msg}"
        line = (error.text or "").rstrip("\r\n") or None
        reason = f"{where}: {what}{text}"
        return Hold(reason, path, error.lineno, error.offset or None, line, what)
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        return Hold(f"{shown(path)} {what}", path, error=what, passing=True)
    except (ValueError, OverflowError, RecursionError, MemoryError) as error:
        what = f"{type(error).__name__}: {error}"
        passing = isinstance(error, MemoryError)
        return Hold(f"{shown(path)}: {what}", path, error=what, passing=passing)
    return None


def gone_with_its_folder(path: str) -> Hold | None:
    """The hold where a missing file's folder is missing or empty too: unmounted, most likely."""
    folder = os.path.dirname(path)
    try:
        with os.scandir(folder) as entries:
            empty = next(entries, None) is None
    except OSError as error:
        empty = isinstance(error, (FileNotFoundError, NotADirectoryError))
    reason = f"{shown(folder)} is gone or empty, and nothing has come in place of its code"
    return Hold(reason, path) if empty else None
