"""What differs from the code that this process runs: the word that all stages share."""

from itertools import chain
from typing import NamedTuple

from wsgireload.log import few, shown

# The function that hashlib has under the same name. Importing hashlib loads OpenSSL too: memory in
# each process, and a crash of early 3.12 in an interpreter with its own GIL. Keyword arguments
# crash there as well (python/cpython#119213), so a digest is cut to its size.
try:
    from _blake2 import blake2b
except ImportError:  # another Python, or one that has moved it
    from hashlib import blake2b

Hasher = blake2b

MODIFIED, DELETED, APPEARED = "modified", "deleted", "appeared"

BY_HAND = "requested by hand: "
CLOSED = "this process has rejected a request, and answers no other"


class Change(NamedTuple):
    """One file that differs: its digest now (15 bytes), or a value for what has none.

    `kind` is MODIFIED, DELETED or APPEARED. `is_python`: the file must compile. `unfinished`: it is
    code that is missing or empty, as in the midst of a save. `is_code`: it is a source or another
    file of a module.
    """

    digest: bytes
    kind: str = MODIFIED
    is_python: bool = False
    unfinished: bool = False
    is_code: bool = False


class Changes(NamedTuple):
    """All that differs, by path; and what has this process replaced whatever differs.

    `requested` is why a restart is; `was_held`: a gate has held that, as its sender knows.
    `closed`: the process answers no request any more.
    """

    files: dict[str, Change] = {}  # noqa: RUF012 - a NamedTuple's default; nothing writes to it
    requested: str | None = None
    closed: bool = False
    was_held: bool = False

    @property
    def by_hand(self) -> bool:
        """Whether a person waits for the restart, which some gates let pass."""
        return self.requested is not None and not self.was_held

    def __bool__(self) -> bool:
        """Whether there is a reason to restart."""
        return bool(self.files) or self.requested is not None or self.closed

    def described(self, modified: str = MODIFIED) -> str:
        """What changed, in words; `modified` is the word for the usual kind."""
        words = few(
            f"{shown(path)} {modified if change.kind == MODIFIED else change.kind}"
            for path, change in self.files.items()
        )
        if not self.files and self.requested is not None:
            words = self.requested
        if self.closed:
            words = f"{words}; {CLOSED}" if words else CLOSED
        return words

    def fingerprint(self) -> str:
        """A short name: the same in every process that runs the same code beside these files."""
        pairs = ((path, change.digest) for path, change in self.files.items())
        named = sorted((path.encode("utf-8", "surrogatepass"), digest) for path, digest in pairs)
        return fingerprint(*chain.from_iterable(named))


NONE = Changes()


def fingerprint(*parts: bytes) -> str:
    """A short name (16 hex digits) for these parts in this order."""
    return Hasher(b"".join(b"%d:%s" % (len(part), part) for part in parts)).hexdigest()[:16]
