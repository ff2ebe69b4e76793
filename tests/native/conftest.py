"""Children: tests that send signals or load other libraries use a Python of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.watching import Watching, instances

Child = Callable[..., Any]
# Some children fork beside threads on purpose, of which 3.15 warns.
WARNINGS = "-W", "error", "-W", "ignore:This process:DeprecationWarning"
Library = Callable[[str], Path]


@pytest.fixture
def child(tmp_path: Path) -> Child:
    """Run a script in a new Python; returns what it printed, read as JSON.

    `args` become its sys.argv[1:], `python` is another interpreter, `preload` a library that comes
    before libc, `path` the folder to import wsgireload from.
    """

    def run(
        script: str,
        *args: object,
        python: str = sys.executable,
        preload: Path | None = None,
        path: Path | None = None,
    ) -> Any:
        file = tmp_path / "child.py"
        file.write_text(textwrap.dedent(script))
        env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        env |= {"LD_PRELOAD": str(preload)} if preload else {}
        env |= {"PYTHONPATH": str(path)} if path else {}
        done = subprocess.run(
            [python, "-P", "-B", *WARNINGS, str(file), *map(str, args)],
            env=env,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout)

    return run


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Compile C to a shared library; returns its path."""

    def build(source: str) -> Path:
        compiler = (sysconfig.get_config_var("CC") or "cc").split()
        file = tmp_path / f"library{len(list(tmp_path.glob('library*.so')))}.c"
        file.write_text(source)
        made = file.with_suffix(".so")
        subprocess.run([*compiler, "-shared", "-fPIC", "-o", made, file], check=True)
        return made

    return build


@pytest.fixture
def counted(library: Library) -> Path:
    """A kill() to preload: counts its calls in kill_calls, fails with kill_errno if that is set.

    Python's own handlers cannot count: the kernel merges a signal with one that still waits.
    """
    return library("""
        #define _GNU_SOURCE
        #include <errno.h>
        #include <stdatomic.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        atomic_int kill_calls;
        int kill_errno;
        int kill(pid_t pid, int number)
        {
            atomic_fetch_add(&kill_calls, 1);
            if (kill_errno == 0)
                return (int)syscall(SYS_kill, pid, number);
            errno = kill_errno;
            return -1;
        }
    """)


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    """A watcher, which ends with the test."""
    made = Watching(tmp_path)
    yield made
    for watcher in made.watchers:
        watcher.end()
    assert instances() == []
