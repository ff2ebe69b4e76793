"""Every error that wsgireload raises."""

from __future__ import annotations


class WsgireloadError(Exception):
    """The base of all our errors; never raised itself."""


class SettingsError(WsgireloadError, ValueError):
    """A wrong or unknown setting: the message names it, what it got and what it takes."""

    def __init__(self, setting: str, got: object, takes: str) -> None:
        super().__init__(f"wsgireload: {setting} is {_repr(got)}; it takes {takes}")
        self.setting = setting
        self.got = got
        self.takes = takes


class NativeError(WsgireloadError):
    """A call into the server or the operating system failed.

    `call` is the call that failed (as in C), `code` the operating system's number for why, and
    `message` its own words.
    """

    def __init__(self, call: str, code: int, message: str) -> None:
        super().__init__(f"{call} failed: {message} ({code})")
        self.call = call
        self.code = code
        self.message = message


class StopScanning(BaseException):
    """Ends a scan in the middle: the monitor was stopped. No caller of ours gets it."""


def _repr(got: object) -> str:
    try:
        return repr(got)
    except Exception:  # a number of too many digits, a list in which it lies itself too deep, ...
        return f"a {type(got).__name__} that has no repr"
