"""The versions of wsgireload, and of the Apache and mod_wsgi of this machine."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from wsgireload.cli import binary, programs
from wsgireload.cli.apache import directives, httpd
from wsgireload.cli.apache.httpd import Httpd
from wsgireload.cli.terminal import print_text

LONGEST = 3.0  # seconds for all programs that are run: whoever wants a version does not wait


class Version(argparse.Action):
    """The option --version."""

    def __init__(self, option_strings: Sequence[str], dest: str, **more: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **more)

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> NoReturn:
        """Print the versions as far as they can be found, and exit."""
        print_text(own())
        with contextlib.suppress(Exception):  # a broken Apache is the doctor's matter
            for line in of_apache(time.monotonic() + LONGEST):
                print_text(line)
        parser.exit()


def own() -> str:
    """Return the version of wsgireload."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"wsgireload {version('wsgireload')}"
    except PackageNotFoundError:  # run from a checkout
        return "wsgireload (not installed)"


def of_apache(end: float) -> Iterator[str]:
    """Return the versions of Apache and of the mod_wsgi that it loads; `end` is monotonic."""

    def run(words: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
        return programs.run(words, environment, timeout=max(0.1, end - time.monotonic()))

    program = httpd.find()
    if program is None:
        return
    apache = Httpd(program, run=run)
    if apache.build is None:
        return
    yield f"{apache.build.server}: {program}"
    path = directives.module_file(directives.read(apache)[0], "wsgi_module")
    found = binary.inspect(apache.absolute(path)) if path else None
    if found is not None:
        python = f" for Python {found.python}" if found.python else ""
        yield f"mod_wsgi {found.version or 'of unknown version'}{python}: {found.path}"
