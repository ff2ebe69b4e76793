"""How these pages are built: `ci/docs`."""

project = "wsgireload"
author = "the wsgireload maintainers"
copyright = author  # noqa: A001 - Sphinx calls it so
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "wsgireload"
html_static_path = ["pictures"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
highlight_language = "text"
suppress_warnings = ["misc.highlighting_failure"]  # a session at a prompt need not be one of shell
