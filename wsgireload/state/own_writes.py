"""What the application itself writes: the difference between a loop and a person who saves.

An audit hook sees the files that Python code of this interpreter opens for writing or renames, and
the programs that it starts. It cannot be removed again, so only a process that may be part of a
loop gets one. Each write leaves a mark, an empty file of the state folder whose mtime is the time
of the write: so other processes of the group and other applications of this user know it too.

A build has other names each time, or is put in place as a whole: new names beside the files of
earlier restarts are marked as well, and so is a folder around them that is renamed or linked.

What a C library keeps open for writing, as a database, is found among this process's open files.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, suppress
from importlib import import_module

from wsgireload.changes import fingerprint
from wsgireload.state.private_dir import Candidates, PrivateDir
from wsgireload.threads import time

MARK = ".written"
WRITING = os.O_WRONLY | os.O_RDWR
PROGRAMS = {"subprocess.Popen", "os.posix_spawn", "os.spawn", "os.system", "_winapi.CreateProcess"}
PUTS = {"os.rename", "os.link", "os.symlink"}  # the second argument is the new name
GOES_ON = {"import", "exec", "compile"}  # what a thread does that waited for a program
LASTS = 5.0  # seconds that a write may take: what changes later was changed by another
GRAIN = 0.05  # seconds: file times come from a coarse clock
MOST_NEW = 200  # names of a process that are marked beside those of earlier restarts


class OwnWrites:
    """Knows whether processes of ours wrote a file. `is_up`: the application has been loaded.

    `add_hook` is for tests.
    """

    def __init__(
        self,
        folders: Candidates,
        is_up: Callable[[], bool],
        add_hook: Callable[[Callable[[str, tuple[object, ...]], None]], None] = sys.addaudithook,
    ) -> None:
        self._candidates = folders
        self._is_up = is_up
        self._add_hook = add_hook
        self._suspects: dict[str, str] = {}  # real path -> name of its mark
        self._names: frozenset[str] = frozenset()  # of these files, and of the folders they are in
        self._folders: frozenset[str] = frozenset()  # real paths
        self._above: frozenset[str] = frozenset()  # places of the folders around these files
        self._new = 0
        self._began = 0.0
        self._loading = False
        self._waits = 0  # the thread that started a program, while it may wait for it

    def observe(self, paths: Iterable[str]) -> None:
        """Mark these files whenever this interpreter writes them, from now on."""
        paths = list(paths)
        real = {os.path.realpath(path) for path in paths}
        self._suspects = {path: _mark_of(path) for path in real}
        self._folders = frozenset(map(os.path.dirname, real))
        self._names = frozenset(map(os.path.basename, real | self._folders))
        self._above = frozenset(_place(above) for path in paths for above in _above(path))
        self._new, self._began = 0, time.time() - GRAIN
        self._loading = True
        try:
            self._add_hook(self._audit)
        except Exception:  # another hook forbids it: then nothing counts as written by us
            self.ignore()

    def ignore(self) -> None:
        self._suspects, self._names, self._above = {}, frozenset(), frozenset()
        self._loading, self._waits = False, 0

    def wrote(self, paths: Collection[str]) -> bool | None:
        """Whether each of these files is as a process of ours wrote it; None if not observed.

        Who removed a file is not known: those that are gone do not count beside others.
        """
        if not self._suspects or not paths:
            return None
        there = list(filter(os.path.exists, paths))
        try:
            with closing(self._candidates.open()) as folder:
                return bool(there) and all(self._is_own(folder, path) for path in there)
        except (OSError, ValueError):
            return False

    def _is_own(self, folder: PrivateDir, path: str) -> bool:
        with suppress(OSError, ValueError):  # there is no mark
            if _is_open(path) or 0 <= self._age(folder, path) <= LASTS:
                return True
        for place in self._above.intersection(map(_place, _above(path))):
            with suppress(OSError):
                marked = folder.modified(_mark_of(place))
                # Another may have put it there since.
                latest = max(_changed(path), _time(os.lstat(place)))
                if marked >= self._began and latest - marked + GRAIN <= LASTS:
                    return True
        return False

    def loaded(self) -> bool:
        """Whether the application is up; call until it is: no program counts any more then."""
        if self._loading and self._is_up():
            self._loading = False
            if self._waits:
                self._end_program()
        return not self._loading

    def _begin_program(self) -> None:
        """A program that is started while the application is loaded may write any file."""
        self._waits = get_ident()
        for path in self._suspects:
            if not self._was_just_written(path):
                self._mark(path)

    def _was_just_written(self, path: str) -> bool:
        """Whether a program of another process has just written a file: its mark has to stay."""
        with suppress(OSError, ValueError), closing(self._candidates.open()) as folder:
            marked = folder.modified(self._suspects[path])
            return self._age(folder, path) >= 0 and time.time() - marked < LASTS / 2
        return False

    def _end_program(self) -> None:
        """Remove the marks of the files that it did not write."""
        self._waits = 0
        for path, mark in self._suspects.items():
            with suppress(OSError, ValueError), closing(self._candidates.open()) as folder:
                if self._age(folder, path) < 0:
                    folder.remove(mark)

    def _age(self, folder: PrivateDir, path: str) -> float:
        """Seconds from a file's mark to its last change: negative if it came before."""
        return _changed(path) - folder.modified(_mark_of(os.path.realpath(path))) + GRAIN

    def _audit(self, event: str, args: tuple[object, ...]) -> None:
        """The hook: whatever it raised would make fail what the application does."""
        try:
            if event == "open":
                if args[2] & WRITING:  # type: ignore[operator]
                    self._note(args[0])
            elif event in PUTS:
                self._note(args[1])
                self._note_folder(args[1])
            elif self._waits and event in GOES_ON and self._waits == get_ident():
                self._end_program()
            elif self._loading and event in PROGRAMS and not self._is_up():
                self._begin_program()
        except Exception:
            return

    def _note(self, path: object) -> None:
        given = os.fsdecode(path)  # type: ignore[arg-type]
        # By the name first: there are many files that an application writes.
        folder, name = os.path.split(os.path.abspath(given))
        if name in self._names or os.path.basename(folder) in self._names:
            real = os.path.realpath(os.path.join(folder, name))
            if real in self._suspects:
                self._mark(real)
            elif not os.path.dirname(given):  # its folder may be given by a descriptor, as by us
                return
            elif os.path.dirname(real) in self._folders and self._new < MOST_NEW:
                self._new += 1
                self._mark(real)

    def _note_folder(self, path: object) -> None:
        place = _place(os.path.abspath(os.fsdecode(path)))  # type: ignore[arg-type]
        if place in self._above:
            self._mark(place)

    def _mark(self, path: str) -> None:
        with closing(self._candidates.open()) as folder:
            folder.write(_mark_of(path), b"")


