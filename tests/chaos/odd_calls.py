"""Call wsgireload._native with random and odd arguments from several threads, each with watchers of
its own, as the header wants it, which all others wake.

odd_calls.py FOLDER SEED CALLS: run by test_sanitizers.py, in a Python of its own.
"""

import contextlib
import os
import random
import signal
import sys
import threading

import wsgireload._native as native

FOLDER, SEED, CALLS = os.fsencode(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
ODD = [None, "", "a\0b", "\ud800", b"", b"\0", b"a\0b\0", 0, -1, 1 << 31, 1 << 63, 1 << 200, 1.5]
ODD += [True, [], object(), float("nan"), b"x" * 5000, "y" * 5000, FOLDER, b"/nowhere", b"a" * 600]
FITTING = {
    "watch_directory": lambda own: (own, FOLDER, random.choice((0, 1, 2))),
    "watch_name": lambda own: (own, random.randrange(20), os.urandom(9).replace(b"\0", b"a")),
    "watch_forget": lambda own: (own, random.randrange(20)),
    "watch_wait": lambda own: (own, random.randrange(3) / 1000),
    "watch_wake": lambda _: (random.choice(list(everyones) or [None]),),
    "watch_end": lambda own: (own,),
    "marks": lambda _: (b"".join(path + b"\0" for path in [FOLDER] * 7), 7),
}
everyones = []


def call(rng, watchers):
    """Make one call; a wrong one has to raise an exception of Python's own."""
    name = rng.choice(sorted(vars(native).keys() & NAMES))
    arguments = [rng.choice(ODD) for _ in range(rng.randrange(5))]
    if rng.random() < 0.5:
        own = rng.choice(watchers or [None])  # one that may have ended
        arguments = FITTING.get(name, lambda _: ())(own)
    try:
        returned = getattr(native, name)(*arguments)
    except (TypeError, ValueError, OverflowError):
        return
    if name == "watch_begin" and returned[0] is not None:
        watchers.append(returned[0])
        everyones.append(returned[0])
        del watchers[:-10], everyones[:-20]


def work(seed):
    """Make as many calls as requested, while files come and go."""
    rng, watchers = random.Random(seed), []
    for number in range(CALLS):
        call(rng, watchers)
        if number % 20 == 0:
            path = os.path.join(FOLDER, b"%d" % rng.randrange(5))
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
            with contextlib.suppress(FileNotFoundError):  # another thread was faster
                os.unlink(path)


NAMES = {name for name in vars(native) if not name.startswith("__")}
for number in (signal.SIGINT, signal.SIGTERM):  # a restart sends them
    signal.signal(number, signal.SIG_IGN)
random.seed(SEED)


def turns(count):
    """Run several threads, and free every watcher after them."""
    threads = [threading.Thread(target=work, args=(SEED + each,)) for each in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everyones.clear()


turns(1)
before = sys.getallocatedblocks()
turns(1)
print(sys.getallocatedblocks() - before)
turns(3)
