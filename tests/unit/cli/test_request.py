"""One request within a time limit, to servers that answer well, badly, slowly or not at all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from wsgireload.cli.doctor import request
from wsgireload.cli.doctor.request import Answer
from wsgireload.cli.terminal import UsageError


@contextmanager
def serving(*parts: bytes, end: bool = True) -> Iterator[tuple[str, list[bytes]]]:
    """A server that sends these parts to its one client: its URL, and what it received."""
    received: list[bytes] = []
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                received.append(client.recv(65536))
                for part in parts:
                    client.sendall(part)
                if not end:
                    done.wait(10)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/a?b=c", received
        done.set()
        thread.join(10)


@pytest.mark.parametrize("status", [200, 301, 401, 404, 500, 503])
def test_status(status: int) -> None:
    """The status is returned, whatever follows; Host is the given one."""
    with serving(b"HTTP/1.1 %d X\r\n" % status, b"\0" * 1000) as (url, received):
        assert request.get(url, "example.com") == Answer(status)
    assert received[0].startswith(b"GET /a?b=c HTTP/1.1\r\nHost: example.com\r\n")


@pytest.mark.parametrize("parts", [(), (b"HTTP/1.1 2",)])
def test_no_answer_in_time(parts: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not end its first line is given up after the limit."""
    monkeypatch.setattr(request, "LIMIT", 0.05)
    with serving(*parts, end=False) as (url, _):
        assert request.get(url) == Answer(0)


def test_not_http() -> None:
    """Another protocol, or an empty answer, is named."""
    for part in (b"SSH-2.0\r\n", b""):
        with serving(part) as (url, _):
            assert request.get(url) == Answer(0, "the answer is not HTTP")


def test_nothing_listens() -> None:
    """A refused connection differs from other errors."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answer = request.get(f"http://127.0.0.1:{port}/")
    assert (answer.status, answer.refused) == (0, True)


@pytest.mark.parametrize(
    "url",
    ["", "localhost", "ftp://x/", "http://", "http://x:99999/", "http://a b/", "http://x/\r\n"],
)
def test_no_url(url: str) -> None:
    """What cannot be requested is misuse."""
    with pytest.raises(UsageError, match="--url is"):
        request.checked(url)
