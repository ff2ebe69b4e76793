"""Calls of the native module fail: new code is served once they work again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.faultysite import Faulty
from support.testsite import Site

if TYPE_CHECKING:
    from conftest import Chaos

pytestmark = pytest.mark.e2e


PLANTED = """\
import os
from wsgireload import _native
from wsgireload.server import restart

FOLDER = os.path.dirname(__file__)
FAILED = (3, 5, "planted", "planted")
FAILURES = {
    "probe": lambda: (False, "", "", 0, -1, -1, 2, ""),
    "restart": lambda: FAILED,
    "marks": lambda paths, count: int.to_bytes(1, 8, "little") * count,
    "watch_begin": lambda: (-1, FAILED),
    "watch_directory": lambda *args: (-1, FAILED),
    "watch_wait": lambda *args: ([], FAILED),
}


def plant(name, real):
    def call(*args):
        try:
            with open(f"{FOLDER}/{name}.fault") as file:
                how = file.read()
        except FileNotFoundError:
            return real(*args)
        if how == "raises":
            raise RuntimeError(f"planted in {name}")
        if how == "does nothing":
            return (0, 0, "kill", "") if name == "restart" else None
        return FAILURES[name](*args)

    setattr(_native, name, call)


restart.TAKEN_UP = 1.0
for name in "probe restart rearm marks".split():
    plant(name, getattr(_native, name))
for name in "begin directory name forget wait wake end".split():
    plant(f"watch_{name}", getattr(_native, f"watch_{name}"))
"""
"""A module that has the native one fail as a file beside it says: NAME.fault."""

FAILING = {
    **dict.fromkeys(("probe", "marks"), ("raises", "fails")),
    "restart": ("raises", "fails", "does nothing"),
    **{f"watch_{name}": ("raises", "fails") for name in ("begin", "directory", "wait")},
    **{f"watch_{name}": ("raises", "does nothing") for name in ("name", "forget", "wake", "end")},
    "rearm": ("raises", "does nothing"),
}
"""How each call may fail: those that say what came of them, and those that say nothing."""


def test_the_native_module_fails(faulty: Faulty, chaos: Chaos) -> None:
    """Each call in turn: what is held is said, and new code is served once it works again."""
    site = faulty.site
    site.noisy = True
    site.write("planted.py", PLANTED)
    site.edit("app.wsgi", "import wsgireload\n", "import planted\nimport wsgireload\n")
    faulty.start()
    for _ in range(chaos.often(1, 10)):
        for name in chaos.random.sample(sorted(FAILING), len(FAILING)):
            how = chaos.random.choice(FAILING[name])
            said, edits = len(site.log), chaos.often(1, 2)
            site.write(f"{name}.fault", how)
            if name == "rearm":  # which is called where nothing comes of a restart
                site.write("restart.fault", "does nothing")
            for _ in range(edits):
                faulty.edit()
                site.wait_for(lambda: faulty.is_served() or faulty.waits(said), "new code or why")  # noqa: B023
            for planted in site.app.glob("*.fault"):
                planted.unlink()
            if faulty.said_since(said, "inactive: "):
                site.replace(Site.graceful)
            faulty.served()
            chaos.figures[f"{name} {how}"] = round(faulty.latest, 2)
