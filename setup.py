"""The native module and its tag; everything else is in pyproject.toml."""

import os
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# A folder, named after a platform (win_amd64, win32), that ci/wheel makes: headers and the import
# library of a Windows Python, to build for Windows elsewhere.
KIT = os.environ.get("WSGIRELOAD_WINDOWS_KIT")
FOLDER = "win" if KIT or sys.platform == "win32" else "unix"
FILES = ("failure", "file", "find", "latch", "linger", "restart", "server")
# A free-threaded CPython has no stable ABI before 3.15: it gets a wheel for its version alone.
STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")


class CrossBuild(build_ext):
    """For Windows with mingw-w64: what naming another platform alone does not change."""

    def finalize_options(self):
        """Neither the compiler nor the headers of the Python that runs."""
        self.compiler = "mingw32"
        super().finalize_options()
        self.include_dirs, self.library_dirs = [f"{KIT}/include"], [KIT]

    def build_extensions(self):
        """CFLAGS from the environment, as for every compiler."""
        for_64_bits = Path(KIT).name == "win_amd64"
        gcc = f"{'x86_64' if for_64_bits else 'i686'}-w64-mingw32-gcc"
        flags = ["-O2", *os.environ.get("CFLAGS", "").split()]
        flags += ["-DMS_WIN64"] if for_64_bits else []  # as 3.11's headers want it from mingw
        self.compiler.set_executables(
            compiler_so=[gcc, *flags], linker_so=[gcc, "-shared", "-static-libgcc", "-s"]
        )
        super().build_extensions()

    def get_ext_filename(self, fullname):
        """Nothing of the Python that runs in the name."""
        return f"{fullname.replace('.', '/')}.pyd"


native = Extension(
    "wsgireload._native",
    sources=["csrc/module.c", *(f"csrc/{FOLDER}/{name}.c" for name in FILES)],
    depends=[f"csrc/{name}.h" for name in ("failure", "find", "latch", "wsgireload")],
    define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE_ABI else [],
    py_limited_api=STABLE_ABI,
    # What wsgireload.ffi calls. Windows exports nothing that is not named, the others everything.
    export_symbols=[
        "wsgireload_probe",
        "wsgireload_command_line",
        "wsgireload_restart",
        "wsgireload_rearm",
        "wsgireload_linger",
        "wsgireload_open",
    ],
    libraries=["python3"] if KIT else ["dl"] if sys.platform == "linux" else [],
    # ELF would send one copy's calls to another copy that is in the global scope: see latch.c.
    extra_link_args=[] if KIT or sys.platform in ("win32", "darwin") else ["-Wl,-Bsymbolic"],
)

tag = {"py_limited_api": "cp311"} | ({"plat_name": Path(KIT).name} if KIT else {})
setup(
    ext_modules=[native],
    cmdclass={"build_ext": CrossBuild} if KIT else {},
    options={"bdist_wheel": tag} if STABLE_ABI else {},
)
