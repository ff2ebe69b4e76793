"""One binary in every Python of this machine, and in every kind of interpreter."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from wsgireload import _native

BINARY = Path(_native.__file__)
STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")  # else for this Python alone
PROBE = """
import json, os, platform, sys, sysconfig
print(json.dumps([
    os.path.realpath(sys.executable), sys.version_info[:3], platform.python_implementation(),
    sysconfig.get_config_var("Py_GIL_DISABLED") or 0,
]))
"""


def pythons() -> dict[str, tuple[int, ...]]:
    """Every CPython from 3.11 on that can load this build, by its real path, with its version."""
    root = os.environ.get("PYENV_ROOT", "")
    # Not pyenv's shims, each a slow script that starts one of the versions below.
    shims = str(Path(root, "shims")) if root else ""
    path = os.pathsep.join(each for each in os.get_exec_path() if each.rstrip("/") != shims)
    names = [sys.executable]
    names += (shutil.which(f"python3.{minor}", path=path) or "" for minor in range(11, 20))
    if root:
        names += map(str, Path(root).glob("versions/*/bin/python"))
    found = {}
    for name in filter(None, names):
        # One may be there to be found, and fail when it is run.
        asked = subprocess.run([name, "-c", PROBE], capture_output=True, check=False)
        if asked.returncode == 0:
            path, version, implementation, free = json.loads(asked.stdout)
            ours = path == os.path.realpath(sys.executable)
            others = STABLE_ABI and implementation == "CPython" and not free
            if ours or (others and version >= [3, 11]):
                found[sys.executable if ours else path] = tuple(version)
    return found


PYTHONS = pythons()


def kinds(*wanted: str) -> list:
    """Every Python with every kind of interpreter that it knows, as pytest parameters."""
    made = [
        pytest.param(path, kind, id=f"{'.'.join(map(str, version))}-{kind}")
        for path, version in PYTHONS.items()
        for kind in wanted
        if kind != "own" or version >= (3, 12)
    ]
    if "own" in wanted and max(PYTHONS.values()) < (3, 12):
        skip = pytest.mark.skip(reason="no Python 3.12 or later here: no own GIL to try")
        made.append(pytest.param("", "own", id="none-own", marks=skip))
    return made


@pytest.fixture
def site(tmp_path):
    """Two folders to import the native module from, each with a copy of its own and nothing else.

    Without the rest of the package: what its imports do to an interpreter is not the module's.
    """
    for name in ("site", "other"):
        (tmp_path / name / "wsgireload").mkdir(parents=True)
        (tmp_path / name / "wsgireload" / "__init__.py").touch()
        shutil.copy(BINARY, tmp_path / name / "wsgireload")
    return tmp_path / "site"


# Interpreters by the same three functions in every Python. A sub-interpreter says what `returned`
# holds at its end through a pipe: nothing else crosses from an interpreter to another.
START = """
import atexit, json, os, signal, sys
try:
    import _interpreters as api
except ImportError:
    import _xxsubinterpreters as api

signal.signal(signal.SIGINT, signal.SIG_IGN)
reader, writer = os.pipe()
left = []

def create(kind):
    if sys.version_info < (3, 13):
        made = api.create(isolated=kind == "own")
    else:
        made = api.create("isolated" if kind == "own" else "legacy")
        assert api.get_config(made).gil == kind
    left.append(made)
    return made

def run(interpreter, code):
    code = f"import json, os\\n{code}\\nos.write({writer}, json.dumps(returned).encode())"
    failure = api.run_string(interpreter, code)
    assert failure is None, failure
    return json.loads(os.read(reader, 65536))

def end(interpreter):
    left.remove(interpreter)
    api.destroy(interpreter)

@atexit.register
def end_all():  # from 3.14 on Python warns of those that are left
    for each in left[:]:
        end(each)
"""
USE = (
    "import wsgireload._native as n\nreturned = [n.probe(), n.restart(1)[0], n.rearm(), n.__file__]"
)


@pytest.mark.parametrize(("python", "kind"), kinds("main", "shared", "own"))
def test_twenty_times(child, site, python, kind):
    """The same file is imported, used, ended and imported again, twenty times over."""
    script = """
said_by_all = []
for _ in range(20):
    if sys.argv[1] == "main":
        exec(USE)
        del sys.modules["wsgireload._native"], n
    else:
        interpreter = create(sys.argv[1])
        returned = run(interpreter, USE)
        end(interpreter)
    said_by_all.append(returned)
print(json.dumps(said_by_all))
"""
    returned = child(f"{START}\nUSE = {USE!r}\n{script}", kind, python=python, path=site)
    assert returned == 20 * [
        [[False, 0, -1, -1, 0, ""], 0, None, str(site / "wsgireload" / BINARY.name)]
    ]


# It says on stderr what it watches, which is not the question here.
MONITOR = """
import os, sys, threading
sys.dont_write_bytecode = False  # or each of the twenty compiles the package
import wsgireload
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
pulse, monitor = threading.Event(), wsgireload.start(server="daemon", interval=0.01)
for _ in range(2000):
    if not monitor.active or wsgireload.status().looks > 1:
        break
    pulse.wait(0.01)
