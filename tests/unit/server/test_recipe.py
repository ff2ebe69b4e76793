"""The reloader in mod_wsgi's documents, beside ours."""

from __future__ import annotations

import threading
from types import ModuleType

import pytest

from wsgireload.server.recipe import other_reloader

RELOADER = """
def _restart(path): pass
def _modified(path): return False
def _monitor(): end.wait()
"""


@pytest.mark.parametrize(
    ("name", "cure"),
    [("mod_wsgi.express.reloader", "leave out --reload-on-changes"), ("monitor", "remove it")],
)
def test_another_reloader(name: str, cure: str) -> None:
    """A thread that runs the recipe of mod_wsgi is named, for as long as it runs."""
    assert other_reloader() is None
    end, module = threading.Event(), ModuleType(name)
    vars(module).update(end=end)
    exec(RELOADER, vars(module))
    thread = threading.Thread(target=module._monitor)
    thread.start()
    try:
        found = str(other_reloader())
    finally:
        end.set()
        thread.join()
    assert name in found
    assert found.endswith(cure)
    assert other_reloader() is None
