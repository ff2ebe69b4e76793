"""`python -m wsgireload`."""

import sys

from wsgireload.cli import main

if __name__ == "__main__":
    sys.exit(main())
