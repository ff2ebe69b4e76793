"""What wsgireload costs a site under load, and how soon a save is answered: see bench/apache.

Load: two servers, one without wsgireload, take turns (A B, B A, ...) under wrk, in short runs, so
that whatever else the machine does meets both; now and then with new processes. Saves: one server;
half the saves are left to wsgireload, for the others the process gets a SIGINT by hand at the
moment of saving, which is the floor: nobody can be faster.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median, quantiles

import modules
from support.apache import Apache
from support.apacheserver import Server, ServerError, wait_for
from support.httpdconf import Application
from support.packages import copy_packages

COUNT = 200
"""Modules that the application imports."""
SETTLE, ALLOWED = 50.0, 30.0
"""Milliseconds that wsgireload waits for quiet, and that it may need besides."""
SCRIPT = """\
{start}
import importlib
for number in range({count}):
    importlib.import_module(f"package_{{number // 100}}.module_{{number}}")
import answer

def application(environ, start_response):
    body = answer.TEXT.encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""
START = "import wsgireload\nwsgireload.start(budget=(100, 1.0))"
WRK = re.compile(r"\s99%\s+([\d.]+)(us|ms|s)\s.*Requests/sec:\s+([\d.]+)", re.DOTALL)
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@contextmanager
def serving(start: str) -> Iterator[Server]:
    """A site of one process with five threads, which has answered once."""
    served = Application(group="%{GLOBAL}", python_path=["library"])
    with Server(Apache.of_the_system(), served) as server:
        copy_packages(server.root / "library", "wsgireload")
        modules.generate(server.app, COUNT)
        (server.app / "app.wsgi").write_text(SCRIPT.format(start=start, count=COUNT))
        write(server, "")
        server.start()
        server.get()
        if start:
            wait_for(lambda: server.log.lines("wsgireload: watching"), "a first look")
        yield server


def write(server: Server, text: str) -> None:
    (server.app / "answer.py").write_text(f'TEXT = "{text}"\n')


def load(server: Server, seconds: int) -> tuple[float, float]:
    """Requests a second, and milliseconds in which 99 of 100 were answered."""
    command = ["wrk", "--latency", "-t1", "-c4", f"-d{seconds}s", server.url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = WRK.search(said)
    if not found or "Non-2xx" in said:
        raise ServerError(said)
    return float(found[3]), float(found[1]) * MILLISECONDS[found[2]]


def under_load(rounds: int, pairs: int, seconds: int) -> None:
    """Print what the monitor costs in requests a second and in latency."""
    runs: dict[str, list[tuple[float, float]]] = {"without": [], "with": []}
    for _ in range(rounds):
        with ExitStack() as stack:
            servers = {
                "without": stack.enter_context(serving("")),
                "with": stack.enter_context(serving(START)),
            }
            for server in servers.values():
                load(server, 1)  # to warm up
            for number in range(pairs):
                for name in sorted(servers, reverse=number % 2 == 0):
                    runs[name].append(load(servers[name], seconds))
    print(f"load: wrk with 4 connections, {rounds} times {pairs} pairs of {seconds} s; medians")
    print("              without      with   ratio (of each pair: quartiles)")
    for index, figure in enumerate(("requests/s", "p99 ms")):
        without, ours = ([run[index] for run in runs[name]] for name in ("without", "with"))
        ratios = [b / a for a, b in zip(without, ours, strict=True)]
        print(
            f"{figure:10} {median(without):10.2f} {median(ours):9.2f}"
            f"   {'  '.join(f'{ratio:.3f}' for ratio in quantiles(ratios, n=4))}"
        )


def answered(server: Server, text: str, *, by_hand: bool) -> float:
    """Milliseconds from the save of this text to the first answer with it."""
    (daemon,) = wait_for(lambda: len(found := server.daemons()) == 1 and found, "one process")
    before = len(server.log.lines("wsgireload: watching"))
    time.sleep(random.uniform(0, 1))
    saved = time.monotonic()
    write(server, text)
    if by_hand:
        os.kill(daemon, signal.SIGINT)
    wait_for(lambda: answer(server) == text, f"the answer {text}")
    took = time.monotonic() - saved
    wait_for(lambda: len(server.log.lines("wsgireload: watching")) > before, "a first look")
    return took * 1000


def answer(server: Server) -> str | None:
    """What the site says; None while a process ends in the middle of it."""
    try:
        return server.get()
    except (ServerError, OSError):
        return None


def saves(times: int) -> None:
    """Print how soon a save is answered, beside the floor."""
    took: dict[bool, list[float]] = {True: [], False: []}
    with serving(START) as server:
        for number in range(2 * times):
            by_hand = number % 4 in (0, 3)  # A B, B A
            # Each text has a length of its own: bytecode of the one never passes for the other.
            took[by_hand].append(answered(server, "again" * (number + 1), by_hand=by_hand))
    floor, ours = median(took[True]), median(took[False])
    verdict = "met" if ours - floor <= SETTLE + ALLOWED else "missed"
    print(f"saves: {times} of each; medians, from the save to the first answer of the new code")
    print(f"signalled by hand {floor:.0f} ms, wsgireload {ours:.0f} ms: {ours - floor:+.0f} ms")
    print(f"target: at most {SETTLE + ALLOWED:.0f} ms more: {verdict}")


def main() -> None:
    options = argparse.ArgumentParser(prog="bench/apache", description=__doc__)
    options.add_argument("--quick", action="store_true", help="a few runs of each")
    quick = options.parse_args().quick
    under_load(*((1, 6, 2) if quick else (4, 10, 2)))
    saves(4 if quick else 20)


if __name__ == "__main__":
    main()
