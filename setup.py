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
FILES = ("failure", "file", "find", "latch", "linger", "marks", "restart", "server")
EVENTS = ("lock", "trust", "watch")
HUB = ("directories", "hub", "names", "ring")
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


sources = ["csrc/module.c", *(f"csrc/{FOLDER}/{name}.c" for name in FILES)]
if FOLDER == "win" or sys.platform == "linux":
    sources += [f"csrc/{FOLDER}/{name}.c" for name in EVENTS]
    sources += [f"csrc/hub/{name}.c" for name in HUB]
else:  # no events that we know of
    sources += ["csrc/elsewhere/watch.c"]

macros = [("Py_LIMITED_API", "0x030B0000")] if STABLE_ABI else []
if sys.platform == "darwin":  # its own names for what POSIX has
    macros += [("st_mtim", "st_mtimespec"), ("st_ctim", "st_ctimespec")]

native = Extension(
    "wsgireload._native",
    sources=sources,
    depends=sorted(str(path) for path in Path("csrc").rglob("*.h")),
    define_macros=macros,
    py_limited_api=STABLE_ABI,
    # What wsgireload.ffi calls. Windows exports nothing that is not named, the others everything.
    export_symbols=[
        "wsgireload_probe",
        "wsgireload_command_line",
        "wsgireload_restart",
        "wsgireload_rearm",
        "wsgireload_linger",
        "wsgireload_open",
        "wsgireload_watch_begin",
        "wsgireload_watch_directory",
        "wsgireload_watch_name",
        "wsgireload_watch_forget",
        "wsgireload_watch_wait",
        "wsgireload_watch_wake",
        "wsgireload_watch_end",
        "wsgireload_marks",
    ],
    libraries=["python3"] if KIT else ["dl", "pthread"] if sys.platform == "linux" else [],
    # ELF would send one copy's calls to another copy that is in the global scope: see latch.c.
    extra_link_args=[] if KIT or sys.platform in ("win32", "darwin") else ["-Wl,-Bsymbolic"],
)

tag = {"py_limited_api": "cp311"} | ({"plat_name": Path(KIT).name} if KIT else {})
setup(
    ext_modules=[native],
    cmdclass={"build_ext": CrossBuild} if KIT else {},
    options={"bdist_wheel": tag} if STABLE_ABI else {},
)
