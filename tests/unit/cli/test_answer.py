"""What the doctor makes of a site's answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wsgireload.cli.apache.addresses import Address
from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.httpd import Httpd
from wsgireload.cli.apache.sites import GLOBAL, Site
from wsgireload.cli.doctor import answer
from wsgireload.cli.doctor.finding import Finding


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


def examine(log: str, port: int, group: str = "") -> Finding:
    """The finding about a site at this port, with this ErrorLog."""
    alias = Directive("wsgiscriptalias", ("/", "/srv/mysite/app.wsgi"))
    address = Address("127.0.0.1", port, "/")
    site = Site("/srv/mysite/app.wsgi", "/", alias, "site", group, None, address=address)
    httpd = Httpd("httpd", None, lambda _words, _environment: (0, "", ""))
    [found] = answer.examine(site, [Directive("errorlog", (log,))], httpd, None)
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
        ("[core:error] [client ::1] AH00037: Symbolic link not allowed: /a", "fail", "directive"),
        ("[core:debug] [client ::1] AH01626: authorization result: granted", "ok", ""),
        ("[mpm_event:notice] AH00489: Apache/2.4 configured", "ok", ""),
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


CLIENT = "[client 127.0.0.1:36532] [script /srv/mysite/app.wsgi]"


MOD_WSGI_4 = "[client 127.0.0.1:1] mod_wsgi (pid=2):"
UNABLE = "Unable to connect to WSGI daemon process 'site' on '/logs/wsgi.1.0.1.sock'"


@pytest.mark.parametrize(
    ("line", "cure"),
    [
        (
            "No WSGI daemon process called 'mysit' has been configured: /a",
            "WSGIDaemonProcess mysit",
        ),
        ("No WSGI daemon process called '%{ENV:PG}' has been configured.", "`SetEnv PG "),
        (f"(13)Permission denied: {CLIENT} WSGI0117: {UNABLE} as user with uid=1.", "SocketPrefix"),
        (f"(13)Permission denied: {MOD_WSGI_4} {UNABLE} as user with uid=33.", "SocketPrefix"),
        (
            f"(11)Resource … unavailable: {MOD_WSGI_4} {UNABLE} after multiple attempts",
            "each thread",
        ),
        (
            "[client ::1] Truncated or oversized response headers received from daemon process 'x'",
            "C extension",
        ),
        (
            f"{CLIENT} WSGI0147: Error reading response headers from daemon process 'x' (reset).",
            "C extension",
        ),
        (
            f"{CLIENT} WSGI0146: Daemon process 'x' closed connection before sending complete …",
            "C extension",
        ),
        ("(13)Permission denied: [client ::1] AH00132: file … deny access: /srv/app.wsgi", "chmod"),
    ],
)
def test_messages_of_apache(
    tmp_path: Path, line: str, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message about a request is repeated without what is before it, with its cure."""
    log = tmp_path / "error.log"
    log.write_text("child pid 1 exit signal Abort (6), of another time\n")

    def get(_url: str, _host: str) -> answer.Answer:
        with log.open("a") as file:
            file.write(f"[x] [wsgi:error] [pid 1:tid 2] {line}\n")
        return answer.Answer(500)

    monkeypatch.setattr(answer.request, "get", get)
    found = examine(str(log), 1)
    assert (found.level, cure in found.cure) == ("fail", True)
    assert cure == "chmod" or "client" not in found.text


@pytest.mark.parametrize(
    ("error", "group", "cure"),
    [
        ("ImportError: PyO3 modules do not yet support subinterpreters, see …", "", "%{GLOBAL}"),
        (
            "ImportError: PyO3 modules may only be initialized once per interpreter process",
            "",
            "%{GLOBAL}",
        ),
        (
            "ImportError: … this module can only be loaded into one interpreter per process.",
            "a.org|",
            "%{GLOBAL}",
        ),
        ("ImportError: cannot load module more than once per process", "", "%{GLOBAL}"),
        (
            "ImportError: module _a does not support loading in subinterpreters",
            "",
            "%{GLOBAL}",
        ),
        ("ImportError: cannot load module more than once per process", GLOBAL, "that line"),
        ("ImportError: cannot import name 'process' from 'views'", "", "that line"),
    ],
)
def test_a_module_for_one_interpreter(
    tmp_path: Path, error: str, group: str, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No change of a line helps where a module refuses a sub-interpreter."""
    log = tmp_path / "error.log"
    log.touch()

    def get(_url: str, _host: str) -> answer.Answer:
        start = "[x] [wsgi:error] [pid 1:tid 2] [client ::1]"
        lines = "Traceback (most recent call last):", '  File "/srv/mysite/a.py", line 1', error
        log.write_text("".join(f"{start} {line}\n" for line in lines))
        return answer.Answer(500)

    monkeypatch.setattr(answer.request, "get", get)
    found = examine(str(log), 1, group)
    assert (error in found.text, cure in found.cure) == (True, True)


def test_a_crash_of_another_time(tmp_path: Path) -> None:
    """That a process has crashed before the request explains nothing."""
    log = tmp_path / "error.log"
    log.write_text("child pid 1 exit signal Abort (6)\n")
    with answering(500) as port:
        assert examine(str(log), port).cure == f"read the last lines of {log}"


@pytest.mark.parametrize(
    ("line", "parent", "level", "cure"),
    [
        ("AH00052: child pid 7 exit signal Abort (6)", 1, "fail", "C extension"),
        ("WSGI0010: Unable to change working directory to home directory '/x'", 1, "fail", "home="),
        ("WSGI0010: Unable to change working directory to home directory '/x'", 3, "warn", "hangs"),
        ("an application's own line", 1, "warn", "hangs"),
    ],
)
def test_no_answer(
    tmp_path: Path, line: str, parent: int, level: str, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that cannot start keeps requests waiting, and its line may be older than they."""
    log = tmp_path / "error.log"
    log.write_text(f"[x] [wsgi:error] [pid 7:tid 2] {line}\n" if "WSGI" in line else "")

    def get(_url: str, _host: str) -> answer.Answer:
        with log.open("a") as file:
            file.write(f"[x] [core:notice] [pid 1:tid 1] {line}\n" if "WSGI" not in line else "")
        return answer.Answer(0)

    monkeypatch.setattr(Httpd, "pid", 1)
    monkeypatch.setattr(answer.processes, "parent", lambda _pid: parent)
    monkeypatch.setattr(answer.request, "get", get)
    found = examine(str(log), 1)
    assert (found.level, cure in found.cure) == (level, True)
