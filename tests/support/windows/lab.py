"""The lab: a session of wine, with the Windows Apache and Pythons that ci/windows/build made."""

from __future__ import annotations

import hashlib
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
from zipfile import ZipFile

from support.apacheserver import wait_for
from support.packages import made_once

CHECKOUT = Path(__file__).parents[3]
BUILD = CHECKOUT / "ci" / "windows" / "build"
REQUIREMENTS = CHECKOUT / "ci" / "windows" / "requirements.txt"
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
METADATA = "Metadata-Version: 2.1\nName: mod_wsgi\nVersion: 6.1.1\n"
WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n"


PY_BAT = '@"C:\\Program Files\\Python{number}\\python.exe" %2 %3 %4\r\n'


class LabError(Exception):
    """Something that the lab needs is not there."""


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

    def install(self, version: str) -> Path:
        """Install wsgireload, mod_wsgi and what the tests need into a new folder; returns it.

        Linux's pip does it, for the Windows platform: pip under wine takes ten times as long.
        """
        folder = Path(tempfile.mkdtemp(prefix="packages-", dir=self.root))
        required = self._required(version)
        shutil.copytree(required, folder, copy_function=os.link, dirs_exist_ok=True)
        _pip(version, folder, "--no-index", "--no-deps", newest_wheel(), self.mod_wsgi(version))
        return folder

    def _required(self, version: str) -> Path:
        """The folder of what the tests need: from PyPI, once, and kept beside what was built."""

        def make(folder: Path) -> None:
            _pip(version, folder, "--require-hashes", "-r", REQUIREMENTS)
            # Or else each session compiles all that it imports.
            python = self.home(version) / "python.exe"
            self.run(python, "-m", "compileall", "-q", "-x", "pygments", folder, deadline=600.0)

        digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
        return made_once(self.built.parent / f"tests-{digest}" / version, make)

    def mod_wsgi(self, version: str) -> Path:
        """The wheel of mod_wsgi that a compiler on Windows would have made."""
        number = version.replace(".", "")
        tag = f"cp{number}-cp{number}-win_amd64"
        path = self.root / f"mod_wsgi-6.1.1-{tag}.whl"
        with ZipFile(path, "w") as wheel:
            wheel.writestr("mod_wsgi/__init__.py", "")
            module = self.built / "httpd" / "modules" / f"mod_wsgi-py{number}.so"
            wheel.write(module, f"mod_wsgi/server/mod_wsgi.cp{number}-win_amd64.pyd")
            wheel.writestr("mod_wsgi-6.1.1.dist-info/METADATA", METADATA)
            wheel.writestr("mod_wsgi-6.1.1.dist-info/WHEEL", WHEEL.format(tag=tag))
            wheel.writestr("mod_wsgi-6.1.1.dist-info/RECORD", "")
        return path

    def install_python(self, version: str) -> None:
        """Leave what Python's installer leaves: its folder, and a `py` for `py -3.11 -m venv DIR`.

        From 3.12 on venv copies by CopyFile2, which wine 8 lacks.
        """
        number = version.replace(".", "")
        drive = self.prefix / "drive_c"
        (drive / "Program Files" / f"Python{number}").symlink_to(self.home(version))
        (drive / "windows" / "py.bat").write_text(PY_BAT.format(number=number))

    def install_apache(self) -> Path:
        """Unpack Apache where Apache Lounge's zip wants to be; returns the folder."""
        folder, built = self.prefix / "drive_c" / "Apache24", self.built / "httpd"
        leave = shutil.ignore_patterns("modules", "mod_wsgi-*")
        shutil.copytree(built, folder / "bin", copy_function=os.link, ignore=leave)
        shutil.copytree(built / "modules", folder / "modules", copy_function=os.link, ignore=leave)
        return folder

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


def newest_wheel() -> Path:
    """The wheel that ci/wheel made."""
    wheels = sorted((CHECKOUT / "dist").glob("wsgireload-*-win_amd64.whl"))
    if not wheels:
        raise LabError("there is no Windows wheel: ci/wheel win_amd64 makes it")
    return wheels[-1]


def _pip(version: str, folder: Path, *words: str | Path) -> None:
    """Install wheels for a Windows Python into a folder."""
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install")
    target = ("--platform", "win_amd64", "--python-version", version, "--only-binary", ":all:")
    into = ("--no-compile", "--upgrade", "--target", folder)
    subprocess.run([*pip, *target, *into, *words], check=True)


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
