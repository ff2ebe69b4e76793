"""Changes: files that differ, and a restart by hand."""

import pytest

from wsgireload.changes import APPEARED, CLOSED, DELETED, NONE, Change, Changes, fingerprint


def test_nothing_is_no_reason() -> None:
    """Without files and without a person's request there is nothing to restart for."""
    assert not NONE
    assert Changes({"a.py": Change(b"2")})
    assert Changes(requested="")
    assert Changes(closed=True)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (Changes({"a.py": Change(b"2")}), "a.py changed"),
        (Changes({"a.py": Change(b"", DELETED)}), "a.py deleted"),
        (Changes({"a.py": Change(b"2", APPEARED)}), "a.py appeared"),
        (Changes({"a\nb.py": Change(b"2")}), r"'a\nb.py' changed"),
        (
            Changes({f"{n}.py": Change(b"2") for n in range(5)}),
            "0.py changed, 1.py changed, 2.py changed and 2 more",
        ),
        (Changes(requested="deployed"), "deployed"),
        (Changes(closed=True), CLOSED),
        (Changes({"a.py": Change(b"2")}, closed=True), f"a.py changed; {CLOSED}"),
        (Changes(requested="deployed", closed=True), f"deployed; {CLOSED}"),
        (Changes({"a.py": Change(b"2")}, "deployed"), "a.py changed"),
    ],
)
def test_described(changes: Changes, text: str) -> None:
    """A log line names the first three files and what happened to each, or why it is requested."""
    assert changes.described("changed") == text


def test_the_usual_kind_has_its_own_word() -> None:
    """Without another word a changed file is modified."""
    assert Changes({"a.py": Change(b"2")}).described() == "a.py modified"


def test_fingerprint() -> None:
    """The order in which files were found does not count; each path and digest does."""
    one, other = {"a": Change(b"1")}, {"b": Change(b"2")}
    both = Changes({**one, **other}).fingerprint()
    assert both == Changes({**other, **one}).fingerprint()
    assert both != Changes(one).fingerprint()
    assert (
        Changes({"\udcff": Change(b"1")}).fingerprint()
        != Changes({"\udcfe": Change(b"1")}).fingerprint()
    )
    assert fingerprint(b"a", b"bc") != fingerprint(b"ab", b"c")
    assert len(both) == 16
