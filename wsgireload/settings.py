"""What the user asked for: checked once, frozen, passed down."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable

from wsgireload.errors import SettingsError
from wsgireload.record import Record

TYPE_CHECKING = False  # as typing has it, without importing typing, which is large
if TYPE_CHECKING:
    from typing import Any, TypedDict

    class Asked(TypedDict, total=False):
        """What `wsgireload.start` takes; what each means and allows: docs/settings.md."""

        track: Paths
        ignore: Paths
        interval: float
        settle: float
        watch: str
        compare: str
        when: str
        rolling: bool
        preflight: Iterable[str] | None
        trigger: Path | None
        budget: tuple[int, float]
        check_config: bool
        linger: float
        enabled: bool | None
        server: str | None


OFF = frozenset({"off", "0", "no", "false"})
ON = frozenset({"", "on", "1", "yes", "true"})
Path = str | os.PathLike[str]
Paths = Path | Iterable[Path]
SERVERS = ("windows", "daemon", "embedded", "none")


class Settings(Record):
    """One set of settings; `Settings.of` is the way in, which checks them.

    Times are in seconds. `budget` is so many restarts in so many seconds.
    """

    track: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    interval: float = 1.0
    settle: float = 0.05
    watch: str = "auto"
    compare: str = "bytes"
    when: str = "auto"
    rolling: bool = False
    preflight: tuple[str, ...] | None = None
    trigger: str | None = None
    budget: tuple[int, float] = (10, 60.0)
    check_config: bool = True
    linger: float = 30.0
    enabled: bool | None = None
    server: str | None = None

    @property
    def off(self) -> str | None:
        """Why we are switched off, in one sentence; None where we are not."""
        if self.enabled is False:
            return "start() was called with enabled=False"
        word = os.environ.get("WSGIRELOAD", "").strip()
        if word.lower() in OFF:
            return f"the environment says WSGIRELOAD={word}"
        if word.lower() not in ON:
            return f"the environment says WSGIRELOAD={word!r}, which is neither on nor off"
        return None

    @classmethod
    def of(cls, /, **asked: object) -> Settings:
        """The settings asked for; raises SettingsError at the first that makes no sense."""
        for name, got in asked.items():
            if name not in CHECKS:
                raise SettingsError(name, got, f"no value: there are {sorted(CHECKS)}")
        checked = {name: CHECKS[name](name, value) for name, value in asked.items()}
        return cls(**checked)  # type: ignore[arg-type]  # CHECKS holds each field's own type


def paths(setting: str, got: object) -> tuple[str, ...]:
    """One path or several, as str; a relative one starts from the current folder, now."""
    return tuple(_absolute(setting, path) for path in _given(setting, got))


def ignored(setting: str, got: object) -> tuple[str, ...]:
    """As `paths`, but a bare name (`*.log`) stays one: it means that name in any folder."""
    return tuple(
        path if os.path.basename(path) == path else _absolute(setting, path)
        for path in _given(setting, got)
    )


def _absolute(setting: str, path: str) -> str:
    try:
        return os.path.abspath(path)
    except OSError:
        takes = "absolute paths alone, where the current folder is gone"
        raise SettingsError(setting, path, takes) from None


def _given(setting: str, got: Any) -> list[str]:
    single = isinstance(got, (str, bytes, os.PathLike))
    takes = "a path or several: str or os.PathLike, not empty"
    try:
        found = [os.fsdecode(path) for path in ([got] if single else got)]
    except Exception:  # whatever a value of the user's own kind does when it is asked
        raise SettingsError(setting, got, takes) from None
    if not all(found) or any("\0" in path for path in found):
        raise SettingsError(setting, got, takes)
    return found


def _is_number(got: object) -> bool:
    if not isinstance(got, (int, float)) or isinstance(got, bool):
        return False
    return abs(got) <= sys.float_info.max  # neither nan nor an int too large to be a float


def _interval(setting: str, got: Any) -> float:
    if not _is_number(got) or not 0.01 <= got <= 3600:
        raise SettingsError(setting, got, "seconds between two looks, 0.01 to 3600")
    return float(got)


def _settle(setting: str, got: Any) -> float:
    if not _is_number(got) or not 0 <= got <= 60:
        raise SettingsError(setting, got, "seconds without a further change, 0 to 60")
    return float(got)


def _linger(setting: str, got: Any) -> float:
    if not _is_number(got) or not 0 <= got <= 86400:
        raise SettingsError(setting, got, "seconds, 0 (for never) to 86400")
    return float(got)


def _budget(setting: str, got: object) -> tuple[int, float]:
    takes = "(restarts, seconds): a whole number from 1 to 100, and seconds above 0"
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise SettingsError(setting, got, takes)
    restarts, seconds = got
    whole = isinstance(restarts, int) and not isinstance(restarts, bool) and 1 <= restarts <= 100
    if not whole or not _is_number(seconds) or seconds <= 0:
        raise SettingsError(setting, got, takes)
    return restarts, float(seconds)


def _preflight(setting: str, got: Any) -> tuple[str, ...] | None:
    takes = "a program and its arguments: a list of str, not empty; or None"
    if got is None:
        return None
    if not isinstance(got, (list, tuple)):
        raise SettingsError(setting, got, takes)  # no str: a shell would have to read it
    if not all(isinstance(word, str) and "\0" not in word for word in got) or not any(got[:1]):
        raise SettingsError(setting, got, takes)
    return tuple(got)


def _trigger(setting: str, got: Any) -> str | None:
    if got is None:
        return None
    if not isinstance(got, (str, os.PathLike)):
        raise SettingsError(setting, got, "the path of one file: str or os.PathLike; or None")
    return paths(setting, got)[0]


class _OneOf:
    """One of the values that exist so far, compared with their types (True is not 1)."""

    def __init__(self, *values: object) -> None:
        self.values = values

    def __call__(self, setting: str, got: object) -> object:
        for value in self.values:
            if type(got) is type(value) and got == value:
                return got
        takes = " or ".join(repr(value) for value in self.values)
        raise SettingsError(setting, got, takes)


def environment() -> dict[str, str]:
    """What this process runs in, as it is now."""
    return dict(os.environ)


def state_folders() -> tuple[str, ...]:
    """Where the journal may lie, best first: folders of this user alone."""
    if os.name == "nt":
        local = os.environ.get("LOCALAPPDATA", "")
        return (os.path.join(local, "wsgireload"),) if os.path.isabs(local) else ()
    state = os.environ.get("XDG_STATE_HOME", "")
    own = [os.path.join(state, "wsgireload")] if os.path.isabs(state) else []
    # in a folder for everybody: one of our own inside it, which is checked before it is used
    shared = (os.environ.get("TMPDIR", ""), "/tmp", "/var/tmp")
    own += [
        os.path.join(path, f"wsgireload-{os.getuid()}") for path in shared if os.path.isabs(path)
    ]
    return tuple(own)


CHECKS: dict[str, Callable[[str, object], object]] = {
    "track": paths,
    "ignore": ignored,
    "interval": _interval,
    "settle": _settle,
    "watch": _OneOf("auto", "events", "poll"),
    "compare": _OneOf("bytes", "code"),
    "when": _OneOf("auto", "next-request", "now"),
    "rolling": _OneOf(False, True),
    "preflight": _preflight,
    "trigger": _trigger,
    "budget": _budget,
    "check_config": _OneOf(True, False),
    "linger": _linger,
    "enabled": _OneOf(None, True, False),
    "server": _OneOf(None, *SERVERS),
}
