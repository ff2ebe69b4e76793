"""A check in the background on Windows ends with all that it has started."""

from __future__ import annotations

from pathlib import Path

from support.windows import installed

ENDLESS = "import threading; threading.Event().wait()"
FAMILY = f"""\
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {ENDLESS!r}])
open("pid", "w").write(str(child.pid) + ".")
{ENDLESS}
"""
CHECK = f"""\
import ctypes, os, sys, time
from wsgireload.decide.command import Command
kernel32 = ctypes.WinDLL("kernel32")
now = 0.0
command = Command([sys.executable, "-c", {FAMILY!r}], os.environ, None, 10.0, lambda: now)
command.start()
while not os.path.exists("pid") or not open("pid").read().endswith("."):
    assert command.poll() is None
    time.sleep(0.05)
child = kernel32.OpenProcess(0x100000, False, int(open("pid").read()[:-1]))  # SYNCHRONIZE
assert child
assert kernel32.WaitForSingleObject(child, 0) == 0x102  # WAIT_TIMEOUT: it runs
now = 10.0
outcome = command.poll()
print(outcome.code, kernel32.WaitForSingleObject(child, 20_000), end="")
"""


def test_what_it_has_started(tmp_path: Path) -> None:
    """At the time limit the processes that it has started are ended too."""
    done = installed.python("-c", CHECK, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "None 0"), done.stdout + done.stderr
