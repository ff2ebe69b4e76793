"""The C core alone, through cffi."""

from __future__ import annotations

import ast
import errno
import os
import re
from pathlib import Path

import pytest
from support.ffi import ffi, lib

CSRC = Path(__file__).parents[2] / "csrc"
INTERNAL = (CSRC / "internal.h").read_text()

# What the children start with. `request` is one call, as (status, code, call, message); `calls` is
# what the preloaded kill() counted.
START = """
import ctypes, json, os, shutil, signal, sys, threading
from wsgireload.ffi import ffi, lib

def request(core=lib):
    out = ffi.new("wsgireload_outcome *")
    core.wsgireload_restart(out)
    return out.status, out.code, ffi.string(out.call).decode(), ffi.string(out.message).decode()

def at_once(cores):
    barrier, returned = threading.Barrier(len(cores)), []
    def run(core):
        barrier.wait()
        returned.append(request(core)[0])
    threads = [threading.Thread(target=run, args=(core,)) for core in cores]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return sorted(returned)

def copies(folder, count):
    made = [shutil.copy(sys.modules["wsgireload._native"].__file__, f"{folder}/copy{i}.so")
            for i in range(count)]
    return made, [ffi.dlopen(path) for path in made]

def shim(name):
    return ctypes.c_int.in_dll(ctypes.CDLL(None), name)

def calls():
    return shim("kill_calls").value

def output(what):
    print(json.dumps(what))
"""
IGNORED = START + "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"


def test_probe_outside_apache():
    """Outside Apache the probe reports that, and writes every field."""
    server = ffi.new("wsgireload_server *")
    ffi.memmove(server, b"\xff" * ffi.sizeof(server[0]), ffi.sizeof(server[0]))
    lib.wsgireload_probe(server)
    assert server.apache == 0
    # What only Windows tells.
    assert (server.parent, server.state, server.generation) == (0, lib.WSGIRELOAD_UNKNOWN, -1)
    assert (server.restart, ffi.string(server.refusal)) == (lib.WSGIRELOAD_REQUESTED, b"")
    assert lib.wsgireload_command_line() == ffi.NULL
    assert lib.wsgireload_process_start(os.getpid()) == 1


def test_restart_is_sigint(child):
    """A restart is a SIGINT to the own process."""
    returned, seen = child(
        START
        + """
seen = []
signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
returned = request()
output([returned, seen])
"""
    )
    assert returned == [lib.WSGIRELOAD_REQUESTED, 0, "kill", ""]
    assert seen == [2]


def test_terminate_is_sigterm(child, counted):
    """wsgireload_terminate sends SIGTERM, under the same latch."""
    returned, again, seen, calls = child(
        START
        + """
seen = []
signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
out = ffi.new("wsgireload_outcome *")
lib.wsgireload_terminate(out)
returned = out.status, out.code, ffi.string(out.call).decode(), ffi.string(out.message).decode()
output([returned, request(), seen, calls()])
""",
        preload=counted,
    )
    assert returned == [lib.WSGIRELOAD_REQUESTED, 0, "kill", ""]
    assert again == [lib.WSGIRELOAD_ALREADY_REQUESTED, 0, "", ""]
    assert (seen, calls) == ([15], 1)


def test_a_signal_that_all_threads_block(child):
    """The signal reaches its handler where every thread blocks it, and the mask stays as it was."""
    seen, blocked = child(
        START
        + """
seen = []
signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
request()
output([seen, signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])])
"""
    )
    assert (seen, blocked) == ([2], True)


