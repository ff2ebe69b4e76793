"""The directives of an Apache: as it prints them, or else read from its files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce

from wsgireload.cli.apache.httpd import Dump, Httpd
from wsgireload.cli.programs import read_file

WORD = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^\s"'])+""")
QUOTED = re.compile(r""""((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'""")
MACRO, USED = re.compile(r"macro '([^']*)'"), re.compile(r'used on line (\d+) of "([^"]+)"')
PRINTED = re.compile(r"# +In file: (.*)|# +(\d+):")
# Apache evaluates these sections when it reads the file.
CONDITIONS = {"ifmodule", "ifdefine", "iffile", "ifversion", "ifdirective", "ifsection"}

HOST = "virtualhost"
HTACCESS = "htaccess"  # our name for a section that Apache has without one
INCLUDES = "include", "includeoptional"

Line = tuple[int, str]


@dataclass(frozen=True)
class Directive:
    """One line of a configuration; `sections` are those around it, each (name, argument)."""

    name: str
    arguments: tuple[str, ...]
    sections: tuple[tuple[str, str], ...] = ()
    file: str = ""
    line: int = 0
    host: int = 0
    """The number of the VirtualHost section around it, as two may have one address; 0: none."""

    def __str__(self) -> str:
        """Where it is; of a macro where that is used, as Apache knows no file of its lines."""
        if (name := MACRO.match(self.file)) and (used := USED.findall(self.file)):
            line, file = used[-1]  # a macro may be used in another
            return f"{file}, line {line}, macro {name[1]}"
        return f"{self.file}, line {self.line}"


def read(httpd: Httpd) -> tuple[list[Directive], bool]:
    """Return all directives, and whether Apache itself printed them."""
    files = Files(httpd.dump, httpd.environment)
    printed = httpd.printed_config
    if printed is None:
        return list(files), False
    # Apache executes these as it reads them, and does not print them.
    early = ("loadmodule", "loadfile", "wsgipythonhome")
    return [*_parse(printed), *(each for each in files if each.name in early)], True


def htaccess(path: str, modules: frozenset[str]) -> list[Directive]:
    """Return the directives of a file such as .htaccess, as of a section for its folder."""
    found = Files(Dump("", modules, {}, {}, {("", 0): [path]}), {})
    around = ("directory", os.path.dirname(path)), (HTACCESS, "")
    return [replace(each, sections=(*around, *each.sections)) for each in found]


def by_host(directives: Iterable[Directive], name: str) -> dict[int, str]:
    """Return the value of a directive in each virtual host that has it, and with 0 outside."""
    those = (each for each in directives if each.name == name and each.arguments)
    return {each.host: each.arguments[0] for each in those}


def module_file(directives: Iterable[Directive], module: str) -> str:
    """Return the file from which a LoadModule loads a module; "" without one."""
    lines = (each.arguments for each in directives if each.name == "loadmodule")
    return next((each[1] for each in lines if each[:1] == (module,)), "")


def words(text: str) -> tuple[str, ...]:
    """Split a line as Apache does: quotes join words, and are removed."""
    return tuple(
        QUOTED.sub(lambda found: _unescape(found[1] or found[2] or ""), each)
        for each in WORD.findall(text)
    )


def _unescape(text: str) -> str:
    return re.sub(r"""\\(["'\\])""", r"\1", text)


def _parse(text: str) -> Iterator[Directive]:
    """Parse the output of mod_info: without conditions and variables, with places in comments."""
    sections: list[tuple[str, str]] = []
    file, line, hosts = "", 0, 0
    for raw in text.splitlines():
        bare = raw.strip()
        if found := PRINTED.fullmatch(bare):
            file, line = found[1] or file, int(found[2] or 0)
        elif bare.startswith("</"):
            sections.pop()
        elif bare.startswith("<"):
            sections.append(_section(bare))
            hosts += sections[-1][0] == HOST
        elif bare and not bare.startswith("#"):
            name, *arguments = words(bare)
            host = hosts if _is_in_host(sections) else 0
            yield Directive(name.lower(), tuple(arguments), tuple(sections), file, line, host)


