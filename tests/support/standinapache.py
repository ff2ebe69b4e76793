"""A program in place of Apache, for commands that only ask it for its configuration."""

from __future__ import annotations

import sys
from pathlib import Path

BUILD = (
    "Server version: Apache/2.4.99 (Test)\nArchitecture:   64-bit\n"
    ' -D HTTPD_ROOT="/no"\n -D SERVER_CONFIG_FILE="httpd.conf"'
)


def program(folder: Path, code: str) -> str:
    """A program that runs this Python code."""
    path = folder / "httpd"
    path.write_text(f"#!{sys.executable}\n{code}\n")
    path.chmod(0o755)
    return str(path)


def apache(folder: Path, configuration: str) -> str:
    """An Apache with this configuration, and without mod_info."""
    file = folder / "httpd.conf"
    file.write_text(configuration)
    includes = f"Included configuration files:\n  (*) {file}\n"
    return program(folder, f"import sys; print({BUILD!r} if '-V' in sys.argv else {includes!r})")
