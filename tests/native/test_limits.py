"""What the system refuses a watcher: file systems, limits, failing calls."""

from __future__ import annotations

import errno
import os

import pytest
from support.children import WATCHER

# For the test to set: what statfs returns; which calls fail; and what is done once, just after a
# watch began.
SHIMS = """
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/vfs.h>
int magic, failing;
void (*meanwhile)(void);
const char *failing_call = "";
static int fails(const char *call)
{
    errno = failing;
    return failing != 0 && strcmp(call, failing_call) == 0;
}
#define REAL(type, name, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))
int statfs(const char *path, struct statfs *out)
{
    int done = REAL(int, "statfs64", const char *, struct statfs *)(path, out);
    if (magic != 0)
        out->f_type = magic;
    return fails("statfs") ? -1 : done;
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
        WATCHER
        + """
from wsgireload.errors import NativeError
from wsgireload.server.watcher import Watcher
watcher, folder = Watcher(), sys.argv[1]
kind = ctypes.c_uint.in_dll(ctypes.CDLL(None), "magic")
returned = []
for kind.value in map(int, sys.argv[2:]):
    try:
        refusal = ["", watcher.directory(folder, ALL, trust=False)][0]
    except NativeError as error:
        refusal = error.message
    returned.append([refusal, watcher.directory(folder, ALL, trust=True) > 0])
    assert watcher.directory(folder, 0, trust=False) > 0  # itself: its names are of no file in it
output(returned)
""",
        tmp_path,
        *magics,
        *LOCAL.values(),
        preload=library(SHIMS),
    )
    expected = [[kind, True] for kind in SHARED for _ in SHARED[kind]]
    assert returned == expected + len(LOCAL) * [["", True]]


def test_replaced_meanwhile(child, library, tmp_path):
    """A directory that is replaced just after its watch began is reported as gone."""
    folder = tmp_path / "watched"
    folder.mkdir()
    found = child(
        WATCHER
        + """
@ctypes.CFUNCTYPE(None)
def meanwhile():
    os.rename(FOLDER, FOLDER + b"-moved")
    os.mkdir(FOLDER)
address = ctypes.cast(meanwhile, ctypes.c_void_p).value
ctypes.c_void_p.in_dll(ctypes.CDLL(None), "meanwhile").value = address
watcher, number = begin()
found = [n.watch_wait(watcher, 30)[0] == [(number, True, b"")]]
again, outcome = n.watch_directory(watcher, FOLDER, ALL)
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
        ("statfs", errno.ENOSYS, os.strerror(errno.ENOSYS)),
    ],
)
def test_limits(child, library, tmp_path, call, code, words):
    """A failed call is reported with its number and a message that helps; later all is well."""
    failed, left, well = child(
        WATCHER
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
    _, outcome = n.file_system(FOLDER)
if outcome[0] == 0:
    number, outcome = n.watch_directory(watcher, FOLDER, ALL)
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
