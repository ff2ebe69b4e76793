"""Who may have the turn: the rules, whatever the store.

A store keeps two entries. The turn lives for some seconds unless it is renewed. What was tried
stays until its owner gives it up: a version that kills the first machine must not reach the next.
All times are the store's, in seconds since 1970: no machine's clock is compared with another's.
"""

from __future__ import annotations

import json
from typing import NamedTuple, Protocol

from wsgireload import report

YES, NOT_YET, STOPPED = 0, 75, 76
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
    """An exit code, and a line that says who has the turn, or why nobody gets it.

    What follows a semicolon is of this moment.
    """

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
        return Answer(YES, f"{owner} does not have it"), Entries(*left)
    shown = Answer(YES, described(found, now))
    return shown, Entries() if verb == "clear" else found


def _take(found: Entries, now: float, owner: str, version: str) -> tuple[Answer, Entries]:
    turn, tried = found
    if turn and turn.owner != owner:
        return Answer(NOT_YET, described(found, now)), found
    if not turn and tried and tried.owner != owner and tried.version == version:
        return Answer(STOPPED, described(found, now)), found
    since = turn.since if turn and turn.version == version else now
    entry = Entry(owner, version, since, now)
    return Answer(YES, f"{owner} has it for version {version}"), Entries(entry, entry)


def _keep(found: Entries, now: float, owner: str) -> tuple[Answer, Entries]:
    """Renew the turn. It may have ended while its owner could not reach the store."""
    mine = found.turn or found.tried
    if not mine or mine.owner != owner:
        return Answer(STOPPED, f"{owner} does not have it"), found
    entry = mine._replace(heard=now)
    return Answer(YES, f"{owner} has it for version {entry.version}"), Entries(entry, entry)


def described(found: Entries, now: float) -> str:
    """Say who has the turn, or who took a version and was not heard of again."""
    turn, tried = found
    if turn:
        since = _seconds(now - turn.since)
        return f"{turn.owner} has it for version {turn.version}; since {since}"
    if tried:
        heard = _seconds(now - tried.heard)
        took = f"{tried.owner} took version {tried.version} and did not report that it is up"
        return f"{took}; last heard of {heard} ago"
    return "no machine has it"


def _seconds(seconds: float) -> str:
    return f"{max(0.0, seconds):.0f} s"


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
