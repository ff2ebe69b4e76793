"""Large files in a tracked folder, and files that change all the time: neither is in the way."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.apacheserver import wait_for
from support.busysite import save
from support.testsite import Site, Sites

pytestmark = pytest.mark.e2e

MB = 1 << 20
FOLDER = "track=os.path.join(os.path.dirname(__file__), 'media')"


def large_site(new_site: Sites, files: int, megabytes: int, settings: str = "") -> Site:
    """A site, not started yet, that tracks a folder with sparse files of this size."""
    site = new_site()
    site.edit(
        "app.wsgi", "wsgireload.start(interval=0.1,", f"import os\n\nwsgireload.start({FOLDER},"
    )
    if settings:
        site.edit("app.wsgi", f"{FOLDER},", f"{FOLDER}, {settings},")
    site.folder("app/media")
    for number in range(files):
        with (site.app / f"media/{number}.bin").open("wb") as file:
            file.truncate(megabytes * MB)
    return site


def spent(pid: int) -> float:
    """Seconds that a process has kept a core busy."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def share(pid: int, seconds: float) -> float:
    """The share of a core that a process takes for so long."""
    began, before = time.monotonic(), spent(pid)
    time.sleep(seconds)
    return (spent(pid) - before) / (time.monotonic() - began)


def read_by(pid: int) -> int:
    """The bytes that a process has read."""
    return int(Path(f"/proc/{pid}/io").read_text().partition("rchar: ")[2].split()[0])


def test_much_media(new_site: Sites, chaos: Any) -> None:
    """A start does not wait until gigabytes are read, nor does a save; reading takes a tenth."""
    files, megabytes = chaos.often(8, 12), 512
    site = large_site(new_site, files, megabytes)
    site.start()
    before = site.ask().pid
    site.wait_for_line("watching: ")
    read = read_by(before)
    save(site, 1)
    pid = site.wait_for_value(1).pid
    site.wait_for_line("watching: ", count=2)
    taken = share(pid, chaos.often(4, 30))
    chaos.figure("megabytes in the folder", files * megabytes)
    chaos.figure("of these read by the first scan", read // MB)
    chaos.figure("share of a core afterwards", round(taken, 3))
    assert read < files * megabytes * MB / 2
    assert taken < 0.2
    assert len(site.said("changed: ")) == 1


def append(path: Path) -> None:
    """As a log or a recording grows."""
    with path.open("ab") as file:
        file.write(b"one more line\n")


def overwrite(path: Path) -> None:
    """As a database writes a page."""
    with path.open("r+b") as file:
        file.seek(time.monotonic_ns() % (100 * MB))
        file.write(b"another page")


@contextmanager
def repeated(deed: Callable[[Path], None], path: Path) -> Iterator[None]:
    """Do it five times a second meanwhile."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(0.2):
            deed(path)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("deed", [append, overwrite])
def test_a_large_file_that_changes_all_the_time(
    new_site: Sites, chaos: Any, deed: Callable[[Path], None]
) -> None:
    """Held by the budget, it takes a tenth of a core at most, and a save beside it is served."""
    site = large_site(new_site, 1, chaos.often(200, 700), "budget=(1, 600.0)")
    site.start()
    site.ask()
    site.wait_for_line("watching: ")
    with repeated(deed, site.app / "media/0.bin"):
        wait_for(lambda: site.ask() and site.said("holding: "), "the hold", deadline=100)
        pid = site.ask().pid
        taken = share(pid, chaos.often(4, 30))
        began = time.monotonic()
        save(site, 1)
        site.wait_for_value(1)
        served = time.monotonic() - began
    chaos.figure("share of a core", round(taken, 3))
    chaos.figure("seconds until a save was served", round(served, 2))
    assert taken < 0.2
