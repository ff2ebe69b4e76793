"""The import hook: which files are imported, each with its digest just before it is loaded."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

from wsgireload.detect.bytecode import distrust
from wsgireload.detect.digests import Digest, digest_of

NOTED_BYTES = 1 << 20  # a larger file is not read while the application waits for its import
FINDING = {"find_spec", "_find_spec"}
IMPORTING = {"_find_and_load_unlocked", "reload"}  # the callers in importlib that then load


class Imports:
    """A finder before all others, which notes each file that they find before it is loaded.

    So the files of modules whose import fails are known too, and stale bytecode is removed in time.
    `on_import` is called, in the importing thread, at the first import after a call of `seen` that
    returned none.
    """

    def __init__(self, on_import: Callable[[], None]) -> None:
        self._on_import = on_import
        self._seen: deque[tuple[str, Digest]] = deque()
        self._quiet = False

    def install(self) -> None:
        """Put the hook before all other finders."""
        # Noting a file may import something itself, such as the codec of paths on Windows. With the
        # hook in place that import would be noted, for which it would be imported, and so on.
        note(__file__)
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Remove the hook, if it is there."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what the other finders find, and note its file if it is about to be loaded."""
        finders = list(sys.meta_path)
        for finder in finders[finders.index(self) + 1 :] if self in finders else ():
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None else None
            if spec is not None:
                with contextlib.suppress(Exception):  # no import fails because of us
                    if spec.has_location and isinstance(spec.origin, str) and _importing():
                        self._note(os.path.abspath(spec.origin))
                return spec  # type: ignore[no-any-return]
        return None

    def seen(self) -> Iterator[tuple[str, Digest]]:
        """Path and digest of each file that was imported since the last call, oldest first."""
        self._quiet = not self._seen
        while self._seen:
            yield self._seen.popleft()

    def _note(self, path: str) -> None:
        digest = note(path)
        distrust(path)
        if digest is not None:
            self._seen.append((path, digest))
        if self._quiet:
            self._quiet = False
            self._on_import()


def note(path: str) -> Digest | None:
    """The digest of a file that is about to be imported; None if reading it would take long."""
    try:
        found = os.stat(path)
        return digest_of(path, found=found) if found.st_size <= NOTED_BYTES else None
    except (OSError, ValueError):
        return None


def _importing() -> bool:
    """Whether the hook was called to load a module, and not only to find it."""
    frame = sys._getframe(1).f_back
    while frame is not None and frame.f_code.co_name in FINDING:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_name in IMPORTING
