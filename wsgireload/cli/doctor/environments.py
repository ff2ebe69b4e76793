"""The Python environment of the application, where it is another than this one."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence

from wsgireload.cli import programs
from wsgireload.cli.apache.sites import Site
from wsgireload.cli.doctor.finding import Finding, fail

WHAT = "python-home"
PACKAGES = "lib*/python3*/site-packages", "lib*/python3*/dist-packages", "local/lib/python3*/*"
# a package, or what pip writes for one that is installed from a checkout
INSTALLED = (
    "wsgireload",
    "__editable__*wsgireload*",
    "wsgireload-*.dist-info",
    "wsgireload.egg-link",
)
USUAL = "venv", ".venv", "env", "virtualenv"


def check(home: str, site: Site, path: Sequence[str]) -> Finding | None:
    """Return what is wrong with a python-home on UNIX; None if it has wsgireload.

    `path` are the folders of python-path.
    """
    if not is_python(home):
        text = f"there is no Python in {home}"
        others = [each for each in _nearby(home, site) if is_python(each)]
        cure = f"write python-home={others[0]}" if others else "name a virtual environment's folder"
        return fail(WHAT, text, f"correct python-home: {cure}")
    if has_wsgireload(home) or any(_is_in(folder) for folder in path):
        return None
    text = f"wsgireload is not installed in {home}, the environment of the application"
    return fail(WHAT, text, f"install it there: {_pip(home)} install wsgireload")


def is_python(home: str) -> bool:
    """Return whether Python can be found in a folder, as mod_wsgi needs it."""
    return any(glob.iglob(os.path.join(glob.escape(home), "bin", "python*")))


def has_wsgireload(home: str) -> bool:
    """Return whether an environment has wsgireload, itself or by the Python that it is made of."""
    if any(_is_in(folder) for folder in _packages(home)):
        return True
    settings = _settings(home)
    if settings.get("include-system-site-packages") != "true":
        return False
    base = os.path.dirname(settings.get("home", ""))
    return any(_is_in(folder) for folder in _packages(base))


def _is_in(folder: str) -> bool:
    return any(any(glob.iglob(os.path.join(glob.escape(folder), each))) for each in INSTALLED)


def _packages(home: str) -> Iterator[str]:
    for pattern in PACKAGES:
        yield from glob.iglob(os.path.join(glob.escape(home), pattern))


def _settings(home: str) -> dict[str, str]:
    lines = programs.read_file(os.path.join(home, "pyvenv.cfg")).splitlines()
    pairs = (line.partition("=") for line in lines)
    return {name.strip(): given.strip() for name, _, given in pairs}


def _nearby(home: str, site: Site) -> Iterator[str]:
    """Return folders that may have been meant: around the one named, and beside the script."""
    above = os.path.dirname(home.rstrip("/"))
    yield from (above, os.path.dirname(above))  # of .../venv/bin/python
    folders = [above, os.path.dirname(site.script), os.path.dirname(os.path.dirname(site.script))]
    for folder in folders:
        yield from (os.path.join(folder, name) for name in USUAL)
        yield from map(
            os.path.dirname, glob.iglob(os.path.join(glob.escape(folder), "*/pyvenv.cfg"))
        )


def _pip(home: str) -> str:
    pip, python = os.path.join(home, "bin", "pip"), os.path.join(home, "bin", "python")
    if os.path.isfile(pip):
        return pip
    return f"{python} -m pip" if os.path.exists(python) else "its pip"
