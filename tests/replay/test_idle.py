"""While nothing changes nearly nothing is done: strace counts it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from wsgireload.detect.sweep import PAUSE, ROUND

IDLE = 10  # seconds
MODULES = 200

APPLICATION = """if True:
    import importlib, os, sys, time
    sys.path.insert(0, sys.argv[1])
    import wsgireload
    for name in sorted(os.listdir(sys.argv[1])):
        importlib.import_module(name.removesuffix(".py"))
    monitor = wsgireload.start(server="daemon", watch=sys.argv[2], interval=1.0)
    end = time.monotonic() + 20
    while not monitor.status().looks:
        assert time.monotonic() < end, monitor.status()
        time.sleep(0.01)
    files = monitor.status().files
    os.path.exists("/idle" + "/begins")  # the trace has this text, too
    time.sleep(float(sys.argv[3]))
    os.path.exists("/idle" + "/ends")
    assert not monitor.status().changed
    wsgireload.stop()
    print(files)
"""


def idle(folder: Path, watch: str, seconds: float) -> tuple[int, Counter[str]]:
    """How many files are watched, and how often a call named each file in the idle time.

    The application itself sleeps: all calls are ours. `-y` names the file also where a call has but
    its descriptor.
    """
    strace = shutil.which("strace")
    assert strace is not None, "strace is needed"
    modules = folder / "modules"
    modules.mkdir()
    for number in range(MODULES):
        (modules / f"idle{number}.py").write_text("answer = 1\n")
    log = folder / "trace/log"  # where nothing is watched: it is written all the time
    log.parent.mkdir()
    script = folder / "application.py"
    script.write_text(APPLICATION)
    trace = ["-f", "-y", "-qq", "--seccomp-bpf", "-e", "trace=file,read", "-o", log]
    told = subprocess.run(
        [strace, *trace, sys.executable, "-B", script, modules, watch, str(seconds)],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    _, begins, rest = log.read_text().partition("/idle/begins")
    calls, ends, _ = rest.partition("/idle/ends")
    assert begins
    assert ends
    named = re.findall(r'[ (]"(/[^"]+)"|read\(\d+<(/[^>]+)>', calls)
    return int(told.stdout), Counter(path or read for path, read in named)


def test_idle(tmp_path: Path) -> None:
    """No file is looked at but for the sweep's share, and each of those once."""
    files, named = idle(tmp_path, "auto", IDLE)
    share = files * (IDLE + PAUSE) / ROUND + 1  # and what was due as the pause began
    assert MODULES / ROUND < len(named) <= share
    assert sum(named.values()) <= 4 * share  # a stat; and a file that is young is read, once


def test_what_polling_does(tmp_path: Path) -> None:
    """Every file at every interval: so the test above sees what is done."""
    files, named = idle(tmp_path, "poll", 3)
    assert len(named) >= files
    assert sum(named.values()) > files
