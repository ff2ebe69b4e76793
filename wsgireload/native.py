"""The way to the C core: statuses become values and exceptions here, and nowhere else."""

from __future__ import annotations

from types import ModuleType

from wsgireload.errors import NativeError
from wsgireload.record import Record

try:
    # "from wsgireload import _native" would call a missing file a circular import.
    import wsgireload._native as _native  # noqa: PLR0402
except Exception as error:  # whatever the loader says: a site never goes down because of us
    _missing: str | None = f"{type(error).__name__}: {error}"
else:
    _missing = None

# enum wsgireload_status of csrc/wsgireload.h
_ASKED, _ALREADY_ASKED = 0, 1


class Apache(Record):
    """The httpd that this process is, in its own words: "" for what it does not say."""

    version: str
    mpm: str


def unavailable() -> str | None:
    """One sentence why the native module does not load; None where it does."""
    return _missing and f"the native module does not load: {_missing}"


def apache() -> Apache | None:
    """The Apache that this process is; None where it is another program."""
    is_apache, version, mpm = _core().probe()
    return Apache(version, mpm) if is_apache else None


def restart() -> bool:
    """Ask the server to replace this process, once, whichever interpreter asks.

    True: asked just now. False: this process was asked before. NativeError: nothing was asked, and
    the next call tries again.
    """
    status, code, call, message = _core().restart()
    if status in (_ASKED, _ALREADY_ASKED):
        return bool(status == _ASKED)
    raise NativeError(call, code, message)


def rearm() -> None:
    """Let restart() ask once more. For the one who was told True: see csrc/wsgireload.h."""
    _core().rearm()


def _core() -> ModuleType:
    if _missing is not None:
        raise NativeError("import wsgireload._native", 0, _missing)
    return _native
