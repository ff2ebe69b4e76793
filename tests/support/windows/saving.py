"""How programs on Windows save a file, call by call, and how they open it exclusively."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import wintypes
from pathlib import Path

GENERIC_READ, GENERIC_WRITE, NOBODY = 0x8000_0000, 0x4000_0000, 0
CREATE_ALWAYS, OPEN_EXISTING, OPEN_ALWAYS = 2, 3, 4
INVALID = ctypes.c_void_p(-1).value

kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
kernel32.CreateFileW.restype = wintypes.HANDLE
kernel32.WriteFile.argtypes = [
    *(wintypes.HANDLE, ctypes.c_char_p, wintypes.DWORD),
    *(ctypes.POINTER(wintypes.DWORD), ctypes.c_void_p),
]
kernel32.SetEndOfFile.argtypes = kernel32.CloseHandle.argtypes = [wintypes.HANDLE]


def must(done: object) -> None:
    """OSError with what Windows says, unless a call has succeeded."""
    if not done:
        raise ctypes.WinError(ctypes.get_last_error())


@contextmanager
def alone(path: Path, how: int = OPEN_EXISTING) -> Iterator[int]:
    """Open a file for writing; no other program can open it until the block ends."""
    access = GENERIC_READ | GENERIC_WRITE
    handle = kernel32.CreateFileW(str(path), access, NOBODY, None, how, 0x80, None)
    must(handle != INVALID)
    try:
        yield handle
    finally:
        kernel32.CloseHandle(handle)


def write(handle: int, content: bytes) -> None:
    """Write at the handle's place in its file."""
    must(kernel32.WriteFile(handle, content, len(content), ctypes.byref(wintypes.DWORD()), None))


def notepad(path: Path, content: bytes) -> None:
    """Overwrite the content, then truncate the file; no other program can open it meanwhile."""
    with alone(path, OPEN_ALWAYS) as handle:
        write(handle, content)
        must(kernel32.SetEndOfFile(handle))


def notepad_plus_plus(path: Path, content: bytes) -> None:
    """A copy as backup, then created anew in its place."""
    path.with_name(f"{path.name}.bak").write_bytes(path.read_bytes())
    with alone(path, CREATE_ALWAYS) as handle:
        write(handle, content)


def vs_code(path: Path, content: bytes) -> None:
    """Emptied, which others can see, and written in two pieces."""
    with path.open("rb+", buffering=0) as file:
        file.truncate()
        file.write(content[:5])
        file.write(content[5:])


def visual_studio(path: Path, content: bytes) -> None:
    """A new file beside it, which ReplaceFile puts in its place; the old one is a backup first."""
    new, old = path.with_name("words~RF1a2b.TMP"), path.with_name("words.py~RF3c4d.TMP")
    new.write_bytes(content)
    must(kernel32.ReplaceFileW(str(path), str(new), str(old), 0, None, None))
    old.unlink()


def jetbrains(path: Path, content: bytes) -> None:
    """A "safe write": the old one is renamed away, and the new one to its name."""
    new, old = path.with_name("words.py___jb_tmp___"), path.with_name("words.py___jb_old___")
    new.write_bytes(content)
    path.rename(old)
    new.rename(path)
    old.unlink()


def git(path: Path, content: bytes) -> None:
    """As `git checkout` does: deleted, then created under its own name."""
    path.unlink()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_BINARY)
    os.write(descriptor, content)
    os.close(descriptor)


EDITORS: dict[str, Callable[[Path, bytes], None]] = {
    "Notepad": notepad,
    "Notepad++": notepad_plus_plus,
    "VS Code": vs_code,
    "Visual Studio": visual_studio,
    "JetBrains": jetbrains,
    "git checkout": git,
}
