"""The idea of mod_wsgi's documentation: look at the time of each module's file every second."""

from __future__ import annotations

SOURCE = """\
import ctypes
import os
import signal
import sys
import threading
import time


def has_changed(times):
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path and os.path.isfile(path):
            changed = os.stat(path).st_mtime
            if times.setdefault(path, changed) != changed:
                return True
    return False


def watch():
    times = {{}}
    while not has_changed(times):
        time.sleep(1)
    {restart}


def start():
    threading.Thread(target=watch, daemon=True).start()
"""


def source(restart: str) -> str:
    """Return a module whose `start()` watches in a thread; `restart` is a statement."""
    return SOURCE.format(restart=restart)
