"""What watching costs, wsgireload beside its peers, each at its defaults: see bench/peers."""

from __future__ import annotations

import argparse
import os
import random
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from modules import generate, source
from process import PeerError, Process
from table import Figures, introduction, markdown, plain, rows
from watchers import WATCHERS

SIZES = (100, 1_000, 10_000, 50_000)
USUAL = 1_000
"""So many files for all that is measured at one size."""
LIGHT = 1_000
"""Up to so many files all peers may watch at the same time, with processors to spare."""
SETTLED = 3.0
"""Seconds after which a peer that watches is idle."""
TRACED = 10.0
"""Seconds under strace."""
GIVEN_UP = 10.0
"""Seconds after which a save will not be noticed any more."""

figures: Figures = {peer: {} for peer in WATCHERS}
failed: dict[str, str] = {}


def start(folder: Path) -> None:
    """The milliseconds from the peer's import to its watching, nothing else going on."""
    for peer in WATCHERS:
        with Process(peer, folder, USUAL) as process:
            try:
                figures[peer]["start"] = process.watch() * 1000
            except (PeerError, TimeoutError) as error:
                failed[peer] = str(error)


@contextmanager
def watching(peers: Sequence[str], folder: Path, count: int) -> Iterator[list[Process]]:
    """All these peers at once; they import at the same time and start one after another."""
    with ExitStack() as stack:
        started = [stack.enter_context(Process(peer, folder, count)) for peer in peers]
        running = []
        for process in started:
            try:
                process.watch()
                running.append(process)
            except (PeerError, TimeoutError) as error:
                failed[process.peer] = str(error)
        time.sleep(SETTLED)
        yield running


def groups(count: int) -> Iterator[list[str]]:
    """Peers that may be measured at once: with many files, no more than there are processors."""
    peers = [peer for peer in WATCHERS if peer not in failed]
    together = len(WATCHERS) if count <= LIGHT else os.cpu_count() or 1
    for first in range(0, len(peers), together):
        yield peers[first : first + together]


def idle(processes: list[Process], count: int, window: float) -> None:
    """The share of a processor that each takes while nothing happens, in percent."""
    before = [(process.processor(), time.monotonic()) for process in processes]
    time.sleep(window)
    for process, (spent, at) in zip(processes, before, strict=True):
        share = (process.processor() - spent) / (time.monotonic() - at)
        figures[process.peer][f"cpu {count}"] = share * 100
        if count == USUAL:
            figures[process.peer]["memory"] = process.added()


def trace(processes: list[Process]) -> None:
    """The system calls that each makes in a minute while nothing happens."""
    traces = [(process.peer, process.trace()) for process in processes]
    time.sleep(TRACED)
    for peer, each in traces:
        try:
            figures[peer]["calls"] = each.calls() * 60 / TRACED
        except PeerError as error:
            failed[f"{peer}, system calls"] = str(error)


def save(processes: list[Process], folder: Path, times: int) -> None:
    """Rewrite one file after another at random moments; all see it, each says when it did."""
    took: dict[str, list[float]] = {process.peer: [] for process in processes}
    for number in random.sample(range(USUAL), times):
        time.sleep(random.uniform(0, 2))
        path = source(folder, number)
        new = path.read_text() + "# saved\n"
        saved = time.monotonic()
        path.write_text(new)
        for process in processes:
            took[process.peer] += reaction(process, path.name, saved)
    for peer, seconds in took.items():
        for name, share in ("p50", 0.5), ("p99", 0.99):
            if seconds:
                figures[peer][name] = sorted(seconds)[int(len(seconds) * share)] * 1000
        if missed := times - len(seconds):
            failed[f"{peer}, saves"] = f"{missed} of {times} were not noticed in {GIVEN_UP:g} s"


def reaction(process: Process, name: str, saved: float) -> list[float]:
    """The seconds until the peer noticed; none if it did not."""
    try:
        while True:
            line = process.said("noticed", GIVEN_UP)
            if line["name"] in (name, ""):
                return [line["noticed"] - saved]
    except (PeerError, TimeoutError):
        return []


def main() -> None:
    options = argparse.ArgumentParser(prog="bench/peers", description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer files, saves and seconds")
    options.add_argument("--saves", type=int, default=0, help="so many saves, 1,000 at most")
    options.add_argument("--markdown", action="store_true", help="as in docs/performance.md")
    asked = options.parse_args()
    sizes = SIZES[:2] if asked.quick else SIZES
    window = 5.0 if asked.quick else 20.0
    times = asked.saves or (20 if asked.quick else 200)
    with tempfile.TemporaryDirectory() as root:
        for count in sizes:
            folder = Path(root, str(count))
            generate(folder, count)
            if count == USUAL:
                start(folder)
            for peers in groups(count):
                with watching(peers, folder, count) as processes:
                    idle(processes, count, window)
                    if count == USUAL:  # there all watch at once, so that all see the same saves
                        trace(processes)
                        save(processes, folder, times)
    command = shlex.join(["bench/peers", *sys.argv[1:]])
    print(*introduction(command, times, window), sep="\n")
    print(*(markdown if asked.markdown else plain)(rows(figures, sizes)), sep="\n")
    print(*(f"{what}: {why}" for what, why in failed.items()), sep="\n")


if __name__ == "__main__":
    main()
