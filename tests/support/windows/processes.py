"""The processes of a Windows, and the events by which Apache's signal each other."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import wintypes
from pathlib import Path

SYNCHRONIZE, QUERY_LIMITED_INFORMATION, EVENT_MODIFY_STATE = 0x100000, 0x1000, 0x2
WAIT_TIMEOUT = 0x102

kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
kernel32.OpenProcess.restype = kernel32.OpenEventW.restype = wintypes.HANDLE
kernel32.CloseHandle.argtypes = kernel32.SetEvent.argtypes = [wintypes.HANDLE]
kernel32.WaitForSingleObject.argtypes = [wintypes.HANDLE, wintypes.DWORD]
kernel32.QueryFullProcessImageNameW.argtypes = [
    *(wintypes.HANDLE, wintypes.DWORD, wintypes.LPWSTR),
    ctypes.POINTER(wintypes.DWORD),
]


@contextmanager
def opened(handle: int | None) -> Iterator[int | None]:
    """A handle, closed afterwards; None where there is nothing to open."""
    try:
        yield handle
    finally:
        if handle:
            kernel32.CloseHandle(handle)


def running(program: Path) -> set[int]:
    """The pids of the processes of a program that have not ended."""
    return {pid for pid in _all() if _program(pid) == str(program).lower()}


def set_event(name: str) -> None:
    """Set a named event, as Apache's processes do to signal each other; OSError without it."""
    with opened(kernel32.OpenEventW(EVENT_MODIFY_STATE, False, name)) as event:
        if not event or not kernel32.SetEvent(event):
            raise ctypes.WinError(ctypes.get_last_error(), name)


def administrator() -> bool:
    """Whether services may be installed here."""
    return bool(ctypes.WinDLL("shell32").IsUserAnAdmin())


def _all() -> list[int]:
    room, used = 1024, wintypes.DWORD()
    while True:
        pids = (wintypes.DWORD * room)()
        if not kernel32.K32EnumProcesses(pids, ctypes.sizeof(pids), ctypes.byref(used)):
            raise ctypes.WinError(ctypes.get_last_error())
        if used.value < ctypes.sizeof(pids):
            return pids[: used.value // ctypes.sizeof(wintypes.DWORD)]
        room *= 2


def _program(pid: int) -> str:
    """The path of its program in small letters; "" where it has ended, or is not ours to ask."""
    access = SYNCHRONIZE | QUERY_LIMITED_INFORMATION
    path, size = ctypes.create_unicode_buffer(32_768), wintypes.DWORD(32_768)
    with opened(kernel32.OpenProcess(access, False, pid)) as process:
        # One that has ended exists as long as somebody has a handle of it.
        if process and kernel32.WaitForSingleObject(process, 0) == WAIT_TIMEOUT:
            kernel32.QueryFullProcessImageNameW(process, 0, path, ctypes.byref(size))
    return path.value.lower()
