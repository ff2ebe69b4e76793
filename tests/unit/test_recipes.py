"""The documents' recipes are run as they stand."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LOGGED = """
from wsgireload.log import Event, Log, Word
Log("site|").say(Word.HOLDING, "a.py, line 7: no", event=Event("held", ("a.py",), 7))
"""


def recipe(document: str, containing: str) -> str:
    """The one block of Python in a document that contains a text."""
    blocks = BLOCK.findall((DOCS / document).read_text("utf-8"))
    [found] = [block for block in blocks if containing in block]
    return found


def run(program: str, *arguments: str) -> str:
    """What a program writes to stderr; it has to exit with 0."""
    words = [sys.executable, "-P", "-c", program, *arguments]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stderr


@pytest.mark.parametrize("library", ["pythonjsonlogger", "structlog"])
def test_json_lines(library: str) -> None:
    """A line of JSON has the message, its level and our fields, without more configuration."""
    found = json.loads(run(recipe("settings.md", f"{library}.") + LOGGED))
    assert found["message"].startswith("holding: a.py, line 7: no [pid ")
    expected = {"event": "held", "path": "a.py", "line": 7, "seconds": None, "application": "site|"}
    assert {name: found[name] for name in expected} == expected
    assert found.get("levelname", found.get("level")).lower() == "warning"
