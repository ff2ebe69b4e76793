"""Which paths may have changed, as the operating system reports it: a hint, never the truth.

A directory is watched for the files in it that matter. A path may come to lead to another file
without an event of that file: so each directory and each symbolic link on the path is watched too,
in the directory that holds it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from wsgireload.errors import NativeError
from wsgireload.server.watcher import ALL, GONE, ITSELF, NAMES, SAVED, WRITTEN, Watcher
from wsgireload.threads import time
from wsgireload.watch.roots import ABSENT, WINDOWS, Polled, inside, is_mounted, watched_folder
from wsgireload.watch.spelling import Spelling

LOST = -1  # the id of a change that stands for lost events
SWITCHED = "a junction or symbolic link on the way may be switched without an event"


class Events:
    """Reports changes of the files and folders that it listens to.

    `trust` uses events also on file systems that are known not to report all changes; `trouble` is
    called once for each reason to poll. NativeError where the system has no events.
    """

    def __init__(
        self, *, trust: bool, trouble: Callable[[str], None], watcher: Watcher | None = None
    ) -> None:
        self._watcher = watcher or Watcher()
        self._trust = trust
        self._trouble = trouble
        self._polled = Polled(trouble)
        self._ids: dict[str, int | None] = {}  # by folder; None: it cannot be watched
        self._missing: set[str] = set()  # of those, the folders that do not exist
        self._paths_by_id: dict[int, list[str]] = {}
        # Folders and links on the way to watched ones, each with whether a link's target is
        # watched. After an event of one of them its path leads elsewhere.
        self._components: dict[str, bool] = {}
        self._spelling = Spelling()
        self._whole_folders: set[str] = set()  # of which every change is reported
        self._requests: frozenset[str] = frozenset()
        self.hears = False  # each request ends the wait for it
        self.lost = False  # a path leads elsewhere by now: listen to everything again
        self.saved, self.written = set[str](), set[str]()  # of the last events: closed; still open

    def listen(self, path: str) -> bool:
        """Report changes of a file, even before it exists; False where it has to be polled."""
        folder, name = watched_folder(path)
        id_ = self._watch(folder, NAMES)
        self._add_name(id_, name)
        if WINDOWS:
            by_link = self._may_be_switched(path)
            for reported, below in self._spelling.add(path, folder, name, by_link=by_link):
                self._add_name(self._watch(reported, NAMES), below)
            if by_link:
                return False
        elif os.path.islink(path):  # if it becomes one later, that is an event
            return self._watch_component(path) and id_ is not None
        return self._reports_arrival(folder) if id_ is None else not is_mounted(path)

    def listen_in(self, folder: str) -> bool:
        """Report every change in a folder, now and later, but not in its subfolders.

        On Windows in those as well, with the same handle: a second one below it would keep others
        from renaming the folders between the two. False where it has to be polled.
        """
        by_link = self._may_be_switched(folder)
        real = self._spelling.real(folder, by_link=by_link) if WINDOWS else folder
        known = os.path.normcase(real)
        if WINDOWS and any(known.startswith(inside(whole)) for whole in self._whole_folders):
            return not by_link
        if self._watch(folder, ALL) is None:
            return self._reports_arrival(folder)
        self._whole_folders.add(real)
        return not by_link

    def listen_for(self, requests: Iterable[str]) -> None:
        """Let these files end the wait, too, when they come, go or are replaced."""
        self._requests = frozenset(requests)

    def listen_for_requests(self) -> None:
        """Listen to them, or try again: their folder may have come. Above it is /tmp: too busy."""
        ids = []
        if not WINDOWS:  # a handle would keep others from renaming the folder
            for folder, name in map(os.path.split, self._requests):
                ids.append(self._watch_itself(folder))
                self._add_name(ids[-1], name)
        self.hears = bool(ids) and None not in ids

    def knows(self, folder: str) -> bool:
        return folder in self._ids or self._spelling.knows(folder)

    def listen_anew(self) -> None:
        """Stop listening to everything: the caller listens again to what it needs."""
        for id_ in self._paths_by_id:
            self._watcher.forget(id_)
        self._ids.clear()
        self._missing.clear()
        self._paths_by_id.clear()
        self._components.clear()
        self._spelling.clear()
        self._whole_folders.clear()
        self.lost = self.hears = False

    def wait(self, seconds: float) -> set[str] | None:
        """Return paths of files and folders that changed; empty when the time is over, or woken.

        None: anything may have changed anywhere. NativeError where no event will ever arrive again.
        """
        end = time.monotonic() + seconds
        while changes := self._read(max(0.0, end - time.monotonic())):
            kinds = {path: kind for id_, kind, name in changes for path in self._paths(id_, name)}
            self.saved = {path for path, kind in kinds.items() if kind == SAVED}
            self.written = {path for path, kind in kinds.items() if kind == WRITTEN}
            gone = {id_ for id_, kind, _ in changes if kind == GONE or id_ == LOST}
            lost = LOST in gone or gone & self._paths_by_id.keys()
            if lost or self._components.keys() & kinds.keys():
                self.lost = True
                return None
            if self._requests & kinds.keys():
                self.wake()  # as the other paths may be irrelevant, and end no wait
            if kinds:  # there are none in changes from before listen_anew
                return set(kinds)
        return set()

    def wake(self) -> None:
        """End the current wait, or else the next one; from any thread."""
        self._watcher.wake()

    def end(self) -> None:
        """Stop listening for good; also in a forked child."""
        self.hears = False
        self._watcher.end()

    def _read(self, seconds: float) -> list[tuple[int, int, str]]:
        try:
            return self._watcher.wait(seconds)
        except Exception as error:  # most likely a NativeError
            self._trouble(f"everything is polled from now on: {error}")
            self.end()
            raise

    def _paths(self, id_: int, name: str) -> list[str]:
        """Return the paths that a change may be of: one for each path of its directory."""
        folders = self._paths_by_id.get(id_, ())
        paths = [os.path.join(folder, name) if name else folder for folder in folders]
        return [each for path in paths for each in self._spelling.paths(path)]

    def _watch(self, folder: str, interest: int) -> int | None:
        """Watch a folder and the path to it; returns its id, or None where it must be polled."""
        if folder in self._ids and interest != ALL:
            return self._ids[folder]
        self._watch_component(folder)
        id_ = None
        self._missing.discard(folder)
        try:
            id_ = self._watcher.directory(folder, interest, trust=self._trust)
            self._add_path(id_, folder)
        except NativeError as error:
            if error.code in ABSENT:
                self._missing.add(folder)
            else:
                self._polled(folder, error.message)
        self._ids[folder] = id_
        return id_

    def _may_be_switched(self, path: str) -> bool:
        by_link = WINDOWS and self._spelling.by_link(path)
        if by_link:
            self._polled(os.path.dirname(path), SWITCHED)
        return by_link

    def _reports_arrival(self, folder: str) -> bool:
        """Whether a folder is missing, and there will be an event when it appears.

        So it is with most modules that are imported only if they exist: to poll them would wake an
        idle process. The folder is one of `_components`, or of the names in a root of Windows.
        """
        above = os.path.dirname(folder)
        if folder not in self._missing or above == folder:
            return False
        if WINDOWS:
            return self.listen(folder)
        if not self._components.get(folder):
            return False
        return self._watch(above, NAMES) is not None or self._reports_arrival(above)

    def _watch_component(self, path: str) -> bool:
        """Watch for another folder or link at this path, or on the way to it.

        False where it is a link, and changes of its target are not reported.
        """
        folder, name = os.path.split(path)
        if WINDOWS or not name:  # a handle on Windows would keep others from renaming it
            return True
        if path not in self._components:
            self._components[path] = True
            self._watch_component(folder)
            self._add_name(self._watch_itself(folder), name)
            if os.path.islink(path):  # read after it is watched, or its replacement could be missed
                self._watch_itself(path, link=True)  # its folder may be one that cannot be read
                self._components[path] = self._watch_target(path)
        return self._components[path]

    def _watch_target(self, link: str) -> bool:
        """Watch what a link leads to: a write to that changes the file at the link's path."""
        try:
            target = os.path.join(os.path.realpath(os.path.dirname(link)), os.readlink(link))
            target = os.path.normpath(target)
            watched = self._watch_component(target)
            if os.path.isdir(target):
                return watched
            folder, name = os.path.split(target)
            id_ = self._watch(folder, NAMES)
            self._add_name(id_, name)
            return watched and id_ is not None
        except OSError:  # it has gone meanwhile, which is an event
            return True
        except RecursionError:  # the links lead on and on, further than to any file
            return False

    def _watch_itself(self, path: str, *, link: bool = False) -> int | None:
        """Watch a link, or a folder for the names in it; returns its id, or None.

        On any file system: where events are not trusted, the files themselves are polled.
        """
        if path in self._ids and not link:
            return self._ids[path]
        try:
            real = path if link else os.path.realpath(path)
            id_ = self._watcher.directory(real, ITSELF, trust=True)
        except (NativeError, ValueError):  # ValueError: no path can be like that
            return None
        self._add_path(id_, path)
        return id_

    def _add_path(self, id_: int, path: str) -> None:
        paths = self._paths_by_id.setdefault(id_, [])
        if path not in paths:
            paths.append(path)

    def _add_name(self, id_: int | None, name: str) -> None:
        if id_ is not None:
            self._watcher.name(id_, name)
