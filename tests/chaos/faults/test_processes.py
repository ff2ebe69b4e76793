"""Several processes, of which some are killed or hold what all share: new code is served."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.faultysite import OFTEN, Faulty
from support.testsite import Site

if TYPE_CHECKING:
    from conftest import Chaos

pytestmark = pytest.mark.e2e


HOLDER = """\
import fcntl, sys

file = open(sys.argv[1], "r+b")
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""

GARBAGE: dict[str, Callable[[Path], object]] = {
    "noise": lambda path: path.write_bytes(os.urandom(4096)),
    "zeros": lambda path: path.write_bytes(bytes(1 << 20)),
    "no number": lambda path: path.write_text("nan"),
    "no end": lambda path: path.write_text("inf"),
    "nothing": lambda path: path.write_text(""),
    "no file": lambda path: path.unlink(),
}


@contextlib.contextmanager
def held(site: Site, path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of Apache's user that holds the lock of a file, until it is killed."""
    command = ["/usr/bin/python3", "-c", HOLDER, path]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, user=site.user, **pipes) as holder:  # type: ignore[call-overload]
        try:
            assert holder.stdout.readline() == "locked\n"
            yield holder
        finally:
            holder.kill()


def test_somebody_has_the_lock(new_group: Callable[[str], Faulty], chaos: Chaos) -> None:
    """The old code serves, and why is said; once the lock is free the new code comes."""
    group = new_group(f"{OFTEN}, rolling=True")
    [lock] = group.site.wait_for(lambda: list(group.state.glob("*.roll")), "the lock's file")
    for _ in range(chaos.often(1, 10)):
        for stopped in chaos.random.sample((False, True), chaos.often(1, 2)):
            said = len(group.site.log)
            with held(group.site, lock) as holder:
                if stopped:
                    holder.send_signal(signal.SIGSTOP)
                group.edit()
                group.site.wait_for(lambda: group.said_twice(said, "holding: another"), "a hold")  # noqa: B023
                assert not group.is_served()
            group.served()


def test_garbage_in_what_processes_share(new_group: Callable[[str], Faulty], chaos: Chaos) -> None:
    """Whatever a file of theirs holds, also while they run: the new code comes."""
    asking = "when='next-request')\nreload_required = wsgireload.reload_required\nimport words"
    groups = {"roll": new_group(f"{OFTEN}, rolling=True"), "call": new_group(f"{OFTEN}, {asking}#")}
    for _ in range(chaos.often(1, 20)):
        for garbage in chaos.random.sample(list(GARBAGE.values()), chaos.often(3, len(GARBAGE))):
            for kind, group in groups.items():
                for path in group.state.glob(f"*.{kind}"):
                    garbage(path)
                group.edit()
            for group in groups.values():
                group.served()


def test_two_apaches_share_a_lock(new_group: Callable[..., Faulty], chaos: Chaos) -> None:
    """Both get through, edited at the same time, again and again."""
    one = new_group(f"{OFTEN}, rolling=True")
    other = new_group(f"{OFTEN}, rolling=True", one.state)
    one.site.wait_for(lambda: list(one.state.glob("*.roll")), "the lock's file")
    assert len(list(one.state.glob("*.roll"))) == 1
    for _ in range(chaos.often(1, 30)):
        for group in (one, other):
            group.edit()
        for group in (one, other):
            group.served()


@pytest.mark.parametrize("processes", [1, 2])
def test_a_process_is_killed(
    faulty: Faulty, new_group: Callable[[str], Faulty], chaos: Chaos, processes: int
) -> None:
    """At whatever moment of a restart: the next processes serve the new code."""
    if processes == 1:
        faulty.start()
    else:
        faulty = new_group(f"{OFTEN}, rolling=True")
    site = faulty.site
    site.noisy = True  # Apache's parent says that a process was killed
    killed = {"before it asked": 0, "after it asked": 0}
    for _ in range(chaos.often(4 // processes, 200 // processes)):
        said = len(site.log)
        faulty.edit()
        time.sleep(chaos.random.uniform(0, chaos.random.choice((0.1, 1.5 * processes))))
        asked = faulty.said_since(said, "restarting: ")
        killed["after it asked" if asked else "before it asked"] += 1
        if pids := sorted(site.daemons()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(chaos.random.choice(pids), signal.SIGKILL)
        site.wait_for(faulty.is_up, "new code")
    faulty.reload()
    chaos.figure("killed", killed)
    left = [path.name for path in faulty.state.iterdir() if path.suffix == ".new"]
    chaos.figure("files left half written", len(left))
