"""What a peer's process tells the benchmark, in lines of JSON on its standard output.

{"imported": true}, {"watching": seconds since the peer began to be imported}, and for each save
{"noticed": monotonic seconds, "name": of the file, "" where the peer does not tell}.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

told: dict[str, float] = {}
"""When what was told (monotonic seconds): "beginning", "watching", and each file by its name."""


def say(**line: object) -> None:
    print(json.dumps(line), flush=True)


def imported() -> None:
    """The modules are there, and nothing of the peer yet."""
    say(imported=True)


def beginning() -> None:
    """The peer is about to be imported."""
    told["beginning"] = time.monotonic()


def watching() -> None:
    """From now on a save will be noticed; only the first call counts."""
    if "watching" not in told:
        told["watching"] = time.monotonic()
        say(watching=told["watching"] - told["beginning"])


def noticed(path: str | Path = "", at: float = 0.0) -> None:
    """The peer has decided to reload; some say so again and again, which counts once a file."""
    at = at or time.monotonic()
    name = Path(path).name
    if not name or name not in told:
        told[name] = at
        say(noticed=at, name=name)
