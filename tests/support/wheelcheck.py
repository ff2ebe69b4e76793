"""What a wheel must be to be handed out: `python -m support.wheelcheck WHEEL...` looks into them.

The wheels are for other systems, so nothing in them is run.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

CHECKOUT = Path(__file__).parents[2]
PACKAGED = {".py", ".pyi", ".typed", ".css", ".js"}

# The libraries that every system of a kind has, and that the native module may need.
LIBRARIES = {
    "manylinux": r"lib(c|dl|pthread)\.so\.\d|ld-linux-[\w-]+\.so\.\d",
    "musllinux": r"libc\.so|libc\.musl-\w+\.so\.1",
    "macosx": r"/usr/lib/libSystem\.B\.dylib",
    "win": r"(?i:kernel32|msvcrt|api-ms-win-crt-[\w-]+)\.dll",
}
# As LIEF names them.
MACHINES = {
    "x86_64": "X86_64",
    "aarch64": "AARCH64",
    "arm64": "ARM64",
    "amd64": "AMD64",
    "win32": "I386",
}


class Native(NamedTuple):
    """What a native module is for, and how it meets other libraries."""

    machine: str
    libraries: tuple[str, ...]
    exports: frozenset[str]
    glibc: tuple[int, ...] = ()  # the newest version of a symbol that it needs
    macos: tuple[int, ...] = ()  # the oldest macOS that it is for
    signed: bool = False


class Wheel(NamedTuple):
    """A wheel's name and what is in it."""

    python: str
    abi: str
    platform: str
    files: frozenset[str]
    tags: tuple[str, ...]  # in WHEEL
    metadata: tuple[str, ...]  # METADATA's lines
    native: Native
    respawn: Native | None = None
    """The library for Apache's parent, on Linux."""

    @property
    def system(self) -> str:
        """A key of LIBRARIES."""
        return next(system for system in LIBRARIES if self.platform.startswith(system))

    @property
    def machine(self) -> str:
        """A key of MACHINES."""
        return next(machine for machine in MACHINES if self.platform.endswith(machine))

    @property
    def floor(self) -> tuple[int, ...]:
        """The version in the platform: of glibc, musl or macOS."""
        return tuple(map(int, re.findall(r"_(\d+)(?=_)", self.platform)))


def problems(wheel: Wheel) -> Iterator[str]:
    """Give one sentence for each reason not to hand a wheel out."""
    tag = f"{wheel.python}-{wheel.abi}-{wheel.platform}"
    if wheel.tags != (tag,):
        yield f"its WHEEL file is for {', '.join(wheel.tags)}"
    if not re.fullmatch(r"cp311-abi3|(cp3\d\d)-\1t", f"{wheel.python}-{wheel.abi}"):
        yield f"{wheel.python}-{wheel.abi} is none of our tags"
    yield from _wrong_files(wheel)
    yield from _wrong_metadata(wheel.metadata)
    yield from _wrong_native(wheel)
    if wheel.respawn is not None:
        yield from _wrong_library("respawn", wheel.respawn, wheel)
        yield from (f"respawn exports {name}" for name in sorted(wheel.respawn.exports))


def _wrong_files(wheel: Wheel) -> Iterator[str]:
    stable = ".abi3" if wheel.abi == "abi3" else ""
    wanted = {
        path.relative_to(CHECKOUT).as_posix()
        for path in (CHECKOUT / "wsgireload").rglob("*")
        if path.suffix in PACKAGED
    } | {
        "wsgireload/include/wsgireload.h",
        "wsgireload/_native" + (".pyd" if wheel.system == "win" else f"{stable}.so"),
    }
    if wheel.system.endswith("linux"):
        wanted.add("wsgireload/respawn.so")
    held = {name for name in wheel.files if ".dist-info/" not in name}
    yield from (f"{name} is not in it" for name in sorted(wanted - held))
    yield from (f"{name} does not belong in it" for name in sorted(held - wanted))
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel.files):
        yield "it has no licence"


def _wrong_metadata(metadata: tuple[str, ...]) -> Iterator[str]:
    for line in ("Name: wsgireload", "License-Expression: MIT", "Requires-Python: >=3.11"):
        if line not in metadata:
            yield f"METADATA lacks {line!r}"
    for line in metadata:
        if line.startswith("Requires-Dist:") and "; extra == " not in line:
            yield f"METADATA has {line!r}, but wsgireload needs no other package"


def _wrong_native(wheel: Wheel) -> Iterator[str]:
    native, system = wheel.native, wheel.system
    python = "python3.dll" if wheel.abi == "abi3" else f"python{wheel.abi[2:]}.dll"
    yield from _wrong_library("_native", native, wheel, *([python] if system == "win" else []))
    if system == "win" and python not in native.libraries:
        yield f"_native does not need {python}"
    wanted = {"PyInit__native", *_public_functions()}
    wanted |= set() if system == "win" else {"wsgireload_latch_v1"}
    held = native.exports
    if (
        system == "macosx"
    ):  # where a library uses no exports but those of the libraries that it names
        linker = {"_mh_dylib_header", "__dso_handle"}
        held = {name for name in held if not name.startswith("core_")} - linker
    yield from (f"_native does not export {name}" for name in sorted(wanted - held))
    yield from (f"_native exports {name}" for name in sorted(held - wanted))
    if system == "macosx" and native.macos != wheel.floor:
        yield f"_native is for macOS {_version(native.macos)}"
    if wheel.platform.endswith("_arm64") and system == "macosx" and not native.signed:
        yield "_native has no signature: a Mac with Apple silicon ends the process that loads it"


