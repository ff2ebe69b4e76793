"""The house: who may import whom, and what is done in one room only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import wsgireload

HOUSE = Path(__file__).parent.parent / "wsgireload"


def room(path: Path) -> str:
    """What a room is called: "monitor", "cli.doctor"; a package is its folder."""
    named = path.parent if path.stem == "__init__" and path.parent != HOUSE else path
    return ".".join(named.relative_to(HOUSE).with_suffix("").parts)


ROOMS = {room(path): ast.parse(path.read_text()) for path in sorted(HOUSE.rglob("*.py"))}
CLI = {name for name in ROOMS if name.split(".")[0] in ("cli", "__main__")}
WEB = {name for name in ROOMS if name.split(".")[0] == "web"}
STAGES = {"sources", "tracked", "loaded", "wakeup", "checksums", "settle", "guard", "budget"}
STRANGERS = {"django", "flask", "mod_wsgi", "cffi"}


def imported(room: str) -> Iterator[str]:
    """The rooms of ours, and the top-level names of others, that a room imports anywhere."""
    for node in ast.walk(ROOMS[room]):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "wsgireload":
            names = [f"wsgireload.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for name in names:
            parts = name.split(".")
            yield parts[1] if parts[0] == "wsgireload" and len(parts) > 1 else parts[0]


IMPORTS = {room: set(imported(room)) for room in ROOMS}


def importers(name: str) -> set[str]:
    """The rooms that import a name."""
    return {room for room, names in IMPORTS.items() if name in names}


def test_errors_and_settings_stand_alone() -> None:
    """What everybody imports imports nobody."""
    assert not IMPORTS["errors"] & set(ROOMS)
    assert IMPORTS["settings"] & set(ROOMS) <= {"errors", "record"}


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_stages_do_not_know_each_other(stage: str) -> None:
    """A stage answers its own question and nothing else."""
    strange = STAGES | {"watched", "reloader", "monitor", "restart", "server", "native", "api"}
    assert not IMPORTS[stage] & strange


def test_the_native_module_has_one_door() -> None:
    """Only native.py imports _native (ffi.py loads its file), and few import native.py."""
    assert importers("_native") <= {"native", "ffi"}
    assert importers("native") <= {"events", "restart", "server", "cli.doctor.python"}


BEHIND = {  # rooms behind the public API that a room of the cli needs, and no other does
    "cli.doctor.here": {"settings"},
    "cli.doctor.files": {"events", "errors"},
    "cli.doctor.python": {"native"},
    "cli.files": {"events", "errors"},
    "cli.loading": {"settings", "sources", "tracked"},
    "cli.processes": {"loaded"},
    "cli.programs": {"settings"},
    "cli.restart": {"log"},
    "cli.states": {"log", "settings", "private", "published"},
    "cli.status": {"log"},
    "cli.terminal": {"settings"},
}


def test_the_cli_is_a_guest() -> None:
    """The cli knows of the house what is said here, and but manage.py's command nobody knows it."""
    assert importers("cli") <= CLI | {"django.management.commands.wsgireload"}
    for name in CLI:
        assert IMPORTS[name] & (set(ROOMS) - {"cli"}) <= BEHIND.get(name, set()), name


def test_the_flow_is_put_together_in_few_places() -> None:
    """Only the reloader and what it looks with know the stages; only the monitor has a thread."""
    who = {"reloader", "watched", "monitor", "parts", "restart", "config"}
    who |= {"moment", "preflight", "program", "roll", "facts"}
    for stage in STAGES - {"wakeup"}:
        assert importers(stage) - CLI <= who, stage
    assert importers("threading") <= {"monitor", "api", "wakeup", "ending"}


def called(room: str) -> Iterator[str]:
    """Every name, dotted or plain, that a room uses."""
    for node in ast.walk(ROOMS[room]):
        if isinstance(node, ast.Attribute | ast.Name):
            yield ast.unparse(node)


@pytest.mark.parametrize(
    ("deed", "rooms"),
    [
        ("os.environ", {"settings"}),
        ("os.getenv", {"settings"}),
        ("print", {"cli.terminal"}),
        ("subprocess.run", {"cli.programs"}),
        ("threading.Thread", {"monitor"}),
        ("os.kill", set()),
    ],
)
def test_one_room_for_each_deed(deed: str, rooms: set[str]) -> None:
    """The environment is read in settings, the thread is the monitor's, nobody kills in Python."""
    assert {room for room in ROOMS if deed in called(room)} <= rooms


def test_the_page_has_no_key_of_its_own() -> None:
    """What is in wsgireload.web uses of ours what everybody may use, and itself."""
    public = {*wsgireload.__all__, "wsgireload", "web"}
    for room in WEB:
        ours = IMPORTS[room] & {*(name.split(".")[0] for name in ROOMS), *dir(wsgireload)}
        assert ours <= public, room
    assert importers("web") <= WEB


def test_strangers_stay_outside() -> None:
    """Nobody imports a framework, mod_wsgi or cffi at the top, but for the room of that name."""
    for room, tree in ROOMS.items():
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


GUESTS = {  # what the frameworks' rooms need beside the public API
    "django.apps": {"server"},
    "django.asked": {"settings"},
    "django.checks": {"settings"},
    "django.management.commands.wsgireload": {"cli"},
    "flask": {"server", "settings"},
}


def test_the_frameworks_are_guests() -> None:
    """Their rooms know the public API and what is said here, and no other room knows them."""
    for room in ROOMS:
        if room.partition(".")[0] in STRANGERS:
            behind = IMPORTS[room] & (set(ROOMS) - STRANGERS)
            assert behind <= GUESTS.get(room, set()), room
        else:
            assert not IMPORTS[room] & {"django", "flask"}, room


@pytest.mark.parametrize("source", sorted((HOUSE.parent / "csrc").rglob("*.[ch]")), ids=str)
def test_the_core_includes_no_strangers(source: Path) -> None:
    """No httpd header anywhere, Python.h in module.c alone, no #ifdef: the build picks."""
    text = source.read_text()
    assert "httpd.h" not in text
    assert ("Python.h" in text) == (source.name == "module.c")
    for line in text.splitlines():
        word = line.replace(" ", "")
        assert not word.startswith(("#ifdef", "#ifndef", "#if")) or "Py_" in line, line


def test_the_platforms_are_twins() -> None:
    """csrc/unix and csrc/win hold the same sources by name."""
    unix, win = (
        {p.name for p in (HOUSE.parent / "csrc" / name).glob("*.c")} for name in ("unix", "win")
    )
    assert unix == win
