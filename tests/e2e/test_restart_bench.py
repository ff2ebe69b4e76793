"""bench/restart on a real Apache: every phase of a reload is found."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import restart
from lineup import SERVERS, Lineup
from phases import PHASES

OF_A_RECIPE = [phase for phase in PHASES if phase not in ("decide", "replaced")]


def test_every_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    """With both versions of mod_wsgi; of the recipe all but its decision. No request fails."""
    monkeypatch.setattr(restart, "QUIET", 1.5)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        lineup = Lineup(Path(folder), ["small"])
        contenders = [lineup.ours("small", server, "bytecode") for server in SERVERS]
        turns = restart.take_turns([*contenders, *lineup.peers("small", ["recipe"])], saves=1)
    assert restart.failed == {}
    *ours, recipe = [turn for (turn,) in turns.values()]
    assert list(turns) == [*(f"{server} bytecode" for server in SERVERS), "recipe"]
    for turn in ours:
        assert list(turn.phases) == [phase for phase in PHASES if phase != "replaced"]
    assert list(recipe.phases) == OF_A_RECIPE
    assert all(turn.total >= 50 and not turn.failed for turn in (*ours, recipe))
