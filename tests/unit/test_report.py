"""A status, and its way to JSON and back."""

import json

import pytest

from wsgireload.report import Awaited, Failed, Held, Restarted, Status, parse

FULL = Status(
    active=True,
    reason=None,
    server="daemon",
    pid=7,
    application="app|/",
    files=3,
    looks=2,
    changed=("a.py", "\udcff.py"),
    holding="a.py does not compile",
    held=Held("a.py", 1, None, "x = (", "SyntaxError"),
    restarting=True,
    parent=6,
    since=1.5,
    generation=4,
    reloaded="b.py changed",
    history=(Restarted(2.0, "b.py changed", 0.5), Restarted(1.0, "r", None)),
    waiting=(Awaited("request GET / in thread 8", 3.5), Awaited("thread 'mail_0'")),
)
REQUIRED = {"active": True, "reason": None, "server": "daemon", "pid": 7, "application": ""}


def test_there_and_back() -> None:
    """A status that went through JSON is the same one, without the paths."""
    full = FULL._replace(list_paths=lambda: ["b", "a"])
    assert parse(Status, json.loads(json.dumps(full.asdict()))) == FULL
    assert full.paths() == ["a", "b"]
    assert FULL.paths() == []


def test_frozen_and_readable() -> None:
    """A field cannot be set; repr shows the fields and nothing else."""
    with pytest.raises(AttributeError):
        FULL.files = 1  # type: ignore[misc]
    assert eval(repr(FULL)) == FULL


def test_another_release() -> None:
    """Fields that are missing have their defaults, unknown ones are ignored."""
    assert parse(Status, REQUIRED | {"more": 1}) == Status(True, None, "daemon", 7, "")


def test_whole_numbers() -> None:
    """A time may be written as a whole number."""
    since = parse(Status, REQUIRED | {"since": 2}).since
    assert (since, type(since)) == (2.0, float)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("active", 1, "status.active"),
        ("pid", "1", "status.pid"),
        ("pid", True, "status.pid"),
        ("pid", 10**400, "status.pid"),
        ("files", None, "status.files"),
        ("server", [], "status.server"),
        ("holding", {}, "status.holding"),
        ("changed", "a.py", "status.changed"),
        ("changed", ["a", 1], r"status.changed\[1\]"),
        ("since", float("nan"), "status.since"),
        ("since", float("-inf"), "status.since"),
        ("since", 10**400, "status.since"),
        ("held", {"path": 1}, "status.held.path"),
        ("held", {"path": "a.py"}, "line"),
        ("history", {"at": 1}, "status.history"),
        ("history", [1], r"status.history\[0\]"),
        ("history", [{"at": "now"}], r"status.history\[0\].at"),
        ("waiting", ["thread"], r"status.waiting\[0\]"),
        ("waiting", [{"what": "thread", "since": float("inf")}], r"status.waiting\[0\].since"),
        ("list_paths", ["a"], "status.list_paths"),
    ],
)
def test_wrong_values(field: str, value: object, named: str) -> None:
    """A value of another type, or no finite number, is an error that names its field."""
    with pytest.raises((TypeError, ValueError), match=named):
        parse(Status, REQUIRED | {field: value}, "status")


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_missing_values(name: str) -> None:
    """So is a field that every status has."""
    data = {field: value for field, value in REQUIRED.items() if field != name}
    with pytest.raises(TypeError, match=name):
        parse(Status, data)


@pytest.mark.parametrize("data", [None, 1, "x", []])
def test_no_object(data: object) -> None:
    """What is no object is an error."""
    with pytest.raises(TypeError):
        parse(Status, data)


@pytest.mark.parametrize(
    ("path", "line", "place"),
    [("/a.py", 3, " (/a.py, line 3)"), ("/a.py", None, " (/a.py)"), (None, None, "")],
)
def test_a_failure_in_one_line(path: str | None, line: int | None, place: str) -> None:
    """It is described by its exception, and by its place as far as that is known."""
    failed = Failed(1.0, "NameError: x", "Traceback", path, line)
    assert failed.described() == f"NameError: x{place}"
