"""Records: frozen, with their fields by position or name."""

import pytest

from wsgireload.record import Record


class Point(Record):
    """Two values, one with a default."""

    x: int
    y: int = 0


def test_by_position_and_by_name() -> None:
    """Fields come in their order, or by name; what is not given has its default."""
    assert Point(1, 2).asdict() == {"x": 1, "y": 2}
    assert Point(1) == Point(x=1) == Point(y=0, x=1)
    assert Point(1) != Point(2)
    assert Point(1) != (1, 0)
    assert len({Point(1), Point(1, 0), Point(2)}) == 2
    assert repr(Point(1)) == "Point(x=1, y=0)"


def test_frozen() -> None:
    """A value that is set stays; a copy may have another."""
    point = Point(1, 2)
    with pytest.raises(AttributeError, match="frozen: x"):
        point.x = 3  # type: ignore[misc]
    assert point.but(x=3) == Point(3, 2)
    assert point == Point(1, 2)


@pytest.mark.parametrize(
    ("values", "named"), [((1, 2, 3), {}), ((1,), {"x": 1}), ((1,), {"z": 1}), ((), {"y": 1})]
)
def test_wrong_fields(values: tuple[int, ...], named: dict[str, int]) -> None:
    """A field too many, twice or missing is a mistake that is named."""
    with pytest.raises(TypeError, match="Point"):
        Point(*values, **named)
