"""Django with the app `wsgireload.django`: examples/django, on two versions of Django."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apache import Apache
from examplesite import ExampleSite
from server import wait_for

FILE = "mysite/locale/en/LC_MESSAGES/django.mo"


@pytest.fixture(params=["django==4.2.*", "django==5.2.*"])
def site(
    request: pytest.FixtureRequest,
    apache: Apache,
    library: Path,
    frameworks: Callable[..., Path],
) -> Iterator[ExampleSite]:
    """The example, started and asked once."""
    with ExampleSite(apache, "django", [library, frameworks(request.param)]) as site:
        try:
            assert site.begin() == "My site says: Hello!\n"
            yield site
        finally:
            print(site.log.text())  # noqa: T201 - pytest shows it where a test fails


def compiled(greeting: str) -> bytes:
    """A .mo file, as msgfmt makes it, in which "Hello" has another word."""
    texts = {b"": b"Content-Type: text/plain; charset=UTF-8\n", b"Hello": greeting.encode()}
    header, words, data, tables = 7 * 4, len(texts), b"", [b"", b""]
    for pair in texts.items():
        for table, text in enumerate(pair):
            where = header + 2 * words * 8 + len(data)
            tables[table] += struct.pack("<2I", len(text), where)
            data += text + b"\0"
    start = struct.pack("<7I", 0x950412DE, 0, words, header, header + words * 8, 0, 0)
    return start + tables[0] + tables[1] + data


def test_compiling_messages(site: ExampleSite) -> None:
    """The first translation of an app goes live, and so does each later one."""
    path = site.app / FILE

    def write(greeting: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(compiled(greeting))

    assert site.answer_after(lambda: write("Servus")) == "My site says: Servus!\n"
    assert site.answer_after(lambda: write("Moin")) == "My site says: Moin!\n"
    assert all(f"{FILE} " in said for said in site.restarts())


def test_a_page_that_reloads_itself(site: ExampleSite) -> None:
    """Django's answers are of a type of its own; its pages get the script all the same."""
    body = "<html><body>{{ site }} says: {{ greeting }}!</body></html>"
    site.save("mysite/templates/front.html", "{{ site }} says: {{ greeting }}!", body)
    wrapped = "\napplication = middleware(get_wsgi_application(), live=True)\n"
    script = site.app / "mysite" / "wsgi.py"
    text = script.read_text().replace("\napplication = get_wsgi_application()\n", wrapped)
    script.write_text(f"from wsgireload.web import middleware\n{text}")
    page = wait_for(lambda: _live(site), "a page with the script")
    plain = site.get()
    assert plain.startswith("<html><body>My site says")
    tag = page[page.index("<script data-wsgireload=") : page.index("</body>")]
    assert page.replace(tag, "") == plain


def _live(site: ExampleSite) -> str | None:
    page = site.get(Accept="text/html")
    return page if "data-wsgireload" in page else None
