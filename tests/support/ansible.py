"""ansible-playbook from PyPI, installed once beside the running Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from support.packages import made_once


@dataclass(frozen=True)
class Playbook:
    """A playbook in a folder, for hosts that are all this machine."""

    path: Path
    hosts: Mapping[str, Mapping[str, str]]  # the variables of each

    def run(self, **environment: str) -> tuple[int, str]:
        """Run it; return the exit code and what it prints."""
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        if os.getuid() != 0:
            here["ansible_become"] = "false"
        hosts = {name: {**here, **values} for name, values in self.hosts.items()}
        inventory = self.path.with_name("hosts.json")
        inventory.write_text(json.dumps({"web": {"hosts": hosts}}))
        known = {"PATH": os.environ["PATH"], "HOME": str(self.path.parent), "LANG": "C.UTF-8"}
        known |= {"PYTHONPATH": str(packages()), "NO_COLOR": "1", "ANSIBLE_PIPELINING": "1"}
        known |= environment
        words = [sys.executable, "-P", "-m", "ansible", "playbook", "-i", inventory, self.path]
        done = subprocess.run(
            words,
            env=known,
            cwd=self.path.parent,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@cache
def packages() -> Path:
    """The folder of ansible-core; skips the test where it cannot be had."""

    def install(target: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--target", target, "ansible-core"], check=True)

    try:
        made = made_once(Path(sys.prefix, "from-pypi", "ansible-core"), install)
    except subprocess.CalledProcessError:
        pytest.skip("ansible-core cannot be installed from PyPI")
    words = [sys.executable, "-P", "-m", "ansible", "playbook", "--version"]
    known = {**os.environ, "PYTHONPATH": str(made)}
    done = subprocess.run(words, env=known, capture_output=True, text=True, check=False)
    if done.returncode:
        why = done.stderr.strip().rpartition("\n")[2]
        pytest.skip(f"ansible-core does not start with Python {sys.version.split()[0]}: {why}")
    return made
