"""The Python module: that it was built, what it leaves alone, and that its stub is true."""

from __future__ import annotations

import ast
import inspect
import sys
import sysconfig
from importlib import resources
from pathlib import Path

import pytest

from wsgireload import _native


def test_built():
    """The extension was really built: against the stable ABI, wherever there is one."""
    name = Path(_native.__file__).name
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert name == f"_native{sysconfig.get_config_var('EXT_SUFFIX')}"
    elif sys.platform == "win32":
        assert name == "_native.pyd"
    else:
        assert name == "_native.abi3.so"


def test_import_leaves_everything_alone(child):
    """Importing starts no thread, and touches no signal, no environment, no file descriptor."""
    before, after = child("""
        import json, os, pathlib, signal, subprocess, sys
        def state():
            status = pathlib.Path("/proc/self/status").read_text().splitlines()
            return [
                len(os.listdir("/proc/self/task")),
                # Not SigQ: it counts the signals queued for all processes of this user.
                [it for it in status if it.startswith(("Umask", "SigP", "SigB", "SigI", "SigC"))],
                [repr(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
                subprocess.run(["env"], capture_output=True, text=True).stdout,
                os.listdir("/proc/self/fd"), os.getcwd(), sys.path,
            ]
        state()
        before = state()
        import wsgireload._native
        print(json.dumps([before, state()]))
    """)
    assert before == after


def test_leaks_nothing(child):
    """No import and no call leaves an object behind, over two thousand of each."""
    grown = child("""
        import gc, json, signal, sys
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        def use(times):
            for _ in range(times):
                import wsgireload._native as n
                n.probe(), n.restart(1), n.restart(1), n.rearm(), n.linger(1)
                n.restart(2), n.rearm(), n.taken(), n.command_line()
                n.process_start(1)
                n.close_on_fork(99, True), n.close_on_fork(99, False), n.job(0), n.end_job(0, True)
                del sys.modules["wsgireload._native"], n
            gc.collect()
            return sys.getallocatedblocks()
        use(50)
        before = use(50)
        print(json.dumps(use(2000) - before))
    """)
    # The interpreter's own tables grow a little at first; one leak would make this 2000.
    assert grown < 1000


def test_stub():
    """_native.pyi names what the module has, with the same parameters and a docstring each."""
    stub = ast.parse(resources.files("wsgireload").joinpath("_native.pyi").read_text("utf-8"))
    functions = [node for node in stub.body if isinstance(node, ast.FunctionDef)]
    assert [node.name for node in functions] == [
        "probe",
        "command_line",
        "process_start",
        "restart",
        "taken",
        "rearm",
        "linger",
        "close_on_fork",
        "job",
        "end_job",
        "marks",
        "file_system",
        "watch_begin",
        "watch_directory",
        "watch_name",
        "watch_forget",
        "watch_wait",
        "watch_wake",
        "watch_end",
    ]
    assert {name for name in vars(_native) if not name.startswith("__")} == {
        node.name for node in functions
    }
    for node in functions:
        assert ast.get_docstring(node)
        assert [x.arg for x in [*node.args.posonlyargs, *node.args.args]] == list(
            inspect.signature(getattr(_native, node.name)).parameters
        )


@pytest.mark.parametrize(
    ("call", "argument", "error"),
    [
        ("linger", -1, OverflowError),
        ("linger", 2**64, OverflowError),
        ("linger", 1.5, TypeError),
        ("process_start", -1, OverflowError),
        ("process_start", "1", TypeError),
    ],
)
def test_arguments_that_make_no_sense(call, argument, error):
    """An argument that is no number of seconds and no pid raises, and does not reach the core."""
    with pytest.raises(error):
        getattr(_native, call)(argument)


def test_arguments_that_make_sense():
    """Any number of seconds reaches the core, which returns that this is not Windows."""
    for seconds in (0, 1, 2**32 - 1, 2**32, 2**63):
        assert _native.linger(seconds)[:3] == (2, 0, "wsgireload_linger")
