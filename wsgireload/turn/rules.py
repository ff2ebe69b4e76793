"""Who may have the turn: the rules, whatever the store.

A store keeps two entries. The turn lives for some seconds unless it is renewed. What was tried
stays until its owner gives it up: a version that kills the first machine must not reach the next.
All times are the store's, in seconds since 1970: no machine's clock is compared with another's.
"""

from __future__ import annotations

import json
import time
from typing import NamedTuple, Protocol

from wsgireload import report
from wsgireload.coordinator import NOT_YET, STOPPED, YES

ATTEMPTS = 50  # at a change, while others change the same


class Entry(NamedTuple):
    """A machine and the version that it took: `since` when, and when it was last `heard` of."""

    owner: str
    version: str
    since: float
    heard: float


class Entries(NamedTuple):
    """The turn, and what was tried."""

    turn: Entry | None = None
    tried: Entry | None = None


class Answer(NamedTuple):
    """An exit code, and a line that says who has the turn, or why nobody gets it."""

    code: int
    text: str


class Store(Protocol):
    """Keeps the entries; every method may raise OSError."""

    def read(self) -> tuple[Entries, float]:
        """Return the entries, and the time."""

    def write(self, before: Entries, after: Entries) -> bool:
        """Write what differs, unless an entry has changed since it was read; whether it has not."""


def act(store: Store, verb: str, owner: str = "", version: str = "") -> Answer:
    """Take, keep, give, show or clear the turn."""
    for _ in range(ATTEMPTS):
        before, now = store.read()
        answer, after = decide(before, now, verb, owner, version)
        if after == before or store.write(before, after):
            return answer
    raise OSError("others change the turn all the time")


def decide(
    found: Entries, now: float, verb: str, owner: str, version: str
) -> tuple[Answer, Entries]:
    """Return the answer, and the entries as they have to be then."""
    if verb == "take":
        return _take(found, now, owner, version)
    if verb == "keep":
        return _keep(found, now, owner)
    if verb == "give":
        left = [None if each and each.owner == owner else each for each in found]
        return Answer(YES, f"{owner} has given it back"), Entries(*left)
    shown = Answer(YES, in_words(found))
    return shown, Entries() if verb == "clear" else found


def _take(found: Entries, now: float, owner: str, version: str) -> tuple[Answer, Entries]:
    turn, tried = found
    if turn and turn.owner != owner:
        return Answer(NOT_YET, in_words(found)), found
    if not turn and tried and tried.owner != owner and tried.version == version:
        return Answer(STOPPED, in_words(found)), found
    since = turn.since if turn and turn.version == version else now
    return _granted(Entry(owner, version, since, now))


def _keep(found: Entries, now: float, owner: str) -> tuple[Answer, Entries]:
    """Renew the turn. It may have ended while its owner could not reach the store."""
    mine = found.turn or found.tried
    if not mine or mine.owner != owner:
        return Answer(STOPPED, f"{owner} does not have it"), found
    return _granted(mine._replace(heard=now))


def _granted(entry: Entry) -> tuple[Answer, Entries]:
    after = Entries(entry, entry)
    return Answer(YES, in_words(after)), after


def in_words(found: Entries) -> str:
    """Say who has the turn, or who took a version and was not heard of again.

    The same entries give the same text: a change is logged, and nothing else.
    """
    turn, tried = found
    if turn:
        return f"{turn.owner} has it for version {turn.version} since {_clock(turn.since)}"
    if tried:
        took = f"{tried.owner} took version {tried.version} and has not reported that it is up"
        return f"{took}; it was last heard of at {_clock(tried.heard)}"
    return "no machine has it"


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(min(max(at, 0.0), 2.0**31)))


def parse(content: bytes | None) -> Entry | None:
    """Return an entry from its JSON; what is none counts as another machine's, until cleared."""
    if content is None:
        return None
    try:
        return report.parse(Entry, json.loads(content))
    except (ValueError, TypeError, RecursionError):
        return Entry("something else", "unknown", 0.0, 0.0)


def dump(entry: Entry) -> str:
    """Return an entry as JSON."""
    return json.dumps(entry._asdict())
