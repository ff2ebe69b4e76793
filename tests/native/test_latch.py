"""Of all threads, and all copies of the library, one requests the restart of a process."""

from __future__ import annotations

from support.children import IGNORED
from support.ffi import lib


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
        static void (*restart)(int signal, int *outcome);
        static atomic_int started, finished, asked;
        static void request(void)
        {
            int outcome[128];
            restart(1, outcome);
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
        int race(void (*restart_)(int, int *), void (*rearm)(void))
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
