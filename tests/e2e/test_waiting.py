"""What a restart waits for, what it does not wait for, and where that is named."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.apacheserver import wait_for
from support.testsite import START, Site, Sites

LINE = "reload_required = wsgireload.reload_required"
STREAM = """

def stream():
    while True:
        yield b"data: x\\n\\n"
        time.sleep(0.1)


def with_streams(environ, start_response, usual=application):
    if environ["PATH_INFO"] != "/events":
        return usual(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    return stream()


import time
application = with_streams
"""
MIDDLEWARE = """
from wsgireload.web import middleware
application = middleware(application)
"""
JOB = """
import time
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(1, "mail")

def begin():
    return bool(pool.submit(time.sleep, 40))
"""
POOL = """
import math
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

pool = ProcessPoolExecutor(2, mp_context=get_context("fork"))

def begin():
    return pool.submit(math.isqrt, 16).result()
"""


def begun(new_site: Sites, daemon: str, settings: str, script: str = "", **options: object) -> Site:
    """Return a site that has scanned its code, in the main interpreter if not otherwise set."""
    site = new_site(daemon=f"threads=6 {daemon}", **{"group": "%{GLOBAL}", **options})
    site.edit("app.wsgi", f"{START})", f"{START}, {settings})\n{LINE}")
    site.write("app.wsgi", (site.app / "app.wsgi").read_text() + script)
    site.start()
    site.wait_for_looks()
    return site


@contextlib.contextmanager
def tab(site: Site, path: str = "/events?secret=1") -> Iterator[socket.socket]:
    """Open a stream, as a browser's tab does."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=site.patience) as stream:
        stream.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert stream.recv(4096).startswith(b"HTTP/1.1 200")
        yield stream


def test_requests_longer_than_shutdown_timeout(new_site: Sites) -> None:
    """The old code answers all requests until they have ended: none of them is cut."""
    site = begun(new_site, "shutdown-timeout=3", "patience=3")
    site.write("slow.py", "import time\n\ndef answer():\n    time.sleep(5.5)\n    return 'done'\n")
    with ThreadPoolExecutor() as pool:
        slow = [pool.submit(site.ask, "slow.answer") for _ in range(4)]
        wait_for(lambda: "slow" in site.ask("words.loaded").value, "the slow requests")
        site.edit("words.py", "old", "new")
        changed = site.wait_for_line("changed: ")[0].when
        while time.time() < changed + 2.5:
            assert site.ask().value == "old"
        assert [each.result().value for each in slow] == ["done"] * 4
    assert site.wait_for_value("new").value == "new"
    assert "waiting up to 3 s for request GET /slow.answer" in site.said("restarting: ")[0].text


@pytest.mark.parametrize("group", ["%{GLOBAL}", None])
def test_an_old_process_that_drains_for_long(new_site: Sites, group: str | None) -> None:
    """A request that takes longer than a restart should is no failed restart."""
    brief = "\nimport wsgireload.server.restart\nwsgireload.server.restart.TAKEN_UP = 1.0\n"
    site = begun(new_site, "shutdown-timeout=20", "patience=0.2", brief, group=group)
    site.write("slow.py", "import time\n\ndef answer():\n    time.sleep(6)\n    return 'done'\n")
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(site.ask, "slow.answer")
        wait_for(lambda: "slow" in site.ask("words.loaded").value, "the slow request")
        site.edit("words.py", "old", "new")
        assert site.wait_for_value("new").value == "new"
        assert slow.result().value == "done"
    assert site.said("holding: ") == []


def test_a_stream(new_site: Sites) -> None:
    """A stream is not waited for, beyond shutdown-timeout; status and log name it, no query."""
    site = begun(new_site, "shutdown-timeout=4", "patience=0.2", STREAM)
    with tab(site):
        wait_for(lambda: site.ask().status["looks"] > 20, "a stream of some seconds")
        site.edit("words.py", "old", "new")
        saved = time.monotonic()
        assert site.wait_for_value("new").value == "new"
        assert time.monotonic() - saved < 10  # 4 s, and Apache's second
    named = site.said("restarting: before it ends, ")[0].text
    assert "still waits for request GET /events in thread " in named
    assert "secret" not in site.log.text().replace("GET /events?secret=1", "")
    site.noisy = True  # mod_wsgi reports that it aborts the process


def test_a_stream_with_the_middleware(new_site: Sites) -> None:
    """The stream ends after the event that is under way, and the new process answers at once."""
    site = begun(new_site, "shutdown-timeout=60", "patience=60", STREAM + MIDDLEWARE)
    with tab(site) as stream:
        site.edit("words.py", "old", "new")
        saved = time.monotonic()
        assert site.wait_for_value("new").value == "new"
        assert time.monotonic() - saved < 10
        body = b"".join(iter(lambda: stream.recv(4096), b""))
        assert body.rstrip().endswith(b"data: x\n\n\r\n0")  # chunks that are complete


@pytest.mark.parametrize("group", ["%{GLOBAL}", None])
def test_an_executor(new_site: Sites, group: str | None) -> None:
    """A job in an executor delays the end of its process; the log names its thread."""
    site = begun(new_site, "shutdown-timeout=4", "patience=5", group=group)
    site.write("job.py", JOB)
    assert site.ask("job.begin").value is True
    site.wait_for_looks()
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    assert "still waits for thread 'mail_0'" in site.said("restarting: before it ends, ")[0].text
    site.noisy = True


def test_children(new_site: Sites) -> None:
    """Forked children delay no restart, and none of them is left behind."""
    site = begun(new_site, "shutdown-timeout=20", "patience=5")
    site.write("pool.py", POOL)
    assert site.ask("pool.begin").value == 4
    site.wait_for_looks()
    before = time.monotonic()
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    assert time.monotonic() - before < 10, "until shutdown-timeout"


def test_next_request_with_the_line_of_another(new_site: Sites) -> None:
    """If mod_wsgi calls a function that is not ours, auto applies, and the log line has why."""
    site = new_site()
    foreign = "from handler import reload_required"
    site.write("handler.py", "def reload_required(filename):\n    return False\n")
    site.edit("app.wsgi", f"{START})", f"{START}, when='next-request')\n{foreign}")
    site.start()
    site.wait_for_looks()
    site.edit("words.py", "old", "new")
    assert "when='auto' applies" in site.wait_for_line("restarting: ")[0].text
    assert site.wait_for_value("new").value == "new"
