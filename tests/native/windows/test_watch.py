"""Windows: changes in a folder are reported, by one port and a handle for each root.

wine hears of what lies in a root itself alone: what is deeper is Windows' own.
"""

from __future__ import annotations

import pytest

ITSELF, NAMES, ALL = 0, 1, 2
OK = [0, 0, "", ""]
BEGUN = [1, *OK]


def wine(path):
    """A path as Windows programs see it."""
    return "Z:" + str(path).replace("/", "\\")


@pytest.fixture
def source(tmp_path):
    """The folder that is watched, with a file."""
    made = tmp_path / "source"
    made.mkdir()
    (made / "a.py").write_text("before")
    return made


@pytest.fixture
def hears(windows, source):
    """What is reported of a watched folder while these commands are run."""

    def run(*words, interest=NAMES, names=("a.py", "fence")):
        watch = ["begin", "directory", wine(source), interest]
        told = (word for name in names for word in ("name", name))
        fence = ["write", wine(source / "fence"), "until", "fence"]
        begun, directory, *said = windows.watches(*watch, *told, *words, *fence)
        assert (begun, directory) == (BEGUN, [1, *OK])
        heard = [change for change in said[-1] if change[2] != "fence"]
        assert all(change[:2] == [1, 0] for change in heard)
        return {change[2] for change in heard}, said[:-1]

    return run


def test_saves(hears, source):
    """A file that is written, replaced, deleted or created is reported under its name."""
    file, other = wine(source / "a.py"), wine(source / "b.py")
    assert hears("write", file) == ({"a.py"}, [])
    assert hears("write", other, "rename", other, file) == ({"a.py"}, [1])
    assert hears("delete", file) == ({"a.py"}, [1])
    assert hears("write", file) == ({"a.py"}, [])


def test_names_of_no_interest(hears, source):
    """A file with another name is reported only where all is of interest."""
    other = wine(source / "log")
    assert hears("write", other) == (set(), [])
    assert hears("write", other, interest=ALL) == ({"log"}, [])


def test_names_in_any_case(hears, source):
    """The case of a name does not matter, in any alphabet; it is reported as the file has it."""
    assert hears("write", wine(source / "a.py"), names=("A.PY", "Fence")) == ({"a.py"}, [])
    small, capital = "\N{CYRILLIC SMALL LETTER ZHE}.py", "\N{CYRILLIC CAPITAL LETTER ZHE}.py"
    for name, other in ((small, capital), (capital, small)):
        (source / name).touch()
        assert hears("write", wine(source / name), names=(other, "fence")) == ({name}, [])
        (source / name).unlink()


def test_short_names(hears, source):
    """Any name that may be the short form of another one is reported."""
    assert hears("write", wine(source / "LONGNA~1.PY")) == ({"LONGNA~1.PY"}, [])


def test_two_paths(windows, source):
    """Two paths to a folder give one number; itself is 0, which never has a change."""
    path = wine(source)
    watched = [(path, ITSELF), (path, NAMES), (path + "\\.\\", ALL), ("C:\\", ALL), (path, ALL)]
    words = (word for path, interest in watched for word in ("directory", path, interest))
    said = windows.watches("begin", *words)
    assert said == [BEGUN, *([number, *OK] for number in (0, 1, 1, 2, 1))]


def test_itself_is_in_nobodys_way(windows, source, tmp_path):
    """A folder watched with ITSELF can be renamed and deleted, and nothing is reported."""
    moved = tmp_path / "moved"
    (source / "a.py").unlink()
    words = ["begin", "directory", wine(source), ITSELF]
    said = windows.watches(*words, "rename", wine(source), wine(moved), "delete", wine(moved))
    assert said == [BEGUN, [0, *OK], 1, 1]


