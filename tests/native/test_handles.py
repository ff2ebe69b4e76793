"""What a watcher takes from the system, and what it does where others touch that."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from support.children import WATCHER


def test_begins_and_ends(child, tmp_path):
    """A thousand watchers leave no file, no thread and no memory behind, ended or just dropped."""
    before, after, grown = child(
        WATCHER
        + """
def memory():
    status = pathlib.Path("/proc/self/status").read_text()
    (line,) = (x for x in status.splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1])

def use(times):
    for i in range(times):
        watcher, number = begin(1)
        other, _ = begin()
        for name in range(100):
            n.watch_name(watcher, number, b"%d" % name)
        n.watch_end(watcher)

def held():
    return [fds(), taken(), len(os.listdir("/proc/self/task"))]

before = held()
use(100)
was = memory()
use(1000)
output([before, held(), memory() - was])
""",
        tmp_path,
    )
    assert before == after
    assert after[1:] == [[0, 0], 1]
    assert grown < 1000  # KiB: a watcher has a buffer of 64 KiB


def test_the_queue_overflows(child, tmp_path):
    """Where the kernel's queue overflows, the watcher reports that anything may have changed."""
    script = """
watcher, number = begin()
for _ in range(int(sys.argv[2])):
    os.mkdir(FOLDER + b"/x")
    os.rmdir(FOLDER + b"/x")
changes, found = [number], set()
while changes:
    changes = n.watch_wait(watcher, 0)[0]
    found |= set(changes)
output([found == {(number, False, b"x"), (-1, False, b"")}, reports(watcher, "y")])
"""
    events = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    assert child(WATCHER + script, tmp_path, events // 2 + 1) == [True, True]


def test_somebody_closes_it(child, tmp_path):
    """Where no event will ever arrive again, a wait fails instead of waiting."""
    outcome = child(
        WATCHER
        + """
watcher, number = begin()
(file,) = (int(fd) for fd in os.listdir("/proc/self/fd")
           if os.path.lexists(f"/proc/self/fd/{fd}")
           and "inotify" in os.readlink(f"/proc/self/fd/{fd}"))
os.close(file)
os.mkdir(os.path.join(FOLDER, b"x"))
changes, outcome = n.watch_wait(watcher, 30)
while changes:
    changes, outcome = n.watch_wait(watcher, 30)
n.watch_end(watcher)
del watcher
output([outcome, taken()])
""",
        tmp_path,
    )
    assert outcome == [[3, errno.EBADF, "read", os.strerror(errno.EBADF)], [0, 0]]


@pytest.mark.parametrize("file", ["text", "socket", "empty"])
def test_another_file_has_its_number(child, tmp_path, file):
    """What the application opens under the watcher's number is not taken for events, nor closed."""
    (tmp_path / "text").write_bytes(b"\xff" * 4096)
    (tmp_path / "empty").touch()
    ended, still_open = child(
        WATCHER
        + f"""
import socket
watcher, number = begin()
(file,) = (int(fd) for fd in os.listdir("/proc/self/fd")
           if os.path.lexists(f"/proc/self/fd/{{fd}}")
           and "inotify" in os.readlink(f"/proc/self/fd/{{fd}}"))
if {file!r} == "socket":
    ours, other = socket.socketpair()
    other.close()
    ours.setblocking(False)
    os.dup2(ours.fileno(), file)
    ours.close()
else:
    os.dup2(os.open(os.path.join(FOLDER, b"{file}"), os.O_RDONLY), file)
changes, outcome = n.watch_wait(watcher, 30)
n.watch_end(watcher)
os.fstat(file)
output([outcome[:3], True])
""",
        tmp_path,
    )
    assert ended == [3, errno.EBADF, "read"]
    assert still_open
