"""Folders of packages that Apache's user may read, which a venv of root's is not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path


def copy_packages(folder: Path, *names: str) -> Path:
    """Copy packages as they are installed in the running Python, bytecode included."""
    for name in names:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"{name} is not installed here; ci/test installs it")
        origin = Path(spec.origin)
        if spec.submodule_search_locations:
            shutil.copytree(origin.parent, folder / name)
        else:
            shutil.copy2(origin, folder)
    return folder


def install_packages(folder: Path, *requirements: str) -> Path:
    """Have pip install into a folder, from PyPI: other versions than those that are here."""
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    done = subprocess.run(
        [*pip, "--target", folder, *requirements], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ModuleNotFoundError(f"pip install {' '.join(requirements)}:\n{done.stderr}")
    return folder
