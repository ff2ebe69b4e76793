"""Insert a tag into a page on its way out; leave any other response as it is, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from wsgiref.types import StartResponse, WSGIEnvironment

Headers = list[tuple[str, str]]
Error = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None

END = b"</body"
# They describe the bytes that the application sent, or forbid others to change them.
BODY_HEADERS = {"content-encoding", "content-range", "transfer-encoding"}
BODY_HEADERS |= {"content-md5", "digest", "content-digest", "repr-digest"}
# With these a browser may show its own copy, which has an old tag.
VALIDATORS = {"etag", "last-modified"}


class Insertion:
    """One response, between the application, which calls `start`, and the server."""

    def __init__(
        self,
        start_response: StartResponse,
        tag: Callable[[Headers], bytes | None],
        more: Headers,
    ) -> None:
        """`tag` returns the tag for a page with these headers, or None.

        `more` are headers to add to every response.
        """
        self._start_response = start_response
        self._tag = tag
        self._more = more
        self._started: tuple[str, Headers, Error] | None = None
        self._sent = False
        self._inserted = b""
        self._left = 0  # bytes up to the end of the piece that gets the tag

    def start(
        self, status: str, headers: Headers, exc_info: Error = None, /
    ) -> Callable[[bytes], object]:
        """Take the application's status and headers, and keep them until the first piece."""
        if self._sent:  # the server decides whether it is too late for an error page
            self._inserted = b""
            return self._start_response(status, headers + self._more, exc_info)
        self._started = (status, headers, exc_info)
        return self._write

    def body(self, pieces: Iterable[bytes], environ: WSGIEnvironment) -> Iterable[bytes]:
        """Return the body for the server: the application's own object if nothing is inserted."""
        wrapper = environ.get("wsgi.file_wrapper")
        is_file = isinstance(wrapper, type) and isinstance(pieces, wrapper)
        if self._started is not None and (is_file or not _is_page(*self._started[:2])):
            self._send(self._started[1])
            return pieces
        return _Pieces(self, pieces)

    def begin(self, piece: bytes, pieces: Iterable[bytes]) -> None:
        """Decide at the first piece. The tag needs a known length, or the end in this piece."""
        if self._sent or self._started is None:
            return
        status, headers, _ = self._started
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
        removed = VALIDATORS | {"content-length"}
        kept = [(name, value) for name, value in headers if name.lower() not in removed]
        if size is not None:
            kept.append(("Content-Length", str(size + len(tag))))
        self._send(kept)

    def transform(self, piece: bytes) -> bytes:
        """Return a piece, with the tag if it completes the page."""
        self._left -= len(piece)
        if not self._inserted or self._left > 0:
            return piece
        tag, self._inserted = self._inserted, b""
        at = piece.lower().rfind(END)
        return piece[:at] + tag + piece[at:] if at >= 0 else piece + tag

    def finish(self) -> None:
        """Send the headers as they are, unless they are sent."""
        if not self._sent and self._started is not None:
            self._send(self._started[1])

    def _send(self, headers: Headers) -> None:
        assert self._started is not None
        self._sent = True
        status, _, exc_info = self._started
        self._server_write = self._start_response(status, headers + self._more, exc_info)

    def _write(self, piece: bytes) -> None:
        """The write function of WSGI; a response that uses it gets no tag."""
        self.finish()
        self._server_write(piece)


class _Pieces:
    """The application's pieces, each passed on at once."""

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
            self._insertion.finish()
            raise
        self._insertion.begin(piece, self._given)
        return self._insertion.transform(piece)

    def close(self) -> None:
        """Close the application's own object."""
        close = getattr(self._given, "close", None)
        if close is not None:
            close()


def _is_page(status: str, headers: Headers) -> bool:
    """Return whether a response is a whole HTML page for a browser to show."""
    if status[:3] != "200" and not status.startswith(("4", "5")):
        return False
    values = {name.lower(): value.strip().lower() for name, value in headers}
    kind, _, parameters = values.get("content-type", "").partition(";")
    is_wide = any(charset in parameters for charset in ("utf-16", "utf-32", "utf-7"))
    if kind.strip() != "text/html" or is_wide or BODY_HEADERS & values.keys():
        return False
    is_download = values.get("content-disposition", "").startswith("attachment")
    return not is_download and "no-transform" not in values.get("cache-control", "")


def _size(headers: Headers) -> int | None:
    values = [value for name, value in headers if name.lower() == "content-length"]
    return int(values[0]) if len(values) == 1 and values[0].isdecimal() else None


def _has_policy(piece: bytes) -> bool:
    """Return whether a page seems to contain a policy of its own, which may forbid our script."""
    return b"content-security-policy" in piece.lower()
