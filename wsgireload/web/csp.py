"""Whether the Content-Security-Policy of a page allows our script, and in which form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

INLINE = "inline"
OWN = "own"
NONCE = "'nonce-"
ANY_SITE = {"'self'", "*"}
PORTS = {"http": "80", "https": "443"}
HAS_PORT = re.compile(r".*:(?:\d+|\*)")


def script_form(policies: Iterable[str], site: str = "") -> str | None:
    """Return the form that all policies of a page allow: INLINE, OWN (a file of this site) or a
    nonce source.

    `site` is the origin of the page in lower case. None if the script may not run or may not send
    requests to this site.
    """
    forms: set[str] | None = None
    for policy in ",".join(policies).split(","):
        allowed = _forms(_directives(policy), site)
        if allowed is not None:
            forms = allowed if forms is None else forms & allowed
    if forms is None:
        return INLINE
    nonces = sorted(each for each in forms if each.startswith(NONCE))
    return next(iter([*nonces, *(each for each in (INLINE, OWN) if each in forms)]), None)


def _directives(policy: str) -> dict[str, list[str]]:
    """Return the sources of each directive; the first of two with one name counts."""
    directives: dict[str, list[str]] = {}
    for name, *sources in filter(None, map(str.split, policy.split(";"))):
        directives.setdefault(name.lower(), sources)
    return directives


def _forms(directives: dict[str, list[str]], site: str) -> set[str] | None:
    """Return the forms that one policy allows; None if it does not restrict scripts."""
    default = directives.get("default-src")
    connect = directives.get("connect-src", default)
    if not all("-" in name for name in directives):  # "sandbox", or no directive that is known
        return set()
    if connect is not None and not _allows(_lower(connect), site):
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
    if _allows(words, site) and not is_strict:
        forms.add(OWN)
    return forms


def _allows(sources: set[str], site: str) -> bool:
    """Return whether sources allow this site: by a keyword, its scheme or its name."""
    scheme = site.partition(":")[0]
    names = (each if "://" in each else f"{scheme}://{each}" for each in sources)
    is_named = any(fnmatchcase(_with_port(site), _with_port(name)) for name in names)
    return is_named or not sources.isdisjoint({*ANY_SITE, f"{scheme}:"})


def _with_port(origin: str) -> str:
    """Return an origin, which may have wildcards, with its port."""
    origin = origin.rstrip("/")
    return origin if HAS_PORT.fullmatch(origin) else f"{origin}:{PORTS.get(origin.split(':')[0])}"


def _lower(sources: Iterable[str]) -> set[str]:
    return {source.lower() for source in sources}
