"""What watching costs: `python bench/tick.py`, where wsgireload and hupper are installed.

Times one scan of modules of which none changed, beside the recipe of mod_wsgi's documentation and
hupper's polling monitor; the first snapshot (stat and digest of each file) and the whole first scan
(which also finds the source of each module, and the evidence that it is what was loaded), beside
reading the same files with hashlib alone. All take turns; shown are medians in milliseconds, and
ratios of ours to theirs. Then the memory that importing and starting adds to a Flask process.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from statistics import median
from typing import Any

from hupper.polling import PollingFileMonitor
from hupper.worker import WatchSysModules

from wsgireload.detect.baseline import Baseline
from wsgireload.detect.detector import Detector
from wsgireload.detect.digests import Digests
from wsgireload.detect.evidence import Absence
from wsgireload.detect.imports import Imports
from wsgireload.detect.modules import Modules
from wsgireload.log import Log
from wsgireload.settings import Settings
from wsgireload.watch.wakeup import NoEvents

SIZES, ROUNDS = (100, 1_000, 10_000), 15
FUNCTION = '''

def function_{number}(first, second):
    """Say what the function is for, what it takes, what it gives back and what it raises."""
    # A comment that tells why it is done in this way, not in another.
    return {{"first": first, "second": second, "sum": first + {number} * second}}
'''
MEMORY = """
import sys
sys.path.insert(0, sys.argv[1])
import flask
from importlib import import_module
for number in range(int(sys.argv[2])):
    import_module(f"package_{number // 100}.module_{number}")
resident = lambda: int(open("/proc/self/statm").read().split()[1])
class FirstLine:  # it comes after the first scan
    said = None
    def write(self, line):
        self.said = self.said or (resident() - before if "watching" in line else line)
    flush = str
sys.stderr, before = FirstLine(), resident()
import time, wsgireload
wsgireload.start(server="daemon", interval=3600)
while not sys.stderr.said:
    time.sleep(0.01)
print(sys.stderr.said)
wsgireload.stop()
"""


def generate(root: Path, count: int) -> None:
    """Write so many modules of 1 to 11 KB, 6 on average, 100 to a package."""
    for number in range(count):
        path = root / f"package_{number // 100}" / f"module_{number}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(FUNCTION.format(number=n) for n in range(4 + number * 7 % 31)))


def recipe(times: dict[str, float]) -> None:
    """The idea of mod_wsgi's documentation: the mtime of each module's file, every time."""
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path:
            path = path[:-1] if path.endswith((".pyc", ".pyo")) else path
            mtime = os.stat(path).st_mtime  # noqa: PTH116 (as in the recipe)
            assert times.setdefault(path, mtime) == mtime


def hupper() -> Callable[[], object]:
    """What hupper does in each interval: the worker looks for modules, the parent at files."""
    files = PollingFileMonitor(callback=print)
    modules = WatchSysModules(callback=lambda paths: [files.add_path(path) for path in paths])
    return lambda: (modules.update_paths(), files.check_reload(list(files.paths)))


def ours(began: float) -> Callable[[], object]:
    """What the monitor does in each interval with polling; the first time, a full snapshot."""
    baseline = Baseline(Imports(lambda: None), Absence(began), Modules())
    detector = Detector(Settings.of(), Log("bench"), NoEvents(), baseline, lambda: None)
    return detector.scan


def read(paths: list[str]) -> None:
    """Read all files and digest them, and nothing more."""
    for path in paths:
        with open(path, "rb") as file:  # noqa: PTH123 (no more than has to be)
            blake2b(file.read(), digest_size=16).digest()


def medians(runs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Run all in turn, several times; the median of each in milliseconds."""
    spent: dict[str, list[float]] = {name: [] for name in runs}
    for name, each in [*runs.items()] * ROUNDS:
        began = time.perf_counter()
        each()
        spent[name].append((time.perf_counter() - began) * 1000)
    return {name: median(times) for name, times in spent.items()}


def measure(root: str, count: int) -> dict[str, float]:
    """In a process of its own: import so many modules, and time everything that scans them."""
    began = time.time()
    sys.path.insert(0, root)
    for number in range(count):
        importlib.import_module(f"package_{number // 100}.module_{number}")
    times: dict[str, float] = {}
    scans = {"scan": ours(began), "recipe": lambda: recipe(times), "hupper": hupper()}
    medians(scans)  # without their first scans
    paths = [source.path for source in Modules().new() if Path(source.path).is_file()]
    first = {
        "snapshot": lambda: Digests(Log("bench"), lambda: None).scan(paths),
        "first scan": lambda: ours(began)(),  # noqa: PLW0108 (a new one each time)
        "hashlib": lambda: read(paths),
    }
    return medians(scans | first)


def run(*arguments: object) -> Any:
    return json.loads(subprocess.check_output([sys.executable, *map(str, arguments)]))


def main() -> None:
    with tempfile.TemporaryDirectory() as root:
        generate(Path(root), SIZES[-1])
        time.sleep(2.1)  # a younger file is read by each scan, as it may change unseen
        print("modules    scan  recipe ratio  hupper ratio | snapshot  first scan  hashlib ratios")
        for count in SIZES:
            scan, recipe, hupper, snapshot, first, hashlib = run(__file__, root, count).values()
            print(
                f"{count:7} {scan:7.2f} {recipe:7.2f} {scan / recipe:5.2f}"
                f" {hupper:7.2f} {scan / hupper:5.2f} | {snapshot:8.1f} {first:11.1f}"
                f" {hashlib:8.1f} {snapshot / hashlib:6.2f} {first / hashlib:.2f}"
            )
        print("memory that importing and starting adds to a Flask process, by number of modules:")
        for count in SIZES:
            pages = median(run("-I", "-c", MEMORY, root, count) for _ in range(5))
            print(f"{count:7} {pages * os.sysconf('SC_PAGE_SIZE') / 1e6:7.2f} MB")


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
    else:
        main()
