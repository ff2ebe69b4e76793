"""The macros of a configuration, as mod_macro expands them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

Line = tuple[int, str]


class Macros:
    """The macros that were defined so far."""

    def __init__(self, words: Callable[[str], Sequence[str]]) -> None:
        """`words` splits a line as Apache does."""
        self._words = words
        self._known: dict[str, tuple[list[str], list[str]]] = {}

    def expand(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Return the lines, with those of a macro in the place of each use."""
        body: list[str] | None = None
        for number, text in lines:
            lower = text.lower()
            if lower.startswith("</macro"):
                body = None
            elif body is not None:
                body.append(text)
            elif lower.startswith("<macro "):
                name, *parameters = self._words(text.strip("<>"))[1:]
                body = []
                self._known[name.lower()] = parameters, body
            elif lower.startswith("use "):
                yield from self.expand((number, each) for each in self._used(text))
            else:
                yield number, text

    def _used(self, text: str) -> list[str]:
        name, *values = self._words(text)[1:]
        parameters, body = self._known.get(name.lower(), ([], []))
        pairs = sorted(zip(parameters, values, strict=False), key=lambda pair: -len(pair[0]))
        return [_replaced(each, pairs) for each in body]


def _replaced(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    for parameter, value in pairs:
        text = text.replace(parameter, value)
    return text
