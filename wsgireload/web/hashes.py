"""sha256 and compare_digest without OpenSSL.

hashlib and hmac import OpenSSL, which crashes early releases of 3.12 in an interpreter with its own
GIL.
"""

from __future__ import annotations

from _operator import _compare_digest as compare_digest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import sha256
else:
    try:
        from _sha2 import sha256  # since 3.12
    except ImportError:
        try:
            from _sha256 import sha256
        except ImportError:  # a Python without either
            from hashlib import sha256

__all__ = ["compare_digest", "sha256"]