class Files:
    """The directives in the files that Apache reads, in its order."""

    def __init__(self, dump: Dump, environment: Mapping[str, str]) -> None:
        self._dump = dump
        self._given = {**environment, **dump.defines}
        self._variables: dict[str, str] = {}
        self._macros = Macros()
        self._loaded: set[str] = set()
        self._hosts = 0

    def __iter__(self) -> Iterator[Directive]:
        self._loaded.clear()
        self._variables = dict(self._given)
        self._hosts = 0
        for path in self._dump.includes.get(("", 0), []):
            yield from self._file(path, ())

    def _file(self, path: str, around: tuple[tuple[str, str], ...]) -> Iterator[Directive]:
        sections, skipping = list(around), 0
        for line, text in self._macros.expand(_lines(read_file(path))):
            bare = self._substitute(text)
            if bare.startswith("</"):
                if skipping:
                    skipping -= 1
                elif sections:
                    sections.pop()
            elif bare.startswith("<"):
                skipping += bool(skipping) or not self._is_met(*_section(bare))
                if not skipping:
                    sections.append(_section(bare))
                    self._hosts += sections[-1][0] == HOST
            elif not skipping:
                yield from self._directive(path, line, bare, tuple(sections))

    def _directive(
        self, path: str, line: int, text: str, sections: tuple[tuple[str, str], ...]
    ) -> Iterator[Directive]:
        name, *arguments = words(text) or ("",)
        name = name.lower()
        if name == "define" and arguments:
            self._variables[arguments[0]] = arguments[1] if len(arguments) > 1 else ""
        elif name == "undefine":
            self._variables.pop("".join(arguments[:1]), None)
        elif name:
            self._loaded.update(arguments[:1] if name == "loadmodule" else ())
            applied = tuple(each for each in sections if each[0] not in CONDITIONS)
            host = self._hosts if _is_in_host(sections) else 0
            yield Directive(name, tuple(arguments), applied, path, line, host)
        if name in INCLUDES:
            for included in self._dump.includes.get((path, line), []):
                yield from self._file(included, sections)

    def _is_met(self, name: str, argument: str) -> bool:
        """Return whether a condition is met; True for a section that is no condition."""
        wanted, bare = not argument.startswith("!"), argument.lstrip("!").strip('"')
        if name == "ifmodule":
            module = bare.removeprefix("mod_").removesuffix(".c")
            found = {bare, f"{module}_module"} & self._dump.modules
            if not wanted:  # as around the LoadModule of that module
                found -= self._dump.shared - self._loaded
            return bool(found) == wanted
        if name == "ifdefine":
            return (bare in self._variables) == wanted
        if name == "ifversion":  # Apache is newer than any version that a line compares it with
            return bare.startswith("<") != wanted
        return os.path.exists(bare) == wanted if name == "iffile" else True

    def _substitute(self, text: str) -> str:
        known = self._variables
        return re.sub(r"\$\{([\w.-]+)\}", lambda found: known.get(found[1], found[0]), text)


class Macros:
    """The macros that were defined so far, expanded as mod_macro does."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[list[str], list[str]]] = {}

    def expand(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Return the lines, with those of a macro in the place of each use."""
        body: list[str] | None = None
        for number, text in lines:
            lower = text.lower()
            if lower.startswith("</macro"):
                body = None
            elif body is not None:
                body.append(text)
            elif lower.startswith("<macro "):
                name, *parameters = words(text.strip("<>"))[1:]
                body = []
                self._known[name.lower()] = parameters, body
            elif lower.startswith("use "):
                yield from self.expand((number, each) for each in self._used(text))
            else:
                yield number, text

    def _used(self, text: str) -> Iterator[str]:
        name, *values = words(text)[1:]
        parameters, body = self._known.get(name.lower(), ([], []))
        pairs = sorted(zip(parameters, values, strict=False), key=lambda pair: -len(pair[0]))
        for line in body:
            yield reduce(lambda text, pair: text.replace(*pair), pairs, line)


def _lines(text: str) -> Iterator[Line]:
    """Return lines with their numbers, without comments; a backslash continues a line."""
    first = 0
    parts: list[str] = []
    for number, raw in enumerate(text.splitlines(), 1):
        first = first if parts else number
        if raw.endswith("\\"):
            parts.append(raw[:-1])
            continue
        whole = "".join([*parts, raw]).strip()
        parts = []
        if whole and not whole.startswith("#"):
            yield first, whole


def _is_in_host(sections: Iterable[tuple[str, str]]) -> bool:
    return any(name == HOST for name, _ in sections)


def _section(text: str) -> tuple[str, str]:
    """Split `<Directory "/srv">` into ("directory", "/srv")."""
    name, _, argument = text.strip("<>").partition(" ")
    kind, *rest = words(argument) or ("",)
    if kind == "~":  # <Files ~ …> is another way to write <FilesMatch …>
        return f"{name.lower()}match", " ".join(rest)
    return name.lower(), " ".join([kind, *rest])
