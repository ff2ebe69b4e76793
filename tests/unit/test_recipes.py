"""The documents' recipes are run as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LOGGED = """
from wsgireload.log import Event, Log, Word
Log("site|").say(Word.HOLDING, "a.py, line 7: no", event=Event("held", ("a.py",), 7))
"""


def recipe(document: str, containing: str) -> str:
    """The one block of Python in a document that contains a text."""
    blocks = BLOCK.findall((DOCS / document).read_text("utf-8"))
    [found] = [block for block in blocks if containing in block]
    return found


def run(program: str, *arguments: str) -> str:
    """What a program writes to stderr; it has to exit with 0."""
    words = [sys.executable, "-P", "-c", program, *arguments]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stderr


@pytest.mark.parametrize("library", ["pythonjsonlogger", "structlog"])
def test_json_lines(library: str) -> None:
    """A line of JSON has the message, its level and our fields, without more configuration."""
    found = json.loads(run(recipe("settings.md", f"{library}.") + LOGGED))
    assert found["message"].startswith("holding: a.py, line 7: no [pid ")
    expected = {"event": "held", "path": "a.py", "line": 7, "seconds": None, "application": "site|"}
    assert {name: found[name] for name in expected} == expected
    assert found.get("levelname", found.get("level")).lower() == "warning"


SENT = """
import sys, wsgireload
for kind in sys.argv[1:]:
    on_event(wsgireload.Event(kind, ("a.py",), message="a.py " + kind, pid=1, at=5.0))
"""


class Server(ThreadingHTTPServer):
    """Answers each POST, and keeps what was posted."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.posted: list[bytes] = []
        self.address = f"127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Keeps one body."""

    server: Server

    def do_POST(self) -> None:
        self.server.posted.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    """A stand-in for a service on the web."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_slack(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kinds that the recipe chooses are posted, as Slack expects them."""
    monkeypatch.setenv("SLACK_WEBHOOK", f"http://{server.address}/hook")
    run(recipe("settings.md", "SLACK_WEBHOOK") + SENT, "changed", "held", "reloaded")
    assert [json.loads(body) for body in server.posted] == [
        {"text": "held: a.py held"},
        {"text": "reloaded: a.py reloaded"},
    ]


def test_prometheus() -> None:
    """Each event counts under its kind."""
    shown = (
        "\nimport prometheus_client\nsys.stderr.write(prometheus_client.generate_latest().decode())"
    )
    program = recipe("settings.md", "prometheus_client") + SENT + shown
    found = run(program, "changed", "held", "changed")
    assert 'wsgireload_events_total{kind="changed"} 2.0' in found
    assert 'wsgireload_events_total{kind="held"} 1.0' in found


def test_sentry(server: Server) -> None:
    """A failed start is reported, with the release that the last reload has set."""
    begin = f"""
import sentry_sdk
sentry_sdk.init("http://key@{server.address}/1", default_integrations=False)
"""
    run(begin + recipe("settings.md", "sentry_sdk") + SENT, "reloaded", "held", "failed")
    [event] = [
        json.loads(line) for body in server.posted for line in lines(body) if b'"level"' in line
    ]
    assert (event["message"], event["release"]) == ("a.py failed", "reload-5")


def lines(body: bytes) -> list[bytes]:
    """The lines of an envelope, which may be compressed."""
    import gzip

    return (gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body).splitlines()


def test_a_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The desktop's program gets a title and a text."""
    program = tmp_path / "notify-send"
    program.write_text('#!/bin/sh\nprintf "%s|%s" "$1" "$2" >&2\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    found = run(recipe("settings.md", "notify-send") + SENT, "changed", "held")
    assert found == "wsgireload: held|a.py held"
