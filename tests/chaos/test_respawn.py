"""respawn.so in Apache's parent for a long time: no faster crash loop, no leak, no zombie."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.testsite import Sites

import wsgireload

LIBRARY = Path(wsgireload.__file__).parent / "respawn.so"
BURST = 4

# In place of Apache's parent: forks children that end at once, as often as its argument says, and
# sleeps in poll(2) until one has ended. Prints what it has afterwards more than before, in KB and
# descriptors, how many sleeps lasted to their end, and its children.
PARENT = """
import ctypes, json, os, sys
libc = ctypes.CDLL(None)
ctypes.CDLL(sys.argv[1])
PAGE = os.sysconf("SC_PAGESIZE") // 1024

def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * PAGE, len(os.listdir("/proc/self/fd"))

def replace():
    if os.fork() == 0:
        os._exit(0)
    woken = libc.poll(None, 0, 1) == -1
    os.wait()
    return woken

for _ in range(200):
    replace()
before = held()
woken = sum(replace() for _ in range(int(sys.argv[2])))
after = held()
with open(f"/proc/self/task/{os.getpid()}/children") as file:
    print(json.dumps([after[0] - before[0], after[1] - before[1], woken, file.read()]))
"""


def test_many_children(chaos: Any) -> None:
    """Memory and descriptors stay, no zombie is left, and a brake holds that is never released."""
    count = chaos.often(2000, 100_000)
    command = [sys.executable, "-c", PARENT, LIBRARY, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    grown, descriptors, woken, children = json.loads(done.stdout)
    chaos.figure("children, KB grown", (count, grown))
    assert grown < 1024
    assert (descriptors, woken, children) == (0, 0, "")


@pytest.mark.e2e
def test_a_crash_loop(new_site: Sites, chaos: Any) -> None:
    """A daemon process that dies at once is started as often as without the library."""
    seconds = chaos.often(10, 60)
    sites = [new_site(directives=text) for text in ("", f'LoadFile "{LIBRARY}"')]
    for site in sites:
        site.noisy = True
        group = "process-group=site application-group=%{GLOBAL}"
        directives = f'{site.served.directives}\nWSGIImportScript "{site.app}/crash.wsgi" {group}'
        site.served = replace(site.served, directives=directives)
        site.write("crash.wsgi", "import os\nos._exit(1)\n")
        site.start()
    before = [site.started() for site in sites]
    time.sleep(seconds)
    without, with_library = (site.started() - old for site, old in zip(sites, before, strict=True))
    chaos.figure("seconds; starts without the library, with it", (seconds, without, with_library))
    assert without >= seconds / 2
    assert abs(with_library - without) <= max(BURST + 2, without / 10)
