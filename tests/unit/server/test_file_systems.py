"""file_systems.py: the shares of Windows; tests/native/test_limits.py has Linux' numbers."""

from __future__ import annotations

import pytest

from wsgireload.server.file_systems import is_share


@pytest.mark.parametrize(
    ("path", "share"),
    [
        ("\\\\server\\share\\folder", True),
        ("//server/share", True),
        ("\\/server/share", True),
        ("\\\\?\\UNC\\server\\share", True),
        ("\\\\?\\unc\\server\\share", True),
        ("\\\\?\\C:\\folder", False),
        ("\\\\.\\C:\\folder", False),
        ("C:\\folder", False),
        ("\\folder", False),
        ("", False),
    ],
)
def test_shares(path: str, share: bool) -> None:
    """A path of a server is known as such, with either slash and after a prefix."""
    assert is_share(path) is share
