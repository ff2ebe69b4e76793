"""What the page says of each state, of the files, and of the process."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from support.wsgicall import call

import wsgireload
from wsgireload import Held, Restarted, Status
from wsgireload.report import Failed
from wsgireload.web import middleware

NOW = 1_700_000_000.0
TRACEBACK = 'Traceback (most recent call last):\n  File "/srv/a.py", line 3\nNameError: <x>'
FAILED = Failed(NOW, "NameError: <x>", TRACEBACK, "/srv/a.py", 3)
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


def page(monkeypatch: pytest.MonkeyPatch, **fields: object) -> str:
    """The page about a monitor that watches, with these fields changed."""
    usual = {"active": True, "reason": None, "server": "daemon", "pid": 7, "application": ""}
    status = Status(**{**usual, "files": 3, "looks": 2, **fields})  # type: ignore[arg-type]
    monkeypatch.setattr(wsgireload, "status", lambda: status)
    environ = {"SCRIPT_FILENAME": "/srv/app.wsgi"}
    return call(middleware(lambda *_: []), "/.wsgireload/", **environ).text


@pytest.mark.parametrize(
    ("fields", "state", "sentence"),
    [
        ({}, "Watching", "Running code matches disk for all watched files."),
        ({"changed": ("a.py",)}, "Changed", "Until then the old code answers."),
        ({"restarting": True}, "Restarting", "A new process loads the new code and answers next."),
        ({"failed": FAILED}, "Failed", "The application does not start"),
        ({"loading": "still being loaded: <a>.py, line 9"}, "Loading", "&lt;a&gt;.py, line 9."),
        ({"paused": NOW}, "Paused", "“wsgireload resume” ends the pause."),
        ({"paused": NOW, "holding": "paused until noon"}, "Paused", "The old code keeps serving."),
        ({"paused": 1e300}, "Paused", "Until an unknown time;"),
        ({"failed": FAILED, "holding": "h"}, "Failed", "The application does not start"),
    ],
)
def test_each_state_has_a_true_sentence(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, object], state: str, sentence: str
) -> None:
    """The page says what answers now, and what a person can do."""
    text = page(monkeypatch, **fields)
    assert f'role="status">{state}</p>' in text
    assert sentence in text


def test_a_start_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Place, exception and the whole traceback are shown, escaped, as a block of code."""
    text = page(monkeypatch, failed=FAILED)
    assert '<p class="where"><b>a.py</b>:3</p>' in text
    assert '<p class="error">NameError: &lt;x&gt;</p>' in text
    [block] = re.findall(
        r'<pre [^>]*aria-label="Traceback" tabindex="0"><code>(.*?)<', text, re.DOTALL
    )
    assert block == TRACEBACK.replace('"', "&quot;").replace("<x>", "&lt;x&gt;")


def test_the_output_of_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """A preflight's output keeps its lines, and cannot become markup."""
    text = page(monkeypatch, holding="the preflight failed", output="two\n  lines <b>")
    assert "<code>two\n  lines &lt;b&gt;</code></pre>" in text
    held = Held("/srv/a.py", None, None, None, "the preflight raised")
    assert "<code>out</code></pre>" in page(monkeypatch, holding="h", held=held, output="out")


def test_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Script, requests and start are shown; what is not known has no row."""
    text = page(monkeypatch, script="/srv/app.wsgi", requests=1234, since=NOW)
    assert "<dt>Script</dt><dd>app.wsgi<small>" in text
    assert "<dt>Requests</dt><dd>1,234<small>" in text
    assert re.search(f"<dt>Running since</dt><dd>{TIME}<small>\\d+ d ago", text)
    assert not re.search("<dt>(Script|Requests)</dt>", page(monkeypatch))


def test_one_format_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time of today looks like one of last year."""
    history = (Restarted(NOW, "a", 0.5), Restarted(4e9, "b", None))
    found = re.findall("<time>(.*?)</time>", page(monkeypatch, history=history))
    assert len(found) == 2
    assert all(re.fullmatch(TIME, each) for each in found)


def test_a_persons_own_files_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of Python and of installed packages are folded, with their number."""
    standard = str(Path(os.__file__).with_name("gzip.py"))
    paths = ["/opt/v/lib/python3/site-packages/flask/app.py", "/srv/a.py", "/usr/src/own.py"]
    text = page(monkeypatch, list_paths=lambda: [*paths, standard])
    own, folded = text.split("<details>")
    assert "Your files<small>2</small>" in own
    assert "a.py" in own
    assert "own.py" in own
    assert "<summary>2 other files" in folded
    assert "app.py" in folded
    assert "gzip.py" in folded
    assert "<details>" not in page(monkeypatch, list_paths=lambda: ["/srv/a.py"])
    assert "Your files" not in page(monkeypatch, list_paths=lambda: [standard])


def test_images_have_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each image says what it shows; the bar of a duration says what is its whole."""
    text = page(monkeypatch, history=(Restarted(NOW, "a", 0.5), Restarted(NOW, "b", 2.0)))
    images = re.findall("<svg [^>]*>", text)
    assert len(images) == 4  # one of them is the icon
    assert all(re.search("role=['\"]img['\"] aria-label=", image) for image in images)
    assert 'aria-label="0.50 s, the longest 2.00 s"' in text
