"""What this process has open."""

from __future__ import annotations

import os


def open_files() -> list[str]:
    """The descriptors that this process has open."""
    return os.listdir("/dev/fd")  # noqa: PTH208
