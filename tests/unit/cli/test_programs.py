"""Programs: what another program prints, in whatever encoding."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

RUN = """\
import sys
from wsgireload.cli import programs
command = [sys.executable, "-c", "import sys; sys.stdout.buffer.write(bytes.fromhex(sys.argv[1]))"]
print(ascii(programs.run([*command, sys.argv[1]])), end="")
"""


@pytest.mark.parametrize(
    ("text", "read"), [("größe 😀\r\nb\rc", "größe 😀\nb\nc"), ("gr", "gr"), ("", "")]
)
def test_utf_8_in_any_locale(text: str, read: str) -> None:
    """Apache prints paths in UTF-8, also where the locale has another encoding, as on Windows."""
    locale = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", RUN, text.encode().hex()]
    done = subprocess.run(command, env=os.environ | locale, capture_output=True, check=True)
    assert done.stdout.decode() == ascii((0, read, ""))


def test_text_of_the_locale() -> None:
    """What is no UTF-8 is read as text of the locale, and nothing is an error."""
    locale = {"LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-c", RUN, "616263ff0d0a"]
    done = subprocess.run(command, env=os.environ | locale, capture_output=True, check=True)
    assert done.stdout.decode() == ascii((0, "abc\N{REPLACEMENT CHARACTER}\n", ""))
