"""watcher.py: how Windows gets its paths and names; tests/native has the rest."""

from __future__ import annotations

import pytest

from wsgireload.server import native, watcher


def test_text_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are UTF-16 with a NUL, lone surrogates and all."""
    monkeypatch.setattr(native, "WINDOWS", True)
    monkeypatch.setattr(watcher, "WINDOWS", True)
    for text in ("a.py", "\udc80\N{SNAKE}\ud800"):
        encoded = watcher._terminated(text)
        assert (encoded[-2:], len(encoded) % 2) == (b"\0\0", 0)
        assert watcher._decoded(encoded[:-2]) == text
    with pytest.raises(ValueError, match="null"):
        watcher._terminated("a\0b")
