"""Each row of the table in docs/fleet.md, on three machines with two processes each."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from support.fleet import PROCESSES, Fleet
from support.machines import Machine

SHORT = 8
"""Seconds that a turn lives where a test waits for its end."""
STOPPED = "holding: the roll of the fleet has stopped: "
NO_ANSWER = "holding: no answer from the coordinator of the fleet, retrying: "


def test_deployments(fleet: Fleet, pytestconfig: pytest.Config) -> None:
    """Under load no request is lost, and never more than one process is away.

    The last deployment is one of two versions at once: each machine goes to its own.
    """
    rounds = 3 if pytestconfig.getoption("--long") else 1
    fleet.start()
    with ExitStack() as stack:
        crowds = [stack.enter_context(crowd) for crowd in fleet.crowds()]
        for version in range(1, rounds + 1):
            fleet.save(version)
            fleet.wait_until_reloaded(version)
        fleet.save(8, 9, 8)
        fleet.wait_until_reloaded(rounds + 1)
    assert [crowd.lost for crowd in crowds] == [[], [], []]
    assert [machine.ask().value for machine in fleet.machines] == [8, 9, 8]
    assert fleet.fewest_ready() == 3 * PROCESSES - 1


def test_a_version_that_does_not_start(fleet: Fleet) -> None:
    """It reaches one process of six; the repair goes there first, and then on."""
    fleet.start(life=SHORT)
    fleet.noisy()
    fleet.write("raise RuntimeError('broken')\n")
    first, *others = fleet.by_turn()
    for machine in others:
        machine.wait_for_line("holding: the roll of the fleet ")
    assert fleet.started() == 3 * PROCESSES + 1
    fleet.save(1)
    fleet.wait_until_reloaded(1)
    assert fleet.started() == 3 * PROCESSES + 1 + 3 * PROCESSES
    repaired = first.said("reloaded: ")[0].when
    assert all(repaired < machine.said("reloaded: ")[0].when for machine in others)


def test_a_machine_dies(fleet: Fleet) -> None:
    """The same version goes no further until the machine is back; another version does.

    The clock of one machine is two hours ahead, which makes no difference.
    """
    fleet.start(life=SHORT, skew=7200)
    dead, others = die_with_the_turn(fleet, 1)
    dead.start()
    fleet.wait_until_reloaded(1, others)
    dead.wait_for_line("watching: ", count=2 * PROCESSES)
    before = {machine: len(machine.said("reloaded: ")) for machine in fleet.machines}
    dead, others = die_with_the_turn(fleet, 2)
    for machine in others:
        fleet.save(3, only=machine)
    for machine in others:
        machine.wait_for_line("reloaded: ", count=before[machine] + PROCESSES)
    assert [machine.ask().value for machine in others] == [3, 3]


def die_with_the_turn(fleet: Fleet, version: int) -> tuple[Machine, list[Machine]]:
    """Let the machine that takes a version first die while it loads it, and the others notice."""
    seen = {machine: len(machine.said(STOPPED)) for machine in fleet.machines}
    fleet.save_slow(version)
    dead, *others = fleet.by_turn()
    for machine in others:
        fleet.wait_for_status(machine, f"the turn of the fleet: {dead.name} has it for version ")
    dead.power_off()
    fleet.let_load()
    for machine in others:
        line = machine.wait_for_line(STOPPED, count=seen[machine] + 1)[-1].text
        assert f"{dead.name} took version " in line
        assert "; it was last heard of at " in line
    return dead, others


def test_the_coordinator_dies(fleet: Fleet) -> None:
    """The old code serves, each process logs that once, and all go on when it is back."""
    fleet.start()
    fleet.coordinator.kill()
    fleet.save(1)
    for machine in fleet.machines:
        machine.wait_for_line(NO_ANSWER, count=PROCESSES)
        assert machine.ask().value == 0
    fleet.start_coordinator()
    fleet.wait_until_reloaded(1)
    assert all(len(machine.said(NO_ANSWER)) == PROCESSES for machine in fleet.machines)


def test_a_machine_is_cut_off(fleet: Fleet) -> None:
    """It holds, and the others go; with the turn it stops the others, until it gives it back."""
    if not fleet.network.works:
        pytest.skip("no network namespace can be made here")
    fleet.start(life=SHORT)
    *others, last = fleet.machines
    last.cut(off=True)
    fleet.save(1)
    fleet.wait_until_reloaded(1, others)
    last.wait_for_line(NO_ANSWER)
    last.cut(off=False)
    fleet.wait_until_reloaded(1)

    fleet.save_slow(2)
    first, *others = fleet.by_turn()
    first.cut(off=True)
    fleet.let_load()
    first.wait_for_line("reloaded: ", count=PROCESSES + 1)
    for machine in others:
        machine.wait_for_line(STOPPED)
    first.cut(off=False)
    fleet.wait_until_reloaded(2)
