"""Calls wsgireload._native with random and odd arguments from several threads.

odd_calls.py FOLDER SEED CALLS: run by test_sanitizers.py, in a Python of its own.
"""

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
    "watch_directory": lambda pick: (pick(), FOLDER, random.choice((0, 1, 2)), True),
    "watch_name": lambda pick: (pick(), random.randrange(20), os.urandom(9).replace(b"\0", b"a")),
    "watch_forget": lambda pick: (pick(), random.randrange(20)),
    "watch_wait": lambda pick: (pick(), random.randrange(3)),
    "watch_wake": lambda pick: (pick(),),
    "watch_end": lambda pick: (pick(),),
    "marks": lambda _: (b"".join(path + b"\0" for path in [FOLDER] * 7), 7),
}
watchers = []


def some_watcher():
    """One that was begun, and may have been ended."""
    return random.choice(watchers or [1])


def call(rng):
    """One call; what is refused is refused by an exception of Python's own."""
    name = rng.choice(sorted(vars(native).keys() & NAMES))
    arguments = [rng.choice(ODD) for _ in range(rng.randrange(5))]
    if rng.random() < 0.5:
        arguments = FITTING.get(name, lambda _: ())(some_watcher)
    try:
        told = getattr(native, name)(*arguments)
    except (TypeError, ValueError, OverflowError):
        return
    if name == "watch_begin" and told[0] > 0:
        watchers.append(told[0])
        if len(watchers) > 40:
            native.watch_end(watchers.pop(0))


def work(seed):
    """As many calls as were asked for."""
    rng = random.Random(seed)
    for number in range(CALLS):
        call(rng)
        if number % 20 == 0:
            path = os.path.join(FOLDER, b"%d" % rng.randrange(5))
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
            os.unlink(path)


NAMES = {name for name in vars(native) if not name.startswith("__")}
signal.signal(signal.SIGINT, signal.SIG_IGN)  # how a restart is asked for
random.seed(SEED)


def turns(count):
    """Several threads, and everything ended after them."""
    threads = [threading.Thread(target=work, args=(SEED + each,)) for each in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while watchers:
        native.watch_end(watchers.pop())


turns(1)
before = sys.getallocatedblocks()
turns(1)
print(sys.getallocatedblocks() - before)
turns(3)
