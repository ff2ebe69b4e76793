"""Where a page ends: its last real `</body>`, as a browser's parser finds it.

The text `</body>` may also be in a script, a comment, an attribute or a text area, and in elements
that are not shown.
"""

from __future__ import annotations

import re
from html import unescape

FLAGS = re.IGNORECASE | re.DOTALL
TEXT = {b"iframe", b"noembed", b"noframes", b"noscript", b"script", b"style", b"textarea", b"title"}
TEXT |= {b"xmp"}  # elements that contain only text
NESTED = {b"math", b"svg", b"template"}
SLASH = ord("/")
# The rest of a tag: its attributes. There is none if a quoted value is not closed. Each character
# has one way to match, so that every page takes linear time. No group is possessive: after its last
# attempt Python 3.11.2 does not go back.
VALUE = rb"""(?:"[^"]*+"|'[^']*+'|(?=>)|[^\s>"'][^\s>]*+)"""
TAG_END = rb"(?:[\s/]++|[^\s/>][^\s/>=]*+(?:\s*+=\s*+%b|(?!\s*=)))*>" % VALUE
MARKUP = re.compile(
    rb"<!--(?:-?>|.*?--!?>)"
    rb"|<(?:\?|!(?!--)|/[^a-z>])[^>]*>"
    rb"|<(?!plaintext[\s/>])(?P<name>/?[a-z][^\s/>]*+)%b"
    rb"|<(?P<open>/?[a-z]|[!?]|/[^>])" % TAG_END,  # not closed, or cannot be
    FLAGS,
)
ATTRIBUTE = re.compile(rb"([^\s/>=]++)(?:\s*+=\s*+(%b))?" % VALUE, FLAGS)
SCRIPT = re.compile(rb"<!(?=--)|-->|</?script(?=[\s/>])", FLAGS)


def end_of(page: bytes) -> tuple[int, int]:
    """Find the end of a page in an encoding that extends ASCII.

    Returns the offset of its last real `</body>`, -1 without one, and the length of the page, -1 if
    what is appended there is not part of it.
    """
    body, at, nested = -1, 0, dict.fromkeys(NESTED, 0)
    while found := MARKUP.search(page, at):
        if found["open"]:
            return body, -1
        at, name = found.end(), (found["name"] or b"").lower()
        is_foreign = nested[b"svg"] or nested[b"math"]
        is_closed = page[at - 2] == SLASH  # which counts in SVG and MathML only
        if name == b"/body":
            body = body if any(nested.values()) else found.start()
        elif (inner := name.lstrip(b"/")) in NESTED:
            step = -1 if inner != name else 0 if is_closed and inner != b"template" else 1
            nested[inner] = max(0, nested[inner] + step)
        elif name in TEXT and not (is_foreign and is_closed):
            at = _text_end(name, page, at)
        elif is_foreign and found[0].startswith(b"<![CDATA["):
            at = page.find(b"]]>", at - 3)
        if at < 0:
            return body, -1
    return body, -1 if any(nested.values()) else len(page)


def policies_of(page: bytes) -> list[str]:
    """Return the Content-Security-Policies that a page has in <meta> elements of its head."""
    policies: list[str] = []
    at = 0
    while at >= 0 and (found := MARKUP.search(page, at)) and not found["open"]:
        at, name = found.end(), (found["name"] or b"").lower()
        if name in (b"/head", b"body"):
            break
        if name == b"meta":
            values = _attributes(found[0])
            if values.get("http-equiv", "").strip().lower() == "content-security-policy":
                policies.append(values.get("content", ""))
        elif name in TEXT:
            at = _text_end(name, page, at)
    return policies


def _attributes(tag: bytes) -> dict[str, str]:
    """Return the attributes of a tag, read as Latin-1."""
    pairs = ((name.decode("latin-1"), value) for name, value in ATTRIBUTE.findall(tag))
    bare = ((name, value[1:-1] if value[:1] in b"\"'" else value) for name, value in pairs)
    return {name.lower(): unescape(value.decode("latin-1")) for name, value in bare}


def _text_end(name: bytes, page: bytes, at: int) -> int:
    """Return the offset of the tag that closes an element of text; -1 without one."""
    if name != b"script":
        found = re.compile(rb"</%b(?=[\s/>])" % name, FLAGS).search(page, at)
        return found.start() if found else -1
    level = 0  # 1 in a comment; 2 in a script in it, whose end tag is not ours
    for token in SCRIPT.finditer(page, at):
        text = token[0].lower()
        if text == b"-->":
            level = 0
        elif text == b"<!":
            level = max(1, level)
        elif text == b"<script":
            level = 2 if level else 0
        elif level < 2:
            return token.start()
        else:
            level = 1
    return -1
