"""A native module, or an archive of modules, that is cut short: it may crash the new process."""

from __future__ import annotations

import marshal
import py_compile
import random
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from wsgireload import _native
from wsgireload.changes import DELETED, Change, Changes
from wsgireload.decide.binaries import Binaries, is_cut_short
from wsgireload.decide.verdict import GO, Hold
from wsgireload.detect.bytecode import fault_of
from wsgireload.report import Held

MODULE = Path(str(_native.__file__)).read_bytes()


def elf(order: str, bits: int) -> bytes:
    """A small module of UNIX: two segments, one of them without data, and a section's header."""
    wide = bits == 64
    word, head, segment = ("Q", 64, 56) if wide else ("I", 52, 32)
    size = head + 2 * segment + 100
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    counts = (head, segment, 2, 40, 1, 0)
    header = struct.pack(f"{order}HHI3{word}I6H", 3, 62, 1, 0, head, size, 0, *counts)
    first = [1, 0, head + 2 * segment, 0, 0, 100, 200, 0]  # type, flags, offset, …, size in file
    none = [1, 0, 1 << 30, 0, 0, 0, 200, 0]
    segments = b""
    for each in (first, none):
        if wide:
            segments += struct.pack(f"{order}II6Q", *each)
        else:
            segments += struct.pack(f"{order}8I", each[0], *each[2:7], each[1], each[7])
    return ident + header + segments + bytes(100) + bytes(40)


def pe() -> bytes:
    """A small module of Windows: a section with data, and one without."""
    head = b"MZ" + bytes(58) + struct.pack("<I", 64)
    header = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 2, 0, 0, 0, 16, 0x2022) + bytes(16)
    at = len(head) + len(header) + 80
    section = struct.pack("<8s4I16x", b".text", 300, 0, 200, at)
    return head + header + section + struct.pack("<8s4I16x", b".bss", 99, 0, 0, 0) + bytes(200)


def archive(path: Path) -> bytes:
    """An archive of modules."""
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("words.py", "WORD = 1\n" * 50)
        made.comment = b"a comment"
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["<32", "<64", ">32", ">64", "pe", "zip", "own"])
def test_each_length(tmp_path: Path, kind: str) -> None:
    """A whole file is whole, and with any part of its end missing it is not."""
    path = tmp_path / "a.so"
    made = {"pe": pe(), "own": MODULE, "zip": archive(path)}
    whole = made.get(kind) or elf(kind[0], int(kind[1:]))
    for length in {*range(6, min(len(whole), 2000)), *range(6, len(whole), 4096), len(whole) - 41}:
        path.write_bytes(whole[:length])
        at_the_end = kind == "zip" and length >= len(whole) - 9 - 22 + 4  # the record is there
        assert is_cut_short(str(path)) is not at_the_end, length
    for more in (b"", b"appended, as a signature is"):
        path.write_bytes(whole + more)
        assert not is_cut_short(str(path))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", True),
        (b"\x7fELF", True),
        (b"\x7fELF\2\1", True),
        (b"MZ", True),
        (b"PK\3\4", True),
        (b"\x7fELF\7\1" + bytes(90), False),
        (b"MZ" + bytes(90), False),
        (b"\xcf\xfa\xed\xfe" + bytes(90), False),
        (b"#!/usr/bin/python3\n", False),
    ],
)
def test_other_files(tmp_path: Path, content: bytes, expected: bool) -> None:
    """An empty file is cut short; one of a format that is not known counts as whole."""
    path = tmp_path / "a.so"
    path.write_bytes(content)
    assert is_cut_short(str(path)) is expected


def test_no_file(tmp_path: Path) -> None:
    """What is missing, or no file, is not cut short."""
    assert not is_cut_short(str(tmp_path / "a.so"))
    assert not is_cut_short(str(tmp_path))


def test_damaged_headers(tmp_path: Path) -> None:
    """Whatever they have, nothing is raised."""
    path, dice = tmp_path / "a.so", random.Random(1)
    for whole in (elf("<", 32), elf(">", 64), pe()):
        for _ in range(300):
            damaged = bytearray(whole)
            for at in dice.sample(range(4, 200), 20):
                damaged[at] = dice.choice((0, 1, 127, 255, dice.randrange(256)))
            path.write_bytes(damaged)
            is_cut_short(str(path))


