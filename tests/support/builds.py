"""What a free-threaded Python lacks: not all packages have a build for it."""

from __future__ import annotations

import sysconfig
from importlib.util import find_spec
from unittest import SkipTest

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def needs(*packages: str) -> None:
    """Skip a test for packages that have no build for this Python: a free-threaded one alone."""
    missing = [name for name in packages if find_spec(name) is None]
    if FREE_THREADED and missing:
        raise SkipTest(f"no build for this free-threaded Python: {', '.join(missing)}")
