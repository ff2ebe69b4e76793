"""The C core through cffi, for people who script it: pip install wsgireload[cffi].

`lib` is the very binary that `wsgireload._native` was loaded from, and `ffi` knows its header,
which is the documentation.
"""

from importlib import resources

from cffi import FFI

from wsgireload import _native

ffi = FFI()
ffi.cdef(resources.files("wsgireload.include").joinpath("wsgireload.h").read_text("utf-8"))
lib = ffi.dlopen(_native.__file__)
