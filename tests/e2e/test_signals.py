"""Other code has taken the signal that ends a process: a save goes live, or the old code serves."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest
from support.testsite import START, Site, Sites
from support.traffic import Traffic

LINE = "reload_required = wsgireload.reload_required"

# By a library in C, as a JVM does; by Python, which mod_wsgi lets do so where it is told to.
TAKEN = {
    "ignored": "import ctypes\n\nctypes.CDLL(None).signal({}, ctypes.c_void_p(1))\n",
    "handled": "import ctypes\n\nctypes.CDLL(None).signal({}, ctypes.CDLL(None).abs)\n",
    "by Python": "import signal\n\nsignal.signal({}, lambda number, frame: None)\n",
    "blocked": "import signal\n\nsignal.pthread_sigmask(signal.SIG_BLOCK, [{}])\n",
}

WAITING = """
import _thread

def wait():
    while True:
        signal.sigwait([signal.SIGINT])

_thread.start_new_thread(wait, ())
"""

SOON = "import wsgireload.server.restart\n\nwsgireload.server.restart.TAKEN_UP = 0.3"

SERVICE = f"""\
import wsgireload

{START})
import os
import time

import words

while True:
    with open(f"{{__file__}}.beat", "w") as file:
        file.write(words.WORD)
    time.sleep(0.1)
"""


def preloading(new_site: Sites, text: str, when: str = "auto", processes: int = 1) -> Site:
    """A site whose daemon processes first run `text` in their main thread and interpreter."""
    site = new_site(daemon=f"processes={processes} threads=5")
    script = site.write("first.py", text)
    site.served = replace(
        site.served,
        directives="WSGIRestrictSignal Off\n"
        f"WSGIImportScript {script} process-group=site application-group=%{{GLOBAL}}",
    )
    site.edit("app.wsgi", f"{START})", f"{START}, when={when!r})\n{LINE}")
    return site


@pytest.mark.parametrize("when", ["auto", "next-request"])
@pytest.mark.parametrize("how", TAKEN)
def test_a_signal_that_is_taken(new_site: Sites, how: str, when: str) -> None:
    """A save goes live and no request is lost, in whichever way other code has taken SIGINT."""
    site = preloading(new_site, TAKEN[how].format(2), when)
    site.start()
    site.wait_for_looks()
    with Traffic(site, 3, name="words.WORD") as traffic:
        site.edit("words.py", "old", "new")
        traffic.wait_for("new")
    assert (traffic.lost, site.started()) == ([], 2)
    assert any("by SIGTERM" in line.text for line in site.said("restarting")) is (how != "blocked")


def test_signals_in_vain(new_site: Sites) -> None:
    """Where no signal ends the processes, all of them serve the old code, and the log names it."""
    text = "".join(TAKEN["ignored"].format(number) for number in (2, 15))
    site = preloading(new_site, text, processes=2)
    site.edit("app.wsgi", START, f"{SOON}\n{START}")
    site.start()
    with Traffic(site, 3, name="words.WORD") as traffic:
        traffic.wait_for("old", processes=2)
        site.wait_for_line("watching: ", count=2)
        site.edit("words.py", "old", "new")
        site.wait_for(lambda: {line.pid for line in site.said("holding")} == site.daemons(), "both")
        site.wait_for_line("holding: no restart 0.3 s after it was requested; retrying, as SIGINT")
        site.wait_for_line("holding: no restart 0.6 s after it was requested; retrying, as SIGTERM")
        so_far = len(traffic.visits)
        site.wait_for(lambda: len(traffic.visits) > so_far + 20, "requests")
    assert ({visit.value for visit in traffic.visits}, traffic.lost) == ({"old"}, [])


@pytest.mark.each_mod_wsgi
def test_a_service_script(new_site: Sites) -> None:
    """A worker without requests, which handles SIGTERM alone, soon runs the new code."""
    site = new_site()
    site.noisy = True  # a second SIGTERM of Apache's may come while Python ends
    script = site.write("worker.py", SERVICE)
    beat = script.with_name("worker.py.beat")
    path = ":".join(map(str, [*site.served.python_path, site.app]))
    site.served = replace(
        site.served,
        directives=f"WSGIDaemonProcess worker threads=0 python-path={path}\n"
        f"WSGIImportScript {script} process-group=worker application-group=%{{GLOBAL}}",
    )
    site.start()
    site.wait_for(lambda: beat.exists() and beat.read_text() == "old", "the worker")
    site.wait_for_line("watching")
    site.edit("words.py", "old", "new")
    site.wait_for(lambda: beat.read_text() == "new", "the new worker")
    assert "by SIGTERM" in site.wait_for_line("restarting")[0].text
    assert site.said("holding") == []


def test_a_signal_that_another_thread_waits_for(new_site: Sites) -> None:
    """A rejected request ends the process also where a thread gets mod_wsgi's SIGINT before it."""
    site = preloading(new_site, TAKEN["blocked"].format(2) + WAITING, "next-request")
    site.start()
    site.wait_for_looks()
    site.edit("words.py", "old", "new")
    site.wait_for_line("restarting: ")
    assert site.ask().value == "new"
    assert (site.started(), site.said("holding")) == (2, [])


@pytest.mark.each_mod_wsgi
def test_scan_on_demand(new_site: Sites) -> None:
    """mod_wsgi 6 passes SIGUSR2 on, and what is polled once an hour is scanned at once."""
    site = new_site()
    site.edit("app.wsgi", f"{START})", 'wsgireload.start(watch="poll", interval=3600)')
    site.start()

    looks: list[int] = []

    def is_idle() -> bool:
        looks.append(site.ask().status["looks"])
        return looks[-5:] == [looks[-1]] * 5

    site.wait_for(is_idle, "a monitor that sleeps")
    passes_on = site.ask("mod_wsgi.version").value[0] >= 6
    site.noisy = not passes_on
    site.edit("words.py", "old", "new")
    [pid] = site.daemons()
    os.kill(pid, signal.SIGUSR2)
    site.wait_for(lambda: site.daemons() - {pid}, "another process")
    assert bool(site.said("restarting: ")) is passes_on  # an older mod_wsgi has it end the process
    site.wait_for_value("new")
