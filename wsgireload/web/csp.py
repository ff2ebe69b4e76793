"""Which scripts a page's Content-Security-Policy lets run, and whether they may ask us."""

from __future__ import annotations

from collections.abc import Iterable

INLINE = "inline"
OWN = "own"
NONCE = "'nonce-"
EVERYBODY = {"'self'", "*"}


def way(policies: Iterable[str]) -> str | None:
    """How a script of ours may stand in a page: INLINE, OWN (from this site), or a nonce's source.

    None where it may not, or could not ask this site for anything. A page has to please all of its
    policies; without any, everything goes.
    """
    ways: set[str] | None = None
    for policy in ",".join(policies).split(","):
        allowed = _ways(_directives(policy))
        if allowed is not None:
            ways = allowed if ways is None else ways & allowed
    if ways is None:
        return INLINE
    nonces = sorted(each for each in ways if each.startswith(NONCE))
    return next(iter([*nonces, *(each for each in (INLINE, OWN) if each in ways)]), None)


def _directives(policy: str) -> dict[str, list[str]]:
    """Each directive's sources; of two of a name the first counts."""
    told: dict[str, list[str]] = {}
    for directive in policy.split(";"):
        name, *sources = directive.split() or [""]
        told.setdefault(name.lower(), sources)
    return told


def _ways(told: dict[str, list[str]]) -> set[str] | None:
    """The ways that one policy leaves; None where it has nothing to say of scripts."""
    rest = told.get("default-src")
    asking = told.get("connect-src", rest)
    if "sandbox" in told or (asking is not None and not EVERYBODY & _lower(asking)):
        return set()
    sources = told.get("script-src-elem", told.get("script-src", rest))
    if sources is None:
        return None
    words, ways = _lower(sources), {each for each in sources if each.startswith(NONCE)}
    picky = "'strict-dynamic'" in words
    named = picky or any(word.startswith((NONCE, "'sha")) for word in words)
    if "'unsafe-inline'" in words and not named:  # beside a nonce or a hash it counts for nothing
        ways.add(INLINE)
    if EVERYBODY & words and not picky:
        ways.add(OWN)
    return ways


def _lower(sources: Iterable[str]) -> set[str]:
    return {source.lower() for source in sources}
