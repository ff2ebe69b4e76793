"""A streaming answer that ends when its process is about to be replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterable

TAIL = 4  # bytes


class Stream:
    """The pieces of an answer's body, each as it is, up to the moment when `is_due`.

    The answer ends before its next piece; `may_end` is called with its last bytes so far (4, or
    fewer) and returns whether it may end there. Exceptions pass, and `close` is that of `pieces`.
    """

    def __init__(
        self,
        pieces: Iterable[bytes],
        is_due: Callable[[], bool],
        may_end: Callable[[bytes], bool],
    ) -> None:
        self._pieces = iter(pieces)
        self._is_due = is_due
        self._may_end = may_end
        self._tail = b""
        if (close := getattr(pieces, "close", None)) is not None:
            self.close = close  # a server calls it only where there is one

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> bytes:
        if self._is_due() and self._may_end(self._tail):
            raise StopIteration
        piece = next(self._pieces)
        self._tail = (self._tail + piece[-TAIL:])[-TAIL:]
        return piece
