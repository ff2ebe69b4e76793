"""The library for Apache's parent: it ends the parent's sleep when a child has ended, and no more.

A Python of its own stands in for Apache: it loads the library, forks, and sleeps in poll(2), which
like select(2) returns EINTR after a handled signal.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import wsgireload

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it is for Linux")

LIBRARY = Path(wsgireload.__file__).parent / "respawn.so"
BURST = 4

# `ended` forks a child that ends once this process sleeps, and returns whether that ended the
# sleep. `handled` is asked of the kernel: Python knows its own handlers only.
START = """
import ctypes, json, os, signal, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libraries = [ctypes.CDLL(path) for path in sys.argv[1:]]

def handled(pid="self"):
    with open(f"/proc/{pid}/status") as file:
        caught = next(int(line.split()[1], 16) for line in file if line.startswith("SigCgt"))
    return bool(caught >> (signal.SIGCHLD - 1) & 1)

def state(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]

def has_slept(pid):
    with open(f"/proc/{pid}/wchan") as file:
        return "poll" in file.read()

def ended():
    parent, child = os.getpid(), os.fork()
    if child == 0:
        while state(parent) != "S" or not has_slept(parent):
            pass
        os._exit(0)
    if handled():
        # Without an end of it this is the test's time limit.
        woken = libc.poll(None, 0, 100_000) == -1 and ctypes.get_errno() == 4
    else:  # which the child waits for: a handler would end it long before its time
        woken = libc.poll(None, 0, 300) == -1
    os.waitpid(child, 0)
    return woken

def output(what):
    print(json.dumps(what), flush=True)
"""

# Its CLOCK_MONOTONIC moves only where `later` moves it.
CLOCK = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int seconds = 1000;
int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock != CLOCK_MONOTONIC)
        return (int)syscall(SYS_clock_gettime, clock, now);
    now->tv_sec = seconds;
    now->tv_nsec = 0;
    return 0;
}
"""
LATER = """
def later(seconds):
    ctypes.c_int.in_dll(libc, "seconds").value += seconds
"""


def test_an_end_interrupts_the_sleep(child):
    """The process that loaded it wakes as soon as a child of its own has ended."""
    assert child(START + "output([handled(), ended(), handled()])", LIBRARY) == [False, True, True]


def test_without_it_the_parent_sleeps(child):
    """Without the library the same parent sleeps on: the test above can fail."""
    assert child(START + "output(ended())") is False


def test_children_handle_nothing(child):
    """Children, and theirs, have SIGCHLD at its default: what they run is not interrupted."""
    script = """
ended()
read, write = os.pipe()
if os.fork() == 0:
    found = [handled()]
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    os.write(write, bytes([*found, handled()]))
    os._exit(0)
os.wait()
output([*os.read(read, 2), handled()])
"""
    assert child(START + script, LIBRARY) == [0, 0, 1]


def test_it_follows_apache_into_the_background(child):
    """`httpd -k start` forks after loading; its child, leader of a session, is the parent then.

    A child of that which makes a session of its own is not.
    """
    script = """
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    found = [ended(), handled()]
    if os.fork() == 0:
        os.setsid()
        os._exit(ended())
    found.append(os.waitstatus_to_exitcode(os.wait()[1]))
    os.write(write, bytes(found))
    os._exit(0)
os.wait()
output([*os.read(read, 3)])
"""
    assert child(START + script, LIBRARY) == [1, 1, 0]


def test_a_crash_loop_is_not_faster(child, library):
    """Four ends interrupt the sleep, then none until nothing was forked for three seconds."""
    script = """
found = [ended() for _ in range(6)]
later(2)
found += [ended(), handled()]
later(3)
found += [ended() for _ in range(6)]  # the first one's fork has seen the quiet
output(found)
"""
    burst = [True] * BURST
    assert child(START + LATER + script, LIBRARY, preload=library(CLOCK)) == [
        *burst,
        *(False, False),
        *(False, False),
        *burst,
        *(False, False),
    ]


def test_a_handler_of_others_stays(child):
    """Where other code handles SIGCHLD, or has ever done so at a fork, the library stays out."""
    script = """
calls = []
signal.signal(signal.SIGCHLD, lambda *_: calls.append(1))
ended()
found = [len(calls)]
signal.signal(signal.SIGCHLD, signal.SIG_DFL)
output([*found, ended(), handled()])
"""
    assert child(START + script, LIBRARY) == [1, False, False]


def test_ignored_stays_ignored(child):
    """SIGCHLD that is ignored stays so: the kernel then reaps all children itself."""
    script = """
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.fork() == 0:
    os._exit(0)
output(handled())
"""
    assert child(START + script, LIBRARY) is False


def test_two_copies_are_one(child, library, tmp_path):
    """A second copy of the file, as after an upgrade, adds no interruption."""
    copy = tmp_path / "respawn.so"
    copy.write_bytes(LIBRARY.read_bytes())
    script = "output([ended() for _ in range(7)])"
    expected = [True] * BURST + [False] * 3
    assert child(START + script, LIBRARY, copy, preload=library(CLOCK)) == expected


def test_it_cannot_be_unloaded(child):
    """Apache unloads its modules at each restart: the handler's code stays, and goes on."""
    script = """
from _ctypes import dlclose
found = [ended()]
for _ in range(3):
    dlclose(libraries[0]._handle)
    libraries[0] = ctypes.CDLL(sys.argv[1])
dlclose(libraries[0]._handle)
output([*found, ended()])
"""
    assert child(START + script, LIBRARY) == [True, True]


def test_what_it_uses():
    """No Python is in it, as there is none in Apache's parent; it opens and reads nothing."""
    lief = pytest.importorskip("lief")
    binary = lief.parse(str(LIBRARY))
    assert {name.partition(".")[0] for name in binary.libraries} <= {"libc", "libpthread"}
    assert not [symbol.name for symbol in binary.exported_symbols if symbol.name != "__bss_start"]
    names = (symbol.name.partition("@")[0] for symbol in binary.imported_symbols)
    used = {name for name in names if "start" not in name}
    compilers = {name for name in used if re.match("_ITM_|__(cxa|stack)_", name)}
    calls = {"sigaction", "sigemptyset", "getpid", "getsid", "clock_gettime", "__errno_location"}
    assert used - compilers - calls <= {"__register_atfork", "pthread_atfork"}
