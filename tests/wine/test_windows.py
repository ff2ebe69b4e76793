"""tests/windows under wine: each run is one that a person may start on a PC."""

from __future__ import annotations

import sys
from io import BytesIO

import pytest
from support.windows.launch import run

TESTS = "tests/windows"
RELOADS = "tests/chaos/test_load_windows.py"
EDIT = f"{TESTS}/test_reloading.py::test_an_edit"
OWN_GIL = f"{TESTS}/test_reloading.py::test_a_gil_of_its_own"
DJANGO, FLASK = f"{TESTS}/test_django.py", f"{TESTS}/test_flask.py"
LASTING, RELOADING = f"{TESTS}/test_lasting.py", f"{TESTS}/test_reloading.py"
SURROUNDINGS = [f"{TESTS}/test_{x}.py" for x in ("distributions", "editors", "others", "paths")]

# The longest first. Together they are all of tests/windows, with what differs by Python in each.
RUNS = {
    "fifty reloads": ("3.11", RELOADS),
    "reloading": ("3.12", RELOADING, DJANGO),
    "lasting": ("3.13", LASTING),
    "surroundings": ("3.12", *SURROUNDINGS),
    "all others": (
        "3.11",
        TESTS,
        *(f"--ignore={path}" for path in (LASTING, RELOADING, DJANGO, FLASK, *SURROUNDINGS)),
    ),
    "3.13": ("3.13", EDIT, OWN_GIL, DJANGO, FLASK),
    "3.11": ("3.11", EDIT, DJANGO),
}

CRASH = "Unhandled page fault"
"""What wine prints of a process that crashes: Apache's own log calls its end successful."""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", RUNS)
def test_by_a_windows_python(name: str) -> None:
    """The tests that run on Windows pass, and no process of Apache crashes."""
    version, *words = RUNS[name]
    output = BytesIO()
    code = run(version, "-m", "pytest", "-p", "no:cacheprovider", *words, output=output)
    text = output.getvalue().decode("utf-8", "backslashreplace")
    sys.stdout.write(text)
    assert code == 0
    assert CRASH not in text
