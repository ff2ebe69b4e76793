"""The commands, with a running Apache."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from support.apacheserver import wait_for
from support.commandline import CommandLine, Done
from support.testsite import START, Site, Sites

On = Callable[..., Done]


@pytest.fixture
def on(site: Site, command: CommandLine) -> On:
    """Runs a command with the TMPDIR of the site, once its monitors have written their status."""

    def run(*words: str | Path, monitors: int = 1) -> Done:
        wait_for(lambda: len(states(site)) == monitors, f"{monitors} published states")
        return command(*words, environment={"TMPDIR": str(site.temporary)})

    return run


def states(site: Site) -> list[Path]:
    """The status files of the site's monitors."""
    return list(site.temporary.glob("wsgireload-*/*.state"))


def test_status(site: Site, on: On) -> None:
    """A running monitor of any user is found."""
    done = on("status")
    (pid,) = site.daemons()
    assert (done.code, done.err) == (0, "")
    assert f"ok    site, pid {pid}: watching, " in done.out
    (outcome,) = on("status", "--json").json["monitors"]
    assert outcome["status"]["pid"] == pid
    assert outcome["status"]["files"] == site.ask("wsgireload.status").status["files"]


def test_status_holding(site: Site, on: On) -> None:
    """A held restart is reported with its reason, and the exit code is 1."""
    site.noisy = True
    site.edit("words.py", '"old"', '"old')
    site.wait_for_line("holding: ")
    wait_for(lambda: "holding" in on("status").out, "a state that says so")
    done = on("status")
    assert done.code == 1
    assert "words.py, line 1: SyntaxError" in done.out


def test_files_as_the_user_of_the_site(site: Site, command: CommandLine) -> None:
    """As root it loads the script as Apache's user: what that writes belongs to the application."""
    made = site.app / "made"
    site.app.chmod(0o777)
    (user,) = {Path(f"/proc/{pid}").stat().st_uid for pid in site.daemons()}
    site.write("app.wsgi", f"open({str(made)!r}, 'x').close()\n")
    where = "--config", site.root / "httpd.conf", "--httpd", site.apache.httpd
    for path in ((), ("--path", site.app)):
        assert command("files", site.app / "app.wsgi", *where, *path).code == 0
        assert made.stat().st_uid == user
        made.unlink()


def test_nothing_is_left(site: Site, on: On) -> None:
    """A process that ends removes its status file; then there is no monitor to restart."""
    on("status")
    site.stop()
    assert states(site) == []
    for word in ("status", "restart"):
        done = on(word, monitors=0)
        assert done.code == 1
        assert "no monitor" in done.out


def test_a_killed_process(site: Site, on: On) -> None:
    """The status file of a killed process is not reported, but removed."""
    on("status")
    site.noisy = True
    (pid,) = site.daemons()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: site.daemons() not in (set(), {pid}), "another process")
    assert len(states(site)) == 1
    assert f"pid {pid}" not in on("status").out
    assert states(site) == []


def test_restart(site: Site, on: On) -> None:
    """A restart by hand replaces the process, and the log names the command."""
    before = site.daemons()
    done = on("restart")
    assert (done.code, done.err) == (0, "")
    assert f"ok    site, pid {before.pop()}: restarted" in done.out
    site.wait_for_line("restarting: requested by hand: wsgireload restart")
    site.ask()
    site.wait_for_line("reloaded: requested by hand")


def test_restart_of_two(new_site: Sites, command: CommandLine) -> None:
    """Every process of a group is restarted; --pid-file spares other Apaches."""
    site = new_site(daemon="threads=5 processes=2", preload=True)
    site.start()
    site.wait_for(lambda: len(states(site)) == 2, "two published states")
    here = {"TMPDIR": str(site.temporary)}
    other = site.root / "other.pid"
    other.write_text("1\n")
    assert command("restart", "--pid-file", other, environment=here).code == 1
    assert site.started() == 2
    done = command("restart", "--pid-file", site.root / "run/httpd.pid", "--json", environment=here)
    assert [each["outcome"] for each in done.json["monitors"]] == ["restarted"] * 2
    site.wait_for_start(4)


