"""ci/wheel's look into a wheel: each thing that may be wrong with one is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.wheelcheck import PACKAGED, Native, Wheel, problems

CHECKOUT = Path(__file__).parents[2]
HEADER = (CHECKOUT / "csrc" / "wsgireload.h").read_text()
FUNCTIONS = set(re.findall(r"^\S.*?\b\*?(wsgireload_\w+)\(", HEADER, re.MULTILINE))
PACKAGE = {
    path.relative_to(CHECKOUT).as_posix()
    for path in (CHECKOUT / "wsgireload").rglob("*")
    if path.suffix in PACKAGED
}
MANYLINUX = Wheel(
    python="cp311",
    abi="abi3",
    platform="manylinux_2_17_x86_64",
    files=frozenset(PACKAGE)
    | {"wsgireload/_native.abi3.so", "wsgireload/include/wsgireload.h"}
    | {"wsgireload/respawn.so"}
    | {"wsgireload-1.dist-info/licenses/LICENSE"},
    tags=("cp311-abi3-manylinux_2_17_x86_64",),
    metadata=(
        "Name: wsgireload",
        "License-Expression: MIT",
        "Requires-Python: >=3.11",
        'Requires-Dist: cffi>=1.17; extra == "cffi"',
    ),
    native=Native(
        machine="X86_64",
        libraries=("libc.so.6", "libdl.so.2", "libpthread.so.0"),
        exports=frozenset(FUNCTIONS) | {"PyInit__native", "wsgireload_latch_v1"},
        glibc=(2, 17),
    ),
    respawn=Native(machine="X86_64", libraries=("libc.so.6",), exports=frozenset(), glibc=(2, 17)),
)


def made(wheel: Wheel, platform: str, native: Native, suffix: str = ".abi3.so") -> Wheel:
    """The same wheel for another platform."""
    files = (wheel.files - {"wsgireload/_native.abi3.so"}) | {f"wsgireload/_native{suffix}"}
    respawn = native._replace(exports=frozenset()) if "linux" in platform else None
    files -= set() if respawn else {"wsgireload/respawn.so"}
    wheel = wheel._replace(respawn=respawn)
    tags = (f"{wheel.python}-{wheel.abi}-{platform}",)
    return wheel._replace(platform=platform, native=native, files=files, tags=tags)


LINUX = MANYLINUX.native
MUSLLINUX = made(
    MANYLINUX,
    "musllinux_1_2_aarch64",
    LINUX._replace(machine="AARCH64", libraries=("libc.so",), glibc=()),
)
MACOS = made(
    MANYLINUX,
    "macosx_11_0_arm64",
    LINUX._replace(
        machine="ARM64",
        libraries=("/usr/lib/libSystem.B.dylib",),
        exports=LINUX.exports | {"core_hash"},
        glibc=(),
        macos=(11, 0),
        signed=True,
    ),
)
FREE_THREADED = made(
    MANYLINUX._replace(python="cp314", abi="cp314t"), MANYLINUX.platform, LINUX, ".so"
)
WINDOWS = made(
    MANYLINUX,
    "win_arm64",
    Native(
        machine="ARM64",
        libraries=("python3.dll", "KERNEL32.dll", "api-ms-win-crt-string-l1-1-0.dll"),
        exports=frozenset(FUNCTIONS) | {"PyInit__native"},
    ),
    ".pyd",
)


GOOD = [MANYLINUX, MUSLLINUX, MACOS, FREE_THREADED, WINDOWS]


@pytest.mark.parametrize("wheel", GOOD, ids=lambda x: x.tags[0])
def test_good(wheel):
    """A wheel as it should be has no problem."""
    assert not [*problems(wheel)]


def without(wheel: Wheel, *files: str) -> Wheel:
    """The wheel that lacks these files."""
    return wheel._replace(files=wheel.files - set(files))


def with_native(wheel: Wheel, **changes: object) -> Wheel:
    """The wheel with another native module."""
    return wheel._replace(native=wheel.native._replace(**changes))


def with_respawn(**changes: object) -> Wheel:
    """The wheel with another library for Apache's parent."""
    assert MANYLINUX.respawn is not None
    return MANYLINUX._replace(respawn=MANYLINUX.respawn._replace(**changes))


