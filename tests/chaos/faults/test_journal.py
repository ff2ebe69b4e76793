"""The disk is full, or something else is in the place of the journal: new code is served."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.faultysite import OFTEN, Faulty, mounted
from support.testsite import Site

if TYPE_CHECKING:
    from conftest import Chaos

pytestmark = pytest.mark.e2e


def test_a_full_disk(faulty: Faulty) -> None:
    """Restarts go on, as seldom as without a journal, and are reported once there is room again."""
    site = faulty.site
    site.edit("app.wsgi", OFTEN, "budget=(2, 4.0)")
    with mounted(site, faulty.state.parent, "64k"):
        filler = faulty.state.parent / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        assert shutil.disk_usage(filler).free == 0
        faulty.start()
        for _ in range(2):
            started = time.monotonic()
            faulty.reload()
            assert time.monotonic() - started > 1.5
        assert site.said("watching: could not write the journal: No space left on device")
        assert site.said("holding: without a journal, a process has to run 2 s")
        assert not site.said("reloaded: ")
        assert [path.name for path in faulty.state.iterdir()] == ["journal.lock"]
        filler.unlink()
        [status] = site.wait_for(lambda: list(faulty.state.glob("*.state")), "the status file")
        status.with_suffix(".restart").touch()
        site.wait_for(lambda: not status.exists(), "the end of the process that was to restart")
        faulty.reload()
        site.wait_for_line("reloaded: ")


def nothing(path: Path) -> None:
    """No folder at all."""


def a_link(path: Path) -> None:
    """A link to a folder that would do."""
    path.symlink_to(path.parent / "elsewhere")


def of_another(path: Path) -> None:
    """Root's."""
    path.mkdir(0o700)


def open_to_all(path: Path) -> None:
    """Anybody may write there."""
    path.mkdir()
    path.chmod(0o777)


def unwritable(path: Path) -> None:
    """Not even its owner may."""
    path.mkdir(0o500)


def a_file(path: Path) -> None:
    """No folder."""
    path.write_text("mine")


def a_pipe(path: Path) -> None:
    """What a careless open waits for, for ever."""
    os.mkfifo(path)


HOSTILE: dict[Callable[[Path], None], str] = {
    nothing: "",
    a_link: "cannot use the folder",
    of_another: "Permission denied",
    open_to_all: "other users may write there",
    unwritable: "could not use the journal: Permission denied",
    a_file: "cannot use the folder",
    a_pipe: "cannot use the folder",
}


def away(site: Site, path: Path) -> None:
    """Move whatever it is elsewhere: a process may be writing there."""
    if path.is_dir() and not path.is_symlink():
        path.chmod(0o700)  # else only root may move it
    if path.is_symlink() or path.exists():
        path.rename(tempfile.mkdtemp(dir=site.root) + "/away")


def plant(site: Site, planted: Callable[[Path], object], path: Path) -> None:
    """Put something in the place of another, as Apache's user would have."""
    planted(path)
    if site.user and path.is_symlink() | path.exists() and planted is not of_another:
        user = pwd.getpwnam(site.user)
        os.lchown(path, user.pw_uid, user.pw_gid)


def test_a_hostile_folder(faulty: Faulty, chaos: Chaos) -> None:
    """Whatever stands in the place of the journal's folder: it is said, and restarts go on."""
    site = faulty.site
    (site.folder("state/elsewhere")).chmod(0o700)
    faulty.start()
    planted = HOSTILE.copy()
    if not site.user:
        del planted[of_another]  # only root has a folder of another user
    for _ in range(chaos.often(1, 20)):
        for hostile, words in chaos.random.sample(list(planted.items()), len(planted)):
            before = len(site.log)
            is_planted = False
            while not is_planted:  # a process may make its folder anew in between
                away(site, faulty.state)
                with contextlib.suppress(FileExistsError, IsADirectoryError):
                    plant(site, hostile, faulty.state)
                    is_planted = True
            faulty.reload()
            assert not words or faulty.said_since(before, words), hostile.__doc__
    assert list((faulty.state.parent / "elsewhere").iterdir()) == []


LINE = {"at": 0.0, "pid": 1, "reason": "a", "what": "b", "paths": []}
JOURNALS: dict[str, Callable[[Path], object]] = {
    "nothing": lambda path: path.touch(),
    "noise": lambda path: path.write_bytes(os.urandom(4096)),
    "a gigabyte of zeros": lambda path: (path.touch(), os.truncate(path, 1 << 30)),
    "deep": lambda path: path.write_text("[" * 60_000),
    "a long number": lambda path: path.write_text("9" * 60_000),
    "a number without end": lambda path: path.write_text(json.dumps({**LINE, "pid": float("inf")})),
    "no number": lambda path: path.write_text(json.dumps({**LINE, "at": float("nan")})),
    "a folder": lambda path: path.mkdir(),
    "a full folder": lambda path: (path.mkdir(), (path / "file").touch()),
    "a pipe": os.mkfifo,
    "a link": lambda path: path.symlink_to("/etc/shadow"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "unreadable": lambda path: (path.touch(), path.chmod(0)),
}


def test_hostile_journals(faulty: Faulty, chaos: Chaos) -> None:
    """Whatever is in the place of the journal, restarts go on and are counted."""
    site = faulty.site
    faulty.start()
    faulty.reload()
    site.wait_for_line("reloaded: ")
    [journal] = faulty.state.glob("*.journal")
    for _ in range(chaos.often(1, 50)):
        for planted in chaos.random.sample(list(JOURNALS.values()), len(JOURNALS)):
            away(site, journal)
            plant(site, planted, journal)
            faulty.reload()
            site.wait_for_line("reloaded: ", count=faulty.edits)
    assert not site.said("holding: ")
