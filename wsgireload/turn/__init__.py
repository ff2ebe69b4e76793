"""The turn of a fleet, in etcd or Redis: `python -m wsgireload.turn URL take OWNER VERSION`.

A program of its own, which decide/turn.py runs beside the application. A command of the user's may
take its place: the protocol is the same. See docs/fleet.md.
"""

from __future__ import annotations

from contextlib import closing

from wsgireload.coordinator import Coordinator
from wsgireload.turn.rules import Answer, act


def request(url: str, verb: str, *words: str) -> Answer:
    """Take, keep, give, show or clear the turn; OSError without an answer, ValueError for the URL.

    `words` are the owner, and to take it the version.
    """
    coordinator = Coordinator.of(url)
    if coordinator.scheme.startswith("etcd"):
        from wsgireload.turn.etcd import Etcd as Store
    else:
        from wsgireload.turn.redis import Redis as Store  # type: ignore[assignment]
    for host in coordinator.hosts:  # a lost answer does no harm: each request may be repeated
        try:
            with closing(Store(coordinator._replace(hosts=(host,)))) as store:
                return act(store, verb, *words)
        except OSError as error:
            latest = error
    raise latest