def test_forget(windows, source):
    """A forgotten folder is not reported any more, and can be watched again."""
    watch = ["directory", wine(source), ALL]
    file = wine(source / "a.py")
    said = windows.watches("begin", *watch, "forget", "write", file, *watch, "changes")
    assert said == [BEGUN, [1, *OK], [2, *OK], []]
    said = windows.watches("begin", *watch, "forget", *watch, "write", file, "until", "a.py")
    assert said[-1] == [[2, 0, "a.py"]]


def test_wake_and_end(windows, source):
    """Another thread ends the wait by waking it; after the end there is no more wait."""
    said = windows.watches("begin", "directory", wine(source), ALL, "wake", "wake", "end", "free")
    assert said == [BEGUN, [1, *OK], 0, 0, -1, 1]


def test_directories_that_are_renamed(windows, source):
    """Watchers end at once, and go on reporting till then, whatever was renamed and forgotten."""
    watch = ["begin", "directory", wine(source), NAMES, "name", "fence"]
    fence = ["write", wine(source / "fence"), "until", "fence"]
    said = windows.watches(*watch, "rename-and-forget", wine(source), *fence, "free")
    assert said[2][-1] == [1, 0, "fence"]
    assert said[3] == 1


def test_begins_and_ends(windows, source):
    """Three hundred beginnings and ends leave no handle behind."""
    first = ["begin", "directory", wine(source), ALL, "free"]
    said = windows.watches(*first, "cycles", 20, "cycles", 300)
    assert said[-1] == 0


def test_more_than_the_buffer_holds(windows, source):
    """After an overflow anything in the folder may have changed."""
    watch = ["begin", "directory", wine(source), NAMES, "name", "fence"]
    fence = ["write", wine(source / "fence"), "until", "fence"]
    said = windows.watches(*watch, "many", wine(source), "until", "", *fence)
    assert said[2][-1] == [1, 0, ""]
    assert said[3][-1] == [1, 0, "fence"]


def test_drives(windows, source):
    """The kind of a drive is Windows' own number; a path that is none is of no kind."""
    fixed, unknown = 3, 0
    said = windows.watches("drive", wine(source), "drive", "C:\\", "drive", "")
    assert said == [[number, *OK] for number in (fixed, fixed, unknown)]


def test_what_cannot_be_watched(windows, source):
    """A path that is no folder fails with the call, the number and Windows' message."""
    said = windows.watches(
        *["begin", "directory", wine(source / "none"), ALL],
        *["directory", wine(source / "a.py"), NAMES],
    )
    assert [told[:4] for told in said[1:]] == [
        [-1, 3, 2, "CreateFileW"],
        [-1, 3, 267, "CreateFileW"],
    ]


def test_long_paths(windows, tmp_path):
    """A path of far more than 260 characters, with its prefix, is watched, and has marks."""
    folder = tmp_path.joinpath(*["long" * 25] * 4)
    folder.mkdir(parents=True)
    (folder / "a.py").touch()
    long, file, none = (
        "\\\\?\\" + wine(path) for path in (folder, folder / "a.py", folder / "none")
    )
    said = windows.watches("begin", "directory", long, ALL, "mark", file, "mark", none)
    assert said[1] == [1, *OK]
    assert said[2][0] not in ("0" * 16, "0" * 15 + "1")
    assert said[3] == ["0" * 16, 7]


def test_marks(windows, source):
    """A mark changes when its file does, and only then; a missing file has 0."""
    file, other = wine(source / "a.py"), wine(source / "b.py")
    look = ["mark", file]
    (source / "b.py").write_text("before")
    words = [
        *look,
        *look,
        "write",
        file,
        *look,
        "rename",
        other,
        file,
        *look,
        "delete",
        file,
        *look,
    ]
    first, same, written, _, replaced, _, deleted = windows.watches(*words)
    assert first == same
    assert len({first[0], written[0], replaced[0], deleted[0]}) == 4
    assert deleted == ["0" * 16, 7]
    said = windows.watches("mark", wine(source / "none" / "none"), "mark", "a?b", "mark", "")
    assert [mark for mark, _ in said] == ["0" * 16, "0" * 15 + "1", "0" * 16]
