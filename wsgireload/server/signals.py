"""A signal to a daemon process: SIGUSR2 has it scan now. mod_wsgi 6 passes that one on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import ModuleType


def subscribe(scan: Callable[[], None], mod_wsgi: ModuleType | None) -> None:
    """Have `scan` called at each SIGUSR2, in a thread of mod_wsgi's.

    An older mod_wsgi passes no signal on: there SIGUSR2 ends the process.
    """

    def notice(_event: object, signame: str = "", **_details: object) -> None:
        if signame == "SIGUSR2":
            scan()

    hook = getattr(mod_wsgi, "subscribe_signals", None)
    is_daemon = bool(getattr(mod_wsgi, "process_group", None))  # elsewhere mod_wsgi logs a warning
    if callable(hook) and is_daemon:
        with contextlib.suppress(Exception):
            hook(notice)
