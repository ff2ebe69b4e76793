"""This Python: the one that the application is to run with."""

from __future__ import annotations

import os
import struct
import sys
import sysconfig
from dataclasses import dataclass

from wsgireload import settings


@dataclass(frozen=True)
class Here:
    """What this Python is. `version` is "3.11", or "3.13t" for a free-threaded one."""

    windows: bool
    version: str
    bits: int
    prefix: str
    base_prefix: str
    package: str
    """The folder of wsgireload itself."""
    profile: str = ""
    """On Windows: the user's own folder, which a service may not read."""

    @classmethod
    def now(cls) -> Here:
        """As it is."""
        free = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
        return cls(
            os.name == "nt",
            f"{sys.version_info[0]}.{sys.version_info[1]}{free}",
            struct.calcsize("P") * 8,
            sys.prefix,
            sys.base_prefix,
            os.path.dirname(os.path.abspath(settings.__file__)),
            settings.environment().get("USERPROFILE", ""),
        )

    @property
    def library(self) -> str:
        """What Apache is to load before mod_wsgi on Windows."""
        return f"{self.base_prefix}\\python{self.version.replace('.', '')}.dll".replace("\\", "/")
