"""The house: who may import whom, and what is done in one room only."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from wsgireload.detect.litter import is_litter

HOUSE = Path(__file__).parents[2] / "wsgireload"


def room(path: Path) -> str:
    """A module's dotted name below wsgireload: "monitor", "cli.doctor"; a package is its folder."""
    named = path.parent if path.stem == "__init__" and path.parent != HOUSE else path
    return ".".join(named.relative_to(HOUSE).with_suffix("").parts)


ROOMS = {room(path): path for path in sorted(HOUSE.rglob("*.py"))}
WEB = {name for name in ROOMS if name.split(".")[0] == "web"}
GUESTS = {"cli", "django", "turn"}  # commands, checks as Django starts
STRANGERS = {"django", "flask", "mod_wsgi", "cffi"}

VOCABULARY = {"changes", "errors", "log", "settings", "threads"}
BELOW = {*VOCABULARY, "server", "state"}
MAY_IMPORT = {  # what a folder or module may import of ours, beside itself: folders or modules
    "errors": set[str](),
    "report": set(),
    "log": {"log_output", "threads"},
    "log_output": {"log"},
    "threads": set(),
    "changes": {"log"},
    "coordinator": set(),
    "settings": {"coordinator", "errors"},  # checks an address where there is one
    "environment": {"errors", "settings"},
    "server": {*VOCABULARY, "report"},
    "state": {*VOCABULARY, "report"},
    "watch": BELOW,
    "detect": BELOW,
    "decide": {"coordinator", "report", *BELOW},
    "reloader": {"decide", "report", *BELOW},
    "monitor.early": {"detect", "decide", *BELOW},
    "monitor.wiring": {
        "coordinator",
        "detect",
        "decide",
        "monitor.early",
        "monitor.loading",
        "watch",
        "reloader",
        "report",
        "streaming",
        *BELOW,
    },
    "monitor.hook": {"log", "threads"},
    "monitor.stand_in": {"api", "report", "web", *BELOW},  # and what shows its reason
    "monitor.loading": {"monitor.early", "monitor.stand_in", "report", *BELOW},
    "monitor.late": {"monitor.wiring", "threads"},
    "monitor": {"environment", "report", *BELOW},
    "monitor.steps": {"monitor.loading", "monitor.wiring", "report", "watch", *BELOW},
    "api": {"monitor", "report", "streaming", *BELOW},
    "streaming": set(),
    "__init__": {"api", "errors", "log", "monitor", "report"},
    "__main__": {"cli"},
    "turn": {"coordinator", "report", "settings"},  # a program of its own, beside the application
    "ffi": {"_native"},
    "jinja": set(),
    "flask": {"", "jinja", "server", "settings"},
    "django": {"", "cli", "jinja", "server", "settings"},
    # finds the files of `reload_on` as those of `track`
    "web": {"", "detect", "log", "report", "server", "threads"},
    # lists what a monitor would watch, and how; asks a coordinator
    "cli": {"", "coordinator", "report", "detect", "turn", "watch", *BELOW},
    "cli.apache": {"cli.programs", "cli.running"},
}


@cache
def parsed(room: str) -> ast.Module:
    """A room's source: not read while pytest collects, in each of its processes."""
    return ast.parse(ROOMS[room].read_text())


def imported(room: str) -> Iterator[str]:
    """What a room imports anywhere: rooms of ours ("" is the public API), and others' names."""
    for node in ast.walk(parsed(room)):
        if isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "", alias.name) for alias in node.names]
        else:
            continue
        for module, name in names:
            package, _, rest = module.partition(".")
            if package != "wsgireload":
                yield package
            else:
                inside = f"{rest}.{name}".strip(".")
                yield inside if inside in ROOMS or inside == "_native" else rest


@cache
def imports(room: str) -> set[str]:
    """The same, for each test to read."""
    return set(imported(room))


OURS = {*ROOMS, "", "_native"}


def importers(name: str) -> set[str]:
    """The rooms that import a name."""
    return {room for room in ROOMS if name in imports(room)}


def around(room: str) -> list[str]:
    """A room and the folders that it is in, the innermost first."""
    parts = room.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_who_imports_whom(room: str) -> None:
    """A room imports what the table allows it, or its folder and what shares that folder."""
    own = next((each for each in around(room) if each in MAY_IMPORT), room)
    allowed = {own} | MAY_IMPORT.get(own, set())
    for other in (imports(room) & OURS) - {"_native"}:
        assert allowed.intersection(around(other)), other


# At the start or with the first scan; in a process that has failed to load its script, or in a
# program beside it.
LATE = {
    "monitor.wiring": {"monitor"},
    "monitor.steps": {"monitor"},
    "monitor.hook": {"monitor"},
    "environment": {"monitor"},
    "detect": {"monitor.early"},
    "log_output": {"log"},
    "coordinator": {"monitor.wiring", "settings"},
    "decide": {"monitor.wiring"},
    "web.failure": {"monitor.stand_in"},
    "api": {"monitor.stand_in"},
    "streaming": {"api"},  # wiring has loaded it
}


