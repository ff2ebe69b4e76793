"""The native module and its tag; everything else is in pyproject.toml."""

import sys
import sysconfig

from setuptools import Extension, setup

FOLDER = "win" if sys.platform == "win32" else "unix"
# A free-threaded CPython has no stable ABI before 3.15: it gets a wheel for its version alone.
STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")

native = Extension(
    "wsgireload._native",
    sources=["csrc/module.c", *(f"csrc/{FOLDER}/{x}.c" for x in ("latch", "restart", "server"))],
    depends=["csrc/wsgireload.h", "csrc/latch.h"],
    define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE_ABI else [],
    py_limited_api=STABLE_ABI,
    # What wsgireload.ffi calls. Windows exports nothing that is not named, the others everything.
    export_symbols=["wsgireload_probe", "wsgireload_restart", "wsgireload_rearm"],
    libraries=["dl"] if sys.platform == "linux" else [],
    # ELF would send one copy's calls to another copy that is in the global scope: see latch.c.
    extra_link_args=[] if sys.platform in ("win32", "darwin") else ["-Wl,-Bsymbolic"],
)

setup(
    ext_modules=[native],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE_ABI else {},
)
