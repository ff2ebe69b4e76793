"""What a compiled file of any platform reveals: its bits, its version, its Python."""

from __future__ import annotations

import re
from dataclasses import dataclass

PYTHON_LIBRARY = re.compile(rb"libpython3\.\d+t?\.so[.\d]*|python3\d+t?\.dll", re.IGNORECASE)
VERSION = re.compile(rb"\0(\d+\.\d+\.\d+)\0")
PE_64_BIT = 0x8664, 0xAA64  # machines: x86-64 and ARM64


@dataclass(frozen=True)
class Binary:
    """A module or library with 32 or 64 bits (0: unknown); for mod_wsgi also its versions."""

    path: str
    bits: int
    version: str = ""
    python: str = ""
    """"3.11", or "3.13t" for the free-threaded build."""
    python_library: str = ""
    """The Python library that it loads; "" if that is linked into it."""


def inspect(path: str) -> Binary | None:
    """Return what the file reveals; None if it cannot be read."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return None
    library = PYTHON_LIBRARY.search(content)
    name = library[0].decode() if library else ""
    versions = [found.decode() for found in dict.fromkeys(VERSION.findall(content))]
    of_python = [each for each in versions if (3, 6) <= _minor(each) < (4, 0)]
    own = [each for each in versions if each not in of_python]
    python = re.search(r"python(3)\.?(\d+)(t?)", name)
    text = f"3.{python[2]}{python[3]}" if python else ""
    if not text and of_python:
        text = ".".join(of_python[0].split(".")[:2])
    return Binary(path, _bits(content), own[0] if own else "", text, name)


def _minor(version: str) -> tuple[int, int]:
    first, second = version.split(".")[:2]
    return int(first), int(second)


def _bits(content: bytes) -> int:
    if content[:4] == b"\x7fELF":
        return {1: 32, 2: 64}.get(content[4], 0)
    if content[:2] == b"MZ":
        header = int.from_bytes(content[0x3C:0x40], "little")
        machine = int.from_bytes(content[header + 4 : header + 6], "little")
        return 64 if machine in PE_64_BIT else 32
    return 0
