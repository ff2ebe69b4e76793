"""Modules to be watched: as long as others are, and quick to import."""

from __future__ import annotations

import time
from compileall import compile_dir
from pathlib import Path

MODULE = '''\
"""One of many."""


def function(first, second):
    return {{"first": first, "second": second, "sum": first + {number} * second}}


'''
COMMENT = (
    "# A comment: it makes the file as long as others are, and costs no memory once compiled.\n"
)


def name(number: int) -> str:
    """What to import: 100 modules to a package."""
    return f"package_{number // 100}.module_{number}"


def generate(folder: Path, count: int) -> None:
    """Write so many modules of 0.3 to 11 KB, 6 on average, with their bytecode."""
    for number in range(count):
        path = source(folder, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, number)
    compile_dir(folder, quiet=1, workers=0)


def write(path: Path, number: int) -> None:
    path.write_text(MODULE.format(number=number) + COMMENT * (2 + number * 37 % 120))


def names(folder: Path) -> list[str]:
    """What to import, of all the modules in a folder."""
    found = [path.relative_to(folder) for path in folder.rglob("module_*.py")]
    return sorted(".".join(path.with_suffix("").parts) for path in found)


def source(folder: Path, number: int) -> Path:
    return folder / f"{name(number).replace('.', '/')}.py"


def edit(path: Path) -> float:
    """Save the file with a line more; returns when (monotonic seconds)."""
    new = path.read_text() + "# saved\n"
    saved = time.monotonic()
    path.write_text(new)
    return saved
