"""Saving files in all the ways that editors and tools have."""

from __future__ import annotations

import os
import signal
import time

import pytest
from support.testsite import Site, Sites


def test_an_edit(site: Site) -> None:
    """A new process of the same parent answers with the new code."""
    before = site.ask()
    site.edit("words.py", "old", "new")
    after = site.wait_for_value("new")
    assert after.pid != before.pid
    assert after.parent == before.parent == site.pid
    assert len(site.wait_for_line("reloaded: ")) == 1
    assert "words.py changed" in site.said("restarting: ")[0].text


@pytest.mark.each_mod_wsgi
def test_the_script_itself(site: Site) -> None:
    """An edit of the WSGI script counts, and needs no request to be noticed."""
    before = site.ask()
    site.edit("app.wsgi", "import words", "import words\n\nwords.WORD = 'new'")
    site.wait_for_line("restarting: ")
    assert site.wait_for_value("new").pid != before.pid


def test_touch(site: Site) -> None:
    """A new mtime alone restarts nothing."""
    (site.app / "words.py").touch()
    assert site.wait_for_looks().status["changed"] == []
    assert (site.started(), site.said("changed")) == (1, [])


def test_the_same_bytes_again(site: Site) -> None:
    """A save without a change restarts nothing; the next real one does."""
    words = site.app / "words.py"
    words.write_bytes(words.read_bytes())
    site.wait_for_looks()
    assert site.started() == 1
    words.write_text('WORD = "new"\n')
    site.wait_for_value("new")
    assert site.started() == 2


def test_rename_over(site: Site) -> None:
    """A save by renaming a finished file over the old one is an edit."""
    site.write("words.py.tmp", 'WORD = "new"\n').rename(site.app / "words.py")
    site.wait_for_value("new")
    assert site.started() == 2


def test_a_slow_upload(site: Site) -> None:
    """Half of a file that compiles is not loaded, as long as it is being written."""
    site.wait_for_looks()
    with (site.app / "words.py").open("w", buffering=1) as file:
        file.write("HALF = True\n")
        site.wait_for_line("changed: ")
        for _ in range(20):
            assert site.ask().value == "old"
            time.sleep(0.05)
        file.write('WORD = "new"\n')
    site.wait_for_value("new")
    assert (site.started(), len(site.said("restarting: "))) == (2, 1)


def test_deleted_and_made_again(site: Site) -> None:
    """A file that is gone and soon back with the same bytes is no change."""
    words = site.app / "words.py"
    text = words.read_text()
    words.unlink()
    assert "words.py deleted" in site.wait_for_line("changed: ")[0].text
    words.write_text(text)
    assert "words.py matches the running code" in site.wait_for_line("changed back: ")[0].text
    site.wait_for_looks()
    assert (site.started(), site.said("restarting")) == (1, [])


def test_deleted_and_made_anew(new_site: Sites) -> None:
    """A file that is gone and soon back with other bytes goes live as fast as any edit."""
    site = new_site()
    site.edit("app.wsgi", "settle=0.05", "settle=1.0")
    site.start()
    site.ask()
    site.wait_for_looks()
    words = site.app / "words.py"
    words.unlink()
    [deleted] = site.wait_for_line("changed: ")
    words.write_text('WORD = "new"\n')
    [asked] = site.wait_for_line("restarting: ")
    assert asked.when - deleted.when < 15  # not the 20 s for a file that stays away
    site.wait_for_value("new")


def test_an_older_file_from_a_backup(site: Site) -> None:
    """Other bytes with an older mtime are a change."""
    backup = site.write("words.bak", 'WORD = "backup"\n')
    os.utime(backup, (1_000_000_000, 1_000_000_000))
    backup.rename(site.app / "words.py")
    site.wait_for_value("backup")


def test_a_burst(new_site: Sites) -> None:
    """200 files saved within a second are one restart, when the last of them is saved."""
    site = new_site()
    site.edit("app.wsgi", "settle=0.05", "settle=1.5")
    names = [f"many_{number}" for number in range(200)]
    for name in names:
        site.write(f"{name}.py", 'WORD = "old"\n')
    site.edit("words.py", 'WORD = "old"', f'import {", ".join(names)}\n\nWORD = "old"')
    site.start()
    site.ask()
    site.wait_for_looks()
    for name in names:
        site.write(f"{name}.py", 'WORD = "new"\n')
        # This is the pace of the burst, no wait for anything.
        time.sleep(1 / len(names))
    saved = time.time()
    site.wait_for_value("new", "many_199.WORD")
    assert site.ask("many_0.WORD").value == "new"
    site.wait_for_looks()
    [asked] = site.said("restarting: ")
    assert asked.when > saved
    assert site.started() == 2


def test_twice_within_a_second(site: Site) -> None:
    """Of two edits of one length in one second the second runs, not the first's bytecode."""
    words = site.app / "words.py"
    assert list(site.app.glob("__pycache__/words.*.pyc"))
    second = words.stat().st_mtime_ns // 10**9 * 10**9
    for number, word in enumerate(("new", "two"), start=1):
        saved = site.write("saved", f'WORD = "{word}"\n')
        # A restart takes longer than what is left of the second: so the file says that it did not.
        os.utime(saved, ns=(second + number, second + number))
        saved.rename(words)
        site.wait_for_value(word)
    assert site.started() == 3


def test_twice_within_a_second_and_nobody_noticed(site: Site) -> None:
    """So it does where the process that cached the first ended before it noticed the second."""
    second = time.time_ns() // 10**9 * 10**9
    late = site.write("late.py", 'WORD = "new"\n')
    os.utime(late, ns=(second, second))
    assert site.ask("late.WORD").value == "new"
    saved = site.write("saved", 'WORD = "two"\n')
    os.utime(saved, ns=(second, second))
    os.kill(site.ask().pid, signal.SIGKILL)
    saved.rename(late)
    site.noisy = True
    site.wait_for_start(2)
    assert site.ask("late.WORD").value == "two"


def test_the_new_process_compiles_nothing(site: Site) -> None:
    """The new process runs the bytecode that was made of the changed source before the restart."""
    source = site.app / "words.py"
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    (cache,) = site.app.glob("__pycache__/words.*.pyc")
    # Python itself would have given it the time at which it was written.
    assert cache.stat().st_mtime_ns == source.stat().st_mtime_ns
