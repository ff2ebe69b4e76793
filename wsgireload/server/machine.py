"""The name of this machine in a fleet."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

OWNER = "WSGIRELOAD_OWNER"  # the variable of the environment, for machines that are copies
MACHINE_ID = "/etc/machine-id"
SHOWN = 8  # characters of the machine's id


def owner(environment: Mapping[str, str]) -> str:
    """Return the host name, with the beginning of the machine's id if it has one."""
    if chosen := "".join(environment.get(OWNER, "").split()):
        return chosen
    host = environment.get("COMPUTERNAME", "") if os.name == "nt" else os.uname().nodename
    with contextlib.suppress(OSError), open(MACHINE_ID, encoding="ascii") as file:
        if found := file.read().strip()[:SHOWN]:
            return f"{host}-{found}"
    return host or "unknown"
