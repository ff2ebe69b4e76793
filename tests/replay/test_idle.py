"""While nothing changes nearly nothing is done: strace counts it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
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
    started = time.monotonic()
    monitor = wsgireload.start(server="daemon", watch=sys.argv[2], interval=1.0)
    end = started + 20
    while not monitor.status().looks:
        assert time.monotonic() < end, monitor.status()
        time.sleep(0.01)
    files, looks = monitor.status().files, monitor.status().looks
    os.path.exists("/idle" + "/begins")  # the trace has this text, too
    begins = time.monotonic()
    time.sleep(float(sys.argv[3]))
    while sys.argv[2] == "poll" and monitor.status().looks < looks + 2:
        assert time.monotonic() < begins + 60, monitor.status()
        time.sleep(0.1)  # where scans take long, they are made less often
    os.path.exists("/idle" + "/ends")
    ends = time.monotonic()
    assert not monitor.status().changed
    wsgireload.stop()
    print(files, begins - started, ends - begins)
"""


@dataclass(frozen=True)
class Idle:
    """How many files are watched, and how often a call named each file in the idle time.

    `before` are the seconds from the start to that time, `lasted` are its own: on a busy machine
    each may be longer than planned.
    """

    files: int
    named: Counter[str]
    before: float
    lasted: float


def idle(folder: Path, watch: str, seconds: float) -> Idle:
    """Trace a monitor that has nothing to do for so long.

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
    run = subprocess.run(
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
    files, before, lasted = map(float, run.stdout.split())
    return Idle(int(files), Counter(path or read for path, read in named), before, lasted)


def test_idle(tmp_path: Path) -> None:
    """No file is looked at but for the sweep's share, and each of those once."""
    seen = idle(tmp_path, "auto", IDLE)
    due = seen.lasted + max(PAUSE, seen.before)  # what was due as the pause began is in it
    share = seen.files * due / ROUND + 1
    assert MODULES / ROUND < len(seen.named) <= share
    assert seen.named.total() <= 4 * share  # a stat; and a file that is young is read, once


def test_what_polling_does(tmp_path: Path) -> None:
    """Every file at every interval: so the test above sees what is done."""
    seen = idle(tmp_path, "poll", 3)
    assert len(seen.named) >= seen.files
    assert seen.named.total() > seen.files
