"""What the doctor makes of a site's answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wsgireload.cli.addresses import Address
from wsgireload.cli.directives import Directive
from wsgireload.cli.doctor import answer
from wsgireload.cli.doctor.finding import Finding
from wsgireload.cli.httpd import Httpd
from wsgireload.cli.sites import Site


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server that answers one request; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(f"HTTP/1.1 {status} x\r\n\r\n".encode())

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def examine(log: str, port: int) -> Finding:
    """The finding about a site at this port, with this ErrorLog."""
    alias = Directive("wsgiscriptalias", ("/", "/srv/mysite/app.wsgi"))
    address = Address("127.0.0.1", port, "/")
    site = Site("/srv/mysite/app.wsgi", "/", alias, "site", "", None, address=address)
    [found] = answer.examine(site, [Directive("errorlog", (log,))], Httpd("httpd"), None)
    return found


@pytest.mark.parametrize(
    ("status", "level"),
    [(200, "ok"), (302, "ok"), (401, "ok"), (404, "ok"), (403, "warn"), (500, "fail")],
)
@pytest.mark.parametrize("log", ["|/usr/bin/rotatelogs /var/log/x 86400", "/nowhere/error.log"])
def test_without_a_log(status: int, level: str, log: str) -> None:
    """Without a log that can be read an error is one, but a 403 may be the application's own."""
    with answering(status) as port:
        found = examine(log, port)
    assert (found.level, str(status) in found.text) == (level, True)


@pytest.mark.parametrize(
    ("line", "level", "cure"),
    [
        ("AH01630: client denied by server configuration: /srv/mysite/app.wsgi", "fail", "Require"),
        ("an application's own line", "ok", ""),
    ],
)
def test_refused(tmp_path: Path, line: str, level: str, cure: str, monkeypatch) -> None:
    """A 403 is a failure only if Apache's log says that Apache refuses."""
    log = tmp_path / "error.log"
    log.write_text("client denied by server configuration: /of/another/time\n")
    asked = answer.request.get

    def get(url: str, host: str) -> answer.Answer:
        with log.open("a") as file:
            file.write(f"[x] [pid 1] {line}\n")
        return asked(url, host)

    monkeypatch.setattr(answer.request, "get", get)
    with answering(403) as port:
        found = examine(str(log), port)
    assert (found.level, cure in found.cure) == (level, True)
