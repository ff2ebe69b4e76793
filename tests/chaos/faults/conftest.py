"""Fixtures of the tests that break something around a site."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.faultysite import Faulty
from support.testsite import Sites

if TYPE_CHECKING:
    from conftest import Chaos

HASTY = "from wsgireload.decide import rolling\n\nrolling.LATE = 2.0\n"
"""A module that makes a rolling restart give up sooner."""


@pytest.fixture
def faulty(new_site: Sites, chaos: Chaos) -> Iterator[Faulty]:
    """A site that is not started yet, with a folder of its own for the journal."""
    faulty = Faulty(new_site())
    yield faulty
    chaos.figures |= faulty.figures()


@pytest.fixture
def new_group(new_site: Sites, chaos: Chaos) -> Iterator[Callable[[str], Faulty]]:
    """Makes sites of two processes, with further settings; they are started."""
    made: list[Faulty] = []

    def new(settings: str, state: Path | None = None) -> Faulty:
        group = Faulty(
            new_site(daemon="processes=2 threads=2", preload=True), settings, processes=2
        )
        if state is not None:
            group.surround(XDG_STATE_HOME=str(state.parent))
            group.state = state
        group.site.write("hasty.py", HASTY)
        group.site.edit("app.wsgi", "import wsgireload\n", "import hasty, wsgireload\n")
        made.append(group)
        group.site.start()
        group.site.wait_for_line("watching: ", count=2)
        return group

    yield new
    for number, group in enumerate(made, 1):
        for name, value in group.figures().items():
            chaos.figure(f"group {number}: {name}", value)
