"""Runs a Windows Python of the lab's as a person runs it on a PC: `ci/windows/python`.

Nothing of what it runs knows of Linux or wine.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from io import BufferedReader
from pathlib import Path
from threading import Thread
from typing import BinaryIO

from support.windows.lab import PYTHONS, Lab, windows

CHECKOUT = Path(__file__).parents[3]
FOR_DEMO = PYTHONS[0]  # see Lab.install_python


def run(version: str, *words: str, output: BinaryIO) -> int:
    """Run the Python of that version with these arguments in the checkout; return its exit code."""
    with Lab() as lab:
        lab.install_apache()
        folders = (lab.install(version), CHECKOUT / "tests")
        known = {
            "PYTHONPATH": ";".join(map(windows, folders)),
            "PYTHONDONTWRITEBYTECODE": "1",  # the checkout is Linux' as well
        }
        return _run(lab, known, output, lab.home(version) / "python.exe", *words)


def demo(output: BinaryIO) -> int:
    """Run ci\\demo.bat in the checkout; return its exit code."""
    with Lab() as lab:
        lab.install_apache()
        lab.install_python(FOR_DEMO)
        lab.mod_wsgi(FOR_DEMO)  # the lab has no compiler: pip finds the wheel it would have made
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": windows(lab.root)}
        return _run(lab, offline, output, "cmd", "/c", r"ci\demo.bat")


def _run(lab: Lab, known: dict[str, str], output: BinaryIO, *command: str | Path) -> int:
    process = subprocess.Popen(
        ["wine", *command],
        cwd=CHECKOUT,
        env={**lab.environment, **known},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,  # a Windows Python cannot start with its stdout in a file
        stderr=subprocess.STDOUT,
    )
    assert isinstance(process.stdout, BufferedReader)
    pump = Thread(target=_copy, args=(process.stdout, output))
    pump.start()
    try:
        return process.wait()
    finally:
        lab.close()  # whatever else holds the pipe ends with the session
        pump.join()
        process.stdout.close()


def _copy(source: BufferedReader, target: BinaryIO) -> None:
    while chunk := source.read1():
        target.write(chunk.replace(b"\r", b""))
        target.flush()


def main() -> None:
    version, *words = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM):  # so that everything is cleaned up
        signal.signal(number, lambda got, _: sys.exit(128 + got))
    output = sys.stdout.buffer
    sys.exit(demo(output) if version == "--demo" else run(version, *words, output=output))


if __name__ == "__main__":
    main()
