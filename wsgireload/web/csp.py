"""Whether the Content-Security-Policy of a page allows our script, and in which form."""

from __future__ import annotations

from collections.abc import Iterable

INLINE = "inline"
OWN = "own"
NONCE = "'nonce-"
ANY_SITE = {"'self'", "*"}


def script_form(policies: Iterable[str]) -> str | None:
    """Return the form that all policies of a page allow: INLINE, OWN (a file of this site) or a
    nonce source.

    None if the script may not run or may not send requests to this site.
    """
    forms: set[str] | None = None
    for policy in ",".join(policies).split(","):
        allowed = _forms(_directives(policy))
        if allowed is not None:
            forms = allowed if forms is None else forms & allowed
    if forms is None:
        return INLINE
    nonces = sorted(each for each in forms if each.startswith(NONCE))
    return next(iter([*nonces, *(each for each in (INLINE, OWN) if each in forms)]), None)


def _directives(policy: str) -> dict[str, list[str]]:
    """Return the sources of each directive; the first of two with one name counts."""
    directives: dict[str, list[str]] = {}
    for directive in policy.split(";"):
        name, *sources = directive.split() or [""]
        directives.setdefault(name.lower(), sources)
    return directives


def _forms(directives: dict[str, list[str]]) -> set[str] | None:
    """Return the forms that one policy allows; None if it does not restrict scripts."""
    default = directives.get("default-src")
    connect = directives.get("connect-src", default)
    if "sandbox" in directives or (connect is not None and not ANY_SITE & _lower(connect)):
        return set()
    sources = directives.get("script-src-elem", directives.get("script-src", default))
    if sources is None:
        return None
    words, forms = _lower(sources), {each for each in sources if each.startswith(NONCE)}
    is_strict = "'strict-dynamic'" in words
    has_hashes = any(word.startswith((NONCE, "'sha")) for word in words)
    # Browsers ignore 'unsafe-inline' beside a nonce or a hash.
    if "'unsafe-inline'" in words and not is_strict and not has_hashes:
        forms.add(INLINE)
    if ANY_SITE & words and not is_strict:
        forms.add(OWN)
    return forms


def _lower(sources: Iterable[str]) -> set[str]:
    return {source.lower() for source in sources}
