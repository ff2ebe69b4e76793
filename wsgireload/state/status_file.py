"""What a monitor tells of itself outside its process, and how it hears of a restart by hand.

Two files in the journal's folder, `<pid>-<interpreter>.state` and `.restart`: the monitor writes
the first when something that matters changes, and removes it at its end; anybody who may write
there makes the second, and the monitor takes it away at its next look.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from wsgireload.state.private_dir import Private, open_first

STATE, RESTART = ".state", ".restart"
ANEW = 3600.0  # seconds: what is older than a day in that folder is swept away, see journal.py


class Published:
    """The files of one monitor. Whatever fails here fails quietly: the site runs without them."""

    def __init__(self, folders: Sequence[str], interpreter: str) -> None:
        """`folders`: as the journal's; `interpreter` tells this one from others of its process."""
        self._folders = folders
        self._name = f"{os.getpid()}-{interpreter}"
        self._folder: Private | None = None
        self._requests = 0
        self._told: tuple[object, float] = (None, float("-inf"))

    def tell(self, matters: object, facts: Callable[[], dict[str, object]]) -> None:
        """Write the facts, and the time, if what matters is not what was told before.

        And once after each request: who asked can tell what is known since from what was before.
        """
        matters, now = (matters, self._requests), time.monotonic()
        if matters == self._told[0] and now - self._told[1] < ANEW:
            return
        self._told = matters, now
        # Without a folder this is silent: the journal says why there is none.
        folder = self._folder = self._folder or open_first(self._folders, lambda _: None)
        if folder is None:
            return
        text = written({"time": time.time(), **facts()})
        try:
            folder.write(self._name + STATE, text.encode("utf-8"))
        except OSError:  # the folder is gone, or the disk is full: the next change finds another
            folder.close()
            self._folder = None

    def asked(self) -> bool:
        """Whether somebody wants a restart by hand; True once for each time."""
        if self._folder is None:
            return False
        try:
            self._folder.modified(self._name + RESTART)
        except OSError:
            return False
        self._folder.remove(self._name + RESTART)
        self._requests += 1
        return True

    def end(self) -> None:
        """Take back what was told."""
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.remove(self._name + RESTART)
            folder.remove(self._name + STATE)
            folder.close()


def written(value: object) -> str:
    """Plain data as JSON: json and re would cost every interpreter half a megabyte."""
    if isinstance(value, str):
        return '"' + "".join(map(_character, value)) + '"'
    if isinstance(value, dict):
        inside = (f"{written(str(name))}: {written(each)}" for name, each in value.items())
        return "{" + ", ".join(inside) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value) if isinstance(value, int | float) else written(str(value))


def _character(one: str) -> str:
    """What may not stand in a JSON text as it is: quotes, controls, and halves of characters."""
    plain = one not in '"\\' and one >= " " and not "\ud800" <= one <= "\udfff"
    return one if plain else f"\\u{ord(one):04x}"
