"""The lines of Apache's configuration that are not checked by `httpd -t`, and may end Apache.

These are addresses, and logs that are a folder, or a program that does not exist.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wsgireload.report import Held
from wsgireload.server.files import content

WORD = r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\S+"""
LISTEN = re.compile(r'\s*Listen\s+"?([^\s"]+)', re.IGNORECASE)
DEFINE = re.compile(rf"\s*Define\s+(\S+)\s+({WORD})", re.IGNORECASE)
LOG = re.compile(rf"\s*(?:Error|Forensic|Transfer|Custom|Global)Log\s+({WORD})", re.IGNORECASE)
VARIABLE = re.compile(r"\$\{([^}]*)\}")
PROGRAM = re.compile(r"""\|\|?\s*(?:"(.*?)"|'(.*?)'|((?:\\.|\S)+))""")


class Lines(NamedTuple):
    """`listens`: the line of each address; `logs`: each log, by its line.

    A log is the path of its file, or that of its program after a `|`.
    """

    listens: dict[str, Held]
    logs: dict[Held, str]

    def refused(self, known: Lines) -> Iterator[tuple[Held, str]]:
        """Return each log with which Apache would end and which is not known, and why it would."""
        texts = {place.text for place in known.logs}
        for place, log in self.logs.items():
            if place.text not in texts and (why := _refusal(log)):
                yield place, why


def read(paths: Sequence[str], root: str) -> Lines:
    """Read the lines of these files; `root` is the ServerRoot."""
    lines = [place for path in paths for place in _lines(path)]
    values = _values(lines)
    found = Lines({}, {})
    for place in lines:
        if match := LISTEN.match(place.text or ""):
            found.listens.setdefault(match[1], place)
        elif log := _log(
            VARIABLE.sub(lambda name: values.get(name[1], name[0]), place.text or ""), root
        ):
            found.logs[place] = log
    return found


def _lines(path: str) -> Iterator[Held]:
    try:
        text = content(path).decode("utf-8-sig", "replace")
    except OSError:
        return
    for number, line in enumerate(text.splitlines(), start=1):
        yield Held(path, number, None, line.strip(), None)


def _values(lines: Sequence[Held]) -> dict[str, str]:
    """Return the values of variables; one that has several, as one for each site, is left out."""
    every: dict[str, set[str]] = {}
    for place in lines:
        if match := DEFINE.match(place.text or ""):
            every.setdefault(match[1], set()).add(_unquoted(match[2]))
    return {name: values.pop() for name, values in every.items() if len(values) == 1}


def _log(line: str, root: str) -> str | None:
    """Return the log of a line; None without one, or where a shell or a variable decides it."""
    match = None if line.endswith("\\") else LOG.match(line)
    if match is None or VARIABLE.search(word := _unquoted(match[1])) or word[:1] in ("'", '"'):
        return None
    if not word.startswith("|"):
        return os.path.normpath(os.path.join(root, word))
    program = PROGRAM.match(word)
    name = program and (program[1] or program[2] or program[3])
    if not name or not {"$", "@", "%"}.isdisjoint(name) or name.lower().endswith((".bat", ".cmd")):
        return None
    # Apache takes a backslash for an escape, searches no PATH and adds no .exe.
    return "|" + os.path.normpath(os.path.join(root, re.sub(r"\\(.)", r"\1", name)))


def _unquoted(word: str) -> str:
    quote = word[0] if word[0] in "\"'" and word[1:].endswith(word[0]) else ""
    return re.sub(rf"\\([\\{quote}])", r"\1", word[1:-1] if quote else word)


def _refusal(log: str) -> str | None:
    if log.startswith("|"):
        return None if os.path.isfile(log[1:]) else f"there is no program {log[1:]}"
    return f"{log} is a folder" if os.path.isdir(log) else None