def _wrong_library(name: str, library: Native, wheel: Wheel, *needs: str) -> Iterator[str]:
    if library.machine != MACHINES[wheel.machine]:
        yield f"{name} is for {library.machine}"
    for other in library.libraries:
        if not re.fullmatch(LIBRARIES[wheel.system], other) and other not in needs:
            yield f"{name} needs {other}"
    if wheel.system == "manylinux" and not (2, 2) <= library.glibc <= wheel.floor:
        yield f"{name} needs glibc {_version(library.glibc)}"
    if wheel.system == "musllinux" and library.glibc:
        yield f"{name} needs glibc {_version(library.glibc)}, and musl has none"


def _public_functions() -> set[str]:
    header = (CHECKOUT / "csrc" / "wsgireload.h").read_text()
    return set(re.findall(r"(wsgireload_\w+)\(", re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)))


def _version(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers)) or "of no version"


def read(path: Path) -> Wheel:
    """Take a wheel apart."""
    python, abi, platform = path.stem.split("-")[2:]
    with zipfile.ZipFile(path) as archive, TemporaryDirectory() as folder:
        files = archive.namelist()
        (native,) = (name for name in files if re.search(r"/_native[\w.-]*\.(so|pyd)$", name))
        respawn = "wsgireload/respawn.so"

        def lines(end: str) -> list[str]:
            (name,) = (name for name in files if name.endswith(f".dist-info/{end}"))
            return archive.read(name).decode().splitlines()

        return Wheel(
            python=python,
            abi=abi,
            platform=platform,
            files=frozenset(files),
            tags=tuple(x.removeprefix("Tag: ") for x in lines("WHEEL") if x.startswith("Tag: ")),
            metadata=tuple(lines("METADATA")),
            native=examine(Path(archive.extract(native, folder))),
            respawn=examine(Path(archive.extract(respawn, folder))) if respawn in files else None,
        )


def examine(path: Path) -> Native:
    """Read a native module for whatever system."""
    import lief

    lief.logging.disable()
    binary = lief.parse(str(path))
    if isinstance(binary, lief.PE.Binary):
        return Native(
            machine=binary.header.machine.name,
            libraries=tuple(str(library.name) for library in binary.imports),
            exports=frozenset(str(entry.name) for entry in binary.get_export().entries),
        )
    if isinstance(binary, lief.ELF.Binary):
        versions = (
            re.fullmatch(r"GLIBC_([\d.]+)", auxiliary.name)
            for needed in binary.symbols_version_requirement
            for auxiliary in needed.get_auxiliary_symbols()
        )
        return Native(
            machine=binary.header.machine_type.name,
            libraries=tuple(binary.libraries),
            exports=frozenset(str(symbol.name) for symbol in binary.exported_symbols),
            glibc=max((tuple(map(int, x[1].split("."))) for x in versions if x), default=()),
        )
    oldest = binary.build_version.minos if binary.has_build_version else binary.version_min.version
    return Native(
        machine=binary.header.cpu_type.name,
        libraries=tuple(
            library.name
            for library in binary.libraries
            if library.command != lief.MachO.LoadCommand.TYPE.ID_DYLIB  # its own name
        ),
        exports=frozenset(str(x.name).removeprefix("_") for x in binary.exported_symbols),
        macos=tuple(oldest[:2]),
        signed=binary.has_code_signature,
    )


def other_opinions(path: Path) -> Iterator[str]:
    """Give what those who decide elsewhere have against a wheel's name."""
    if "-abi3-" in path.name:
        options = ("--strict", "--assume-minimum-abi3", "3.11")
        done = _run("abi3audit", *options, path)
        if done.returncode:
            yield f"abi3audit: {done.stdout}{done.stderr}"
    if "linux_" in path.name:
        # Without this machine's libraries, which are of another kind: so it misses musl's.
        done = _run("auditwheel", "show", "--json", "--ldpaths", "/nonexistent", path)
        if done.returncode:
            yield f"auditwheel: {done.stdout}{done.stderr}"
        else:
            tag = json.loads(done.stdout)["sym_tag" if "musl" in path.name else "overall_tag"]
            if not path.stem.endswith(f"-{tag}"):
                yield f"auditwheel: it is for {tag}"


def _run(tool: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name(tool), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main() -> None:
    """Print each wheel's problems; exit with 1 if there are any."""
    failed = False
    for path in map(Path, sys.argv[1:]):
        wheel = read(path)
        found = [*problems(wheel), *other_opinions(path)]
        failed |= bool(found)
        size = path.stat().st_size / 1024
        print(f"{path.name}: {size:.0f} KB, needs {' '.join(sorted(wheel.native.libraries))}")
        print("".join(f"  {problem}\n" for problem in found), end="")
    sys.exit(failed)


if __name__ == "__main__":
    main()
