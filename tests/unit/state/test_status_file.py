"""What a monitor leaves outside its process, and takes away again."""

import json
import os
from pathlib import Path

import pytest

from wsgireload.state import status_file as published
from wsgireload.state.status_file import RESTART, STATE, Published, written

NAME = f"{os.getpid()}-app"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the files lie; it is not there yet."""
    return tmp_path / "state"


@pytest.fixture
def state(folder: Path) -> Published:
    """One monitor's files; a first folder that cannot be is passed over."""
    return Published(("/dev/null/nowhere", str(folder)), "app")


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, None, True, False], "b": {}},
        'quotes " and \\ and \n and \x01 and \x7f',
        "é 😀 ☃",
        "\udcff alone",
        ("a", "tuple"),
        -1e-07,
    ],
)
def test_written_is_json(value: object) -> None:
    """What is written reads back as JSON reads what json itself writes."""
    assert json.loads(written(value).encode()) == json.loads(json.dumps(value))


def test_told_once(state: Published, folder: Path) -> None:
    """The facts are written with the time, and not again until what matters changes."""
    state.tell("same", lambda: {"files": 1})
    state.tell("same", lambda: {"files": 2})
    told = json.loads((folder / (NAME + STATE)).read_bytes())
    assert told["files"] == 1
    assert told["time"] > 1e9
    state.tell("other", lambda: {"files": 3})
    assert json.loads((folder / (NAME + STATE)).read_bytes())["files"] == 3
    assert [path.name for path in folder.iterdir()] == [NAME + STATE]


def test_told_anew(state: Published, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every hour it is written anew, so that nobody takes it for a leftover."""
    state.tell("same", lambda: {"files": 1})
    monkeypatch.setattr(published, "ANEW", 0.0)
    state.tell("same", lambda: {"files": 2})
    assert json.loads((folder / (NAME + STATE)).read_bytes())["files"] == 2


def test_ended(state: Published, folder: Path) -> None:
    """At its end nothing is left, and ending twice does no harm."""
    state.tell(1, dict)
    (folder / (NAME + RESTART)).touch()
    state.end()
    state.end()
    assert list(folder.iterdir()) == []


def test_asked_once(state: Published, folder: Path) -> None:
    """A request is heard once, and is gone then."""
    assert not state.asked()
    state.tell(1, dict)
    assert not state.asked()
    (folder / (NAME + RESTART)).touch()
    assert state.asked()
    assert not state.asked()
    assert not (folder / (NAME + RESTART)).exists()


def test_told_after_a_request(state: Published, folder: Path) -> None:
    """What was told before a request is told once more after it, so that it is known to be new."""
    state.tell("same", lambda: {"files": 1})
    (folder / (NAME + RESTART)).touch()
    assert state.asked()
    state.tell("same", lambda: {"files": 2})
    state.tell("same", lambda: {"files": 3})
    assert json.loads((folder / (NAME + STATE)).read_bytes())["files"] == 2


def test_nowhere(tmp_path: Path) -> None:
    """Where no folder serves nothing happens, and nothing fails."""
    state = Published(("/dev/null/nowhere",), "app")
    state.tell(1, dict)
    assert not state.asked()
    state.end()


def test_the_folder_was_removed(state: Published, folder: Path) -> None:
    """A folder that was cleaned away is made anew at the second change."""
    state.tell(1, dict)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    state.tell(2, dict)
    state.tell(3, dict)
    assert (folder / (NAME + STATE)).exists()


def test_leftovers_of_an_earlier_process(state: Published, folder: Path) -> None:
    """A half-written file of a process that had the same pid is in nobody's way."""
    folder.mkdir(0o700)
    (folder / (NAME + STATE + ".new")).write_text("{")
    state.tell(1, dict)
    assert json.loads((folder / (NAME + STATE)).read_bytes())["time"]
