"""The C core under gcc's sanitizers, which report what it does to memory, and races.

What a sanitizer reports ends the process with another code than 0. That it would is proved by
planting bugs in a copy of the core.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

import wsgireload

HOUSE = Path(__file__).parents[2]
MEMORY = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
RACES = ("-fsanitize=thread",)
STRICT = ("-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror")
SHOWN = ("-g", "-O1", "-fno-omit-frame-pointer")  # where it was, in a report
OPTIONS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1",
}


class Copy:
    """A copy of the sources, in which bugs may be planted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(HOUSE / "csrc", folder / "csrc")
        (folder / "tests/chaos").mkdir(parents=True)
        shutil.copy(HOUSE / "tests/chaos/driver.c", folder / "tests/chaos")

    def plant(self, file: str, right: str, wrong: str) -> None:
        """A bug."""
        source = self.folder / "csrc" / file
        text = source.read_text()
        assert right in text
        source.write_text(text.replace(right, wrong))

    def build(self, output: str, *more: str) -> Path:
        """Compile the core, and what else is named."""
        core = [*self.folder.glob("csrc/*.c"), *self.folder.glob("csrc/unix/*.c")]
        core.remove(self.folder / "csrc/module.c")
        made = self.folder / output
        command = ["gcc", *STRICT, *SHOWN, *more, *core, "-o", made, "-ldl", "-lpthread"]
        subprocess.run(command, cwd=self.folder, check=True)
        return made

    def drive(self, seed: int, calls: int, *flags: str) -> subprocess.CompletedProcess[str]:
        """Run the driver with so many calls in each of four threads."""
        driver = self.folder / "driver"
        if not driver.exists():
            self.build("driver", *flags, "tests/chaos/driver.c")
        site = self.folder / f"site{seed}"
        site.mkdir()
        return run(driver, site, seed, calls, 4)


