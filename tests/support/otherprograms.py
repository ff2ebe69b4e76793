"""Other programs, which are not run."""

from __future__ import annotations


class Programs:
    """Stands in for other programs: answers by the first word, and records the calls."""

    def __init__(self, **answers: tuple[int, str, str]) -> None:
        self.answers = answers
        self.ran: list[list[str]] = []

    def __call__(self, asked: list[str], environment: object = None) -> tuple[int, str, str]:
        self.ran.append(asked)
        return self.answers.get(asked[0], (0, "", ""))
