"""What watching costs on Windows, wsgireload beside its peers, under wine: `bench/peers --windows`.

Each has a Windows Python and a copy of the modules for itself. These lie in the watched folder, not
in packages: wine 8 tells of no changes further below. They are saved from the Linux side.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import modules
from peers import USUAL, failed, figures, idle, save
from process import HERE, PeerError, Process, begin
from support.windows.lab import PYTHONS, Lab, processes_of, windows
from table import markdown, plain, processor, rows
from watchers import WATCHERS

VERSION, WINDOW = PYTHONS[-1], 10.0
"""The Python, and the seconds over which each peer is idle."""
CLOCK = "import time\nfor _ in range(50): print(time.monotonic(), flush=True); time.sleep(0.01)"


class Wine:
    """The lab with the peers' packages: what all their processes there have in common."""

    def __init__(self, lab: Lab, packages: Path) -> None:
        self._python = lab.home(VERSION) / "python.exe"
        self._environment = lab.environment | {"PYTHONPATH": windows(packages), "PYTHONUTF8": "1"}
        self._server = server_of(lab.prefix)
        with self.python("-c", CLOCK) as process:
            assert process.stdout is not None
            self.ahead = min(time.monotonic() - float(line) for line in process.stdout)
            """Seconds that our monotonic clock is ahead of the Windows programs'."""

    def python(self, *words: str) -> subprocess.Popen[str]:
        return begin(["wine", self._python, *words], self._environment)

    def processor(self) -> float:
        """Seconds that wineserver, which all of them share, has had of a processor."""
        tasks = Path(f"/proc/{self._server}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def server_of(prefix: Path) -> int:
    """The pid of a session's wineserver."""
    names = {pid: Path(f"/proc/{pid}/comm").read_text() for pid in processes_of(prefix)}
    return next(pid for pid, name in names.items() if name.startswith("wineserver"))


class WineProcess(Process):
    """A peer's process under wine."""

    patience = 60.0

    def __init__(self, peer: str, folder: Path, wine: Wine) -> None:
        self._wine = wine
        super().__init__(peer, folder)

    def _start(self, peer: str, folder: Path) -> subprocess.Popen[str]:
        return self._wine.python(windows(HERE / "watchers.py"), peer, windows(folder))

    def source(self, number: int) -> Path:
        return self.folder / f"module_{number}.py"

    def said(self, key: str, seconds: float) -> dict[str, float]:
        line = super().said(key, seconds)
        return line | {"noticed": line["noticed"] + self._wine.ahead} if "noticed" in line else line

    def processor(self) -> float:
        """With wineserver's: right where all others are paused."""
        return super().processor() + self._wine.processor()

    def pause(self) -> None:
        os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.killpg(self._process.pid, signal.SIGCONT)


def warm(peer: str, folder: Path, wine: Wine) -> bool:
    """Whether the peer runs here at all; its bytecode is there afterwards, and the modules'."""
    with WineProcess(peer, folder, wine) as process:
        try:
            process.watch()
        except (PeerError, TimeoutError) as error:
            failed[peer] = str(error)
    return peer not in failed


@contextmanager
def watching(root: Path, wine: Wine) -> Iterator[list[WineProcess]]:
    """All peers that run here; each starts while the others wait or are paused, as they are now."""
    one, many = root / "one", root / "many"
    for folder, count in (one, 1), (many, USUAL):
        folder.mkdir()
        for number in range(count):
            modules.write(folder / f"module_{number}.py", number)
    warm(next(iter(WATCHERS)), many, wine)
    peers = [peer for peer in WATCHERS if warm(peer, one, wine)]
    with ExitStack() as stack:
        processes, running = [], []
        for number, peer in enumerate(peers):
            folder = shutil.copytree(many, root / str(number))
            processes.append(stack.enter_context(WineProcess(peer, folder, wine)))
            processes[-1].load()
        for process in processes:
            try:
                figures[process.peer]["start"] = process.watch() * 1000
                process.pause()
                running.append(process)
            except (PeerError, TimeoutError) as error:
                failed[process.peer] = str(error)
        yield running


def main() -> None:
    options = argparse.ArgumentParser(prog="bench/peers --windows", description=__doc__)
    options.add_argument("packages", type=Path, help="where theirs are installed")
    options.add_argument("--saves", type=int, default=20, help="so many saves, 1,000 at most")
    options.add_argument("--markdown", action="store_true", help="as in docs/performance.md")
    asked = options.parse_args()
    load = os.getloadavg()[0]
    sys.path.append(str(asked.packages))  # where table.py finds their versions
    with tempfile.TemporaryDirectory() as root, Lab() as lab:
        wine = Wine(lab, asked.packages.absolute())
        with watching(Path(root), wine) as processes:
            for process in processes:
                process.resume()
                time.sleep(1)  # it makes up for the pause
                idle([process], USUAL, WINDOW)
                save([process], asked.saves)  # alone too: together they take more than two cores
                process.pause()
    machine = f"{processor()}, {os.cpu_count()} cores, load {load:.1f} before"
    print(f"{machine}; wine, not Windows; Python {VERSION}; {asked.saves} saves")
    shown = {peer: mine for peer, mine in figures.items() if mine}
    print(*(markdown if asked.markdown else plain)(rows(shown, [USUAL])), sep="\n")
    print(*(f"{what}: {why}" for what, why in failed.items()), sep="\n")


if __name__ == "__main__":
    main()
