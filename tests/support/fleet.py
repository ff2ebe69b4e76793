"""Several machines with two processes each, and a coordinator between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from support.apache import Apache
from support.busysite import LINE, LOADED, ROOM, crowd, ready, save, write
from support.coordinators import CoordinatorServer
from support.errorlog import Line
from support.httpdconf import Application
from support.machines import Machine, Network
from support.testsite import START, Sites, quiet
from support.traffic import Traffic

PROCESSES = 2
SLOW = """\
import os, select
while os.path.exists(os.path.join(os.path.dirname(__file__), "slow")):
    select.select([], [], [], 0.02)
"""
"""Lets a version start only when a file of that name is gone.

Not time.sleep(), which faketime makes fail with EINVAL where the processor comes late.
"""


class Fleet:
    """The machines, named web1 and so on, and the clients of each."""

    def __init__(self, sites: Sites, network: Network, coordinator: CoordinatorServer) -> None:
        self._sites = sites
        self.network = network
        self.coordinator = coordinator
        self.machines: list[Machine] = []
        self._starts: dict[Machine, int] = {}  # of each machine, before the last `write`

    @classmethod
    def around(
        cls, kind: type[CoordinatorServer], apache: Apache, library: Path, stack: ExitStack
    ) -> Fleet:
        """A fleet that is not started, around a coordinator of this kind, which runs.

        Where no namespace can be made, all are on the loopback interface.
        """
        network = stack.enter_context(Network())
        coordinator = kind(network.address)
        with network.inside(network.hub if network.works else ""):
            stack.enter_context(coordinator)
        sites = stack.enter_context(Sites(apache, Application(python_path=[library]), Machine))
        stack.enter_context(quiet(sites.made))
        return cls(sites, network, coordinator)

    def start(self, life: int = 30, machines: int = 3, skew: int = 0) -> None:
        """Start so many machines at version 0; a turn of theirs lives so many seconds.

        The clock of web2 is ahead by `skew` seconds.
        """
        url = f"{self.coordinator.address}/site?life={life}"
        for number in range(1, machines + 1):
            name = f"web{number}"
            machine = self._sites(
                daemon=f"processes={PROCESSES} threads=4",
                preload=True,
                directives=ROOM,
                environment={"WSGIRELOAD_OWNER": name, **(skewed(skew) if number == 2 else {})},
            )
            assert isinstance(machine, Machine)
            machine.network, machine.space = self.network, self.network.link(name)
            machine.patience = 90.0
            settled = f"wsgireload.start(budget=(100, 1.0), rolling={url!r})\n{LINE}"
            machine.edit("app.wsgi", f"{START})", settled)
            with (machine.app / "app.wsgi").open("a") as script:
                script.write(f"\n\nimport sys\n\nprint({LOADED!r}, file=sys.stderr)\n")
            self.machines.append(machine)
            machine.name = name
        self.save(0)
        for machine in self.machines:
            machine.start()
        for machine in self.machines:
            machine.wait_for_line("watching: ", count=PROCESSES)

    def start_coordinator(self) -> None:
        """Start it, or start it again."""
        with self.network.inside(self.network.hub if self.network.works else ""):
            self.coordinator.start()

    def save(self, *versions: int, only: Machine | None = None) -> None:
        """Deploy a version to all machines or to one, or to each its own."""
        for number, machine in enumerate(self.machines):
            if only in (machine, None):
                save(machine, versions[number % len(versions)])

    def save_slow(self, version: int) -> None:
        """Deploy a version that does not start before `let_load`."""
        for machine in self.machines:
            machine.write("slow", "")
        self.write(f"{SLOW}WORD = {version}\n")

    def let_load(self) -> None:
        """Let the version of `save_slow` start."""
        for machine in self.machines:
            (machine.app / "slow").unlink()

    def noisy(self) -> None:
        """Expect errors of the application in the error logs."""
        for machine in self.machines:
            machine.noisy = True

    def by_turn(self) -> list[Machine]:
        """The machines, with the one first that has begun to replace a process."""

        def first() -> list[Machine]:
            return [each for each in self.machines if each.started() > self._starts[each]]

        [found] = self.machines[0].wait_for(first, "a machine that has the turn")
        return [found, *(each for each in self.machines if each is not found)]

    def wait_for_status(self, machine: Machine, start: str) -> None:
        """Return once a process of this machine reports that it waits for something."""

        def waits() -> bool:
            return any(each["what"].startswith(start) for each in machine.ask().status["waiting"])

        machine.wait_for(waits, f"a status with {start!r}")

    def started(self) -> int:
        """How many processes of the fleet were started."""
        return sum(machine.started() for machine in self.machines)

    def wait_until_reloaded(self, number: int, machines: Sequence[Machine] = ()) -> None:
        """Return once all processes run the version of that number's deployment."""
        for machine in machines or self.machines:
            machine.wait_for_line("reloaded: ", count=number * PROCESSES)

    def write(self, text: str) -> None:
        """Deploy any text to all machines."""
        self._starts = {machine: machine.started() for machine in self.machines}
        for machine in self.machines:
            write(machine, text)

    def crowds(self) -> list[Traffic]:
        """Clients of each machine."""
        return [crowd(machine, 2, pause=0.02) for machine in self.machines]

    def count(self, start: str) -> list[int]:
        """How many lines of ours begin so, on each machine."""
        return [len(machine.said(start)) for machine in self.machines]

    def fewest_ready(self) -> int:
        """The fewest processes of the fleet that were able to answer, once all had been."""
        counts = [count for _, count in self.ready()]
        return min(counts[counts.index(PROCESSES * len(self.machines)) :])

    def ready(self, ended: Sequence[Line] = ()) -> Iterator[tuple[float, int]]:
        """How many processes are able to answer from each time on.

        `ended` are lines for those whose end no error log has.
        """
        lines = [line for machine in self.machines for line in machine.log.lines() if line.when]
        return ready(sorted([*lines, *ended], key=lambda line: line.when))


def skewed(seconds: int) -> dict[str, str]:
    """The environment in which programs read a wall clock that is ahead by so many seconds."""
    found = list(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not seconds or not found:
        return {}
    names = {"LD_PRELOAD": str(found[0]), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return {**names, "FAKETIME": f"{seconds:+d}"}