returned = [monitor.active, monitor.reason]
wsgireload.stop()
returned += [threading.active_count()]
"""


@pytest.mark.parametrize(("python", "kind"), kinds("shared", "own"))
def test_the_whole_package_twenty_times(child, tmp_path, python, kind):
    """The monitor, its thread and all it imports begin and end in twenty interpreters in turn."""
    shutil.copytree(BINARY.parent, tmp_path / "whole" / "wsgireload")
    script = """
import time
returned = []
for _ in range(20):
    interpreter = create(sys.argv[1])
    returned.append(run(interpreter, MONITOR))
    end(interpreter)
late = time.monotonic() + 20  # the system may take a while to clear away the last thread
while (tasks := len(os.listdir("/proc/self/task"))) > 1 and time.monotonic() < late:
    time.sleep(0.01)
print(json.dumps([returned, tasks]))
"""
    whole = f"{START}\nMONITOR = {MONITOR!r}\n{script}"
    returned = child(whole, kind, python=python, path=tmp_path / "whole")
    assert returned == [20 * [[True, None, 1]], 1]


@pytest.mark.parametrize(("python", "kind"), kinds("shared", "own"))
def test_one_latch(child, site, python, kind):
    """A restart that one interpreter requested is known to all, even when that one has ended."""
    returned = child(
        START
        + """
kind = sys.argv[1]
request = "import wsgireload._native as n; returned = n.restart(1)[0]"
one, two = create(kind), create("shared")
returned = [run(one, request), run(two, request)]
end(one)
returned += [run(two, request), run(create(kind), request)]
import wsgireload._native as n
returned += [n.restart(1)[0], n.rearm(), run(create(kind), request), n.restart(1)[0]]
print(json.dumps(returned))
""",
        kind,
        python=python,
        path=site,
    )
    assert returned == [0, 1, 1, 1, 1, None, 0, 1]


@pytest.mark.parametrize(("python", "kind"), kinds("shared", "own"))
def test_one_latch_for_two_copies(child, site, python, kind):
    """A copy in another folder, loaded by another interpreter, has the same latch."""
    other = site.with_name("other")
    returned = child(
        START
        + """
kind, other = sys.argv[1:]
load = f"import sys; sys.path.insert(0, {other!r}); import wsgireload._native as n"
import wsgireload._native as n
sub = create(kind)
returned = [n.restart(1)[0], run(sub, load + "; returned = [n.restart(1)[0], n.__file__]")]
returned += [n.rearm(), run(sub, "returned = n.restart(1)[0]"), n.restart(1)[0], n.__file__]
print(json.dumps(returned))
""",
        kind,
        other,
        python=python,
        path=site,
    )
    first, second = (str(folder / "wsgireload" / BINARY.name) for folder in (site, other))
    assert returned == [0, [1, second], None, 0, 1, first]


WATCH = """
import os, wsgireload._native as n
def taken():
    links = (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd"))
    files = [os.readlink(link) for link in links if os.path.lexists(link)]
    return [files.count("anon_inode:inotify"), len(os.listdir("/proc/self/task"))]
def begin(folder):
    watcher, _ = n.watch_begin()
    n.watch_directory(watcher, folder.encode(), 2)
    return watcher
def reported(watcher):
    return [name.decode() for _, _, name in n.watch_wait(watcher, 30)[0]]
"""


@pytest.mark.parametrize(("python", "kind"), kinds("shared", "own"))
def test_each_watches(child, site, tmp_path, python, kind):
    """Each interpreter has a watcher of its own, which ends with it; the others watch on."""
    folder = tmp_path / "watched"
    folder.mkdir()
    returned = child(
        f"{START}\nWATCH = {WATCH!r}\nexec(WATCH)"
        """
folder, kind = sys.argv[1:]
watcher = begin(folder)
subs = [create(kind) for _ in range(2)]
for sub in subs:
    run(sub, f"{WATCH}\\nwatcher = begin({folder!r}); returned = None")
returned = [taken()]
os.mkdir(f"{folder}/one")
returned += [reported(watcher), run(subs[0], "returned = reported(watcher)")]
end(subs[0])
returned += [taken()]
os.mkdir(f"{folder}/two")
returned += [reported(watcher), run(subs[1], "returned = reported(watcher)")]
returned += [n.watch_end(watcher), taken()]
os.mkdir(f"{folder}/three")
returned += [run(subs[1], "returned = [reported(watcher), n.watch_end(watcher)]"), taken()]
print(json.dumps(returned))
""",
        folder,
        kind,
        python=python,
        path=site,
    )
    assert returned[:4] == [[3, 1], ["one"], ["one"], [2, 1]]
    assert returned[4:] == [["two"], ["one", "two"], None, [1, 1], [["three"], None], [0, 1]]
