"""One GET request within a time limit: its status, and nothing else of the answer."""

from __future__ import annotations

import re
import socket
import time
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from wsgireload.cli.terminal import UsageError

LIMIT = 5.0  # seconds for the whole request: a large application may be loaded first
MOST = 64 * 1024  # bytes of an answer: its status line comes first
STATUS = re.compile(rb"HTTP/1\.\d (\d{3})")


class Answer(NamedTuple):
    """The HTTP status; 0 without one, then `error` is the reason, "" for an expired limit."""

    status: int
    error: str = ""
    refused: bool = False


def checked(url: str) -> SplitResult:
    """Return the parts of a URL; UsageError if it cannot be requested."""
    takes = "it takes an URL such as http://localhost:8080/"
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(f"--url is {url!r}; {takes}")
    return parts


def get(url: str, host: str = "") -> Answer:
    """Request a URL. `host` is the value of the header Host, by default that of the URL."""
    parts = checked(url)
    is_tls = parts.scheme == "https"
    ends = time.monotonic() + LIMIT
    where = (parts.hostname or "", parts.port or (443 if is_tls else 80))
    try:
        with socket.create_connection(where, LIMIT) as plain:
            connection = _encrypted(plain, parts.hostname or "") if is_tls else plain
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            given = host or parts.netloc.rpartition("@")[2]
            head = f"GET {path} HTTP/1.1\r\nHost: {given}\r\nUser-Agent: wsgireload-doctor\r\n"
            connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
            received = b""
            while b"\n" not in received and len(received) < MOST:
                connection.settimeout(max(ends - time.monotonic(), 0.001))
                if not (block := connection.recv(MOST)):
                    break
                received += block
    except TimeoutError:
        return Answer(0)
    except OSError as error:
        return Answer(0, error.strerror or str(error), isinstance(error, ConnectionRefusedError))
    found = STATUS.match(received)
    return Answer(int(found[1])) if found else Answer(0, "the answer is not HTTP")


def _encrypted(plain: socket.socket, name: str) -> socket.socket:
    import ssl

    context = ssl.create_default_context()
    # Nothing secret is sent, and a development server has a certificate of its own.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=name)
