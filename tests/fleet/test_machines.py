"""Each row of the table in docs/fleet.md, on three machines with two processes each."""

from __future__ import annotations

from contextlib import ExitStack

from .conftest import PROCESSES, Fleet


def test_deployments(fleet: Fleet) -> None:
    """Three in a row under load: no request is lost, and never more than one process is away."""
    fleet.start()
    with ExitStack() as stack:
        crowds = [stack.enter_context(crowd) for crowd in fleet.crowds()]
        for version in (1, 2, 3):
            fleet.save(version)
            for crowd in crowds:
                crowd.wait_for(version, processes=PROCESSES)
        for machine in fleet.machines:
            machine.wait_for_line("reloaded: ", count=3 * PROCESSES)
    assert [crowd.lost for crowd in crowds] == [[], [], []]
    assert fleet.fewest_ready() == 3 * PROCESSES - 1
