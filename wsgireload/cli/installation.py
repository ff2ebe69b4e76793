"""This Python installation: the one that the application is to run with."""

from __future__ import annotations

import os
import struct
import sys
import sysconfig
from dataclasses import dataclass

from wsgireload import settings

RESPAWN = "respawn.so"


@dataclass(frozen=True)
class Installation:
    """A Python. `version` is "3.11", or "3.13t" for the free-threaded build."""

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
    def current(cls) -> Installation:
        free_threaded = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
        return cls(
            os.name == "nt",
            f"{sys.version_info[0]}.{sys.version_info[1]}{free_threaded}",
            struct.calcsize("P") * 8,
            sys.prefix,
            sys.base_prefix,
            os.path.dirname(os.path.abspath(settings.__file__)),
            settings.environment().get("USERPROFILE", ""),
        )

    @property
    def python_dll(self) -> str:
        """The DLL that Apache on Windows has to load before mod_wsgi."""
        return f"{self.base_prefix}\\python{self.version.replace('.', '')}.dll".replace("\\", "/")

    @property
    def respawn(self) -> str:
        """Our library for Apache's parent, by which an ended process is replaced at once.

        "" where there is none: it is built for Linux alone.
        """
        path = os.path.join(self.package, RESPAWN)
        return path if os.path.isfile(path) else ""

    @property
    def is_virtual_environment(self) -> bool:
        return self.prefix != self.base_prefix
