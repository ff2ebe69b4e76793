"""Insert a tag into a page on its way out; leave any other response as it is, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from wsgiref.types import StartResponse, WSGIEnvironment

from wsgireload.web.markup import end_of, policies_of

Headers = list[tuple[str, str]]
Error = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None

MOST = 1 << 22  # bytes of a page that gets the tag: its end has to be found
LATER = -1
# They describe the bytes that the application sent, or forbid others to change them.
BODY_HEADERS = {"content-range", "transfer-encoding"}
BODY_HEADERS |= {"content-md5", "digest", "content-digest", "repr-digest"}
# Parts of the names of encodings that do not extend ASCII, or in which its bytes mean other things.
NOT_ASCII = ("utf-16", "utf_16", "utf16", "ucs-2", "unicode", "utf-32", "utf-7", "iso-2022")
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16
ENCODING = "content-encoding"
POLICY = b"content-security-policy"
# With these a browser may show its own copy, which has an old tag.
VALIDATORS = {"etag", "last-modified"}
# A page with the tag is for one client: each header by which some cache may decide to keep it.
# mod_expires adds its own Cache-Control unless there is an Expires.
UNCACHED = [("Cache-Control", "private, no-store"), ("Pragma", "no-cache"), ("Expires", "0")]
UNCACHED += [("Surrogate-Control", "no-store"), ("CDN-Cache-Control", "no-store"), ("Vary", "*")]
CACHE_HEADERS = VALIDATORS | {name.lower() for name, _ in UNCACHED}
CACHE_HEADERS |= {"age", "x-accel-expires", "edge-control"}


class Insertion:
    """One response, between the application, which calls `start`, and the server."""

    def __init__(
        self,
        start_response: StartResponse,
        tag: Callable[[Headers], bytes | None],
        more: Headers,
        uncached: Headers = UNCACHED,
    ) -> None:
        """`tag` returns the tag for a page with these headers, or None.

        `more` are headers to add to every response, `uncached` those to add to a page with the tag.
        """
        self._start_response = start_response
        self._tag = tag
        self._more = more
        self._uncached = uncached
        self._started: tuple[str, Headers, Error] | None = None
        self._sent = False
        self._inserted = b""
        self._place = LATER
        self._policies: Headers = []  # that are in the page
        self._page = bytearray()  # what has been passed on, while the place is not known
        self._size = 0
        self._passed = 0  # bytes

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
        started = self._started
        if started is not None and (is_file(pieces, environ) or not _is_page(*started[:2])):
            self._send(started[1])
            return pieces
        return _Pieces(self, pieces)

    def begin(self, piece: bytes, pieces: Iterable[bytes]) -> None:
        """Decide at the first piece. The tag needs a known length, or the end in this piece."""
        if self._sent or self._started is None:
            return
        status, headers, _ = self._started
        place = size = None
        whole = pieces if isinstance(pieces, (list, tuple)) else [piece]
        # The server reports what is not bytes.
        if all(isinstance(each, bytes) for each in whole) and _is_page(status, headers):
            size = _size(headers)
            if whole is pieces:
                piece = b"".join(whole)
                size = len(piece) if size in (None, len(piece)) else 0
            place = None if _is_wide(piece) else _place(piece, size)
            self._policies = _policies(piece)
        tag = self._tag(headers + self._policies) if place is not None else None
        if tag is None or place is None:
            self._send(headers)
            return
        self._inserted, self._place, self._size = tag, place, size or 0
        removed = CACHE_HEADERS | {"content-length"}
        kept = [(name, value) for name, value in headers if name.lower() not in removed]
        if size is not None:
            kept.append(("Content-Length", str(size + len(tag))))
        self._send(kept + self._uncached)

    def transform(self, piece: bytes) -> bytes:
        """Return a piece, with the tag if its place is there."""
        if not self._inserted:
            return piece
        start, self._passed = self._passed, self._passed + len(piece)
        if self._place == LATER:
            self._page += piece
            if self._passed < self._size:
                return piece
            self._choose_place(start)
        if self._place > self._passed:
            return piece
        tag, self._inserted = self._inserted, b""
        at = self._place - start
        return piece[:at] + tag + piece[at:]

    def _choose_place(self, start: int) -> None:
        """Choose a place in the last piece, which begins at `start`."""
        page = bytes(self._page[: self._size])
        body, end = end_of(page)
        self._place = body if body >= start else self._size
        has_place = self._place == body or end >= 0
        if not has_place or _policies(page) != self._policies:
            # Fill the length, which was sent, with blanks.
            self._inserted = b" " * len(self._inserted)

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
    if not all(isinstance(text, str) for header in headers for text in header):
        return False  # the server reports that
    values = {name.lower(): value.strip().lower() for name, value in headers}
    kind, _, parameters = values.get("content-type", "").partition(";")
    is_wide = any(charset in parameters for charset in NOT_ASCII)
    is_fixed = is_encoded(headers) or not BODY_HEADERS.isdisjoint(values)
    if kind.strip() != "text/html" or is_wide or is_fixed:
        return False
    is_download = values.get("content-disposition", "").startswith("attachment")
    return not is_download and "no-transform" not in values.get("cache-control", "")


def _place(known: bytes, size: int | None) -> int | None:
    """Return the offset of the tag in a page that begins with `known`.

    LATER if the page, of a known size, goes on; None if there is no place for it.
    """
    if size is not None and len(known) < size:
        return LATER if size <= MOST else None
    if not known or len(known) > MOST or size not in (None, len(known)):
        return None
    body, end = end_of(known)
    if body < 0 and size is not None and end >= 0:
        return end
    return body if body >= 0 else None


def _size(headers: Headers) -> int | None:
    values = [value for name, value in headers if name.lower() == "content-length"]
    return int(values[0]) if len(values) == 1 and values[0].isdecimal() else None


def is_file(pieces: Iterable[bytes], environ: WSGIEnvironment) -> bool:
    """Return whether the server sends this body as a file by itself."""
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(pieces, wrapper)


def is_encoded(headers: Headers) -> bool:
    """Return whether a body is compressed. An empty value keeps a compressor from doing that."""
    encodings = [value.strip().lower() for name, value in headers if name.lower() == ENCODING]
    return any(each not in ("", "identity") for each in encodings)


def _is_wide(piece: bytes) -> bool:
    """Return whether a page is in UTF-16, whatever its headers say."""
    return b"\0" in piece[:4] or piece.startswith(BYTE_ORDER_MARKS)


def _policies(piece: bytes) -> Headers:
    """Return the policies that a page has in itself, as headers."""
    found = policies_of(piece) if POLICY in piece.lower() else []
    return [("Content-Security-Policy", policy) for policy in found]