BAD = {
    "its WHEEL file is for cp311-abi3-linux_x86_64": MANYLINUX._replace(
        tags=("cp311-abi3-linux_x86_64",)
    ),
    "cp312-abi3 is none of our tags": MANYLINUX._replace(
        python="cp312", tags=("cp312-abi3-manylinux_2_17_x86_64",)
    ),
    "wsgireload/py.typed is not in it": without(MANYLINUX, "wsgireload/py.typed"),
    "wsgireload/_native.pyi is not in it": without(MANYLINUX, "wsgireload/_native.pyi"),
    "wsgireload/_native.abi3.so is not in it": without(MANYLINUX, "wsgireload/_native.abi3.so"),
    "csrc/module.c does not belong in it": MANYLINUX._replace(
        files=MANYLINUX.files | {"csrc/module.c"}
    ),
    "it has no licence": without(MANYLINUX, "wsgireload-1.dist-info/licenses/LICENSE"),
    "METADATA lacks 'Requires-Python: >=3.11'": MANYLINUX._replace(
        metadata=tuple(x for x in MANYLINUX.metadata if "Python" not in x)
    ),
    "METADATA has 'Requires-Dist: cffi', but wsgireload needs no other package": MANYLINUX._replace(
        metadata=(*MANYLINUX.metadata, "Requires-Dist: cffi")
    ),
    "_native is for AARCH64": with_native(MANYLINUX, machine="AARCH64"),
    "_native needs libgcc_s.so.1": with_native(
        MANYLINUX, libraries=(*LINUX.libraries, "libgcc_s.so.1")
    ),
    "_native needs libc.so.6": with_native(MUSLLINUX, libraries=("libc.so.6",)),
    "_native needs libgcc_s_dw2-1.dll": with_native(
        WINDOWS, libraries=("python3.dll", "libgcc_s_dw2-1.dll")
    ),
    "_native needs python311.dll": with_native(WINDOWS, libraries=("python3.dll", "python311.dll")),
    "_native does not need python3.dll": with_native(WINDOWS, libraries=("KERNEL32.dll",)),
    "_native does not export PyInit__native": with_native(
        MANYLINUX, exports=LINUX.exports - {"PyInit__native"}
    ),
    "_native does not export wsgireload_latch_v1": with_native(
        MANYLINUX, exports=LINUX.exports - {"wsgireload_latch_v1"}
    ),
    "_native exports core_find": with_native(MANYLINUX, exports=LINUX.exports | {"core_find"}),
    "_native needs glibc 2.34": with_native(MANYLINUX, glibc=(2, 34)),
    "_native needs glibc of no version": with_native(MANYLINUX, glibc=()),
    "_native needs glibc 2.17, and musl has none": with_native(MUSLLINUX, glibc=(2, 17)),
    "wsgireload/respawn.so is not in it": without(MANYLINUX, "wsgireload/respawn.so"),
    "wsgireload/respawn.so does not belong in it": WINDOWS._replace(
        files=WINDOWS.files | {"wsgireload/respawn.so"}
    ),
    "respawn is for AARCH64": with_respawn(machine="AARCH64"),
    "respawn needs libpython3.11.so.1.0": with_respawn(libraries=("libpython3.11.so.1.0",)),
    "respawn needs glibc 2.34": with_respawn(glibc=(2, 34)),
    "respawn exports begin": with_respawn(exports=frozenset({"begin"})),
    "_native is for macOS 13.0": with_native(MACOS, macos=(13, 0)),
    "_native has no signature: a Mac with Apple silicon ends the process that loads it": (
        with_native(MACOS, signed=False)
    ),
}


@pytest.mark.parametrize("problem", BAD)
def test_bad(problem):
    """A wheel with one fault has that problem alone."""
    assert [*problems(BAD[problem])] == [problem]