def run(*command: object, **more: str) -> subprocess.CompletedProcess[str]:
    """A program with the sanitizers' options."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    words = [str(word) for word in command]
    return subprocess.run(
        words,
        env=env | OPTIONS | more,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """The sources as they are."""
    return Copy(tmp_path)


@pytest.mark.parametrize("flags", [MEMORY, RACES], ids=["memory", "races"])
def test_the_core(chaos: Any, copy: Copy, flags: tuple[str, ...]) -> None:
    """Random and odd calls from four threads: no wrong access, no leak, no race, no file left."""
    rounds, calls = chaos.often(1, 6), chaos.often(4000, 40_000)
    for number in range(rounds):
        told = copy.drive((chaos.seed + number) % (1 << 32), calls, *flags)
        assert told.returncode == 0, told.stdout + told.stderr
        assert told.stderr == ""
    chaos.figure("calls", rounds * calls * 4)


PLANTS = {
    "a change too many": (
        MEMORY,
        "watcher.c",
        ("watcher->reported < watcher->room", "watcher->reported <= watcher->room"),
        "heap-buffer-overflow",
    ),
    "names that are never freed": (
        MEMORY,
        "watcher.c",
        ("    free(before.keys);\n", ""),
        "detected memory leaks",
    ),
    "events used after their end": (
        MEMORY,
        "watcher.c",
        (
            "    wsgireload_watch_end(watcher);\n    core_events_free(watcher->events);\n",
            "    core_events_free(watcher->events);\n    wsgireload_watch_end(watcher);\n",
        ),
        "heap-use-after-free",
    ),
    "a shift too far": (MEMORY, "watcher.c", ("id << 32", "id << (32 + (hash & 63))"), "shift"),
    "a wake that touches what is the waiting thread's": (
        RACES,
        "watcher.c",
        ("    core_events_wake", "    watcher->reported = 0;\n    core_events_wake"),
        "data race",
    ),
}


@pytest.mark.parametrize(("flags", "file", "bug", "said"), PLANTS.values(), ids=PLANTS)
def test_a_planted_bug(
    chaos: Any, copy: Copy, flags: tuple[str, ...], file: str, bug: tuple[str, str], said: str
) -> None:
    """A bug in a copy of the core is found, so the test above sees what it looks for."""
    copy.plant(file, *bug)
    for number in range(20):
        told = copy.drive((chaos.seed + number) % (1 << 32), 4000, *flags)
        if told.returncode != 0:
            break
    assert told.returncode != 0
    assert said in told.stderr


@pytest.fixture
def module(copy: Copy) -> Copy:
    """The package with a native module that is under the sanitizers."""
    package = copy.folder / "python/wsgireload"
    ours = Path(wsgireload.__file__).parent
    shutil.copytree(ours, package, ignore=shutil.ignore_patterns("_native*", "__pycache__"))
    return copy


def odd_calls(module: Copy, seed: int, calls: int) -> subprocess.CompletedProcess[str]:
    """Build the module, and call it from a Python that has the sanitizers in it from the start."""
    include = f"-I{sysconfig.get_path('include')}"
    flags = [*MEMORY, "-shared", "-fPIC", include, "-DPy_LIMITED_API=0x030B0000"]
    module.build("python/wsgireload/_native.abi3.so", *flags, "csrc/module.c")
    where = ["-print-file-name=libasan.so", "-print-file-name=libubsan.so"]
    libraries = [
        subprocess.run(["gcc", word], capture_output=True, text=True, check=True).stdout.strip()
        for word in where
    ]
    site = module.folder / "site"
    site.mkdir(exist_ok=True)
    return run(
        *(sys.executable, HOUSE / "tests/chaos/odd_calls.py", site, seed, calls),
        LD_PRELOAD=" ".join(libraries),
        PYTHONPATH=str(module.folder / "python"),
        PYTHONMALLOC="malloc",  # or what Python allocates would be one large block to the sanitizer
        ASAN_OPTIONS="detect_leaks=0",  # Python itself frees not all: see test_references
    )


def test_the_module(chaos: Any, module: Copy) -> None:
    """Odd arguments to every function of the module, from three threads: refused, or well done."""
    calls = chaos.often(2000, 20_000)
    told = odd_calls(module, chaos.seed, calls)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "runtime error" not in told.stderr
    assert "Sanitizer" not in told.stderr
    chaos.figure("calls", calls * 5)


def test_a_bug_planted_in_the_module(chaos: Any, module: Copy) -> None:
    """Where it writes one byte too far, that is found."""
    module.plant("module.c", "1, sizeof *found);", "1, sizeof *found - (given > 0));")
    told = odd_calls(module, chaos.seed, 2000)
    assert told.returncode != 0
    assert "heap-buffer-overflow" in told.stderr


def test_references(chaos: Any, tmp_path: Path) -> None:
    """Calls of the module, refused ones as well, leave no object behind."""
    calls = chaos.often(5000, 50_000)
    told = run(
        sys.executable, "-P", HOUSE / "tests/chaos/odd_calls.py", tmp_path, chaos.seed, calls
    )
    assert told.returncode == 0, told.stderr
    chaos.figure("blocks more", told.stdout.strip())
    assert int(told.stdout) < 200  # one object a call would be thousands


MONITORS = """if True:
    import gc, json, os, resource, sys, tempfile, threading, tracemalloc
    folder, cycles = sys.argv[1], int(sys.argv[2])
    os.environ["XDG_STATE_HOME"] = folder
    import wsgireload
    def held():
        gc.collect()
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[1])
        tasks, files = os.listdir("/proc/self/task"), os.listdir("/proc/self/fd")
        kib = tracemalloc.get_traced_memory()[0] >> 10
        return {"fds": len(files), "threads": threading.active_count(), "tasks": len(tasks),
                "python": kib, "rss": pages * resource.getpagesize() >> 10,
                "finders": len(sys.meta_path)}
    def cycle(number):
        monitor = wsgireload.start(server="daemon", track=[folder + "/site"], interval=0.01)
        while number % 10 == 0 and not monitor.status().looks:
            pass
        wsgireload.stop()
    os.mkdir(folder + "/site")
    open(folder + "/site/a.html", "w").close()
    tracemalloc.start()
    for number in range(cycles // 5):
        cycle(number)
    before = held()
    for number in range(cycles):
        cycle(number)
    print(json.dumps([before, held()]))
"""


def test_monitors(chaos: Any, tmp_path: Path) -> None:
    """Starting and stopping again and again: not a thread, not a file more, and no memory."""
    cycles = chaos.often(100, 1000)
    told = run(sys.executable, "-P", "-c", MONITORS, tmp_path, cycles)
    assert told.returncode == 0, told.stderr
    before, after = json.loads(told.stdout)
    chaos.figure("cycles", cycles)
    chaos.figure("before", before)
    chaos.figure("after", after)
    grown = {name: after[name] - before[name] for name in before}
    assert (grown["fds"], grown["threads"], grown["finders"]) == (0, 0, 0)
    assert grown["tasks"] <= 1  # Python's join is over a moment before the system's thread is
    assert grown["python"] < 64  # KiB
    assert grown["rss"] < 4096
