"""Small frozen records: what dataclasses give, without the 2 MB that inspect and ast would cost
every interpreter of every process that watches its code.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, without importing typing, which is large
if TYPE_CHECKING:
    from typing import Any, Self, dataclass_transform
else:

    def dataclass_transform(**_told: object) -> object:
        """A word to type checkers alone, and typing is large."""
        return lambda record: record


@dataclass_transform(frozen_default=True)
class Record:
    """Values that are set once, by position or by name; a class's own annotations are its fields.

    TypeError for a field too many or one that is missing.
    """

    _fields: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        cls._fields = tuple(cls.__annotations__)

    def __init__(self, *values: object, **named: object) -> None:
        given = dict(zip(self._fields, values, strict=False))
        unknown = [*values[len(self._fields) :], *(named.keys() - set(self._fields))]
        if unknown or given.keys() & named.keys():
            raise TypeError(f"{type(self).__name__} takes {self._fields}, once each")
        self.__dict__.update(given, **named)
        missing = [name for name in self._fields if not hasattr(self, name)]
        if missing:
            raise TypeError(f"{type(self).__name__} misses {missing}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.asdict() == other.asdict()

    def __hash__(self) -> int:
        return hash(tuple(self.asdict().values()))

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.asdict().items())
        return f"{type(self).__name__}({told})"

    def asdict(self) -> dict[str, Any]:
        """The values by name."""
        return {name: getattr(self, name) for name in self._fields}

    def but(self, **other: object) -> Self:
        """A copy in which some values are others."""
        return type(self)(**{**self.asdict(), **other})
