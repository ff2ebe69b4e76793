"""What tests of a monitor wait for: requests to restart, scans, threads."""

import json
import threading
from pathlib import Path

from support.waiting import wait_for
from wsgireload.changes import fingerprint
from wsgireload.monitor import Monitor


class Asked:
    """Stands in for the native restart, and lets a test wait for it."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.times = 0

    def __call__(self) -> bool:
        self.times += 1
        self.event.set()
        return True


def ours(group: str) -> str:
    """The name under which a process group's restarts are kept."""
    return fingerprint(f"0 daemon {group}".encode())


def looked(monitor: Monitor) -> Monitor:
    """Wait for the first scan."""
    wait_for(lambda: monitor.status().looks)
    return monitor


def looked_again(monitor: Monitor, times: int) -> None:
    """Wait for so many further scans."""
    goal = monitor.status().looks + times
    wait_for(lambda: monitor.status().looks >= goal)


def threads() -> list[threading.Thread]:
    """The monitors' threads that live."""
    return [thread for thread in threading.enumerate() if thread.name == "wsgireload"]


def states(tmp_path: Path) -> list[dict[str, object]]:
    """What the monitors of this test have published."""
    return [json.loads(path.read_bytes()) for path in tmp_path.glob("journal/*.state")]
