"""How people, editors and deployments save a file. A save stops where another program may look."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

LONG_AGO = 1_000_000_000  # an mtime

Save = Iterator[None]  # a save stops where another program may have a look


def in_place(path: Path, content: bytes) -> Save:
    """Truncated and written at once."""
    path.write_bytes(content)
    yield


def in_pieces(path: Path, content: bytes) -> Save:
    """Truncated, and written a few bytes at a time."""
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(content), 5):
            yield
            file.write(content[start : start + 5])


def rename_over(path: Path, content: bytes) -> Save:
    """A new file beside it takes its place."""
    new = path.with_name(".new")
    new.write_bytes(content)
    yield
    new.replace(path)


def recreate(path: Path, content: bytes) -> Save:
    """Deleted, and written again."""
    path.unlink()
    yield
    path.write_bytes(content)


def backup(path: Path, content: bytes) -> Save:
    """Renamed to name~, and written anew: so does vim."""
    path.rename(f"{path}~")
    yield
    path.write_bytes(content)


def restore(path: Path, content: bytes) -> Save:
    """A copy that is older than what it replaces: so do cp -p, rsync and tar."""
    path.write_bytes(content)
    yield
    os.utime(path, (LONG_AGO, LONG_AGO))


def hard_link(path: Path, content: bytes) -> Save:
    """A link to a file elsewhere takes its place."""
    kept, new = store(path, content), path.with_name(".new")
    new.hardlink_to(kept)
    yield
    new.replace(path)
    kept.unlink()


def symbolic_link(path: Path, content: bytes) -> Save:
    """A symbolic link takes its place. Later saves in place write to what it leads to."""
    kept, new = store(path, content), path.with_name(".new")
    new.symlink_to(os.path.relpath(kept, path.parent))
    yield
    new.replace(path)


def touch(path: Path) -> Save:
    """Only the times change."""
    os.utime(path)
    yield
    os.utime(path, (LONG_AGO, LONG_AGO))


def chmod(path: Path) -> Save:
    """Only the mode changes."""
    path.chmod(0o600)
    yield


def to_and_fro(path: Path) -> Save:
    """It goes, and comes back."""
    away = path.with_name(".away")
    path.rename(away)
    yield
    away.rename(path)


WAYS: tuple[Callable[[Path, bytes], Save], ...] = (
    in_place,
    in_pieces,
    rename_over,
    recreate,
    backup,
    restore,
    hard_link,
    symbolic_link,
)
IDLE_WAYS: tuple[Callable[[Path], Save], ...] = (touch, chmod, to_and_fro)


def store(path: Path, content: bytes) -> Path:
    """A new file in a folder where nothing is watched."""
    folder = next(above for above in path.parents if above.name == "site").parent / "store"
    folder.mkdir(exist_ok=True)
    kept = folder / f"{path.stem}-{time.monotonic_ns()}"
    kept.write_bytes(content)
    return kept
