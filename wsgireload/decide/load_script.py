"""Load WSGI scripts as mod_wsgi does, and report what they raise: a program of its own.

decide/preflight.py runs it beside the application, as `python -P load_script.py SCRIPT...` with the
application's module paths. It ends with 0 if all scripts load, and its last line is `LOADED`. Else
that is `MARK` and what has failed, as JSON; see `report.Failed`.
"""

from __future__ import annotations

import json
import logging
import os
import runpy
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from wsgireload.report import plain
from wsgireload.server.detection import SCRIPT_PREFIX
from wsgireload.server.load_failure import failed, since_script

MARK = "wsgireload-failed "
LOADED = "wsgireload-loaded"


def main(scripts: Sequence[str]) -> None:
    """Load the scripts, and end the process; no thread and no exit function is awaited."""
    logging.getLogger("wsgireload").addHandler(logging.NullHandler())  # start() is off here
    sys.argv = ["mod_wsgi"]
    sys.modules["mod_wsgi"] = _StandIn("mod_wsgi")
    code = 0
    try:
        for number, path in enumerate(scripts):
            runpy.run_path(path, run_name=f"{SCRIPT_PREFIX}{number}")
        last = LOADED
    except BaseException as error:
        why = failed(error, since_script(error.__traceback__, scripts))
        last = f"{MARK}{json.dumps(plain(why))}"
        code = 1
    # In one piece, at the end: other threads may print as well.
    sys.stdout.flush()
    sys.stderr.write(f"\n{last}\n")
    sys.stderr.flush()
    os._exit(code)


class _StandIn(ModuleType):
    """The module `mod_wsgi`, which only Apache has: any function in it may be called in vain."""

    version = (0, 0, 0)
    process_group = application_group = ""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_arguments, **_named: None


if __name__ == "__main__":
    main(sys.argv[1:])