@pytest.mark.parametrize(
    "room", sorted(ROOMS.keys() - {each for each in ROOMS if each.split(".")[0] in GUESTS})
)
def test_what_runs_is_imported_at_the_start(room: str) -> None:
    """An upgrade replaces the files of a running process, which would load half of another release.

    So no step of a monitor and no request imports a module of ours; see LATE for what may.
    """
    late = {
        node.module.removeprefix("wsgireload.")
        for function in ast.walk(parsed(room))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wsgireload")
    }
    for module in late:
        names = (module, module.split(".")[0])
        assert any(room in LATE.get(name, set()) for name in names), module


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_nothing_is_long(room: str) -> None:
    """A module has 250 lines at most, a function 40, and a constructor six arguments."""
    text = ROOMS[room].read_text()
    assert len(text.splitlines()) <= 250
    tree = ast.walk(ast.parse(text))
    for function in (node for node in tree if isinstance(node, ast.FunctionDef)):
        assert (function.end_lineno or 0) - function.lineno < 40, function.name
        arguments = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
        assert function.name != "__init__" or len(arguments) <= 1 + 6


def test_the_native_module_has_one_door() -> None:
    """Only server.native imports _native (ffi.py loads its file)."""
    assert importers("_native") <= {"server.native", "ffi"}


@cache
def called(room: str) -> set[str]:
    """Every name, dotted or plain, that a room uses."""
    nodes = ast.walk(parsed(room))
    return {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute | ast.Name)}


@pytest.mark.parametrize(
    ("deed", "rooms"),
    [
        ("os.environ", {"settings"}),
        ("os.getenv", {"settings"}),
        ("print", {"cli.terminal"}),
        ("subprocess.run", {"cli.programs"}),
        ("threading.Thread", {"threads"}),
        ("threads.RealThread", {"cli.terminal", "monitor", "monitor.steps"}),
        ("os.open", {"server.files", "state.private_dir"}),
        ("os.kill", set()),
    ],
)
def test_one_room_for_each_deed(deed: str, rooms: set[str]) -> None:
    """The environment is read in settings, the thread is the monitor's, Python sends no signal."""
    assert {room for room in ROOMS if deed in called(room)} <= rooms


def test_a_monitor_has_clocks_of_its_own() -> None:
    """What runs in a monitor takes `time` from threads: a library may stop Python's."""
    own = {"threads", "server.ending", "decide.compile_sources"}  # it sleeps; a program of its own
    assert {room for room in importers("time") if room.split(".")[0] not in GUESTS} <= own


def test_no_annotation_is_compiled_at_the_start() -> None:
    """No module that every process imports has both a NamedTuple and annotations that are texts."""
    code = "import sys, wsgireload; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    started = {each.removeprefix("wsgireload.") for each in done.stdout.split()} & ROOMS.keys()
    tuples = {room for room in started if "NamedTuple" in called(room)}
    assert {"log", "report", "settings"} <= tuples
    assert not {room for room in tuples if "__future__" in imports(room)}


def endings(room: str) -> set[str]:
    """The ends of file names that a room spells out."""
    constants = (node.value for node in ast.walk(parsed(room)) if isinstance(node, ast.Constant))
    return {each for each in constants if re.fullmatch(r"\.[a-z]+", str(each))}


def test_state_files_are_litter() -> None:
    """detect/litter.py knows the files of state/, whose names the rooms that use them choose."""
    rooms = importers("state.private_dir")
    ours = set[str]().union(*map(endings, rooms)) - {".new", ".damaged"}  # after another ending
    assert len(ours) >= 8
    for ending in ours:
        name = "0123456789abcdef" + ending
        assert is_litter(name, folder=False) or is_litter(f"1-{name}", folder=False), ending


def test_strangers_stay_outside() -> None:
    """Only the room of that name imports a framework, mod_wsgi or cffi at the top."""
    for room in ROOMS:
        tree = parsed(room)
        own = {"ffi": "cffi"}.get(room, room.partition(".")[0])
        top = {
            alias.name.split(".")[0]
            for node in tree.body
            if isinstance(node, ast.Import)
            for alias in node.names
        } | {
            (node.module or "").split(".")[0]
            for node in tree.body
            if isinstance(node, ast.ImportFrom)
        }
        assert not top & (STRANGERS - {own}), room


@pytest.mark.parametrize("source", sorted((HOUSE.parent / "csrc").rglob("*.[ch]")), ids=str)
def test_the_core_includes_no_strangers(source: Path) -> None:
    """No httpd header anywhere, Python.h in module.c alone, no #ifdef: the build picks."""
    text = source.read_text()
    assert "httpd.h" not in text
    assert ("Python.h" in text) == (source.name == "module.c")
    for line in text.splitlines():
        word = line.replace(" ", "")
        assert not word.startswith(("#ifdef", "#ifndef", "#if")) or "Py_" in line, line


@pytest.mark.parametrize("source", sorted((HOUSE.parent / "csrc").rglob("*.[ch]")), ids=str)
def test_the_core_has_two_headers(source: Path) -> None:
    """Sources include internal.h alone, which includes wsgireload.h; module.c needs only that.

    The library for Apache's parent is no part of the core.
    """
    ours = re.findall(r'#include "(?:\.\./)?(.+)"', source.read_text())
    public = source.name in ("module.c", "internal.h")
    alone = source.name == "wsgireload.h" or source.parent.name == "parent"
    headers = [] if alone else ["wsgireload.h" if public else "internal.h"]
    assert ours == headers


def test_the_platforms_are_twins() -> None:
    """csrc/unix and csrc/win hold the same sources by name."""
    unix, win = (
        {p.name for p in (HOUSE.parent / "csrc" / name).glob("*.c")} for name in ("unix", "win")
    )
    assert unix == win
