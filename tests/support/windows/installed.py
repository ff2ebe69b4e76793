"""What is installed on this Windows, for the Python that runs."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

from support.apache import Apache
from support.apacheserver import ServerError

USUAL_HTTPD = Path("C:/Apache24/bin/httpd.exe")
"""Where Apache Lounge's zip wants to be unpacked."""


def packages() -> Path:
    """The folder into which pip has installed wsgireload: never the checkout."""
    for found in distributions(name="wsgireload"):
        folder = Path(str(found.locate_file(""))).resolve()
        if any(folder.glob("wsgireload/_native*.pyd")):
            return folder
    raise ServerError(f"wsgireload's wheel is not installed for {sys.executable}")


def apache(httpd: Path) -> Apache:
    """The Apache of a program, with the mod_wsgi that is installed for the Python that runs."""
    mod_wsgi = next(packages().glob("mod_wsgi/server/mod_wsgi*.pyd"), None)
    if mod_wsgi is None:
        raise ServerError(f"mod_wsgi is not installed beside wsgireload in {packages()}")
    if not httpd.exists():
        raise ServerError(f"there is no {httpd}: --httpd names another one")
    modules = httpd.parent.parent / "modules"
    return Apache(httpd, modules, mod_wsgi, python_home=Path(sys.base_prefix))


def environment(**more: str) -> dict[str, str]:
    """That of a new process: ours, without what chooses another Python or switches us off."""
    own = ("PYTHON", "WSGIRELOAD", "AP_PARENT_PID")
    known = {name: text for name, text in os.environ.items() if not name.startswith(own)}
    return {**known, **more}


def run(
    *words: str | Path, cwd: Path | None = None, deadline: float = 60.0, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with `more` in its environment."""
    return subprocess.run(
        words,
        cwd=cwd,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        timeout=deadline,
        check=False,
    )


def python(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the Python that runs, as its own user would: it finds wsgireload where pip put it."""
    known = {"PYTHONPATH": str(packages()), "PYTHONUTF8": "1"}
    return run(sys.executable, "-P", *words, cwd=cwd, **known)
