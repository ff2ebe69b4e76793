"""The reloader in mod_wsgi's documents: whether it runs beside this one."""

from __future__ import annotations

import threading

RECIPE = {"_monitor", "_modified", "_restart"}  # some of its functions


def other_reloader() -> str | None:
    """One sentence about another reloader that runs in this interpreter; None without one.

    It is the recipe of mod_wsgi's documents, often a module `monitor`, or that of mod_wsgi-express.
    """
    for thread in threading.enumerate():
        names = getattr(getattr(thread, "_target", None), "__globals__", None)
        if isinstance(names, dict) and names.keys() >= RECIPE:
            module = str(names.get("__name__"))
            cure = (
                "leave out --reload-on-changes" if module.startswith("mod_wsgi.") else "remove it"
            )
            return f"the reloader {module} restarts this process as well, without a check: {cure}"
    return None
