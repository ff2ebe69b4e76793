"""The shell functions that the commands of ci/ share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
VIRTUAL = "chromium:\n  Installed: (none)\n  Candidate: (none)\n  Version table:"
REAL = "chromium:\n  Installed: (none)\n  Candidate: 140.0-1\n  Version table:"
INSTALLED = "chromium:\n  Installed: 139.0-1\n  Candidate: (none)\n  Version table:"
SNAP = "Package: chromium\nPre-Depends: debconf, snapd (>= 2.0)"


@pytest.mark.parametrize(
    ("policy", "shown", "known", "has"),
    [
        (REAL, "Package: chromium\nDepends: libc6", "", True),
        (INSTALLED, "Package: chromium", "", True),
        (VIRTUAL, "Package: chromium-browser\nProvides: chromium", "", False),
        (REAL, SNAP, "", False),
        (INSTALLED, SNAP, "", False),
        ("", "", "", False),
        ("", "", "installed debconf, libc6", True),
        (REAL, "Package: chromium", "installed debconf, snapd (>= 2.0)", False),
        (REAL, SNAP, "config-files debconf, libc6", False),
    ],
)
def test_a_package_with_the_program(tmp_path, policy, shown, known, has):
    """A name without a package, and a package that only fetches a snap, are no Chromium."""
    (tmp_path / "policy").write_text(policy)
    (tmp_path / "show").write_text(shown)
    (tmp_path / "known").write_text(known)
    for name, printed in {"apt-cache": "$1", "dpkg-query": "known"}.items():
        (tmp_path / name).write_text(f'#!/bin/sh\ncat "{tmp_path}/{printed}"\n')
        (tmp_path / name).chmod(0o755)
    script = f"set -euo pipefail; source ci/setup.sh; PATH={tmp_path}:$PATH; has_package chromium"
    done = subprocess.run(["bash", "-c", script], cwd=CHECKOUT, check=False)
    assert (done.returncode == 0) is has


def test_the_demo_needs_no_packages() -> None:
    """`ci/demo` installs setuptools alone: what it imports is Python's own."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import support.demo"
    words = [sys.executable, "-S", "-P", "-c", code, str(CHECKOUT / "tests")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
