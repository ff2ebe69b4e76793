"""Hypothesis makes up what comes from outside, from a seed that is printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import strategies as st

Test = Callable[..., None]


def fuzz(chaos: Any, examples: int, **made: st.SearchStrategy[Any]) -> Callable[[Test], None]:
    """Run what is decorated, at once, with so many examples."""

    def run(test: Test) -> None:
        chosen = hypothesis.settings(
            max_examples=examples,
            database=None,
            phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.seed(chaos.seed)(chosen(hypothesis.given(**made)(test)))()
        chaos.figure("examples", examples)

    return run
