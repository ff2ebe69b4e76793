"""The lab: a session of wine, with the Windows Apache and Pythons that ci/windows/build made."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from support.apache import Apache
from support.apacheserver import wait_for

BUILD = Path(__file__).parents[3] / "ci" / "windows" / "build"
PYTHONS = ("3.11", "3.12", "3.13")

SETTINGS = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "WINEDEBUG": "-all",
    # No .NET and no browser. No WMI either: wine 8 has half of it, and platform.uname() of
    # Python 3.12 and 3.13 falls into the gap. No debugger, which would hold on to what crashed.
    "WINEDLLOVERRIDES": "mscoree,mshtml,wbemprox,winedbg.exe=",
}
"""All that our processes have in their environment, beside WINEPREFIX and what a test adds."""

STAY = "import pathlib, sys; pathlib.Path(sys.argv[1]).touch(); sys.stdin.read()"
SET_EVENT = """
import ctypes, sys
kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
kernel32.OpenEventW.restype = ctypes.c_void_p
event = kernel32.OpenEventW(2, False, sys.argv[1])
if not event or not kernel32.SetEvent(ctypes.c_void_p(event)):
    sys.exit(f"{sys.argv[1]}: {ctypes.WinError(ctypes.get_last_error())}")
"""


class LabError(Exception):
    """A Windows program of the lab's did not do as it was told."""


def windows(path: Path) -> str:
    """A path as Windows programs have it, with slashes: Z: is all that Linux has."""
    return f"Z:{path}"


class Lab:
    """One session, in a home of wine's of its own: two of them do not notice each other.

    A context manager. At its end nothing of it is left: no process, no file.

    What wine 8 lacks ends the process that asks for it: os.getppid() in Python 3.12 and 3.13.
    """

    def __init__(self) -> None:
        build = subprocess.run([BUILD], stdout=subprocess.PIPE, text=True, check=True)
        self.built = Path(build.stdout.strip())
        """What all sessions share and none changes."""
        _sweep(self.built.parent)
        # Beside it, because a hard link cannot leave its file system.
        self.root = Path(tempfile.mkdtemp(prefix=f"session-{os.getpid()}-", dir=self.built.parent))
        self.prefix = self.root / "prefix"
        shutil.copytree(
            self.built / "prefix", self.prefix, symlinks=True, copy_function=_link_or_copy
        )
        try:
            self._stay = self._start_to_stay()
        except BaseException:
            _end(self.root)
            raise

    def close(self) -> None:
        """End all that runs in this session, and remove its files."""
        _end(self.root)
        self._stay.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def environment(self) -> dict[str, str]:
        """Of every process of the session."""
        return {**SETTINGS, "WINEPREFIX": str(self.prefix)}

    def home(self, version: str) -> Path:
        """Where the Python of that version ("3.12") has its python.exe."""
        return self.built / f"py{version.replace('.', '')}"

    def apache(self, version: str) -> Apache:
        """The Apache whose mod_wsgi is for that Python."""
        httpd, home = self.built / "httpd", self.home(version)
        mod_wsgi = httpd / "modules" / f"mod_wsgi-{home.name}.so"
        return Apache(httpd / "httpd.exe", httpd / "modules", mod_wsgi, python_home=home)

    def run(
        self,
        program: str | Path,
        *arguments: str | Path,
        environment: Mapping[str, str] | None = None,
        deadline: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run a Windows program to its end. Paths become Windows', its CR LF ours."""
        words = [windows(word) if isinstance(word, Path) else word for word in arguments]
        # A Windows Python cannot start with its stdout in a file: a pipe is what it takes.
        return subprocess.run(
            ["wine", program, *words],
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=deadline,
            check=False,
        )

    def python(
        self,
        version: str,
        code: str,
        *arguments: str | Path,
        environment: Mapping[str, str] | None = None,
        deadline: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -c code` with the Windows Python of that version."""
        python = self.home(version) / "python.exe"
        utf8 = {"PYTHONUTF8": "1", **(environment or {})}
        return self.run(python, "-c", code, *arguments, environment=utf8, deadline=deadline)

    def install(self, version: str, *wheels: str | Path) -> Path:
        """Install wheels for a Python into a new folder; returns the folder.

        A name instead of a path is one of those that came with the lab: cffi, pycparser. This is
        Linux' pip, told what it installs for: the Windows one takes ten times as long under wine.
        """
        folder = Path(tempfile.mkdtemp(prefix="packages-", dir=self.root))
        pip = (sys.executable, "-m", "pip", "--isolated", "--quiet", "--disable-pip-version-check")
        target = ("--platform", "win_amd64", "--python-version", version, "--only-binary", ":all:")
        source = ("--no-index", "--no-deps", "--no-compile", "--find-links", self.built / "wheels")
        subprocess.run([*pip, "install", *target, *source, "--target", folder, *wheels], check=True)
        return folder

    def set_event(self, name: str) -> None:
        """Set a named event of Windows', as Apache's processes do to signal each other."""
        done = self.python(PYTHONS[0], SET_EVENT, name)
        if done.returncode:
            raise LabError(done.stderr.strip())

    def _start_to_stay(self) -> subprocess.Popen[bytes]:
        """A first program that stays: what starts after it starts in a tenth of the time.

        Wine's own processes are its children and inherit what it has open: that is nothing that
        anybody reads from. They would keep the pipes of run() open for as long as they live.
        It ends with us even where nobody calls close(), and so do they.
        """
        ready = self.root / "ready"
        started = subprocess.Popen(
            ["wine", self.home(PYTHONS[0]) / "python.exe", "-c", STAY, windows(ready)],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C at the terminal is ours to answer
        )
        wait_for(ready.exists, "the first Windows program", deadline=120.0)
        return started


def _link_or_copy(source: str, target: str) -> None:
    """Wine replaces no DLL, and writes its registry into the very file."""
    if source.endswith(".reg"):
        shutil.copy2(source, target)
    else:
        os.link(source, target)


def _end(root: Path) -> None:
    """End all processes of a session, and remove its files."""
    environment = {**SETTINGS, "WINEPREFIX": str(root / "prefix")}
    silent = subprocess.DEVNULL
    # It complains where there is nothing to end.
    subprocess.run(["wineserver", "-k"], env=environment, stdout=silent, stderr=silent, check=False)
    for pid in processes_of(root / "prefix"):  # it misses what was just being started
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    # Debian's wine has its socket in a folder of its own, and notes the name.
    for note in root.glob("prefix/wineserver"):
        if re.fullmatch(r"wine-\w+", name := note.read_text()):
            shutil.rmtree(Path("/tmp", name), ignore_errors=True)
    shutil.rmtree(root, ignore_errors=True)


def processes_of(prefix: Path) -> list[int]:
    """The pids of a session's processes, wine's own included."""
    setting = f"WINEPREFIX={prefix}\0".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it ended as we looked, or it is another user's
            if setting in path.read_bytes():
                found.append(int(path.parent.name))
    return found


def _sweep(folder: Path) -> None:
    """Remove what was left by sessions that could not end as they should."""
    for root in folder.glob("session-*"):
        if not Path("/proc", root.name.split("-")[1]).exists():
            _end(root)
