"""What watching costs, wsgireload beside its peers, each at its defaults: see bench/peers."""

from __future__ import annotations

import argparse
import os
import random
import shlex
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path

from modules import edit, generate
from process import PeerError, Process
from table import Figures, introduction, markdown, plain, rows
from watchers import WATCHERS

SIZES = (100, 1_000, 10_000, 50_000)
USUAL = 1_000
"""So many files for all that is measured at one size."""
LIGHT = 1_000
"""Up to so many files all peers watch at the same time; with more, one for each processor."""
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
    for peer in figures:
        with Process(peer, folder) as process:
            try:
                figures[peer]["start"] = process.watch() * 1000
            except (PeerError, TimeoutError) as error:
                failed[f"{peer}, start"] = str(error)


def folders(root: str, count: int) -> list[Path]:
    """Modules for each peer of a group: looking at a folder wakes whoever watches that folder."""
    together = len(figures) if count <= LIGHT else os.cpu_count() or 1
    made = [Path(root, str(count), str(number)) for number in range(together)]
    for folder in made:
        generate(folder, count)
    time.sleep(2.1)  # a younger file may change unseen, which wsgireload reads again and again
    return made


@contextmanager
def watching(peers: Iterable[str], folders: list[Path], count: int) -> Iterator[list[Process]]:
    """All these peers at once; they import at the same time and start one after another."""
    with ExitStack() as stack:
        each = zip(peers, folders, strict=False)  # the last group may be smaller
        started = [stack.enter_context(Process(*which)) for which in each]
        running = []
        for process in started:
            try:
                process.watch()
                running.append(process)
            except (PeerError, TimeoutError) as error:
                failed[f"{process.peer}, {count:,} files"] = str(error)
        time.sleep(SETTLED)
        yield running


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


def save(processes: list[Process], times: int) -> None:
    """Rewrite a file of each at one random moment after another; each says when it noticed."""
    took: dict[str, list[float]] = {process.peer: [] for process in processes}
    for number in random.sample(range(USUAL), times):
        time.sleep(random.uniform(0, 2))
        saved = [edit(process.source(number)) for process in processes]
        for process, at in zip(processes, saved, strict=True):
            took[process.peer] += reaction(process, process.source(number).name, at)
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
            line = process.said("noticed", max(0.0, saved + GIVEN_UP - time.monotonic()))
            if line["name"] in (name, "") and line["noticed"] >= saved:
                return [line["noticed"] - saved]
    except (PeerError, TimeoutError):
        return []


def main() -> None:
    options = argparse.ArgumentParser(prog="bench/peers", description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer files, saves and seconds")
    options.add_argument("--saves", type=int, default=0, help="so many saves, 1,000 at most")
    options.add_argument("--only", nargs="+", default=(), help="the first words of their names")
    options.add_argument("--markdown", action="store_true", help="as in docs/performance.md")
    asked = options.parse_args()
    sizes = SIZES[:2] if asked.quick else SIZES
    for name in [name for name in figures if asked.only and name.split()[0] not in asked.only]:
        del figures[name]
    window = 5.0 if asked.quick else 20.0
    load = os.getloadavg()[0]
    times = asked.saves or (20 if asked.quick else 200)
    with tempfile.TemporaryDirectory() as root:
        for count in sizes:
            made = folders(root, count)
            if count == USUAL:
                start(made[0])
            for first in range(0, len(figures), len(made)):
                peers = islice(figures, first, first + len(made))
                with watching(peers, made, count) as processes:
                    idle(processes, count, window)
                    if count == USUAL:
                        trace(processes)
                        save(processes, times)
    command = shlex.join(["bench/peers", *sys.argv[1:]])
    print(*introduction(command, load, times, window), sep="\n")
    print(*(markdown if asked.markdown else plain)(rows(figures, sizes)), sep="\n")
    print(*(f"{what}: {why}" for what, why in failed.items()), sep="\n")


if __name__ == "__main__":
    main()
