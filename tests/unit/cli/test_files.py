"""`wsgireload files`: what a monitor of the application would track."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from wsgireload.cli import files, main

DJANGO = """
import wsgireload
from django.conf import settings
from django.core.wsgi import get_wsgi_application
settings.configure(INSTALLED_APPS=["wsgireload.django"], TEMPLATES=[
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["look"]}])
application = get_wsgi_application()
"""
FLASK = """
import os, wsgireload.flask
from flask import Flask
application = Flask("shop", root_path=os.getcwd(), template_folder="look")
wsgireload.flask.init_app(application)
"""
SCRIPTS = {
    "start": "import wsgireload; wsgireload.start(track='look')",
    "track, then start": "import wsgireload; wsgireload.track('look'); wsgireload.start()",
    "start, then track": "import wsgireload; wsgireload.start(); wsgireload.track('look')",
    "monitor": "import wsgireload; wsgireload.start().track('look')",
    "two starts": "import wsgireload\nfor each in 'look', 'x': wsgireload.start(track=each)",
    "trigger": "import wsgireload; wsgireload.start(trigger='look/page.html')",
    "Django": DJANGO,
    "Flask": FLASK,
}


@pytest.mark.parametrize("code", SCRIPTS.values(), ids=SCRIPTS)
def test_what_is_tracked(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever asks for it: start(), track(), a monitor, the app for Django, init_app for Flask."""
    monkeypatch.chdir(tmp_path)
    template = tmp_path / "look" / "page.html"
    template.parent.mkdir()
    template.write_text("Hello")
    script = tmp_path / "app.wsgi"
    script.write_text(code)
    assert main(["files", str(script), "--json"]) == 0
    tracked = json.loads(capfd.readouterr().out)["tracked"]
    assert str(template) in tracked
    assert str(script) not in tracked


def test_the_settings_of_the_first_start(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A second start() adds what it tracks, and no other setting."""
    script = tmp_path / "app.wsgi"
    script.write_text(
        "import wsgireload\nwsgireload.start(watch='poll')\nwsgireload.start(watch='events')"
    )
    assert main(["files", str(script), "--json"]) == 0
    polled = {each["polled"] for each in json.loads(capfd.readouterr().out)["folders"]}
    assert polled == {"watch='poll'"}


@pytest.mark.parametrize("end", ["", "raise OSError('no database')"])
def test_nothing_of_the_application_is_awaited(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads and exit functions, such as CherryPy's engine has, do not keep it from its end.

    Nor is bytecode left, which would belong to whoever has called it.
    """
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    script = tmp_path / "app.wsgi"
    script.write_text(
        "import atexit, pathlib, threading\n"
        f"left = pathlib.Path({str(tmp_path)!r})\n"
        "atexit.register((left / 'exit').touch)\n"
        "threading.Timer(1.0, (left / 'thread').touch).start()\n"
        f"{end}\n"
    )
    assert main(["files", str(script)]) == (1 if end else 0)
    assert [each.name for each in tmp_path.iterdir() if each != script] == []


def test_variables_of_the_running_apache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The script has the variables of that Apache, else of this shell: an error names whose."""
    script = tmp_path / "app.wsgi"
    script.write_text("import os, wsgireload\nassert 'SHOP_DEBUG' not in os.environ\n")
    monkeypatch.setenv("SHOP_DEBUG", "1")
    found = files.Surroundings([str(tmp_path)], environment={"X": "1"})
    monkeypatch.setattr(files, "surroundings", lambda *_: found)
    assert main(["files", str(script)]) == 0
    assert "those of this shell" not in capfd.readouterr().err
    monkeypatch.setattr(files, "surroundings", lambda *_: replace(found, environment=None))
    assert main(["files", str(script)]) == 1
    assert "those of this shell" in capfd.readouterr().err