def test_restart_held(site: Site, on: On) -> None:
    """The checks hold a restart by hand too, and the reason is printed."""
    site.noisy = True
    site.edit("words.py", '"old"', '"old')
    site.wait_for_line("holding: ")
    done = on("restart")
    assert done.code == 1
    assert "holding: " in done.out
    assert "words.py, line 1: SyntaxError" in done.out
    assert site.started() == 1


def test_restart_after_a_failed_preflight(new_site: Sites, command: CommandLine) -> None:
    """The command is run again, and its new output is printed: its reason may be gone."""
    site = new_site()
    check = "import os; assert os.path.exists('database'), f'no database, {os.listdir()}'"
    site.edit("app.wsgi", f"{START})", f'{START}, preflight=["python", "-c", {check!r}])')
    site.start()
    site.wait_for_looks()
    site.noisy = True  # the command's last words are a traceback
    site.edit("words.py", "old", "new")
    site.wait_for_line("holding: ")
    site.write("now.txt", "")
    here = {"TMPDIR": str(site.temporary)}
    done = command("restart", environment=here)
    assert (done.code, "now.txt" in done.out) == (1, True)
    site.write("database", "")
    assert command("restart", environment=here).code == 0
    assert site.ask().value == "new"


def test_files(site: Site, on: On, library: Path) -> None:
    """The listed files are those that the monitor watches: its own code and words.py."""
    done = on("files", site.app / "app.wsgi", "--path", site.app, "--path", library, "--all")
    assert done.code == 0
    assert f"  {site.app}: 2 files, events\n    app.wsgi\n    words.py" in done.out
    where = ("--httpd", site.apache.httpd, "--config", site.root / "httpd.conf")
    assert on("files", site.app / "app.wsgi", "--all", *where).out == done.out
    missing = on("files", site.app / "app.wsgi", "--path", library)
    assert missing.code == 1
    assert "No module named 'words'" in missing.err
    assert "--path" in missing.err


def test_pause(site: Site, on: On) -> None:
    """A pause holds a change with one line, a restart by hand passes, and resume restarts once."""
    site.noisy = True
    assert on("pause", "--for", "5m").code == 0
    site.edit("words.py", "old", "new")
    site.wait_for_line("holding: paused until ")
    wait_for(lambda: "paused" in on("status").out, "a status that has the pause")
    assert site.ask().value == "old"
    assert on("restart").code == 0
    assert site.ask().value == "new"
    site.wait_for_looks()
    site.edit("words.py", "new", "newer")
    site.wait_for_line("holding: paused until ", count=2)  # the new process knows of the pause
    before = site.started()
    assert on("resume").code == 0
    wait_for(lambda: site.ask().value == "newer", "the new code")
    assert site.started() == before + 1


def test_a_pause_of_one_of_two_apaches(new_site: Sites, command: CommandLine) -> None:
    """Of two Apaches of one user, with process groups of one name, the one that is named pauses."""
    paused, other = sites = [new_site(), new_site()]
    for site in sites:
        site.temporary = paused.temporary
        site.start()
        site.wait_for_looks()
    wait_for(lambda: len(states(paused)) == 2, "two published states")
    where = {"TMPDIR": str(paused.temporary)}
    assert command("pause", "site", environment=where).code == 2
    assert command("pause", paused.app / "app.wsgi", environment=where).code == 0
    for site in sites:
        site.edit("words.py", "old", "new")
    paused.noisy = True
    paused.wait_for_line("holding: paused until ")
    wait_for(lambda: other.ask().value == "new", "the new code of the other")
    assert paused.ask().value == "old"
    assert command("resume", paused.app / "app.wsgi", environment=where).code == 0
    wait_for(lambda: paused.ask().value == "new", "the new code")