# As mod_wsgi does: one handler for all signals.
HANDLED = START + "all = [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGXCPU]\n"
HANDLED += "for each in all: signal.signal(each, lambda *_: None)\n"


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ("", 0),
        ("signal.signal(signal.SIGINT, signal.SIG_IGN)", 1),
        ("signal.signal(signal.SIGTERM, signal.SIG_DFL)", 2),
        ("ctypes.CDLL(None).signal(signal.SIGINT, ctypes.CDLL(None).abs)", 1),
        ("for each in all[:2]: ctypes.CDLL(None).signal(each, ctypes.CDLL(None).abs)", 3),
        ("signal.signal(signal.SIGXCPU, signal.SIG_IGN)", 0),
        ("signal.signal(signal.SIGUSR1, signal.SIG_DFL)", 0),
        ("for each in all[2:]: signal.signal(each, signal.SIG_DFL)", 3),
        ("for each in all: signal.signal(each, signal.SIG_DFL)", 3),
        ("signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])", 0),
    ],
)
def test_taken(child, taken, expected):
    """A signal is taken where its handler is none of those that mod_wsgi has for all signals."""
    assert child(f"{HANDLED}{taken}\noutput(lib.wsgireload_taken())") == expected


def test_taken_unblocks(child):
    """The thread that learns of SIGINT receives it, if nothing else does."""
    blocked = child(
        HANDLED
        + """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
lib.wsgireload_taken()
output(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""
    )
    assert blocked is False


def test_once(child, counted):
    """Of many calls the first requests a restart, and all others return that it was requested."""
    returned, calls = child(
        IGNORED + "output([[request() for _ in range(100)], calls()])", preload=counted
    )
    assert returned[0] == [lib.WSGIRELOAD_REQUESTED, 0, "kill", ""]
    assert returned[1:] == 99 * [[lib.WSGIRELOAD_ALREADY_REQUESTED, 0, "", ""]]
    assert calls == 1


def test_once_from_many_threads(child, counted):
    """Of 32 Python threads that request at the same time one sends the signal, 100 times over."""
    rounds, calls = child(
        IGNORED
        + """
rounds = []
for _ in range(100):
    rounds.append(at_once([lib] * 32))
    lib.wsgireload_rearm()
output([rounds, calls()])
""",
        preload=counted,
    )
    assert rounds == 100 * [[lib.WSGIRELOAD_REQUESTED] + 31 * [lib.WSGIRELOAD_ALREADY_REQUESTED]]
    assert calls == 100


def test_once_without_the_gil(child, library):
    """Of 2 C threads that request within nanoseconds one sends the signal, 100,000 times over.

    On a busy machine each round may cost a turn of the scheduler: it stops after a minute then.
    """
    race = library("""
        #include <pthread.h>
        #include <sched.h>
        #include <stdatomic.h>
        #include <time.h>
        enum { ROUNDS = 100000, SECONDS = 60 };
        static void (*restart)(int *outcome);
        static atomic_int started, finished, asked;
        static void request(void)
        {
            int outcome[128];
            restart(outcome);
            if (outcome[0] == 0)
                atomic_fetch_add(&asked, 1);
        }
        static void *other(void *unused)
        {
            for (int i = 1, next; i <= ROUNDS; i++) {
                while ((next = atomic_load(&started)) < i && next >= 0)
                    sched_yield();
                if (next < 0)
                    break;
                request();
                atomic_store(&finished, i);
            }
            return unused;
        }
        int race(void (*restart_)(int *), void (*rearm)(void))
        {
            pthread_t thread;
            time_t end = time(0) + SECONDS;
            restart = restart_;
            pthread_create(&thread, 0, other, 0);
            for (int i = 1; i <= ROUNDS; i++) {
                rearm();
                atomic_store(&started, i);
                for (volatile int n = 0; n < i % 500; n++)
                    ; /* for how long the other takes to see it is unknown: sweep */
                request();
                while (atomic_load(&finished) < i)
                    sched_yield();
                if (time(0) > end)
                    break;
            }
            atomic_store(&started, -1);
            pthread_join(thread, 0);
            return atomic_load(&finished) == atomic_load(&asked) ? atomic_load(&asked) : -1;
        }
    """)
    asked = child(
        IGNORED
        + """
race = ctypes.CDLL(sys.argv[1]).race
core = ctypes.CDLL(sys.modules["wsgireload._native"].__file__)
output(race(core.wsgireload_restart, core.wsgireload_rearm))
""",
        race,
    )
    assert 1_000 <= asked <= 100_000


def test_rearm(child, counted):
    """After rearm one more call sends the signal; before the first restart rearm does nothing."""
    returned, calls = child(
        IGNORED
        + """
lib.wsgireload_rearm()
returned = [request()[0], request()[0]]
lib.wsgireload_rearm()
output([returned + [request()[0], request()[0]], calls()])
""",
        preload=counted,
    )
    assert returned == 2 * [lib.WSGIRELOAD_REQUESTED, lib.WSGIRELOAD_ALREADY_REQUESTED]
    assert calls == 2


def test_fork(child):
    """A forked child is not latched by its parent, nor the parent by the child."""
    statuses = child(
        IGNORED
        + """
first = request()[0]
reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, bytes([request()[0], request()[0]]))
    os._exit(0)
