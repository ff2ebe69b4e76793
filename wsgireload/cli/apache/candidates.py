"""Which files may be WSGI scripts: those that are named, or that define an application."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.programs import read_file

MOST = 100  # scripts of one directive
# mod_wsgi takes any file as a script; a script defines this, or what WSGICallableObject names.
APPLICATION = "application"
DEFINES = (
    r"^\s*(?:(?:async\s+)?def|class)\s+{0}\b"
    r"|^[^#\n]*\b{0}\s*(?::[^=\n]+)?=(?!=)"
    r"|\bimport\b(?:.*|\s*\([^)]*)\b{0}\b|^\s*from\b.*\bimport\s+\*"
)


def likely(paths: Iterator[str], directives: Sequence[Directive]) -> list[str]:
    """Return the scripts among files: beside those named .wsgi, others are modules of theirs."""
    found = list(islice((each for each in paths if _defines(each, directives)), MOST))
    return [each for each in found if each.endswith(".wsgi")] or found


def _defines(path: str, directives: Sequence[Directive]) -> bool:
    """Return whether a file defines an application, by any name that the configuration uses."""
    names = {each.arguments[0] for each in directives if each.name == "wsgicallableobject"}
    either = "|".join(map(re.escape, {APPLICATION, *names}))
    return re.search(DEFINES.format(f"(?:{either})"), read_file(path), re.MULTILINE) is not None


def below(target: str, paths: Sequence[str]) -> Iterator[str]:
    """Return the first of these paths that is a target or below it."""
    return islice((each for each in paths if is_below(each, target)), 1)


def is_below(path: str, folder: str) -> bool:
    """Return whether a path, or a URL path, is a folder or in it."""
    path, folder = os.path.normcase(path), os.path.normcase(folder)
    return f"{path}{os.sep}".startswith(f"{folder.rstrip(os.sep)}{os.sep}")


def names(script: str) -> tuple[str, ...]:
    """Return the absolute paths of a script as Apache writes them: as named, and without links."""
    paths = os.path.abspath(script), os.path.realpath(script)
    return tuple(dict.fromkeys(path.replace(os.sep, "/") for path in paths))
