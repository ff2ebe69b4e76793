"""Requests to the page from elsewhere: one log line says why they get the application's answer."""

from __future__ import annotations

import logging

import pytest
from support.wsgicall import call

from wsgireload.web import middleware
from wsgireload.web.wrapper import MOST_REFUSALS

TOKEN = "correct-horse-battery"
FAR = {"REMOTE_ADDR": "192.0.2.2"}


def application(environ, start_response):
    """The application: it answers every request in plain text."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"me"]


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines about hidden pages, without what each line ends with."""
    texts = [record.getMessage() for record in caplog.records]
    return [text.partition(" [pid ")[0] for text in texts if "hidden from" in text]


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wsgireload")


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        (FAR, "hidden from 192.0.2.2; use token="),
        ({"SERVER_ADDR": "192.0.2.1"}, "hidden from 127.0.0.1; use token="),
        ({"REMOTE_ADDR": None}, "hidden from an unknown address; use token="),
        (
            {"HTTP_X_FORWARDED_FOR": "192.0.2.2"},
            "hidden from 127.0.0.1, a request with X-Forwarded-For as from a proxy; use token=",
        ),
        (
            {"SERVER_PROTOCOL": "HTTP/1.0"},
            "hidden from 127.0.0.1, a request by HTTP/1.0 as from a proxy; use token=",
        ),
        (
            {"HTTP_HOST": "shop.test"},
            "hidden from 127.0.0.1, a request for 'shop.test'; use hosts=, or use token=",
        ),
    ],
)
@pytest.mark.parametrize("name", ["", "/", "/status.json", "/?token=wrong"])
def test_the_reason_is_logged(caplog, environ: dict[str, str], line: str, name: str) -> None:
    """Each reason has its cure."""
    answer = call(middleware(application), f"/.wsgireload{name}", **environ)
    assert (answer.status, answer.body) == ("200 OK", b"me")
    assert lines(caplog) == [f"watching: {line}"]


def test_a_wrong_token(caplog) -> None:
    """Where there is a token, the line mentions it, and never its value."""
    call(middleware(application, token=TOKEN), "/.wsgireload/?token=other", **FAR)
    assert lines(caplog) == ["watching: hidden from 192.0.2.2; it takes the token"]


def test_once_for_each_address(caplog) -> None:
    """Repeated requests log nothing more, and many addresses only the first of them."""
    served = middleware(application, live=True)
    for _ in range(3):
        call(served, "/.wsgireload/", **FAR)
    assert len(lines(caplog)) == 1
    for number in range(100):
        call(served, "/.wsgireload/", REMOTE_ADDR=f"198.51.100.{number}")
    assert len(lines(caplog)) == MOST_REFUSALS


def test_other_requests_log_nothing(caplog) -> None:
    """Only requests for the page are logged: the site has visitors from everywhere."""
    for served in (middleware(application), middleware(application, live=True)):
        for path in ("/", "/.wsgireload-x", "/.wsgireload/x"):
            call(served, path, **FAR)
        call(served, "/.wsgireload/")
    assert lines(caplog) == []


@pytest.mark.parametrize("text", ["a\nholding: x", "\x1b[2J", "\u2028", "x" * 9000])
def test_what_a_client_sends_cannot_forge_a_line(caplog, text: str) -> None:
    """Line breaks and controls are escaped, and long values are cut."""
    served = middleware(application)
    call(served, "/.wsgireload/", HTTP_HOST=text)
    call(served, "/.wsgireload/", REMOTE_ADDR=text)
    call(served, "/.wsgireload/", **{f"HTTP_{text}_REAL_IP": "x", "REMOTE_ADDR": "::1"})
    assert len(lines(caplog)) in (2, 3)  # a line break is not part of a header's name
    assert all(line.isprintable() and len(line) < 200 for line in lines(caplog))


@pytest.mark.parametrize("mounted", ["", "/shop", "//evil.example"])
@pytest.mark.parametrize(
    ("path", "name"), [("/.wsgireload/", ".wsgireload"), ("/dev/café:x/", "caf%C3%A9%3Ax")]
)
def test_without_the_slash(mounted: str, path: str, name: str) -> None:
    """It redirects to the page with the query, relative to where the application is mounted."""
    served, sent = middleware(application, path), path.encode().decode("latin-1")[:-1]
    answer = call(served, sent, SCRIPT_NAME=mounted)
    assert answer.status.startswith("307 ")
    assert answer.header("Location") == f"./{name}/"
    assert answer.header("Cache-Control") == "no-store"
    asked = call(served, f"{sent}?token=a%20b&x='\"<", SCRIPT_NAME=mounted)
    assert asked.header("Location") == f"./{name}/?token=a%20b&x='%22%3C"
    assert call(served, sent, REQUEST_METHOD="POST").status.startswith("405 ")


def test_without_the_slash_from_elsewhere() -> None:
    """Who may not see the page gets the application's answer, and who knows the token the page."""
    served = middleware(application, token=TOKEN)
    assert call(served, "/.wsgireload", **FAR).body == b"me"
    location = call(served, f"/.wsgireload?token={TOKEN}", **FAR).header("Location")
    assert location == f"./.wsgireload/?token={TOKEN}"
