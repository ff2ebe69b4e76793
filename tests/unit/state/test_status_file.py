"""The status file of a monitor, and the file that requests a restart."""

import errno
import json
import os
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from support.openfiles import open_files

from wsgireload.report import Status
from wsgireload.state import pause
from wsgireload.state import status_file as module
from wsgireload.state.pause import Pause
from wsgireload.state.private_dir import Candidates, PrivateDir
from wsgireload.state.status_file import (
    ENDED,
    MOST_BYTES,
    MOST_CHANGED,
    RESTART,
    SCAN,
    STATE,
    Snapshot,
    StatusFile,
    parse,
)

NAME = f"{os.getpid()}-app"
STATUS = Status(True, None, "daemon", os.getpid(), "app", files=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the files; it does not exist yet."""
    return tmp_path / "state"


@pytest.fixture
def file(folder: Path) -> StatusFile:
    """The files of one monitor; the first folder cannot be created and is passed over."""
    return StatusFile(
        Candidates(("/dev/null/nowhere", str(folder)), print), "app", "site", 2.5, "0123"
    )


def write(file: StatusFile, files: int, looks: int = 0) -> None:
    """Write a status; only the number of files is reportable."""
    file.write(files, lambda: STATUS._replace(files=files, looks=looks))


def written(folder: Path) -> Snapshot:
    """What the status file contains."""
    return parse((folder / (NAME + STATE)).read_bytes())


@pytest.mark.parametrize(
    "text",
    ['quotes " and \\ and \n and \x01 and \x7f', "é 😀 ☃", "\udcff alone"],
)
def test_any_text(folder: Path, text: str) -> None:
    """Any text is read as it was written."""
    file = StatusFile(Candidates((str(folder),), print), "app", text, 2.5, "0123")
    file.write(None, lambda: STATUS._replace(holding=text, changed=(text,)))
    found = written(folder)
    assert (found.group, found.status.holding, found.status.changed) == (text, text, (text,))


def test_the_content(file: StatusFile, folder: Path) -> None:
    """A status file is a JSON object with these keys."""
    file.write(None, lambda: STATUS)
    content = json.loads((folder / (NAME + STATE)).read_bytes())
    assert content.pop("time") > 1e9
    identities = {"process": "", "apache": "", "command": "", "taken": 0}
    assert content == {"group": "site", "interval": 2.5, "status": STATUS.asdict(), **identities}


def test_its_size(file: StatusFile, folder: Path) -> None:
    """However many files have changed, others can read it."""
    changed = tuple(
        f"/srv/mysite/a folder with a long name/{number}.html" for number in range(50_000)
    )
    file.write(1, lambda: STATUS._replace(changed=changed))
    content = (folder / (NAME + STATE)).read_bytes()
    assert len(content) < MOST_BYTES
    assert parse(content).status.changed == changed[:MOST_CHANGED]


def test_written_once(file: StatusFile, folder: Path) -> None:
    """The status is written with the time, and not again until something reportable changes."""
    write(file, 1, looks=1)
    write(file, 1, looks=2)
    assert written(folder).status.looks == 1
    assert written(folder).time > 1e9
    write(file, 3, looks=3)
    assert written(folder).status.looks == 3
    assert [path.name for path in folder.iterdir()] == [NAME + STATE]


def test_rewritten(file: StatusFile, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every hour the status is written again, so that it is not taken for a leftover."""
    monkeypatch.setattr(module, "REWRITE", 0.0)
    write(file, 1, looks=1)
    write(file, 1, looks=2)
    assert written(folder).status.looks == 2


def test_requests_are_written_now_and_then(
    file: StatusFile, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new number of requests is written, but not at each scan."""
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    for now, requests, expected in (
        (0.0, 0, 0),
        (1.0, 1, 1),
        (9.0, 7, 1),
        (11.0, 8, 8),
        (25.0, 8, 8),
    ):
        status = partial(STATUS._replace, requests=requests, looks=int(now))
        file.write(1, status, requests)
        assert written(folder).status.requests == expected
    assert written(folder).status.looks == 11


def test_removed(file: StatusFile, folder: Path) -> None:
    """Nothing is left behind, and removing twice does no harm."""
    write(file, 1)
    (folder / (NAME + RESTART)).touch()
    file.remove()
    file.remove()
    assert list(folder.iterdir()) == []


def test_requested_once(file: StatusFile, folder: Path) -> None:
    """A request is returned once, and its file is removed."""
    assert not file.restart_requested()
    write(file, 1)
    assert not file.restart_requested()
    (folder / (NAME + RESTART)).touch()
    assert file.restart_requested()
    assert not file.restart_requested()
    assert not (folder / (NAME + RESTART)).exists()


def test_written_after_a_request(file: StatusFile, folder: Path) -> None:
    """The same status is written once more after a request, and shows that this was taken."""
    write(file, 1, looks=1)
    (folder / (NAME + RESTART)).touch()
    assert written(folder).taken == 0
    assert file.restart_requested()
    write(file, 1, looks=2)
    write(file, 1, looks=3)
    assert (written(folder).status.looks, written(folder).taken) == (2, 1)


def test_nowhere(tmp_path: Path) -> None:
    """Without a usable folder nothing happens, and nothing fails."""
    file = StatusFile(Candidates(("/dev/null/nowhere",), print), "app", "site", 2.5, "0123")
    write(file, 1)
    assert not file.restart_requested()
    file.remove()


def test_the_folder_was_removed(file: StatusFile, folder: Path) -> None:
    """A folder that was cleaned away is created anew."""
    write(file, 1)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    write(file, 2)
    write(file, 3)
    assert (folder / (NAME + STATE)).exists()


def fill(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on there is no room: a new file is made, but nothing can be written into it."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(PrivateDir, "write", full)


def test_a_full_disk(file: StatusFile, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written is written by the first scan for which there is room."""
    write(file, 1)
    with monkeypatch.context() as patched:
        fill(patched)
        write(file, 2)
        write(file, 2)
        assert written(folder).status.files == 1
    write(file, 2)
    assert written(folder).status.files == 2


def test_a_request_while_the_disk_is_full(
    file: StatusFile, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request is noticed while the disk is full, from the start or later."""
    write(file, 1)
    file.restart_requested()
    fill(monkeypatch)
    write(file, 2)
    for _ in range(2):
        (folder / (NAME + RESTART)).touch()
        assert file.restart_requested()
        assert not file.restart_requested()
        write(file, 3)


def test_it_was_cleaned_away(file: StatusFile, folder: Path) -> None:
    """A status file that was removed, alone or with its folder, is there after the next scan."""
    write(file, 1)
    file.restart_requested()
    (folder / (NAME + STATE)).unlink()
    write(file, 1)
    assert written(folder).status.files == 1
    shutil.rmtree(folder)
    write(file, 1)
    assert written(folder).status.files == 1
    (folder / (NAME + RESTART)).touch()
    assert file.restart_requested()


def test_a_folder_that_is_made_anew(file: StatusFile, folder: Path) -> None:
    """A request in a new folder of that name is noticed at once."""
    write(file, 1)
    file.restart_requested()
    folder.rename(folder.with_name("moved"))
    folder.mkdir(0o700)
    (folder / (NAME + RESTART)).touch()
    assert file.restart_requested()
    write(file, 1)
    assert written(folder).status.files == 1
    assert list(folder.with_name("moved").iterdir()) == []


def test_a_folder_that_appears_late(tmp_path: Path) -> None:
    """The better folder is used once it can be, and nothing is left in the other one."""
    better, other = tmp_path / "mounted/state", tmp_path / "other"
    file = StatusFile(
        Candidates((str(better), str(other)), lambda _: None), "app", "site", 2.5, "0123"
    )
    write(file, 1)
    file.restart_requested()
    assert written(other).status.files == 1
    better.parent.mkdir()
    assert not file.restart_requested()
    (better / (NAME + RESTART)).touch()
    assert file.restart_requested()
    write(file, 1)
    assert written(better).status.files == 1
    assert list(other.iterdir()) == []


def test_a_folder_that_cannot_be_written(file: StatusFile, folder: Path) -> None:
    """Once it can be, the next scan writes."""
    folder.mkdir(0o700)
    (folder / (NAME + STATE)).mkdir()  # in the way, also of root
    write(file, 1)
    assert not file.restart_requested()
    (folder / (NAME + STATE)).rmdir()
    write(file, 1)
    assert written(folder).status.files == 1
    assert len(list(folder.iterdir())) == 1


def test_nothing_stays_open(file: StatusFile, folder: Path) -> None:
    """However often it is written, cleaned away and requested, one handle is open, then none."""
    before = open_files()
    for number in range(5):
        write(file, number)
        file.restart_requested()
        shutil.rmtree(folder)
        write(file, number)
    assert len(open_files()) == len(before) + 1
    file.remove()
    assert open_files() == before


def test_a_request_to_an_earlier_process(file: StatusFile, folder: Path) -> None:
    """A request that a process with the same pid has left behind restarts nothing."""
    folder.mkdir(0o700)
    (folder / (NAME + RESTART)).touch()
    assert not file.restart_requested()
    assert not (folder / (NAME + RESTART)).exists()


def test_leftovers_of_an_earlier_process(file: StatusFile, folder: Path) -> None:
    """A half-written file of a process that had the same pid does not matter."""
    folder.mkdir(0o700)
    (folder / (NAME + STATE + ".new")).write_text("{")
    write(file, 1)
    assert written(folder).time


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"time": 1}', b"\xff", b"[" * 100_000])
def test_no_status_file(content: bytes) -> None:
    """Anything else in such a file is an error."""
    with pytest.raises((TypeError, ValueError, RecursionError)):
        parse(content)


class Calm:
    """Steps of a monitor, each with the number of files that it looked for in its folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.file = StatusFile(Candidates((str(folder),), print), "app", "site", 2.5, "0123")
        self._looked: list[str] = []
        for name in ("remove", "has"):
            original = getattr(PrivateDir, name)
            monkeypatch.setattr(PrivateDir, name, self._counting(original))
        self.step()
        self.age()
        self.step()

    def _counting(self, original: Callable[[PrivateDir, str], bool]) -> object:
        def counting(folder: PrivateDir, name: str) -> bool:
            self._looked.append(name)
            return original(folder, name)

        return counting

    def age(self, seconds: float = 60.0) -> None:
        """Let the last change in the folder lie so far back."""
        past = time.time() - seconds
        os.utime(self.folder, (past, past))

    def step(self) -> tuple[bool, int]:
        """Whether a restart was requested, and how many files were looked for."""
        self._looked.clear()
        requested = self.file.restart_requested()
        write(self.file, 1)
        return requested, len(self._looked)


@pytest.fixture
def calm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Calm:
    """A monitor whose folder has not changed for long."""
    return Calm(folder, monkeypatch)


def test_nothing_is_looked_for_in_a_folder_that_stays_the_same(calm: Calm) -> None:
    """While no name comes or goes in the folder, a step looks for no file in it."""
    assert [calm.step(), calm.step()] == [(False, 0), (False, 0)]


@pytest.mark.skipif(os.name == "nt", reason="on Windows each step looks for the files")
def test_a_request_in_a_calm_folder(calm: Calm) -> None:
    """A request is noticed, whether the last change in the folder was just now or a while ago."""
    (calm.folder / (NAME + RESTART)).touch()
    assert calm.step() == (True, 1)
    calm.age()
    assert calm.step() == (False, 2)
    assert calm.step() == (False, 0)
    (calm.folder / (NAME + RESTART)).touch()
    calm.age(30)
    assert calm.step() == (True, 1)


def test_a_calm_folder_that_is_made_anew(calm: Calm) -> None:
    """A status file in a folder that was replaced by another one of the same age is written."""
    calm.step()
    shutil.rmtree(calm.folder)
    calm.folder.mkdir(mode=0o700)
    calm.age()
    calm.step()
    assert written(calm.folder).status.files == 1


def test_a_pause(calm: Calm) -> None:
    """A pause that begins, is made anew or ends is noticed, though a calm step reads no file."""
    folder = PrivateDir(str(calm.folder))

    def seen() -> Pause | None:
        calm.step()
        return calm.file.pause()

    assert seen() is None
    for new in (Pause(1.0, 2.0), Pause(1.0, 3.0)):
        new.begin(folder, "0123")
        assert seen() == new
        calm.age()
        assert [seen(), seen()] == [new, new]
    pause.end(folder, "0123")
    assert seen() is None
    Pause(1.0, 2.0).begin(folder, "4567")  # another application's
    assert seen() is None
    folder.close()


def test_a_request_for_a_scan(file: StatusFile, folder: Path) -> None:
    """It is returned once; its file is there until a status shows what came of the scan."""
    write(file, 1, looks=1)
    request = folder / (NAME + SCAN)
    for looks in (2, 4):
        request.touch()
        file.restart_requested()
        assert file.scan_requested()
        write(file, 1, looks=looks)
        file.restart_requested()
        assert not file.scan_requested()
        assert request.exists()
        file.write(1, lambda: STATUS._replace(looks=looks + 1), is_decided=True)  # noqa: B023
        assert not request.exists()
        assert written(folder).status.looks == looks + 1
    assert not file.scan_requested()


def test_a_scan_while_the_disk_is_full(
    file: StatusFile, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A status that could not be written is no answer; the next one that is written is."""
    write(file, 1)
    (folder / (NAME + SCAN)).touch()
    file.restart_requested()
    assert file.scan_requested()
    with monkeypatch.context() as patched:
        fill(patched)
        file.write(1, lambda: STATUS, is_decided=True)
        assert (folder / (NAME + SCAN)).exists()
    file.write(1, lambda: STATUS, is_decided=True)
    assert not (folder / (NAME + SCAN)).exists()


def test_the_last_status(file: StatusFile, folder: Path) -> None:
    """What is kept of a process that is replaced is its last status, in one file for all."""
    write(file, 1)
    write(file, 2)
    file.keep_last(lambda: STATUS)
    file.remove()
    (path,) = folder.iterdir()
    assert path.suffix == ENDED
    assert parse(path.read_bytes()).status.files == 2


def test_the_only_status(file: StatusFile, folder: Path) -> None:
    """A process that is replaced before it has written a status leaves one as well."""
    file.keep_last(lambda: STATUS._replace(looks=1))
    (path,) = folder.iterdir()
    assert path.suffix == ENDED
    assert parse(path.read_bytes()).status.looks == 1


def test_other_monitors_of_this_process(folder: Path) -> None:
    """Their statuses; not its own, nor those of other processes, before it or beside it."""
    this, old = f"{os.getpid()} 200 boot", f"{os.getpid()} 100 boot"
    file = StatusFile(Candidates((str(folder),), print), "app", "site", 2.5, "0123", (this, "", ""))
    assert file.neighbours() == []
    write(file, 1)
    content = json.loads((folder / f"{os.getpid()}-app.state").read_bytes())
    for name, process in (("0", this), ("00", old), ("other", "")):
        content["status"]["application"], content["process"] = name, process
        (folder / f"{os.getpid()}-{name}.state").write_text(json.dumps(content))
        (folder / f"{os.getpid()}{name}-app.state").write_text(json.dumps(content))
    (folder / f"{os.getpid()}-damaged.state").write_text("{")
    (folder / f"{os.getpid()}-0.restart").touch()
    [found] = file.neighbours()
    assert (found.name, found.status.application) == (f"{os.getpid()}-0", "0")


def test_other_monitors_after_the_clock_was_set(folder: Path) -> None:
    """A monitor of this very process is one, whatever the time of its start seems to be."""
    this, old = f"{os.getpid()} 200 boot", f"{os.getpid()} 100 boot"
    folders = Candidates((str(folder),), print)
    ours, other, earlier = (
        StatusFile(folders, name, "site", 2.5, "0123", (identity, "1 1 boot", ""))
        for name, identity in (("app", this), ("other", this), ("earlier", old))
    )
    for file, since in ((other, 50.0), (earlier, 150.0)):
        file.write(1, partial(STATUS._replace, since=since))
    assert [each.name for each in ours.neighbours()] == [f"{os.getpid()}-other"]


def test_a_scan_of_another_monitor(file: StatusFile, folder: Path) -> None:
    """It is pending until the other status shows what came of it."""
    other = StatusFile(Candidates((str(folder),), print), "other", "site", 2.5, "0123")
    write(other, 1)
    name = f"{os.getpid()}-other"
    file.request_scan(name)
    assert [each.is_scan_pending for each in file.neighbours()] == [True]
    other.restart_requested()
    assert other.scan_requested()
    other.write(2, lambda: STATUS._replace(files=2), is_decided=True)
    assert [(each.is_scan_pending, each.status.files) for each in file.neighbours()] == [(False, 2)]
