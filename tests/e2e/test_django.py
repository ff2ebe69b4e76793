"""Django with the app `wsgireload.django`: examples/django, on the current and the LTS version."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apache import Apache
from examplesite import DJANGO, ExampleSite
from library import copy_packages, install_packages

FILE = "mysite/locale/en/LC_MESSAGES/django.mo"


@pytest.fixture(scope="module", params=["4.2", "5.2"])
def django(request: pytest.FixtureRequest, new_folder: Callable[[], Path]) -> Path:
    """The version that the unit tests have, and the one before."""
    if request.param == "5.2":
        return copy_packages(new_folder(), *DJANGO)
    return install_packages(new_folder(), f"django=={request.param}.*")


@pytest.fixture
def site(apache: Apache, library: Path, django: Path) -> Iterator[ExampleSite]:
    """The example, started and asked once."""
    with ExampleSite(apache, "django", [library, django]) as site:
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


def test_saving(site: ExampleSite) -> None:
    """A view, a template, the settings: each goes live with one restart."""
    assert site.save("mysite/views.py", "Hello", "Goodbye") == "My site says: Goodbye!\n"
    template = "mysite/templates/front.html"
    assert site.save(template, "says", "writes") == "My site writes: Goodbye!\n"
    assert site.save("mysite/settings.py", "My", "Your") == "Your site writes: Goodbye!\n"
    named = ("mysite/views.py changed", f"{template} changed", "mysite/settings.py changed")
    assert [name in said for name, said in zip(named, site.restarts(), strict=True)] == [True] * 3


def test_compiling_messages(site: ExampleSite) -> None:
    """The first translation of an app goes live, and so does each later one."""
    path = site.app / FILE

    def write(greeting: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(compiled(greeting))

    assert site.answer_after(lambda: write("Servus")) == "My site says: Servus!\n"
    assert site.answer_after(lambda: write("Moin")) == "My site says: Moin!\n"
    assert all(f"{FILE} " in said for said in site.restarts())