def test_real_modules() -> None:
    """No native module of this Python is cut short."""
    found = [path for entry in sys.path for path in Path(entry).glob("*.so")]
    assert found
    assert [path for path in found if is_cut_short(str(path))] == []


def test_the_gate(tmp_path: Path) -> None:
    """It holds a changed module that is cut short, and nothing else."""
    path = str(tmp_path / "fast.so")
    Path(path).write_bytes(MODULE[:20000])
    gate = Binaries(fault_of)
    held = Hold(f"{path} is cut short: its end is missing", Held(path, *[None] * 3, "cut short"))
    cut = Changes({"a.py": Change(b"1", is_python=True), path: Change(b"1", is_code=True)})
    for changes in (cut, cut, cut._replace(requested="by hand")):
        assert gate.check(changes) == held
    Path(path).write_bytes(MODULE)
    assert gate.check(Changes({path: Change(b"2", is_code=True)})) == GO
    Path(path).write_bytes(b"")
    assert gate.check(Changes({path: Change(b"3")})) == GO  # data
    Path(path).unlink()
    assert gate.check(Changes({path: Change(b"missing", DELETED, is_code=True)})) == GO


@pytest.mark.skipif(not MODULE.startswith(b"\x7fELF"), reason="other systems have other formats")
@pytest.mark.parametrize(
    ("content", "is_held"),
    [
        (MODULE, False),
        (MODULE[:7] + b"\3" + MODULE[8:], False),  # another ABI of the same processor
        (MODULE[:18] + b"\xf7\0" + MODULE[20:], True),  # another processor
        (b"\xcf\xfa\xed\xfe" + MODULE[4:], True),  # of macOS
        (b"version https://git-lfs.github.com/spec/v1\n", True),
    ],
)
def test_a_module_of_another_machine(tmp_path: Path, content: bytes, *, is_held: bool) -> None:
    """It holds if a module was loaded from that file; a file that is merely tracked may be so."""
    path = tmp_path / "fast.so"
    path.write_bytes(content)
    what = "no native module of this kind of machine"
    held = Hold(f"{path} is {what}", Held(str(path), None, None, None, what))
    changes = Changes({str(path): Change(b"1", is_code=True)})
    for is_loaded in (True, False):
        gate = Binaries(fault_of, lambda _path, answer=is_loaded: answer, str(_native.__file__))
        assert gate.check(changes) == (held if is_held and is_loaded else GO)
    assert Binaries(fault_of, lambda _path: True).check(changes) == GO  # nothing to compare with
    path.unlink()
    assert Binaries(fault_of, lambda _path: True, str(_native.__file__)).check(changes) == GO


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda whole: whole, None),
        (lambda whole: whole[:-9], "damaged bytecode"),
        (lambda whole: whole[:10], "damaged bytecode"),
        (lambda whole: whole[:16] + marshal.dumps(5), "damaged bytecode"),
        (lambda whole: whole[:16] + b"\xe3" + bytes(5) + b"\x00" * 40, "damaged bytecode"),
        (lambda _: b"", "no bytecode of this version of Python"),
        (lambda whole: b"\x61\x0d\x0d\x0a" + whole[4:], "no bytecode of this version of Python"),
    ],
)
def test_a_module_without_a_source(
    tmp_path: Path, change: Callable[[bytes], bytes], fault: str | None
) -> None:
    """Bytecode that Python cannot load is held, with the reason; what it can load is not."""
    source, path = tmp_path / "source.py", tmp_path / "words.pyc"
    source.write_text("WORD = 'a word'\n")
    py_compile.compile(str(source), str(path), doraise=True)
    path.write_bytes(change(path.read_bytes()))
    verdict = Binaries(fault_of).check(Changes({str(path): Change(b"digest", is_code=True)}))
    if fault is None:
        assert verdict is GO
    else:
        assert verdict == Hold(f"{path} is {fault}", Held(str(path), None, None, None, fault))
