"""The name of a machine in its fleet."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wsgireload.server import machine


def test_an_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host name and the beginning of the machine's id, or the host name alone."""
    host = os.uname().nodename
    monkeypatch.setattr(machine, "MACHINE_ID", str(tmp_path / "machine-id"))
    assert machine.owner({}) == host
    (tmp_path / "machine-id").write_text("0123456789abcdef\n")
    assert machine.owner({}) == f"{host}-01234567"
    (tmp_path / "machine-id").write_text("\n")
    assert machine.owner({}) == host


def test_a_copy_of_a_machine() -> None:
    """The environment names machines that share an id; it is one word."""
    assert machine.owner({machine.OWNER: " web 7\n"}) == "web7"
