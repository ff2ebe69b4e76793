"""The native module and its tag; everything else is in pyproject.toml."""

import os
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# A folder from ci/wheel, named after a platform (win_amd64, win32): headers and import library of a
# Windows Python, for building on another system.
KIT = os.environ.get("WSGIRELOAD_WINDOWS_KIT")
FOLDER = "win" if KIT or sys.platform == "win32" else "unix"
COMMON = ("module", "names", "outcome")
TWINS = ("children", "failure", "file", "linger", "restart", "server")
EVENTS = ("trust", "watch")  # twins as well, with watcher.c
# A free-threaded CPython has no stable ABI before 3.15: it gets a wheel for its version only.
STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")


class CrossBuild(build_ext):
    """Build for Windows with mingw-w64: what `--plat-name` does not change."""

    def finalize_options(self):
        """Replace the compiler and the headers of the Python that runs."""
        self.compiler = "mingw32"
        super().finalize_options()
        self.include_dirs, self.library_dirs = [f"{KIT}/include"], [KIT]

    def build_extensions(self):
        """Add CFLAGS from the environment, as for every compiler."""
        for_64_bits = Path(KIT).name == "win_amd64"
        gcc = f"{'x86_64' if for_64_bits else 'i686'}-w64-mingw32-gcc"
        flags = ["-O2", *os.environ.get("CFLAGS", "").split()]
        flags += ["-DMS_WIN64"] if for_64_bits else []  # as 3.11's headers want it from mingw
        self.compiler.set_executables(
            compiler_so=[gcc, *flags], linker_so=[gcc, "-shared", "-static-libgcc", "-s"]
        )
        super().build_extensions()

    def get_ext_filename(self, fullname):
        """Leave the Python that runs out of the name."""
        return f"{fullname.replace('.', '/')}.pyd"


sources = [*(f"csrc/{name}.c" for name in COMMON), *(f"csrc/{FOLDER}/{name}.c" for name in TWINS)]
if FOLDER == "win" or sys.platform == "linux":
    sources += ["csrc/watcher.c", *(f"csrc/{FOLDER}/{name}.c" for name in EVENTS)]
else:  # no events that we support
    sources += ["csrc/stub/watch.c"]

macros = [("Py_LIMITED_API", "0x030B0000")] if STABLE_ABI else []
if sys.platform == "linux" and not KIT:  # 32-bit: files of 2 GiB and more, times after 2038
    macros += [("_FILE_OFFSET_BITS", "64"), ("_TIME_BITS", "64")]
if sys.platform == "darwin":  # its own names for what POSIX has
    macros += [("st_mtim", "st_mtimespec"), ("st_ctim", "st_ctimespec")]

native = Extension(
    "wsgireload._native",
    sources=sources,
    depends=sorted(str(path) for path in Path("csrc").rglob("*.[hm]*")),
    define_macros=macros,
    py_limited_api=STABLE_ABI,
    # For wsgireload.ffi. Windows exports these, ELF what unix/exports.map says, macOS everything.
    export_symbols=[
        "wsgireload_probe",
        "wsgireload_command_line",
        "wsgireload_restart",
        "wsgireload_terminate",
        "wsgireload_taken",
        "wsgireload_rearm",
        "wsgireload_linger",
        "wsgireload_close_on_fork",
        "wsgireload_job",
        "wsgireload_end_job",
        "wsgireload_open",
        "wsgireload_marks",
        "wsgireload_watch_begin",
        "wsgireload_watch_directory",
        "wsgireload_watch_name",
        "wsgireload_watch_forget",
        "wsgireload_watch_wait",
        "wsgireload_watch_wake",
        "wsgireload_watch_end",
        "wsgireload_watch_free",
    ],
    libraries=["python3"] if KIT else ["dl", "pthread"] if sys.platform == "linux" else [],
    # Without the first, ELF binds a copy's calls to another copy in the global scope: see
    # unix/restart.c. Without the second, other libraries' calls to their own functions may reach
    # ours there.
    extra_link_args=[]
    if KIT or sys.platform in ("win32", "darwin")
    else ["-Wl,-Bsymbolic", "-Wl,--version-script=csrc/unix/exports.map"],
)

tag = {"py_limited_api": "cp311"} | ({"plat_name": Path(KIT).name} if KIT else {})
setup(
    ext_modules=[native],
    cmdclass={"build_ext": CrossBuild} if KIT else {},
    options={"bdist_wheel": tag} if STABLE_ABI else {},
)
