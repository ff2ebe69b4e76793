"""The C core through cffi, or a skip where that has no build."""

from __future__ import annotations

from support.builds import needs

needs("cffi")

from wsgireload.ffi import ffi, lib  # noqa: E402

__all__ = ["ffi", "lib"]
