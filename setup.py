"""The native module and its tag; everything else is in pyproject.toml."""

import os
import shlex
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

# A folder from ci/wheel, for building on another system: its name is the wheel's platform and its
# parent's the Python's tag, as in cp311/win_amd64 or cp314t/macosx_11_0_arm64. It has that system's
# headers in include/, and for Windows an import library.
KIT = os.environ.get("WSGIRELOAD_KIT")
PYTHON, PLATFORM = Path(KIT).parts[-2:] if KIT else ("", "")
SYSTEMS = {"win": "win32", "mac": "darwin", "man": "linux", "mus": "linux"}
SYSTEM = SYSTEMS[PLATFORM[:3]] if KIT else sys.platform
FOLDER = "win" if SYSTEM == "win32" else "unix"
COMMON = ("hash", "module", "outcome")
TWINS = ("children", "failure", "file", "linger", "restart", "server")
EVENTS = ("watch",)  # a twin as well, with watcher.c
RESPAWN = "wsgireload.respawn"  # for Apache's parent process, without Python: no tag in its name
# A free-threaded CPython has no stable ABI before 3.15: it gets a wheel for its version only.
FREE_THREADED = PYTHON.endswith("t") if KIT else sysconfig.get_config_var("Py_GIL_DISABLED")


class Build(build_ext):
    """Name the module so that every Python finds it."""

    def get_ext_filename(self, fullname):
        """Leave out the platform, which 3.15 adds to .abi3 and 3.13 does not look for."""
        if RESPAWN.endswith(fullname):
            return f"{fullname.replace('.', '/')}.so"
        name, abi3, _ = super().get_ext_filename(fullname).partition(".abi3")
        return f"{name}{abi3}.so" if abi3 else name


class CrossBuild(build_ext):
    """Build for another system, with the compiler and the flags in CC and CFLAGS."""

    def finalize_options(self):
        """Replace the headers of the Python that runs."""
        if FOLDER == "win":
            self.compiler = "mingw32"  # which exports what is listed
        super().finalize_options()
        vars(self).update(include_dirs=[f"{KIT}/include"], library_dirs=[KIT])

    def build_extensions(self):
        """Replace the compiler, and its flags, of the Python that runs."""
        command = shlex.split(os.environ["CC"])
        flags = ["-O2", *shlex.split(os.environ.get("CFLAGS", ""))]
        flags += [] if FOLDER == "win" else ["-fPIC"]
        flags += ["-DMS_WIN64"] if PLATFORM in ("win_amd64", "win_arm64") else []  # 3.11's headers
        link = [*command, "-shared", "-s"]
        if FOLDER == "win":  # and keep zig's import library of our module out of the package
            link += ["-static-libgcc", f"-Wl,--out-implib,{self.build_temp}/_native.lib"]
        self.compiler.set_executables(compiler_so=[*command, *flags], linker_so=link)
        super().build_extensions()

    def get_ext_filename(self, fullname):
        """Leave the Python that runs out of the name."""
        stable = "" if FREE_THREADED or RESPAWN.endswith(fullname) else ".abi3"
        return fullname.replace(".", "/") + (".pyd" if FOLDER == "win" else f"{stable}.so")


class CrossWheel(bdist_wheel):
    """Name the wheel after the other system."""

    def get_tag(self):
        """Return what the kit is for."""
        return PYTHON.removesuffix("t"), PYTHON if FREE_THREADED else "abi3", PLATFORM


sources = [*(f"csrc/{name}.c" for name in COMMON), *(f"csrc/{FOLDER}/{name}.c" for name in TWINS)]
if SYSTEM in ("linux", "win32"):
    sources += ["csrc/watcher.c", *(f"csrc/{FOLDER}/{name}.c" for name in EVENTS)]
else:  # no events that we support
    sources += ["csrc/stub/watch.c"]

macros = [] if FREE_THREADED else [("Py_LIMITED_API", "0x030B0000")]
libraries, link = [], []
if SYSTEM == "linux":  # 32-bit: files of 2 GiB and more, times after 2038
    macros += [("_FILE_OFFSET_BITS", "64"), ("_TIME_BITS", "64")]
    libraries = ["dl", "pthread"]
if SYSTEM == "darwin":  # its own names for what POSIX has
    macros += [("st_mtim", "st_mtimespec"), ("st_ctim", "st_ctimespec")]
    link = ["-Wl,-undefined,dynamic_lookup"]
elif FOLDER == "unix":
    # Without the first, ELF binds a copy's calls to another copy in the global scope: see
    # unix/restart.c. Without the second, other libraries' calls to their own functions may reach
    # ours there.
    link = ["-Wl,-Bsymbolic", "-Wl,--version-script=csrc/unix/exports.map"]
elif KIT:
    libraries = ["python3"]

native = Extension(
    "wsgireload._native",
    sources=sources,
    depends=sorted(str(path) for path in Path("csrc").rglob("*.[hm]*")),
    define_macros=macros,
    py_limited_api=not FREE_THREADED,
    # For wsgireload.ffi. Windows exports these, ELF what unix/exports.map says, macOS everything.
    export_symbols=[
        "wsgireload_probe",
        "wsgireload_command_line",
        "wsgireload_process_start",
        "wsgireload_restart",
        "wsgireload_taken",
        "wsgireload_rearm",
        "wsgireload_linger",
        "wsgireload_close_on_fork",
        "wsgireload_job",
        "wsgireload_end_job",
        "wsgireload_marks",
        "wsgireload_file_system",
        "wsgireload_watch_begin",
        "wsgireload_watch_directory",
        "wsgireload_watch_name",
        "wsgireload_watch_forget",
        "wsgireload_watch_wait",
        "wsgireload_watch_wake",
        "wsgireload_watch_end",
        "wsgireload_watch_free",
    ],
    libraries=libraries,
    extra_link_args=link,
)

respawn = Extension(
    RESPAWN,
    sources=["csrc/parent/respawn.c"],
    py_limited_api=not FREE_THREADED,  # as the other: the wheel's tag is for both
    libraries=["pthread"],
    extra_link_args=["-Wl,-z,nodelete"],
)

setup(
    ext_modules=[native, respawn] if SYSTEM == "linux" else [native],
    cmdclass={"build_ext": CrossBuild, "bdist_wheel": CrossWheel} if KIT else {"build_ext": Build},
    options={} if FREE_THREADED or KIT else {"bdist_wheel": {"py_limited_api": "cp311"}},
)