os.wait()
output([first, *os.read(reader, 2), request()[0]])
"""
    )
    assert statuses == [
        lib.WSGIRELOAD_REQUESTED,
        lib.WSGIRELOAD_REQUESTED,
        lib.WSGIRELOAD_ALREADY_REQUESTED,
        lib.WSGIRELOAD_ALREADY_REQUESTED,
    ]


def test_copies(child, counted, tmp_path):
    """Sixteen copies of the library in one process that request at once send one signal."""
    returned, distinct, calls = child(
        IGNORED
        + """
made, cores = copies(sys.argv[1], 16)
distinct = {int(ffi.cast("intptr_t", ffi.addressof(core, "wsgireload_restart"))) for core in cores}
output([at_once(cores), len(distinct), calls()])
""",
        tmp_path,
        preload=counted,
    )
    assert distinct == 16
    assert returned == [lib.WSGIRELOAD_REQUESTED] + 15 * [lib.WSGIRELOAD_ALREADY_REQUESTED]
    assert calls == 1


def test_copies_whose_files_are_gone(child, counted, tmp_path):
    """Copies whose files were removed since, as an upgrade does, still send one signal."""
    returned, calls = child(
        IGNORED
        + """
made, cores = copies(sys.argv[1], 2)
for path in made: os.remove(path)
output([[request(core)[0] for core in cores], calls()])
""",
        tmp_path,
        preload=counted,
    )
    assert returned == [lib.WSGIRELOAD_REQUESTED, lib.WSGIRELOAD_ALREADY_REQUESTED]
    assert calls == 1


def test_rearm_through_another_copy(child, tmp_path):
    """A latch that one copy has closed is opened by rearm of another."""
    returned = child(
        IGNORED
        + """
made, (one, two) = copies(sys.argv[1], 2)
first = request(one)[0]
two.wsgireload_rearm()
output([first, request(one)[0], request(two)[0]])
""",
        tmp_path,
    )
    assert returned == [
        lib.WSGIRELOAD_REQUESTED,
        lib.WSGIRELOAD_REQUESTED,
        lib.WSGIRELOAD_ALREADY_REQUESTED,
    ]


def test_own_functions(child, library):
    """A library with functions of the same names in the global scope is never called."""
    imposter = library("""
        void *core_find(void) { return 0; }
        int core_failed(void) { return -1; }
        int core_outcome(int *out) { *out = 98; return -1; }
        void wsgireload_rearm(void) {}
        void wsgireload_restart(int *out) { *out = 99; }
        void wsgireload_probe(int *out) { *out = 1; }
    """)
    returned = child(
        IGNORED
        + """
native = sys.modules["wsgireload._native"]
output([request()[0], native.restart()[0], native.rearm(), native.restart()[0], native.probe()[0]])
""",
        preload=imposter,
    )
    assert returned == [lib.WSGIRELOAD_REQUESTED, lib.WSGIRELOAD_ALREADY_REQUESTED, None, 0, False]


def test_no_imposter(child, library):
    """A library's calls to its own functions do not reach ours of the same names."""
    returned = child(
        IGNORED
        + """
import ctypes
request()  # from here on our library is in the global scope
everybody = ctypes.CDLL(None)
output([hasattr(everybody, name) for name in ("wsgireload_probe", "core_find", "core_failed")])
"""
    )
    assert returned == [True, False, False]


