"""Puts a tag into a page on its way out, or leaves the answer as it is, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from wsgiref.types import StartResponse, WSGIEnvironment

    Headers = list[tuple[str, str]]
    Error = (
        tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None
    )

END = b"</body"
# They describe the bytes that the application sent, or forbid others to change them.
BOUND = {"content-encoding", "content-range", "transfer-encoding"}
BOUND |= {"content-md5", "digest", "content-digest", "repr-digest"}
# A browser must not be told to go on showing its copy: in that, an old tag may stand.
VALIDATORS = {"etag", "last-modified"}


class Insertion:
    """One answer, between the application, which calls `start`, and the server."""

    def __init__(
        self,
        start_response: StartResponse,
        tag: Callable[[Headers], bytes | None],
        more: Headers,
    ) -> None:
        """`tag` makes what goes into a page with these headers, if it may have it; `more` are
        headers that every answer gets.
        """
        self._start_response = start_response
        self._tag = tag
        self._more = more
        self._told: tuple[str, Headers, Error] | None = None
        self._sent = False
        self._inserted = b""
        self._left = 0  # bytes until the piece that gets the tag is complete

    def start(
        self, status: str, headers: Headers, exc_info: Error = None, /
    ) -> Callable[[bytes], object]:
        """The application's start_response: what it says waits for the first piece."""
        if self._sent:  # the server knows whether it is too late; this is not the page we knew
            self._inserted = b""
            return self._start_response(status, headers + self._more, exc_info)
        self._told = (status, headers, exc_info)
        return self._write

    def body(self, pieces: Iterable[bytes], environ: WSGIEnvironment) -> Iterable[bytes]:
        """What the server gets: the application's own object where nothing is to be inserted."""
        wrapper = environ.get("wsgi.file_wrapper")
        is_file = isinstance(wrapper, type) and isinstance(pieces, wrapper)
        if self._told is not None and (is_file or not _is_page(*self._told[:2])):
            self._send(self._told[1])
            return pieces
        return _Pieces(self, pieces)

    def first(self, piece: bytes, pieces: Iterable[bytes]) -> None:
        """Decide, as the first piece is known; a tag needs the end of the page to be in sight."""
        if self._sent or self._told is None:
            return
        status, headers, _ = self._told
        size = _size(headers)
        if size is None and isinstance(pieces, (list, tuple)):
            size = sum(map(len, pieces))
        until = len(piece) if size is None and END in piece.lower() else size
        suits = until and _is_page(status, headers) and not _has_policy(piece)
        tag = self._tag(headers) if suits else None
        if tag is None or until is None:
            self._send(headers)
            return
        self._inserted, self._left = tag, until
        dropped = VALIDATORS | {"content-length"}
        kept = [(name, value) for name, value in headers if name.lower() not in dropped]
        if size is not None:
            kept.append(("Content-Length", str(size + len(tag))))
        self._send(kept)

    def changed(self, piece: bytes) -> bytes:
        """A piece as it goes out: the one that completes the page gets the tag."""
        self._left -= len(piece)
        if not self._inserted or self._left > 0:
            return piece
        tag, self._inserted = self._inserted, b""
        at = piece.lower().rfind(END)
        return piece[:at] + tag + piece[at:] if at >= 0 else piece + tag

    def unchanged(self) -> None:
        """Send the headers as they are, if that is still to be done."""
        if not self._sent and self._told is not None:
            self._send(self._told[1])

    def _send(self, headers: Headers) -> None:
        assert self._told is not None
        self._sent = True
        status, _, exc_info = self._told
        self._written = self._start_response(status, headers + self._more, exc_info)

    def _write(self, piece: bytes) -> None:
        """What start_response gave the application: who writes by hand is left alone."""
        self.unchanged()
        self._written(piece)


class _Pieces:
    """The application's pieces, each as soon as it comes."""

    def __init__(self, insertion: Insertion, pieces: Iterable[bytes]) -> None:
        self._insertion = insertion
        self._given = pieces
        self._pieces = iter(pieces)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            piece = next(self._pieces)
        except StopIteration:
            self._insertion.unchanged()
            raise
        self._insertion.first(piece, self._given)
        return self._insertion.changed(piece)

    def close(self) -> None:
        """The application's own end of the answer."""
        close = getattr(self._given, "close", None)
        if close is not None:
            close()


def _is_page(status: str, headers: Headers) -> bool:
    """Whether it is a page, whole and as it is, which a browser shows."""
    if status[:3] != "200" and not status.startswith(("4", "5")):
        return False
    told = {name.lower(): value.strip().lower() for name, value in headers}
    kind, _, parameters = told.get("content-type", "").partition(";")
    wide = any(charset in parameters for charset in ("utf-16", "utf-32", "utf-7"))
    if kind.strip() != "text/html" or wide or BOUND & told.keys():
        return False
    attached = told.get("content-disposition", "").startswith("attachment")
    return not attached and "no-transform" not in told.get("cache-control", "")


def _size(headers: Headers) -> int | None:
    told = [value for name, value in headers if name.lower() == "content-length"]
    return int(told[0]) if len(told) == 1 and told[0].isdecimal() else None


def _has_policy(piece: bytes) -> bool:
    """Whether the page itself says what may run in it: it may not even be HTML by our reading."""
    return b"content-security-policy" in piece.lower()
