"""How these pages are built: `ci/docs`."""

import tomllib
from pathlib import Path

with (Path(__file__).parents[1] / "pyproject.toml").open("rb") as file:
    release = version = tomllib.load(file)["project"]["version"]

project = "wsgireload"
author = "the wsgireload maintainers"
copyright = author  # noqa: A001 - Sphinx calls it so
extensions = ["myst_parser"]
html_theme = "furo"
html_title = f"wsgireload {version}"
html_static_path = ["pictures"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
highlight_language = "text"
suppress_warnings = ["misc.highlighting_failure"]  # a session at a prompt need not be one of shell
man_pages = [
    ("cli", "wsgireload", "reload a WSGI application under Apache and mod_wsgi", author, 1)
]
