"""Who may have the turn of the fleet: the rules, with a store in memory."""

from __future__ import annotations

import time

import pytest
from support.memorystore import LIFE, Memory

from wsgireload.turn.rules import NOT_YET, STOPPED, YES, Entries, Entry, dump, parse


def clock(at: float) -> str:
    """A time of the store, as it is shown."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


@pytest.fixture
def store() -> Memory:
    """An empty one."""
    return Memory()


def test_one_machine_at_a_time(store: Memory) -> None:
    """The second machine is told who has the turn and since when, and goes after the first."""
    assert store.ask("take", "web1", "v2").code == YES
    store.clock.now += 12
    answer = store.ask("take", "web2", "v2")
    assert answer == (NOT_YET, f"web1 has it for version v2 since {clock(1000.0)}")
    assert store.ask("give", "web1").code == YES
    assert store.ask("take", "web2", "v2").code == YES


def test_the_owner_takes_it_again(store: Memory) -> None:
    """An answer that was lost does no harm, and another process of the machine needs no other."""
    assert store.ask("take", "web1", "v2").code == YES
    store.clock.now += 5
    assert store.ask("take", "web1", "v2").code == YES
    assert store.entries.turn == Entry("web1", "v2", 1000.0, 1005.0)
    assert store.ask("take", "web1", "v3").code == YES
    assert store.entries.turn == store.entries.tried == Entry("web1", "v3", 1005.0, 1005.0)


def test_only_its_owner_gives_it(store: Memory) -> None:
    """What another machine gives up is its own alone; nothing is written where it has nothing."""
    store.ask("take", "web1", "v2")
    writes = store.writes
    assert store.ask("give", "web2").code == YES
    assert store.writes == writes
    assert store.ask("take", "web2", "v2").code == NOT_YET


def test_it_is_renewed(store: Memory) -> None:
    """A turn that is kept does not end; one that is not kept does."""
    store.ask("take", "web1", "v2")
    for _ in range(9):
        store.clock.now += LIFE / 3
        assert store.ask("keep", "web1").code == YES
    assert store.ask("take", "web2", "v2").text.endswith(clock(1000.0))
    assert store.ask("keep", "web2").code == STOPPED
    store.clock.now += LIFE
    assert store.read()[0].turn is None


def test_a_machine_that_died(store: Memory) -> None:
    """The same version goes no further; the answer says who took it and was last heard of when."""
    store.ask("take", "web1", "v2")
    store.clock.now += LIFE + 15
    answer = store.ask("take", "web2", "v2")
    assert answer.code == STOPPED
    took = "web1 took version v2 and has not reported that it is up"
    assert answer.text == f"{took}; it was last heard of at {clock(1000.0)}"
    store.clock.now += 10_000
    assert store.ask("take", "web2", "v2").code == STOPPED


def test_another_version_goes_on(store: Memory) -> None:
    """After a machine died with one version, the rest takes another."""
    store.ask("take", "web1", "v2")
    store.clock.now += LIFE
    assert store.ask("take", "web2", "v3").code == YES
    assert store.ask("give", "web2").code == YES
    assert store.ask("take", "web3", "v3").code == YES


@pytest.mark.parametrize("verb", ["give", "clear"])
def test_what_frees_the_rest(store: Memory, verb: str) -> None:
    """The dead machine comes up again and gives, or a person clears it."""
    store.ask("take", "web1", "v2")
    store.clock.now += LIFE
    store.ask(verb, *(["web1"] if verb == "give" else []))
    assert store.entries == Entries()
    assert store.ask("take", "web2", "v2").code == YES


def test_a_machine_that_was_cut_off(store: Memory) -> None:
    """It renews a turn that ended meanwhile, unless another machine has taken its own version."""
    store.ask("take", "web1", "v2")
    store.clock.now += LIFE
    assert store.ask("keep", "web1").code == YES
    assert store.ask("take", "web2", "v3").code == NOT_YET
    store.clock.now += LIFE
    assert store.ask("take", "web2", "v3").code == YES
    assert store.ask("keep", "web1").code == STOPPED
    assert store.ask("give", "web1").code == YES
    assert store.entries.turn == Entry("web2", "v3", 1060.0, 1060.0)


def test_show(store: Memory) -> None:
    """A person sees who has it, and changes nothing."""
    assert store.ask("show").text == "no machine has it"
    store.ask("take", "web1", "v2")
    assert store.ask("show").text == f"web1 has it for version v2 since {clock(1000.0)}"
    store.clock.now += LIFE
    assert store.ask("show").text.endswith(f"last heard of at {clock(1000.0)}")
    assert store.writes == 1


def test_others_write_meanwhile(store: Memory) -> None:
    """It is decided anew after another machine was first; not without end."""
    store.others = 3
    assert store.ask("take", "web1", "v2").code == YES
    store.others = 1000
    with pytest.raises(OSError, match="others"):
        store.ask("give", "web1")


@pytest.mark.parametrize("content", [b"", b"x", b"[]", b"{}", b'{"owner": 1}', b"[" * 100_000])
def test_what_others_wrote(content: bytes) -> None:
    """An entry that makes no sense is no machine's: it stops the roll until it is cleared."""
    found = parse(content)
    assert found is not None
    assert found.owner == "something else"


def test_an_entry_as_text() -> None:
    """What is written is what is read."""
    entry = Entry("web1", "v2", 1.5, 2.5)
    assert parse(dump(entry).encode()) == entry
    assert parse(None) is None