@pytest.mark.parametrize("code", [errno.EPERM, 12345])
def test_kill_fails(child, counted, code):
    """If kill fails, the outcome has its name and the system's message, and the latch is free."""
    returned, again, calls = child(
        IGNORED
        + """
kill_errno = shim("kill_errno")
kill_errno.value = int(sys.argv[1])
returned = [request(), request()]
kill_errno.value = 0
output([returned, request()[0], calls()])
""",
        code,
        preload=counted,
    )
    assert returned == 2 * [[lib.WSGIRELOAD_FAILED, code, "kill", os.strerror(code)]]
    assert again == lib.WSGIRELOAD_REQUESTED
    assert calls == 3


@pytest.mark.parametrize("call", ["wsgireload_linger", "wsgireload_job", "wsgireload_open"])
def test_windows_alone(call):
    """Functions for Windows alone return "not supported" elsewhere, and write every field."""
    out = ffi.new("wsgireload_outcome *")
    ffi.memmove(out, b"\xff" * ffi.sizeof(out[0]), ffi.sizeof(out[0]))
    if call == "wsgireload_linger":
        lib.wsgireload_linger(1, out)
    elif call == "wsgireload_job":
        assert lib.wsgireload_job(0, out) == -1
    else:
        assert lib.wsgireload_open(ffi.new("unsigned short[]", [0]), out) == -1
    assert (out.status, out.code) == (lib.WSGIRELOAD_UNSUPPORTED, 0)
    assert ffi.string(out.call) == call.encode()
    assert ffi.string(out.message) == b"not supported on this platform"


def test_exports():
    """The binary exports every function that the header declares, and setup.py names them all."""
    header = (CSRC / "wsgireload.h").read_text()
    declared = re.findall(r"^\w[\w ]+[ *]+(wsgireload_\w+)\(", header, re.MULTILINE)
    assert [name.removeprefix("wsgireload_") for name in declared] == [
        "probe",
        "command_line",
        "process_start",
        "restart",
        "terminate",
        "taken",
        "rearm",
        "linger",
        "close_on_fork",
        "job",
        "end_job",
        "open",
        "marks",
        "watch_begin",
        "watch_directory",
        "watch_name",
        "watch_forget",
        "watch_wait",
        "watch_wake",
        "watch_end",
        "watch_free",
    ]
    assert all(hasattr(lib, name) for name in declared)
    setup = CSRC.with_name("setup.py").read_text()
    assert re.findall(r'"(wsgireload_\w+)"', setup) == declared


def functions(folder: str) -> dict[str, list[str]]:
    """The functions that each file of a folder has for other files, in their order."""
    function = re.compile(r"^(?!static)\w[\w ]+[ *]+((?:wsgireload|core)_\w+)\(", re.MULTILINE)
    return {file.stem: function.findall(file.read_text()) for file in (CSRC / folder).glob("*.c")}


def test_twins():
    """Both platforms have the same files and functions in order, but for win/file.c's own."""
    alone = re.findall(r"(core_\w+)\(", INTERNAL[INTERNAL.index("/* win/file.c alone") :])
    windows = {
        file: [name for name in names if name not in alone]
        for file, names in functions("win").items()
    }
    assert functions("unix") == windows
    assert all(windows.values())


def test_headers():
    """internal.h declares every function that the sources share, and no other."""
    declared = re.findall(r"(core_\w+)\(", re.sub(r"/\*.*?\*/", "", INTERNAL, flags=re.DOTALL))
    defined = {
        name for folder in (".", "unix", "win") for x in functions(folder).values() for name in x
    }
    assert sorted(declared) == sorted(name for name in defined if name.startswith("core_"))


def test_sources():
    """setup.py names every file, and the stub has what watcher.c has for other systems."""
    setup = CSRC.with_name("setup.py").read_text()
    named = {
        name: ast.literal_eval(value)
        for name, value in re.findall(r"^([A-Z]+) = (\(\".*?\))", setup, re.MULTILINE)
    }
    assert sorted(named["TWINS"] + named["EVENTS"]) == sorted(functions("unix"))
    assert sorted((*named["COMMON"], "watcher")) == sorted(functions("."))
    border = [name for name in functions(".")["watcher"] if name.startswith("wsgireload_watch_")]
    assert functions("stub") == {"watch": border}
