"""A restart is a signal to the own process; which signals reach mod_wsgi."""

from __future__ import annotations

import errno
import os

import pytest
from support.children import CORE, IGNORED
from support.ffi import lib


def test_restart_is_sigint(child):
    """A restart is a SIGINT to the own process."""
    returned, seen = child(
        CORE
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
    """A restart by SIGTERM sends that, under the same latch."""
    returned, again, seen, calls = child(
        CORE
        + """
seen = []
signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
out = ffi.new("wsgireload_outcome *")
lib.wsgireload_restart(lib.WSGIRELOAD_SIGTERM, out)
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
        CORE
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
HANDLED = CORE + "all = [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGXCPU]\n"


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
