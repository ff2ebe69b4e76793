"""Is changed code that is no source on disk to its end: native modules, archives and bytecode?

An upload that has broken off leaves only the beginning. To load such a native module may crash the
new process. Bytecode may also be of another Python, as of the machine that has compiled it, and a
native module of another kind of machine, or no module at all, as what Git LFS leaves in its place.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from typing import BinaryIO, Literal

from wsgireload.changes import Change, Changes
from wsgireload.decide.verdict import GO, Gate, Hold, Verdict
from wsgireload.log import shown
from wsgireload.report import Held
from wsgireload.server.files import beginning, opened

NATIVE_SUFFIXES = tuple(EXTENSION_SUFFIXES)
KIND = 20  # bytes of a native module, which tell for what kind of machine it is
TAIL = 22 + 65535  # bytes at the end of an archive, in which its last record begins


class Binaries(Gate):
    """Holds a restart while changed code is cut short, or cannot be loaded here."""

    def __init__(
        self,
        fault_of: Callable[[str], str | None],
        is_loaded: Callable[[str], bool] = lambda _path: False,
        native: str = "",
    ) -> None:
        """`fault_of` is the function of detect/bytecode.py, `native` a module that loads here.

        `is_loaded` returns whether a file has been loaded as a module: others may be data.
        """
        self._fault_of = fault_of
        self._is_loaded = is_loaded
        self._kind = kind_of(native)
        self._whole: dict[str, Change] | None = None  # the files that were examined last

    def check(self, changes: Changes) -> Verdict:
        changed = changes.files.items()
        files = {path: each for path, each in changed if each.is_code and not each.is_python}
        if files != self._whole:
            for path in files:
                if (fault := self._fault(path)) is not None:
                    place = Held(path, None, None, None, fault.partition(":")[0])
                    return Hold(f"{shown(path)} is {fault}", place)
            self._whole = files
        return GO

    def _fault(self, path: str) -> str | None:
        if path.endswith(".pyc"):
            return self._fault_of(path)
        if is_cut_short(path):
            return "cut short: its end is missing"
        is_native = path.endswith(NATIVE_SUFFIXES) and self._is_loaded(path)
        is_foreign = self._kind and is_native and kind_of(path) not in (None, self._kind)
        return "no native module of this kind of machine" if is_foreign else None


def kind_of(path: str) -> bytes | None:
    """What native modules of UNIX for the same machine share; b"" for other files, None for none.

    That is the format, the word size and order of bytes, and the processor.
    """
    try:
        header = beginning(path, KIND)
    except (OSError, ValueError):
        return None
    return header[:6] + header[18:] if header.startswith(b"\x7fELF") else b""


def is_cut_short(path: str) -> bool:
    """Whether a file is empty, or shorter than its headers say.

    False for a missing file, and for one of another format than ELF, PE and zip.
    """
    try:
        with opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(6)
            if start.startswith(b"\x7fELF"):
                return _end_of_elf(start, file, size) > size
            if start.startswith(b"MZ"):
                return _end_of_pe(Numbers(file, size, "little")) > size
            if start.startswith(b"PK\3\4"):
                file.seek(max(0, size - TAIL))
                return b"PK\5\6" not in file.read()
            return not start
    except EOFError:
        return True
    except (OSError, ValueError):
        return False


class Numbers:
    """Reads numbers of a file: EOFError for one behind its end, which is at `size`."""

    def __init__(self, file: BinaryIO, size: int, order: Literal["little", "big"]) -> None:
        self._file = file
        self._size = size
        self._order = order

    def __call__(self, at: int, length: int) -> int:
        """The number of so many bytes at a place."""
        if at + length > self._size:
            raise EOFError
        self._file.seek(at)
        return int.from_bytes(self._file.read(length), self._order)


def _end_of_elf(start: bytes, file: BinaryIO, size: int) -> int:
    """Where the last segment or section header of a module of UNIX ends."""
    if len(start) < 6:
        raise EOFError
    if start[4] not in (1, 2) or start[5] not in (1, 2):  # of 32 or 64 bits; the order of bytes
        return 0
    number = Numbers(file, size, "little" if start[5] == 1 else "big")
    word = 4 * start[4]
    segments, sections = number(24 + word, word), number(24 + 2 * word, word)
    length, count, section_length, section_count = (
        number(30 + 3 * word + place, 2) for place in (0, 2, 4, 6)
    )
    ends = [0]
    if sections:  # of more than 65,535 the number is 0 here
        ends.append(sections + section_length * max(section_count, 1))
    for at in range(segments, segments + length * count, length or 1):
        offset, in_file = number(at + word, word), number(at + 4 * word, word)
        ends.append(offset + in_file if in_file else 0)
    return max(ends)


def _end_of_pe(number: Numbers) -> int:
    """Where the last section of a module of Windows ends."""
    header = number(60, 4)
    if number(header, 4) != 0x4550:  # "PE": else another kind of program
        return 0
    table = header + 24 + number(header + 20, 2)
    places = (table + 40 * each for each in range(number(header + 6, 2)))
    return max((number(at + 16, 4) + number(at + 20, 4) for at in places), default=0)
