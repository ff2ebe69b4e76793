"""The import hook: which files are imported, each with its digest just before it is loaded."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from _thread import get_ident
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

from wsgireload.detect.bytecode import distrust
from wsgireload.detect.digest import SPECIAL, Digest, dated, digest_of_open, is_young
from wsgireload.detect.links import Links
from wsgireload.detect.missing import is_text
from wsgireload.server.files import open_file
from wsgireload.server.libraries import is_installed
from wsgireload.threads import time

NOTED_BYTES = 1 << 20  # a larger file is not read while the application waits for its import
FINDING = {"find_spec", "_find_spec"}
IMPORTING = {"_find_and_load_unlocked", "reload"}  # the callers in importlib that then load
OLD_FINDERS = sys.version_info < (3, 12)  # Python itself asks finders without find_spec
MOST_MISSING = 200  # names: a Django or Flask application has some twenty, mostly of optional parts


class Imports:
    """A finder before all others, which notes each file that they find before it is loaded.

    So the files of modules whose import fails are known too, and stale bytecode is removed in time.
    So are the names that no finder found. `on_import` is called, in the importing thread, at the
    first import after a call of `seen` that returned none. Files are those of `links`.
    """

    def __init__(self, on_import: Callable[[], None], links: Links | None = None) -> None:
        self._on_import = on_import
        self._links = links or Links()
        self._seen: deque[tuple[str, Digest]] = deque()
        self._quiet = False
        self._searches: set[tuple[int, str]] = set()  # now under way: thread and name
        self._missing: set[str] = set()
        self._new_missing: deque[tuple[str, list[str]]] = deque()
        self._installed = False

    def install(self) -> None:
        """Put the hook before all other finders."""
        # Noting a file may import something itself, such as the codec of paths on Windows. With the
        # hook in place that import would be noted, for which it would be imported, and so on.
        note(__file__)
        sys.meta_path.insert(0, self)
        self._installed = True

    def remove(self) -> None:
        self._installed = False
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def _keep_first(self) -> None:
        """Put the hook before finders that were inserted before it since: it sees nothing there.

        It still returns what they find.
        """
        if self._installed and sys.meta_path[:1] != [self]:
            # In one step: another thread may be going through the list. It may ask a finder twice
            # then, but it leaves none out.
            sys.meta_path[:] = [self, *(each for each in sys.meta_path if each is not self)]

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what the other finders find, and note its file if it is about to be loaded."""
        search = get_ident(), name
        if search in self._searches:  # a finder goes through the others itself: not through us
            return None
        self._searches.add(search)
        try:
            spec = self._find(name, path, target)
        finally:
            self._searches.discard(search)
        with contextlib.suppress(Exception):  # no import fails because of us
            if spec is None:
                if self._installed:
                    self._note_missing(name, path)
            elif spec.has_location and isinstance(spec.origin, str) and _importing():
                self._note(os.path.abspath(spec.origin), getattr(spec, "cached", None))
        return spec

    def _find(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        finders = list(sys.meta_path)
        for finder in finders[finders.index(self) + 1 :] if self in finders else ():
            spec = None
            if (find := getattr(finder, "find_spec", None)) is not None:
                spec = find(name, path, target)
            elif OLD_FINDERS and (find := getattr(finder, "find_module", None)) is not None:
                loader = find(name, path)
                spec = None if loader is None else spec_from_loader(name, loader)
            if spec is not None:
                return spec  # type: ignore[no-any-return]
        return None

    def missing(self) -> Iterator[tuple[str, list[str]]]:
        """Names that no finder has found since the last call, and the folders searched."""
        while self._new_missing:
            yield self._new_missing.popleft()

    def seen(self) -> Iterator[tuple[str, Digest]]:
        """Path and digest of each file that was imported since the last call, oldest first."""
        self._keep_first()
        self._quiet = not self._seen
        while self._seen:
            yield self._seen.popleft()

    def _note(self, path: str, cache: str | None) -> None:
        digest, found = about_to_load(path)
        distrust(path, cache, found)
        if digest is not None:
            self._seen.append((self._links(path), digest))
        self._wake()

    def _note_missing(self, name: str, path: Sequence[str] | None) -> None:
        if name not in self._missing and len(self._missing) < MOST_MISSING:
            self._missing.add(name)
            folders = filter(is_text, sys.path if path is None else path)
            self._new_missing.append((name, [*map(self._links, folders)]))
            self._wake()

    def _wake(self) -> None:
        if self._quiet:
            self._quiet = False
            self._on_import()


def about_to_load(path: str) -> tuple[Digest | None, os.stat_result | None]:
    """What is known of a file from before it is loaded: its digest, as of `note`, and its stat.

    Of an old file of an installed package its time and size: reading each of them would make
    importing Django a tenth slower, and no tool saves one again with the same content.
    """
    found = None
    if is_installed(path):
        with contextlib.suppress(OSError, ValueError):
            found = os.stat(path)
            if stat.S_ISREG(found.st_mode) and not is_young(found, time.time_ns()):
                return dated(found), found
    return note(path), found


def note(path: str) -> Digest | None:
    """The digest of a file that is about to be imported; None if reading it would take long."""
    try:
        handle = open_file(path)  # and no stat first: on Windows that opens it once more
    except (OSError, ValueError):
        return None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            return SPECIAL
        return digest_of_open(handle, found.st_size) if found.st_size <= NOTED_BYTES else None
    except OSError:
        return None
    finally:
        os.close(handle)


def _importing() -> bool:
    """Whether the hook was called to load a module, and not only to find it."""
    frame = sys._getframe(1).f_back
    while frame is not None and frame.f_code.co_name in FINDING:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_name in IMPORTING
