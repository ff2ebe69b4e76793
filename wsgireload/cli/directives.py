"""Apache's directives: as Apache prints them, or else read from its files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from wsgireload.cli.httpd import Dump, Httpd

WORD = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^\s"'])+""")
QUOTED = re.compile(r""""((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'""")
PRINTED = re.compile(r"# +In file: (.*)|# +(\d+):")
WHEN_READ = {"ifmodule", "ifdefine", "iffile", "ifversion", "ifdirective", "ifsection"}

Read = Callable[[str], str]


@dataclass(frozen=True)
class Directive:
    """One line of a configuration; `sections` are those around it, as (name, argument)."""

    name: str
    arguments: tuple[str, ...]
    sections: tuple[tuple[str, str], ...] = ()
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


def of(httpd: Httpd) -> tuple[list[Directive], bool]:
    """All directives, and whether Apache itself printed them."""
    printed = httpd.directives
    if printed is not None:
        return list(_printed(printed)) + list(_loading(httpd)), True
    return list(Files(httpd.dump, httpd.environment)), False


def words(text: str) -> tuple[str, ...]:
    """As Apache splits a line: what stands in quotes is one, and loses them."""
    return tuple(
        QUOTED.sub(lambda found: _plain(found[1] or found[2] or ""), each)
        for each in WORD.findall(text)
    )


def _plain(text: str) -> str:
    return re.sub(r"""\\(["'\\])""", r"\1", text)


def _printed(text: str) -> Iterator[Directive]:
    """From what mod_info prints: conditions are met, variables resolved, and comments say where."""
    sections: list[tuple[str, str]] = []
    file, line = "", 0
    for raw in text.splitlines():
        bare = raw.strip()
        if found := PRINTED.fullmatch(bare):
            file, line = found[1] or file, int(found[2] or 0)
        elif bare.startswith("</"):
            sections.pop()
        elif bare.startswith("<"):
            sections.append(_section(bare))
        elif bare and not bare.startswith("#"):
            name, *arguments = words(bare)
            yield Directive(name.lower(), tuple(arguments), tuple(sections), file, line)


def _loading(httpd: Httpd) -> Iterator[Directive]:
    """LoadModule and LoadFile are done as they are read, and printed by nobody."""
    for each in Files(httpd.dump, httpd.environment):
        if each.name in ("loadmodule", "loadfile", "wsgipythonhome"):
            yield each


class Files:
    """Reads the files that Apache says it has read, in its order."""

    def __init__(
        self, dump: Dump, environment: Mapping[str, str], read: Read | None = None
    ) -> None:
        self._dump = dump
        self._known = {**environment, **dump.defines}
        self._read = read or _read

    def __iter__(self) -> Iterator[Directive]:
        for path in self._dump.includes.get(("", 0), []):
            yield from self._file(path, ())

    def _file(self, path: str, around: tuple[tuple[str, str], ...]) -> Iterator[Directive]:
        sections, skipping = list(around), 0
        for line, text in _lines(self._read(path)):
            bare = self._resolved(text)
            if bare.startswith("</"):
                if skipping:
                    skipping -= 1
                elif sections:
                    sections.pop()
            elif bare.startswith("<"):
                skipping += bool(skipping) or not self._holds(*_section(bare))
                if not skipping:
                    sections.append(_section(bare))
            elif not skipping:
                yield from self._directive(path, line, bare, tuple(sections))

    def _directive(
        self, path: str, line: int, text: str, sections: tuple[tuple[str, str], ...]
    ) -> Iterator[Directive]:
        name, *arguments = words(text) or ("",)
        name = name.lower()
        if name == "define" and arguments:
            self._known[arguments[0]] = arguments[1] if len(arguments) > 1 else ""
        elif name in ("include", "includeoptional"):
            for included in self._dump.includes.get((path, line), []):
                yield from self._file(included, sections)
        elif name:
            kept = tuple(each for each in sections if each[0] not in WHEN_READ)
            yield Directive(name, tuple(arguments), kept, path, line)

    def _holds(self, name: str, argument: str) -> bool:
        """Whether a condition is met; what is no condition always is."""
        wanted, bare = not argument.startswith("!"), argument.lstrip("!").strip('"')
        if name == "ifmodule":
            module = bare.removeprefix("mod_").removesuffix(".c")
            names = {bare, f"{module}_module"}
            return bool(names & self._dump.modules) == wanted
        if name == "ifdefine":
            return (bare in self._known) == wanted
        return os.path.exists(bare) == wanted if name == "iffile" else True

    def _resolved(self, text: str) -> str:
        return re.sub(r"\$\{([\w.-]+)\}", lambda found: self._known.get(found[1], found[0]), text)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Line numbers and lines without comments; what a backslash continues is one, by its first."""
    begun = 0
    parts: list[str] = []
    for number, raw in enumerate(text.splitlines(), 1):
        begun = begun if parts else number
        if raw.endswith("\\"):
            parts.append(raw[:-1])
            continue
        whole = "".join([*parts, raw]).strip()
        parts = []
        if whole and not whole.startswith("#"):
            yield begun, whole


def _section(text: str) -> tuple[str, str]:
    """Of `<Directory "/srv">`: ("directory", "/srv")."""
    name, _, argument = text.strip("<>").partition(" ")
    return name.lower(), " ".join(words(argument))


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:  # a file of another user's: what stands in it is not known
        return ""
