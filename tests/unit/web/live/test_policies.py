"""Which form of the script a Content-Security-Policy allows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.livepage import HTML, PAGE, answering, asked, inserted, length
from support.wsgicall import call

from wsgireload.web import middleware
from wsgireload.web.assets import LIVE_SCRIPT
from wsgireload.web.csp import script_form

POLICIES = {
    "": "inline",
    "img-src 'self'": "inline",
    "script-src 'unsafe-inline'": "inline",
    "default-src 'self'": "own",
    "default-src 'SELF'; script-src *": "own",
    "script-src 'self' 'unsafe-inline'": "inline",
    "script-src 'self' 'unsafe-inline' 'sha256-x'": "own",
    "script-src 'nonce-Ab1'": "'nonce-Ab1'",
    "Script-Src 'self' 'nonce-Ab1' 'unsafe-inline'": "'nonce-Ab1'",
    "script-src 'strict-dynamic' 'nonce-Ab1'": "'nonce-Ab1'",
    "script-src 'strict-dynamic' 'self'": None,
    "default-src 'none'; script-src 'self'": None,
    "default-src 'none'; script-src 'self'; connect-src 'self'": "own",
    "connect-src https://api.example; script-src 'self'": None,
    "script-src 'none'": None,
    "script-src https://cdn.example": None,
    "script-src 'none'; script-src-elem 'self'": "own",
    "script-src 'self'; script-src 'none'": "own",
    "sandbox allow-scripts": None,
    "script-src 'self', script-src 'nonce-Ab1' 'self'": "own",
    "script-src 'nonce-Ab1', script-src 'self'": None,
    "img-src *, script-src 'self'": "own",
    "x; script-src 'self'": None,  # nobody knows what it allows
}


@pytest.mark.parametrize(("policy", "expected"), POLICIES.items(), ids=str)
def test_policies(policy: str, expected: str | None) -> None:
    """The form of the script that a policy allows; it must allow requests to this site, too."""
    assert script_form([policy]) == expected


NAMED = {
    "default-src http:": "own",
    "default-src http: 'unsafe-inline'": "inline",
    "default-src https:": None,
    "default-src localhost:*": "own",
    "default-src localhost:8000": "own",
    "default-src LOCALHOST:8000 'unsafe-inline'": "inline",
    "default-src http://localhost:8000/": "own",
    "default-src http://localhost:8000/static/": None,
    "default-src http://localhost": None,
    "default-src https://localhost:8000": None,
    "default-src http://localhost.example:8000": None,
    "script-src 'self'; connect-src ws://localhost:* http://*:8000": "own",
    "script-src 'nonce-x' 'strict-dynamic'; connect-src http://localhost:*": "'nonce-x'",
    "script-src localhost:* 'strict-dynamic'": None,
}


@pytest.mark.parametrize(("policy", "expected"), NAMED.items(), ids=str)
def test_a_policy_that_names_this_site(policy: str, expected: str | None) -> None:
    """A policy may allow this site by its scheme or its name."""
    site = asked(
        answering([PAGE], HTML, ("Content-Security-Policy", policy)), HTTP_HOST="localhost:8000"
    )
    assert script_form([policy], "http://localhost:8000") == expected
    assert bool(inserted(site)) == (expected is not None)


def test_the_usual_port_may_be_left_out() -> None:
    """An origin without a port has that of its scheme."""
    for site, source in (("http://a.test", "a.test:80"), ("https://a.test:443", "*.test")):
        assert script_form([f"script-src {source}; connect-src *"], site) == "own"


METAS = {
    '<meta http-equiv="Content-Security-Policy" content="default-src \'self\'">': "own",
    "<META content='script-src &#39;nonce-Ab1&#39;' http-equiv=content-security-policy />": "nonce",
    "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">": "",
    "<meta http-equiv='Content-Security-Policy' content=\"script-src 'none'\"><title></title>": "",
    "<title><meta http-equiv='Content-Security-Policy' content='script-src x'></title>": "inline",
    "<!-- <meta http-equiv='Content-Security-Policy' content='script-src x'> -->": "inline",
    "</head><body>About Content-Security-Policy": "inline",
    "<meta http-equiv=Content-Security-Policy content=upgrade-insecure-requests>": "inline",
}
FORMS = {
    "own": b"<script async src=",
    "nonce": b'<script nonce="Ab1" ',
    "inline": b"<script data",
    "": b"",
}


@pytest.mark.parametrize(("head", "form"), METAS.items(), ids=str)
@pytest.mark.parametrize("shape", [list, iter])
def test_a_policy_in_the_page(head: str, form: str, shape: Callable) -> None:
    """A policy in a <meta> element counts as one in a header; a text about policies does not."""
    page = b"<html><head>" + head.encode() + PAGE
    tag = inserted(asked(answering(shape([page]), HTML, length(page))))
    assert tag.startswith(FORMS[form])
    assert bool(tag) == bool(form)


def test_a_policy_that_comes_late() -> None:
    """In a page that was passed on by then, blanks are at the place of the script."""
    page = b"<html><head><meta http-equiv=Content-Security-Policy content=\"script-src 'self'\">"
    pieces = [page[:30], page[30:], PAGE]
    whole = b"".join(pieces)
    answer = asked(answering(iter(pieces), HTML, length(whole)))
    assert answer.body.replace(b" " * (len(answer.body) - len(whole)), b"", 1) == whole
    assert answer.header("Content-Length") == str(len(answer.body))


def test_a_policy_in_the_page_and_one_in_a_header() -> None:
    """Both count."""
    page = b"<meta http-equiv=Content-Security-Policy content=\"script-src 'nonce-a'\">" + PAGE
    header = ("Content-Security-Policy", "script-src 'self'")
    assert not inserted(asked(answering([page], HTML, header)))


def test_several_policies_all_count() -> None:
    """All policies of a page count."""
    assert script_form([]) == "inline"
    assert script_form(["script-src 'self'", "script-src 'none'"]) is None


@pytest.mark.parametrize(
    "name",
    ["Content-Security-Policy", "content-security-policy", "Content-Security-Policy-Report-Only"],
)
def test_the_tag_pleases_the_policy(name: str) -> None:
    """With a nonce the script has it; with 'self' it is a file of the middleware."""
    nonce = asked(answering([PAGE], HTML, (name, "script-src 'nonce-Ab1'")))
    assert inserted(nonce).startswith(b'<script nonce="Ab1" data-wsgireload=')
    own = asked(answering([PAGE], HTML, (name, "script-src 'self'")), SCRIPT_NAME="/shop")
    tag = inserted(own)
    assert b' src="/shop/.wsgireload/live.js" data-wsgireload="/shop/.wsgireload/live?v=' in tag
    assert tag.endswith(b"></script>")
    served = middleware(answering([]), live=True)
    assert call(served, "/.wsgireload/live.js").text == LIVE_SCRIPT


def test_the_address_is_escaped() -> None:
    """The URL is valid wherever the application is mounted."""
    tag = inserted(asked(answering([PAGE]), SCRIPT_NAME='/a"><b>\xc3\xa4'))
    assert b'data-wsgireload="/a%22%3E%3Cb%3E%C3%A4/.wsgireload/live?v=' in tag
