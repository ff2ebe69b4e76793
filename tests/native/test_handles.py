"""What a watcher takes from the system: its limits, its failures, and what a fork inherits."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

# What the children start with.
START = """
import ctypes, errno, json, os, pathlib, signal, sys, threading
import wsgireload._native as n

FOLDER = os.fsencode(sys.argv[1])
ALL = 2

def output(what):
    print(json.dumps(what))

def fds():
    links = (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd"))
    return sorted(os.readlink(link) for link in links if os.path.lexists(link))

def taken():
    '''How many inotify instances and eventfds.'''
    return [fds().count("anon_inode:inotify"), fds().count("anon_inode:[eventfd]")]

def begin(interest=ALL):
    watcher, outcome = n.watch_begin()
    assert outcome[0] == 0, outcome
    number, outcome = n.watch_directory(watcher, FOLDER, interest, False)
    assert outcome[0] == 0, outcome
    return watcher, number

def reports(watcher, name):
    pathlib.Path(sys.argv[1], name).mkdir()
    changes, outcome = n.watch_wait(watcher, 30_000)
    return name in [os.fsdecode(changed) for _, _, changed in changes]
"""


def test_begins_and_ends(child, tmp_path):
    """A thousand watchers leave no file, no thread and no memory behind, ended or just dropped."""
    before, after, grown = child(
        START
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


def test_fork(child, tmp_path):
    """A forked child ends its parent's watcher and begins its own; the parent's is undisturbed."""
    in_child, in_parent = child(
        START
        + """
watcher, number = begin()
reader, writer = os.pipe()
if os.fork() == 0:
    n.watch_end(watcher)
    found = [taken(), n.watch_wait(watcher, 30_000)[1][3]]
    del watcher
    found += [taken()]
    mine, _ = begin()
    found += [taken(), reports(mine, "child")]
    n.watch_end(mine)
    del mine
    os.write(writer, json.dumps(found + [taken()]).encode())
    os._exit(0)
os.wait()
found = [[os.fsdecode(name) for _, _, name in n.watch_wait(watcher, 30_000)[0]]]
found += [reports(watcher, "parent")]
n.watch_end(watcher)
del watcher
output([json.loads(os.read(reader, 65536)), found + [taken()]])
""",
        tmp_path,
    )
    assert in_child == [[0, 1], "the watcher has ended", [0, 0], [1, 1], True, [0, 0]]
    assert in_parent == [["child"], True, [0, 0]]


def test_fork_during_a_wait(child, tmp_path):
    """Where the parent waits in another thread, the child leaves the parent's instance as well."""
    in_child, in_parent = child(
        START
        + """
watcher, number = begin()
reader, writer = os.pipe()
changes = []

def wait():
    while not changes:
        changes.extend(n.watch_wait(watcher, 30_000)[0])

thread = threading.Thread(target=wait)
thread.start()
if os.fork() == 0:
    n.watch_end(watcher)
    os.write(writer, json.dumps(taken()).encode())
    os._exit(0)
os.wait()
os.mkdir(os.path.join(FOLDER, b"name"))
thread.join()
output([json.loads(os.read(reader, 65536)), [os.fsdecode(name) for _, _, name in changes]])
""",
        tmp_path,
    )
    assert in_child[0] == 0
    assert in_parent == ["name"]


def test_fork_of_a_monitor(child, tmp_path):
    """A forked monitor releases the inotify instance of its parent, which watches on."""
    before, in_child, after = child(
        START
        + """
os.environ["XDG_STATE_HOME"] = sys.argv[1] + "/state"
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
import wsgireload
page = pathlib.Path(sys.argv[1], "a.html")
page.touch()
monitor = wsgireload.start(server="daemon", track=[page], watch="events", interval=60)
while not monitor.status().looks:
    pass
before = taken()[0]
reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, json.dumps(taken()).encode())
    os._exit(0)
os.wait()
in_child = json.loads(os.read(reader, 65536))[0]
while monitor.status().looks < 2:
    page.touch()
wsgireload.stop()
output([before, in_child, taken()[0]])
""",
        tmp_path,
    )
    assert (before, in_child, after) == (1, 0, 0)


def test_fork_while_others_watch(child, tmp_path):
    """Children that are forked in the midst of everything begin and end as they should."""
    codes = child(
        START
        + """
on = True

def others():
    while on:
        watcher, number = begin()
        n.watch_forget(watcher, number)
        n.watch_wait(watcher, 0)
        n.watch_end(watcher)

threads = [threading.Thread(target=others) for _ in range(2)]
for thread in threads: thread.start()
codes = set()
for _ in range(200):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        before = taken()
        watcher, number = begin()
        n.watch_end(watcher)
        del watcher
        os._exit(taken() != before)
    codes.add(os.waitpid(child, 0)[1])
on = False
for thread in threads: thread.join()
output([*codes, taken()])
""",
        tmp_path,
    )
    assert codes == [0, [0, 0]]


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
    assert child(START + script, tmp_path, events // 2 + 1) == [True, True]


# For the test to set: what fstatfs returns for files, or for links; which calls fail; and what is
# done once, just after a watch began.
SHIMS = """
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
int magic, of_links, failing;
void (*meanwhile)(void);
const char *failing_call = "";
static int fails(const char *call)
{
    errno = failing;
    return failing != 0 && strcmp(call, failing_call) == 0;
}
#define REAL(type, name, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))
int fstatfs(int file, struct statfs *out)
{
    int done = REAL(int, "fstatfs64", int, struct statfs *)(file, out);
    struct stat opened;
    if (magic != 0 && fstat(file, &opened) == 0 && S_ISLNK(opened.st_mode) == of_links)
        out->f_type = magic;
    return fails("fstatfs") ? -1 : done;
}
int eventfd(unsigned count, int flags)
{
    return fails("eventfd") ? -1 : REAL(int, "eventfd", unsigned, int)(count, flags);
}
int inotify_add_watch(int file, const char *path, uint32_t mask)
{
    int done = REAL(int, "inotify_add_watch", int, const char *, uint32_t)(file, path, mask);
    void (*now)(void) = meanwhile;
    meanwhile = 0;
    if (now != 0)
        now();
    return fails("inotify_add_watch") ? -1 : done;
}
"""
SHARED = {
    "NFS": [0x6969],
    "SMB": [0x517B, 0xFF534D42, 0xFE534D42],
    "9p (WSL, virtual machines)": [0x01021997],
    "FUSE": [0x65735546],
    "vboxsf (VirtualBox)": [0x786F4256],
    "vmhgfs (VMware)": [0xBACBACBC],
    "prl_fs (Parallels)": [0x7C7C6673],
    "Ceph": [0x00C36400],
    "AFS": [0x5346414F, 0x6B414653],
    "Coda": [0x73757245],
    "Lustre": [0x0BD00BD0, 0x0BD00BD3],
    "GPFS": [0x47504653],
    "NCP": [0x564C],
    "OCFS2": [0x7461636F],
    "GFS2": [0x01161970],
    "BeeGFS": [0x19830326],
}
LOCAL = {"ext4": 0xEF53, "btrfs": 0x9123683E, "xfs": 0x58465342, "tmpfs": 0x01021994}
LOCAL |= {"overlay": 0x794C7630, "zfs": 0x2FC12FC1}


def test_trust(child, library, tmp_path):
    """File systems of other machines are refused by their names, unless they are to be trusted."""
    magics = [magic for kind in SHARED.values() for magic in kind]
    returned = child(
        START
        + """
watcher, outcome = n.watch_begin()
kind = ctypes.c_uint.in_dll(ctypes.CDLL(None), "magic")
returned = []
for kind.value in map(int, sys.argv[2:]):
    number, outcome = n.watch_directory(watcher, FOLDER, ALL, False)
    trusted, done = n.watch_directory(watcher, FOLDER, ALL, True)
    returned.append([number < 0, outcome[0], outcome[2], outcome[3], trusted > 0, done[0]])
output(returned)
""",
        tmp_path,
        *magics,
        *LOCAL.values(),
        preload=library(SHIMS),
    )
    call = "wsgireload_watch_directory"
    expected = [[True, 2, call, kind, True, 0] for kind in SHARED for _ in SHARED[kind]]
    assert returned == expected + len(LOCAL) * [[False, 0, "", "", True, 0]]


def test_trust_of_a_link(child, library, tmp_path):
    """A link itself is of the file system that it lies in, not of the one that it leads to."""
    returned = child(
        START
        + """
link = os.path.join(FOLDER, b"link")
os.symlink(FOLDER, link)
watcher, outcome = n.watch_begin()
ctypes.c_uint.in_dll(ctypes.CDLL(None), "magic").value = 0x6969
of_links = ctypes.c_int.in_dll(ctypes.CDLL(None), "of_links")
returned = []
for of_links.value in (0, 1):
    returned += [n.watch_directory(watcher, link, interest, False)[1][3] for interest in (0, 1, 2)]
output(returned)
""",
        tmp_path,
        preload=library(SHIMS),
    )
    assert returned == ["", "NFS", "NFS", "NFS", "", ""]


def test_replaced_meanwhile(child, library, tmp_path):
    """A directory that is replaced just after its watch began is reported as gone."""
    folder = tmp_path / "watched"
    folder.mkdir()
    found = child(
        START
        + """
@ctypes.CFUNCTYPE(None)
def meanwhile():
    os.rename(FOLDER, FOLDER + b"-moved")
    os.mkdir(FOLDER)
address = ctypes.cast(meanwhile, ctypes.c_void_p).value
ctypes.c_void_p.in_dll(ctypes.CDLL(None), "meanwhile").value = address
watcher, number = begin()
found = [n.watch_wait(watcher, 30_000)[0] == [(number, True, b"")]]
again, outcome = n.watch_directory(watcher, FOLDER, ALL, False)
output(found + [again != number, reports(watcher, "name")])
""",
        folder,
        preload=library(SHIMS),
    )
    assert found == [True, True, True]


@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        ("inotify_init1", errno.EMFILE, "fs.inotify.max_user_instances"),
        ("eventfd", errno.ENFILE, os.strerror(errno.ENFILE)),
        ("inotify_add_watch", errno.ENOSPC, "fs.inotify.max_user_watches"),
        ("inotify_add_watch", errno.EACCES, os.strerror(errno.EACCES)),
        ("fstatfs", errno.ENOSYS, os.strerror(errno.ENOSYS)),
    ],
)
def test_limits(child, library, tmp_path, call, code, words):
    """A failed call is reported with its number and a message that helps; later all is well."""
    failed, left, well = child(
        START
        + """
import resource
call = ctypes.c_char_p.in_dll(ctypes.CDLL(None), "failing_call")
call.value = sys.argv[2].encode()
failing = ctypes.c_int.in_dll(ctypes.CDLL(None), "failing")
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
failing.value = int(sys.argv[3])
if call.value == b"inotify_init1":
    used = [os.dup(0) for _ in range(16)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (used[-1] + 1, limits[1]))
watcher, outcome = n.watch_begin()
if watcher is not None:
    number, outcome = n.watch_directory(watcher, FOLDER, ALL, False)
del watcher
resource.setrlimit(resource.RLIMIT_NOFILE, limits)
left = taken()
failing.value = 0
watcher, _ = begin()
output([outcome, left, reports(watcher, "name")])
""",
        tmp_path,
        call,
        code,
        preload=library(SHIMS),
    )
    assert failed[:3] == [3, code, call]
    assert words in failed[3]
    assert left == [0, 0]
    assert well


def test_somebody_closes_it(child, tmp_path):
    """Where no event will ever arrive again, a wait fails instead of waiting."""
    outcome = child(
        START
        + """
watcher, number = begin()
(file,) = (int(fd) for fd in os.listdir("/proc/self/fd")
           if os.path.lexists(f"/proc/self/fd/{fd}")
           and "inotify" in os.readlink(f"/proc/self/fd/{fd}"))
os.close(file)
os.mkdir(os.path.join(FOLDER, b"x"))
changes, outcome = n.watch_wait(watcher, 30_000)
while changes:
    changes, outcome = n.watch_wait(watcher, 30_000)
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
        START
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
changes, outcome = n.watch_wait(watcher, 30_000)
n.watch_end(watcher)
os.fstat(file)
output([outcome[:3], True])
""",
        tmp_path,
    )
    assert ended == [3, errno.EBADF, "read"]
    assert still_open
