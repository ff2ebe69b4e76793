"""The pages about deployments, frameworks and symptoms, word by word, on a real Apache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from support.apacheserver import ServerError, wait_for
from support.reader import Block, Reader, blocks

Readers = Callable[..., Reader]
APPLICATION = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"Hello"]
"""
MY_LINES = '\n\ndef my_lines():\n    return [b"Hello"]\n'  # a name of the reader's in deploying.md
START = ("python", "wsgireload.start(")


@pytest.fixture
def new_reader() -> Iterator[Readers]:
    """Makes readers who have these packages; their error logs are printed."""
    with ExitStack() as stack:
        made: list[Reader] = []

        def new(*packages: str) -> Reader:
            made.append(stack.enter_context(Reader(*packages)))
            return made[-1]

        yield new
        for reader in made:
            print(reader.log.text())  # noqa: T201 - pytest shows it where a test fails


def answers(reader: Reader, text: str) -> bool:
    """Whether the site answers, with this text in it."""
    try:
        return text in reader.get()
    except (ServerError, OSError):
        return False


def shows(reader: Reader, text: str) -> None:
    """Wait until the site answers with this text."""
    wait_for(lambda: answers(reader, text), f"{text!r} on the site", deadline=20.0)


def go_on(reader: Reader, steps: Iterator[Block], until: str) -> None:
    """Follow the page up to the block with this text."""
    for block in steps:
        reader.follow(block)
        if until in block.text:
            return
    raise AssertionError(f"the page no longer contains {until!r}")


def watched(reader: Reader) -> None:
    """Wait until the monitor has scanned its files."""
    wait_for(lambda: " files" in reader.log.text(), "the first scan")


def test_django(new_reader: Readers) -> None:
    """A project that was just made is served, reloads, and passes its checks."""
    reader, steps = new_reader("django", "asgiref", "sqlparse"), blocks("django.md")
    go_on(reader, steps, "systemctl restart")
    assert "The install worked successfully" in reader.get()
    watched(reader)
    go_on(reader, steps, "urlpatterns")
    shows(reader, "<h1>Hello</h1>")
    go_on(reader, steps, "Hello again")
    shows(reader, "<h1>Hello again</h1>")
    (reader.home / ".env").write_text("")  # what the page tracks is a file of the reader's
    go_on(reader, steps, "manage.py wsgireload status")
    checked, doctor, status = reader.ran[-3:]
    assert "no issues" in checked
    assert "fail" not in doctor
    assert "ok    mysite, pid " in status
    assert "Traceback" not in reader.log.text()


def test_flask(new_reader: Readers) -> None:
    """The application is served, and reloads."""
    packages = "flask", "werkzeug", "jinja2", "markupsafe", "itsdangerous", "click", "blinker"
    reader, steps = new_reader(*packages), blocks("flask.md")
    go_on(reader, steps, "systemctl restart")
    assert "<h1>Hello</h1>" in reader.get()
    watched(reader)
    go_on(reader, steps, "Hello again")
    shows(reader, "<h1>Hello again</h1>")
    assert "Traceback" not in reader.log.text()


def test_on_a_server(new_reader: Readers) -> None:
    """The tutorial's application is served with the server's lines, and the doctor agrees."""
    packages = "flask", "werkzeug", "jinja2", "markupsafe", "itsdangerous", "click", "blinker"
    reader = new_reader(*packages)
    for block in blocks("linux.md"):
        if block.file:
            reader.follow(block)
    steps = blocks("linux.md", "## On a server")
    go_on(reader, steps, "WSGIScriptAlias")
    reader.start()
    assert "<h1>Hello</h1>" in reader.get()
    go_on(reader, steps, "wsgireload doctor")
    assert "fail" not in reader.ran[-1]


def scripts() -> list[Block]:
    """The blocks of deploying.md that belong into a WSGI script."""
    return [each for each in blocks("deploying.md") if each.language == "python"]


@pytest.mark.parametrize("number", range(len(scripts())))
def test_deploying(new_reader: Readers, number: int) -> None:
    """Each block of Python works in a WSGI script, with the lines for Apache, and reloads."""
    reader = new_reader("django", "asgiref", "sqlparse")
    lines = [each.text for each in blocks("deploying.md") if each.language == "apache"]
    # That one belongs outside of a virtual host: see test_ending.py.
    lines = [text for text in lines if "WSGIDestroyInterpreter" not in text]
    reader.follow(Block("apache", "".join(lines)))
    text, script = reader.there(scripts()[number].text), reader.home / "app.wsgi"
    text = text if "wsgireload.start(" in text else f"{text}\nwsgireload.start()"
    text += MY_LINES if "def application" in text else APPLICATION
    script.write_text(text, "utf-8")
    (reader.home / "manage.py").write_text("")  # `preflight` runs it
    reader.start()
    assert reader.get().startswith("Hello")
    watched(reader)
    script.write_text(text.replace("Hello", "Hello again"), "utf-8")
    if "trigger" in text:
        [deployed] = [each for each in blocks("deploying.md") if each.language == "sh"]
        reader.follow(deployed)
    shows(reader, "Hello again")


@pytest.mark.parametrize("page", ["visitors.md", "faq.md", "index.md"])
def test_scripts(new_reader: Readers, page: str) -> None:
    """The page's script works, with its lines for Apache or the recommended ones, and reloads."""
    reader = new_reader()
    found = [*blocks(page), *blocks("linux.md", "## On a server")]
    reader.follow(next(block for block in found if block.language == "apache"))
    [block] = [block for block in blocks(page) if block.language == "python"]
    script = reader.home / "app.wsgi"
    script.write_text(reader.there(block.text) + APPLICATION, "utf-8")
    reader.start()
    assert reader.get() == "Hello"
    watched(reader)
    script.write_text(script.read_text("utf-8").replace("Hello", "Hello again"), "utf-8")
    shows(reader, "Hello again")
