"""Try whether a server could listen on addresses: a program of its own.

decide/unchecked.py runs it beside the application, as `python -I -S listen_on.py ADDRESS...`. It
listens on none of them. The answer is a line of JSON: the refused ones, and why the system does so.
"""

from __future__ import annotations

import json
import socket
import sys


def refusal(address: str) -> str | None:
    """Return why the system does not let a port, or host:port, be used; None where it does."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.bind((host.strip("*[]"), int(port)))
    except OSError as error:
        return error.strerror or str(error)
    return None


if __name__ == "__main__":
    answers = {each: refusal(each) for each in sys.argv[1:]}
    sys.stdout.write(json.dumps({each: why for each, why in answers.items() if why}))
