"""Status files as monitors write them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

STATUS = {"active": True, "reason": None, "pid": os.getpid(), "server": "daemon", "files": 7}
STATUS |= {"application": "", "changed": []}


def publish(
    folder: Path,
    name: str = "1-app",
    when: float = 0.0,
    interval: float = 1.0,
    group: str = "site",
    more: Mapping[str, object] | None = None,
    **status: object,
) -> Path:
    """Write a status file, by default of this process; `more` is what older releases do not."""
    told = {
        "time": when or time.time(),
        "group": group,
        "interval": interval,
        "status": STATUS | status,
        **(more or {}),
    }
    path = folder / f"{name}.state"
    path.write_text(json.dumps(told))
    return path
