"""Which folders the operating system can watch, and why not the others."""

from __future__ import annotations

import os
from collections.abc import Iterable

from wsgireload.watch.events import Events


def reasons_to_poll(paths: Iterable[str], *, trust: bool) -> dict[str, str]:
    """Return the folders of these files, each with the reason why it is polled; "" if it is not.

    `trust` includes file systems known to lose events. NativeError if there are no events at all.
    """
    warnings: list[str] = []
    events = Events(trust=trust, trouble=warnings.append)
    reasons: dict[str, str] = {}
    try:
        for path in paths:
            folder, known = os.path.dirname(path), len(warnings)
            reason = ""
            if not events.listen(path):
                last = (warnings[known:] or warnings or ["the system cannot watch it"])[-1]
                reason = last.rpartition(": ")[2]
            reasons[folder] = reasons.get(folder) or reason
    finally:
        events.end()
    return reasons
