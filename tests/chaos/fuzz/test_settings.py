"""Settings of every kind are taken as they are documented, or raise SettingsError."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from support.fuzzing import fuzz

from wsgireload.errors import SettingsError
from wsgireload.settings import CHECKS, Settings


class Hostile:
    """A value that answers no question."""

    def _refuse(self, *_: object) -> Any:
        raise RuntimeError("no")

    __repr__ = __bool__ = __len__ = __iter__ = __eq__ = __float__ = __getitem__ = _refuse
    __hash__ = object.__hash__


class PathOf:
    """Says that it is a path."""

    def __init__(self, path: object) -> None:
        self.path = path

    def __fspath__(self) -> Any:
        return self.path


texts = st.one_of(
    st.text(max_size=8),
    st.text(st.characters(categories=["Cs", "Cc", "Lu"]), max_size=5),
    st.sampled_from(["auto", "now", "bytes", "poll", "daemon", "*.log", "/srv/**", "..", ""]),
)
numbers = st.one_of(
    st.integers(), st.floats(), st.floats(0, 100), st.integers(0, 100), st.builds(lambda: 10**5000)
)
plain = st.one_of(st.none(), st.booleans(), numbers, texts, st.binary(max_size=5))
odd = st.one_of(
    st.just(Hostile),  # an instance in the end: hypothesis itself could not bear one
    st.builds(PathOf, plain),
    st.builds(object),
    st.complex_numbers(),
    st.just(float),
    st.just([[]] * 3),
)
values = st.recursive(
    plain | odd,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.sets(texts, max_size=2),
        st.dictionaries(texts, inner, max_size=2),
        st.builds(iter, st.lists(inner, max_size=2)),
    ),
    max_leaves=5,
)


LIKELY = {
    "track": texts,
    "ignore": texts,
    "interval": st.floats(0.01, 3600),
    "settle": st.floats(0, 60),
    "budget": st.tuples(st.integers(1, 100), st.floats(0, 1e9)),
    "preflight": st.lists(texts, min_size=1, max_size=3),
    "trigger": texts,
    "linger": st.floats(0, 86400),
    "watch": st.sampled_from(["auto", "events", "poll"]),
    "compare": st.sampled_from(["bytes", "code"]),
    "when": st.sampled_from(["auto", "now", "next-request"]),
    "rolling": st.booleans(),
    "check_config": st.booleans(),
}
words = st.sampled_from([None, False])
likely = st.fixed_dictionaries({}, optional={name: LIKELY.get(name, words) for name in CHECKS})
asked = likely | st.dictionaries(st.sampled_from(sorted(CHECKS)) | texts, values, max_size=2)


def real(made: Any) -> Any:
    """The value that hypothesis stands for."""
    if isinstance(made, list | tuple):
        return type(made)(map(real, made))
    return Hostile() if made is Hostile else made


def test_settings(chaos: Any) -> None:
    """Any value for any name is taken and stays what it is, or is refused by name; no third way."""
    taken = []

    @fuzz(chaos, chaos.often(1000, 20_000), asked=asked)
    def one(asked: dict[str, object]) -> None:
        asked = {name: real(value) for name, value in asked.items()}
        try:
            settings = Settings.of(**asked)
        except SettingsError as error:
            assert error.setting in asked
            assert error.setting in str(error)
            assert f"it takes {error.takes}" in str(error)
            assert error.takes
        else:
            taken.append(asked)
            assert Settings.of(**settings._asdict()) == settings
            assert asked.keys() <= set(CHECKS)

    assert len(taken) > chaos.often(100, 2000)  # or it was no test


def test_a_setting_by_itself(chaos: Any) -> None:
    """The error says what it got, whatever that is: the very object, and in words."""

    @fuzz(chaos, chaos.often(1000, 20_000), name=st.sampled_from(sorted(CHECKS)), got=values)
    def one(name: str, got: object) -> None:
        got = real(got)
        try:
            Settings.of(**{name: got})
        except SettingsError as error:
            assert error.setting == name
            assert error.got is got
            assert str(error).startswith(f"wsgireload: {name} is ")
