"""Django with the app `wsgireload.django`: examples/django, on two versions of Django."""

from __future__ import annotations

import struct

import pytest
from support.apacheserver import ServerError, wait_for
from support.examplesite import ExampleSite, ExampleSites
from support.packages import DJANGO

FIRST = "My site says: Hello!\n"
FILE = "mysite/locale/en/LC_MESSAGES/django.mo"
PREFLIGHT = """
from pathlib import Path
WSGIRELOAD["preflight"] = ["python", str(Path(__file__).parents[1] / "manage.py"), "check"]
"""


@pytest.fixture(params=DJANGO)
def site(request: pytest.FixtureRequest, new_example: ExampleSites) -> ExampleSite:
    """The example, not started yet."""
    return new_example("django", request.param)


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
    assert site.begin() == FIRST

    def write(greeting: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(compiled(greeting))

    assert site.answer_after(lambda: write("Servus")) == "My site says: Servus!\n"
    assert site.answer_after(lambda: write("Moin")) == "My site says: Moin!\n"
    assert all(f"{FILE} " in said for said in site.restarts())


def test_settings_that_come_later(site: ExampleSite) -> None:
    """A module that the settings could not import, before the app was there, goes live with it."""
    path = site.app / "mysite" / "settings.py"
    tried = "try:\n    from mysite.local import *\nexcept ImportError:\n    pass\n"
    path.write_text(f"{path.read_text()}\n{tried}")
    assert site.begin() == FIRST
    local = site.app / "mysite" / "local.py"
    answer = site.answer_after(lambda: local.write_text('SITE_NAME = "Local"\n'))
    assert answer == "Local says: Hello!\n"


def test_a_page_that_reloads_itself(site: ExampleSite) -> None:
    """Django's answers are of a type of its own; its pages get the script all the same."""
    site.begin()
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


def test_checking_first(site: ExampleSite) -> None:
    """With `manage.py check` as preflight a WSGIRELOAD that makes no sense is held, by its name."""
    name = "mysite/settings.py"
    settings = site.app / name
    good = settings.read_text() + PREFLIGHT
    settings.write_text(good)
    site.begin()
    settings.write_text(good.replace("0.5", "'fast'").replace("My", "Your"))
    [held] = wait_for(lambda: site.log.lines("wsgireload: holding: "), "the hold")
    assert "WSGIRELOAD['interval'] is 'fast'." in held.text
    assert (site.get(), site.restarts()) == (FIRST, [])
    assert site.save(name, "'fast'", "2") == "Your site says: Hello!\n"


def test_models_that_fail(site: ExampleSite) -> None:
    """The site answers again once the models are repaired, without a line in the script."""
    site.noisy = True
    (site.app / "orders").mkdir()
    models = site.app / "orders" / "models.py"
    models.write_text("")
    settings = site.app / "mysite" / "settings.py"
    settings.write_text(f"{settings.read_text()}\nINSTALLED_APPS = [*INSTALLED_APPS, 'orders']\n")
    site.begin()

    models.write_text("no_such_name\n")
    wait_for(lambda: not site.answers(FIRST), "the error")
    models.write_text("")
    wait_for(lambda: site.answers(FIRST), "the application")


def test_an_app_that_fails(site: ExampleSite) -> None:
    """The page shows why, also after Django's "populate() isn't reentrant" of later attempts."""
    site.noisy = True
    site.begin()
    script = site.app / "mysite" / "wsgi.py"
    script.write_text(f"import wsgireload\nwsgireload.start()\n{script.read_text()}")
    settings = site.app / "mysite" / "settings.py"
    good = settings.read_text()
    (site.app / "broken.py").write_text("no_such_name\n")
    settings.write_text(f"{good}\nINSTALLED_APPS = [*INSTALLED_APPS, 'broken']\n")

    def failure(text: str, **headers: str) -> bool:
        try:
            site.get(**headers)
        except ServerError as error:
            return text in str(error)
        return False

    wait_for(lambda: failure("NameError: name &#x27;no_such_name"), "the page")
    assert failure("NameError: name &#x27;no_such_name")
    assert failure("Internal Server Error</title>", Via="x")
    assert site.log.lines("reentrant")
    settings.write_text(good)
    wait_for(lambda: not failure(""), "the application")
    assert site.get() == FIRST
