"""The doctor, on a machine that lacks something: files, rights, modules, events."""

from __future__ import annotations

import os
import re
import struct
import subprocess

import pytest
from support.commandline import CommandLine
from support.doctoring import Doctor, bad, configure
from support.testsite import Site

SHIMS = """
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/vfs.h>
int statfs(const char *path, struct statfs *out)
{
    int done = ((int (*)(const char *, struct statfs *))dlsym(RTLD_NEXT, "statfs64"))(path, out);
    if (getenv("NFS"))
        out->f_type = 0x6969;
    return done;
}
int inotify_init1(int flags)
{
    (void)flags;
    errno = EMFILE;
    return getenv("FULL") ? -1 : ((int (*)(int))dlsym(RTLD_NEXT, "inotify_init1"))(flags);
}
"""


def test_unreadable_folder(healthy: Site, doctor: Doctor) -> None:
    """A folder that Apache's user cannot enter is named, with its mode."""
    configure(healthy)
    os.chown(healthy.app, os.getuid(), os.getgid())
    healthy.app.chmod(0o700 if os.getuid() == 0 else 0o000)
    found = doctor(healthy)
    assert found["permissions"]["level"] == "fail"
    assert f"{healthy.app} has mode d" in found["permissions"]["text"]
    assert "chmod" in found["permissions"]["cure"]


def test_bytecode_that_cannot_be_written(healthy: Site, doctor: Doctor) -> None:
    """A warning names who has to compile what, unless it is compiled already."""
    text = "".join(f"def f{number}(): return {number}\n" for number in range(9000))
    words = healthy.write("words.py", f"WORD = 'old'\n{text}")
    configure(healthy)
    assert bad(doctor(healthy)) == {}  # Apache's user can write it
    healthy.folder("app/__pycache__").chmod(0o555)
    if not healthy.user:  # else the command would be another user's, and take sudo
        return
    os.chown(healthy.app, 0, 0)
    found = doctor(healthy)
    assert bad(found) == {"bytecode": "warn"}
    assert (
        f"{healthy.user} cannot write __pycache__ there: {healthy.app} (0."
        in found["bytecode"]["text"]
    )
    command = found["bytecode"]["cure"].partition(": ")[2]
    subprocess.run(command, shell=True, check=True)
    assert list(words.parent.glob("__pycache__/words.*.pyc"))
    assert bad(doctor(healthy)) == {}


def test_missing_native_module(healthy: Site, doctor: Doctor, command: CommandLine) -> None:
    """The import error of the native module is reported."""
    configure(healthy)
    (file,) = command.packages.glob("wsgireload/_native*.so")
    away = file.rename(file.with_suffix(".away"))
    try:
        found = doctor(healthy)
    finally:
        away.rename(file)
    assert found["native module"]["level"] == "fail"
    assert "No module named 'wsgireload._native'" in found["native module"]["text"]
    assert "pip install" in found["native module"]["cure"]


def test_mix_of_32_and_64_bits(healthy: Site, doctor: Doctor) -> None:
    """A library of other bits than Apache's is named with both."""
    header = b"\x7fELF" + bytes([1, 1, 1]) + bytes(9)
    header += struct.pack("<HHIIIIIHHHHHH", 3, 3, 1, 0, 0, 0, 0, 52, 32, 0, 40, 0, 0)
    library = healthy.root / "libpython3.so"
    library.write_bytes(header + bytes(1000))
    configure(healthy, "LoadModule wsgi_module", f"LoadFile {library}\nLoadModule wsgi_module")
    found = doctor(healthy)
    assert bad(found) == {"LoadFile": "fail"}
    assert f"Apache has 64 bits, {library} has 32" in found["LoadFile"]["text"]


@pytest.fixture(scope="module")
def shims(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A library that changes answers of the kernel, switched by variables."""
    folder = tmp_path_factory.mktemp("shims")
    (folder / "shims.c").write_text(SHIMS)
    words = ["gcc", "-shared", "-fPIC", "-o", folder / "shims.so", folder / "shims.c"]
    subprocess.run([*words, "-ldl"], check=True)
    return str(folder / "shims.so")


def test_full_inotify(healthy: Site, doctor: Doctor, shims: str) -> None:
    """If inotify instances are exhausted, the limit is named, with a value."""
    configure(healthy)
    found = doctor(healthy, LD_PRELOAD=shims, FULL="1")
    assert bad(found) == {"events": "warn"}
    assert "everything is polled: inotify_init1 failed" in found["events"]["text"]
    assert re.search(r"sysctl fs.inotify.max_user_instances=\d+", found["events"]["cure"])


def test_network_mount(healthy: Site, doctor: Doctor, shims: str) -> None:
    """A folder on a network file system is polled, and the file system is named."""
    configure(healthy)
    found = doctor(healthy, LD_PRELOAD=shims, NFS="1")
    assert bad(found) == {"events": "warn"}
    assert f"{healthy.app} is polled: NFS" in found["events"]["text"]
    assert "interval" in found["events"]["cure"]
