"""Whether a changed source is still the same program, however it is laid out.

Its syntax tree decides, as comments, blank lines and layout are not in it. Bytecode does not: lines
reach into it. Of the text that was loaded, nothing is left on disk, so it is kept.
"""

from __future__ import annotations

import contextlib
import os

from wsgireload.changes import Hasher
from wsgireload.detect.digest import SIZE, Digest
from wsgireload.detect.missing import is_of_application
from wsgireload.detect.statements import parsed
from wsgireload.server.files import content

MOST = 200_000  # bytes of a source: parsing two of them stops this whole process for 0.2 s


class Programs:
    """For compare="code": the application's own sources as they were loaded.

    Those of Python itself and of installed packages are too many to be kept: there any byte counts.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, bytes] = {}  # compressed
        self._verdicts: dict[str, tuple[Digest, bool]] = {}

    def remember(self, source: str, digest: Digest) -> None:
        """Keep the source on disk, which is the one that was loaded: it has this digest."""
        if source in self._loaded or not is_of_application(os.path.dirname(source)):
            return
        if (text := _text(source, digest)) is not None:
            import zlib

            self._loaded[source] = zlib.compress(text, 1)

    def same(self, source: str, digest: Digest) -> bool:
        """Whether the source on disk, with this digest, is the same program."""
        if self._verdicts.get(source, (b"",))[0] != digest:
            self._verdicts[source] = (digest, self._same(source, digest))
        return self._verdicts[source][1]

    def _same(self, source: str, digest: Digest) -> bool:
        loaded = self._loaded.get(source)
        if loaded is None or (text := _text(source, digest)) is None:
            return False
        import zlib

        return is_same(zlib.decompress(loaded), text)


def is_same(one: bytes, other: bytes) -> bool:
    """Whether two sources are the same program; False for what cannot be parsed."""
    import ast

    trees = parsed(one), parsed(other)
    dumps = [ast.dump(tree, annotate_fields=False) for tree in trees if tree is not None]
    return len(dumps) == 2 and dumps[0] == dumps[1]


def _text(source: str, digest: Digest) -> bytes | None:
    """The source on disk; None if it is large, cannot be read, or has another digest by now."""
    with contextlib.suppress(OSError):
        text = content(source)
        if len(text) <= MOST and Hasher(text).digest()[:SIZE] == digest:
            return text
    return None
