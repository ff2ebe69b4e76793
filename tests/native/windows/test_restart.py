"""Windows: a child of a stand-in for Apache requests its restart once."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest

CSRC = Path(__file__).parents[3] / "csrc"
ASKED, ALREADY, UNSUPPORTED, FAILED, NOT_READY = range(5)
BY_HTTPD, BY_HAND = [ASKED, 0, "ap_signal_parent", ""], [ASKED, 0, "SetEvent", ""]
STARTING, RUNNING, STOPPING = range(3)
STRANGER = "this process is not Apache's"
ALONE = "this Apache is one process (httpd -X): there is no parent that restarts it"
MUTE = "this Apache does not report its state"
EARLY = "Apache is still starting this process"


def refused(why, status=UNSUPPORTED):
    """The outcome of a restart that is refused."""
    return [status, 0, "wsgireload_restart", why]


def test_probe_outside_apache(windows):
    """A process without httpd is no Apache, whatever its environment has; every field is set."""
    nothing = [0, 0, -1, -1, UNSUPPORTED, STRANGER]
    assert windows.does("probe", "parent", "probe") == [nothing, nothing]


def test_probe(windows):
    """In a child of Apache the probe returns parent, state and generation."""
    said = windows.does("httpd", windows.httpd(), "parent", "probe")
    assert said == [[1, 424242, RUNNING, 7, ASKED, ""]]


def test_command_line(windows):
    """The command line is the one that this process was started with."""
    core = str(windows.core)
    assert windows.does("command-line", "probe")[0] == f"core {core} command-line probe"


def test_process_start(windows):
    """A process that runs has a start, which stays; one that has ended, or never was, has none."""
    first, again, ended, never = windows.does("start", "start", "ended", "start-of", "4294967292")
    assert first == again
    since_1601 = 11_644_473_600
    assert abs(first / 1e7 - since_1601 - time.time()) < 60
    assert (ended, never) == (0, 0)


def test_probe_a_renamed_httpd(windows):
    """httpd's DLL is found by what it exports, whatever it is called."""
    other = windows.httpd(file="renamed.dll")
    said = windows.does("httpd", other, "parent", "probe", "restart", "signalled")
    assert said == [[1, 424242, RUNNING, 7, ASKED, ""], BY_HTTPD, True]


def test_restart(windows):
    """A restart is httpd's own signal 1, and the parent's event is set by it."""
    said = windows.does("httpd", windows.httpd(), "parent", "restart", "said", "signalled")
    assert said == [BY_HTTPD, 1, True]


def test_restart_without_the_export(windows):
    """Where httpd exports no ap_signal_parent, the core sets the event itself and reports that."""
    httpd = windows.httpd("NO_SIGNAL")
    said = windows.does("httpd", httpd, "parent", "probe", "restart", "said", "signalled")
    assert said == [[1, 424242, RUNNING, 7, ASKED, ""], BY_HAND, -1, True]


def test_once(windows):
    """The second call sends nothing; after rearm one more call does."""
    again = ["restart", "signalled"]
    said = windows.does("httpd", windows.httpd(), "parent", *again, *again, "rearm", *again, *again)
    already = [ALREADY, 0, "", ""]
    assert said == 2 * [BY_HTTPD, True, already, False]


@pytest.mark.parametrize("pid", ["424243", "4294967295"])
def test_a_wrong_parent(windows, pid):
    """Without the parent's event the outcome has Windows' message; the next call tries again."""
    wrong = ["httpd", windows.httpd(), "parent", "env", pid, "restart", "restart", "said"]
    said = windows.does(*wrong, "env", "424242", "restart", "signalled")
    assert said[0] == said[1] == [FAILED, 2, "OpenEventW", "File not found."]
    assert said[2:] == [-1, BY_HTTPD, True]


@pytest.mark.parametrize("pid", ["", "x", "12x", "-", "0", "123456789012345678", "own-pid"])
def test_no_parent(windows, pid):
    """Without a parent's pid, or with our own as in httpd -X, the restart is refused."""
    word = [pid] if pid == "own-pid" else ["env", pid]
    said = windows.does("httpd", windows.httpd(), "parent", *word, "probe", "restart", "said")
    assert said == [[1, 0, RUNNING, 7, UNSUPPORTED, ALONE], refused(ALONE), -1]


@pytest.mark.parametrize("pid", ["never set", "set"])
def test_no_httpd(windows, pid):
    """Outside Apache nothing is sent, even if the parent's event exists."""
    said = windows.does(*(["parent"] if pid == "set" else []), "restart", "linger", 1)
    assert said == [refused(STRANGER), [UNSUPPORTED, 0, "wsgireload_linger", STRANGER]]


