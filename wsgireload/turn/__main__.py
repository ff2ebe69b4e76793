"""`python -m wsgireload.turn URL VERB ...`: prints one line, and ends with the answer's code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from wsgireload.turn import request

USAGE = """\
usage: python -m wsgireload.turn URL take OWNER VERSION | keep OWNER | give OWNER | show | clear
exits with 0 for yes, 75 for not yet, 76 for stopped; any other code is no answer
"""
WORDS = {"take": 2, "keep": 1, "give": 1, "show": 0, "clear": 0}


def main(arguments: Sequence[str]) -> int:
    """Run one request."""
    if len(arguments) < 2 or WORDS.get(arguments[1]) != len(arguments) - 2:
        sys.stderr.write(USAGE)
        return 2
    try:
        answer = request(*arguments)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{getattr(error, 'strerror', None) or error}\n")
        return 1
    sys.stdout.write(f"{answer.text}\n")
    return answer.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