def _mark_of(path: str) -> str:
    """The name of the mark of a real path, or of a place."""
    return fingerprint(os.fsencode(path)) + MARK


def _above(path: str) -> Iterator[str]:
    """Return the folders around a path, but not the root."""
    path = os.path.dirname(os.path.abspath(path))
    while path != (above := os.path.dirname(path)):
        yield path
        path = above


def _place(path: str) -> str:
    """Where a name stands that may be a link itself."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def _changed(path: str) -> float:
    """When a file was changed last; OSError if it is gone."""
    return _time(os.stat(path))


def _time(found: os.stat_result) -> float:
    # On Windows ctime is the time of creation.
    return max(found.st_mtime, found.st_ctime) if os.name == "nt" else found.st_ctime


def _is_open(path: str) -> bool:
    """Whether this process has a file open for writing; False on Windows."""
    if os.name == "nt":
        return False
    fcntl = import_module("fcntl")  # by name: type checkers know it on UNIX only
    with suppress(OSError):
        found = os.stat(path)
        for name in os.listdir("/dev/fd"):
            with suppress(OSError):  # listing has opened one, and other threads close theirs
                is_it = os.path.samestat(os.fstat(int(name)), found)
                if is_it and fcntl.fcntl(int(name), fcntl.F_GETFL) & WRITING:
                    return True
    return False