def test_starting(windows):
    """While Apache starts this child nothing is sent; once the child runs, it is."""
    httpd = ["httpd", windows.httpd(), "parent", "set", "state", STARTING]
    said = windows.does(*httpd, "probe", "restart", "said", "set", "state", 1, "restart")
    assert said == [
        [1, 424242, STARTING, 7, NOT_READY, EARLY],
        refused(EARLY, NOT_READY),
        -1,
        BY_HTTPD,
    ]


def test_stopping(windows):
    """A child that ends sends nothing, even if it never has, and rearm does not change that."""
    httpd = ["httpd", windows.httpd(), "parent", "set", "state", STOPPING]
    said = windows.does(*httpd, "probe", "restart", "rearm", "restart", "said", "signalled")
    already = [ALREADY, 0, "", ""]
    leaving = [1, 424242, STOPPING, 7, ALREADY, ""]
    assert said == [leaving, already, already, -1, False]


def test_replaced(windows):
    """A child whose parent is at another generation sends nothing."""
    httpd = ["httpd", windows.httpd(), "parent"]
    said = windows.does(*httpd, "restart", "rearm", "set", "score", 1, "restart", "signalled")
    assert said == [BY_HTTPD, BY_HTTPD, True]  # a scoreboard of another form is not believed
    moved = ["set", "generation", 6, "probe", "restart", "said"]
    assert windows.does(*httpd, *moved) == [
        [1, 424242, RUNNING, 6, ALREADY, ""],
        [ALREADY, 0, "", ""],
        -1,
    ]
    # Without a scoreboard there is none to ask.
    assert windows.does(*httpd, "set", "scoreboard", 0, *moved)[1:] == [BY_HTTPD, 1]


@pytest.mark.parametrize(("left_out", "state"), [("NO_QUERY", 1), ("NO_SIGNAL", 99)])
def test_an_httpd_that_does_not_say_its_state(windows, left_out, state):
    """Where the state is unknown, nothing is sent: a library alone makes no Apache."""
    httpd = ["httpd", windows.httpd(left_out), "parent", "set", "state", state]
    assert windows.does(*httpd, "restart", "said") == [refused(MUTE), -1]


def test_an_httpd_that_does_not_say_its_version(windows):
    """A DLL that describes no server is no httpd."""
    said = windows.does("httpd", windows.httpd("NO_VERSION"), "parent", "probe", "restart")
    assert said == [[0, 0, -1, -1, UNSUPPORTED, STRANGER], refused(STRANGER)]


def test_copies(windows, tmp_path):
    """Two copies of the library in one process share the latch, and either may open it."""
    other = tmp_path / "other.dll"
    other.write_bytes(windows.core.read_bytes())
    words = ["httpd", windows.httpd(), "parent", "restart", "core", other, "restart", "rearm"]
    said = windows.does(*words, "core", windows.core, "restart", "core", other, "restart")
    assert [status for status, *_ in said] == [ASKED, ALREADY, ASKED, ALREADY]


def test_at_once(windows, tmp_path):
    """Of 4 threads in two copies that request within nanoseconds one sends, 200 times over."""
    other = tmp_path / "other.dll"
    other.write_bytes(windows.core.read_bytes())
    said = windows.does("httpd", windows.httpd(), "parent", "race", other, 200)
    assert said == [[1, 200]]


def test_the_latch_is_of_one_process(windows):
    """Another process is not latched by this one."""
    httpd = windows.httpd()
    assert windows.does("httpd", httpd, "parent", "restart") == [BY_HTTPD]
    assert windows.does("httpd", httpd, "parent", "restart") == [BY_HTTPD]


def test_a_squatted_latch(windows):
    """If another object has the latch's name, this copy's own latch still works."""
    said = windows.does("squat", "httpd", windows.httpd(), "parent", "restart", "restart")
    assert said == [True, BY_HTTPD, [ALREADY, 0, "", ""]]


@pytest.mark.parametrize("names", ["plain", "msvc", "mingw"])
def test_32_bit(runs32, names):
    """In a 32-bit httpd the functions are found by each of their names, and called as __stdcall."""
    said = runs32.does("httpd", runs32.httpd(names=names), "parent", "probe", "restart", "said")
    assert said == [[1, 424242, RUNNING, 7, ASKED, ""], BY_HTTPD, 1]


@pytest.mark.parametrize("names", ["plain", "msvc", "mingw"])
def test_32_bit_links(windows32, names):
    """The decorated names that the core looks for are those that a 32-bit linker exports."""
    tables = subprocess.run(
        ["i686-w64-mingw32-objdump", "-p", windows32.httpd(names=names)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    form = {"plain": "{}", "msvc": "_{}@4", "mingw": "{}@4"}[names]
    name = re.escape(form.format("ap_signal_parent"))
    assert re.search(rf"(?<![\w@]){name}$", tables, re.MULTILINE)
    source = (CSRC / "win" / "server.c").read_text()
    wanted = form.replace("{}", "%s").replace("4", "%u")
    assert f'"{wanted}"' in source
