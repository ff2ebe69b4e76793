"""What hashlib and hmac give under these names, without OpenSSL, which they bring along: it crashes
early releases of 3.12 in an interpreter with a GIL of its own.
"""

from __future__ import annotations

from _operator import _compare_digest as compare_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import sha256
else:
    try:
        from _sha2 import sha256  # since 3.12
    except ImportError:
        try:
            from _sha256 import sha256
        except ImportError:  # another Python, or one in which it has moved
            from hashlib import sha256

__all__ = ["compare_digest", "sha256"]
