"""The user's settings: checked once, then frozen."""

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from wsgireload.errors import SettingsError

OFF = frozenset({"off", "0", "no", "false"})
ON = frozenset({"", "on", "1", "yes", "true"})
Path = str | os.PathLike[str]
Paths = Path | Iterable[Path]
SERVERS = ("windows", "daemon", "embedded", "none")


class Settings(NamedTuple):
    """One set of settings; `Settings.of` makes and checks them. Their meaning: docs/settings.md.

    Times are in seconds. `budget`: restarts in a row, and the seconds between two of them at most.
    """

    track: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    interval: float = 1.0
    settle: float = 0.05
    watch: str = "auto"
    compare: str = "bytes"
    when: str = "auto"
    patience: float = 5.0
    rolling: bool | str | tuple[str, ...] = False
    preflight: tuple[str, ...] | str | None = None
    trigger: str | None = None
    budget: tuple[int, float] = (10, 60.0)
    check_config: bool = True
    linger: float = 30.0
    enabled: bool | None = None
    server: str | None = None
    on_event: Callable[[Any], object] | None = None

    @property
    def settle_alone(self) -> float:
        """The same as `settle` for a complete save of one file; less, unless that was set."""
        return 0.01 if self.settle == Settings._field_defaults["settle"] else self.settle

    def differing(self, first: "Settings") -> list[str]:
        """Those, beside `track`, that are neither the defaults nor the same as in the first."""
        every = zip(self._fields, self, first, Settings(), strict=True)
        return [name for name, *got in every if name != "track" and got[0] not in got[1:]]

    @property
    def off(self) -> str | None:
        """Why wsgireload is switched off, in one sentence; None where it is not."""
        if self.enabled is False:
            return "start() was called with enabled=False"
        word = os.environ.get("WSGIRELOAD", "").strip()
        if word.lower() in OFF:
            return f"the environment has WSGIRELOAD={word}"
        if word.lower() not in ON:
            return f"the environment has WSGIRELOAD={word!r}; it takes on or off"
        return None

    @classmethod
    def of(cls, /, **chosen: object) -> "Settings":
        """These settings, and the defaults of all others. SettingsError for a wrong one."""
        return cls(**{name: checked(name, got) for name, got in chosen.items()})


def checked(setting: str, got: object) -> Any:
    """The value of one setting in its final form; SettingsError if it makes no sense."""
    if setting not in CHECKS:
        raise SettingsError(setting, got, f"no value: there is no such setting{_meant(setting)}")
    check, takes, words = CHECKS[setting]
    try:
        return check(got)
    except SettingsError:
        raise
    except OSError:
        takes = "only absolute paths, because the current folder is gone"
        raise SettingsError(setting, got, takes) from None
    except Exception:  # a value of the user's own class may raise anything
        meant = [f" (did you mean {word!r}?)" for word in similar(got, words)]
        raise SettingsError(setting, got, takes + "".join(meant)) from None


def _meant(setting: str) -> str:
    """The rest of the sentence about an unknown setting: the one that was meant, and all others."""
    meant = [f"; did you mean {name!r}?" for name in similar(setting, CHECKS)]
    return f"{''.join(meant) or '.'} The settings are {', '.join(CHECKS)}"


def similar(got: object, words: Iterable[str], cutoff: float = 0.6) -> list[str]:
    """The word that was probably meant; none if there is no such word."""
    from difflib import get_close_matches  # for a mistake only

    return get_close_matches(str.lower(got), words, 1, cutoff) if isinstance(got, str) else []


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError


def _number(got: Any) -> float:
    _require(isinstance(got, (int, float)) and not isinstance(got, bool))
    _require(abs(got) <= sys.float_info.max)  # neither nan nor an int too large to be a float
    return float(got)


class Rule(NamedTuple):
    """The check of a setting, what it takes in words, and the words that are values of it."""

    check: Callable[[Any], object]
    takes: str
    words: tuple[str, ...] = ()


def _seconds(low: float, high: float) -> Rule:

    def check(got: object) -> float:
        _require(low <= _number(got) <= high)
        return _number(got)

    return Rule(check, f"a number of seconds, {low:g} to {high:g}")


def _paths(got: object) -> tuple[str, ...]:
    """One path or several, as str; a relative one starts from the current folder, now."""
    return tuple(map(os.path.abspath, _given(got)))


def _ignored(got: object) -> tuple[str, ...]:
    """As `_paths`, but a bare name (`*.log`) stays one: it means that name in any folder."""
    return tuple(
        path if os.path.basename(path) == path else os.path.abspath(path) for path in _given(got)
    )


def _given(got: Any) -> list[str]:
    single = isinstance(got, (str, bytes, os.PathLike))
    found = [os.fsdecode(path) for path in ([got] if single else got)]
    _require(all(found) and not any("\0" in path for path in found))
    return found


def _trigger(got: object) -> str | None:
    if got is None:
        return None
    _require(isinstance(got, (str, os.PathLike)))
    return _paths(got)[0]


def _budget(got: Any) -> tuple[int, float]:
    _require(isinstance(got, (tuple, list)))
    restarts, seconds = got
    _require(isinstance(restarts, int) and 1 <= _number(restarts) <= 100 and _number(seconds) > 0)
    return restarts, float(seconds)


def _rolling(got: Any) -> bool | str | tuple[str, ...]:
    if isinstance(got, str):
        from wsgireload.coordinator import Coordinator  # for a fleet only

        try:
            Coordinator.of(got)
        except ValueError as error:  # a password is not repeated
            got = got if "@" not in got else "a URL with a user or a password"
            raise SettingsError("rolling", got, f"{ROLLING}: {error}") from None
        return got
    return got if isinstance(got, bool) else _command(got)


def _preflight(got: Any) -> tuple[str, ...] | str | None:
    if got is None:
        return None
    return "import" if got == "import" else _command(got)


def _command(got: Any) -> tuple[str, ...]:
    _require(isinstance(got, (list, tuple)))  # a str would need a shell to read it
    _require(any(got[:1]) and all(isinstance(word, str) and "\0" not in word for word in got))
    return tuple(got)


def _function(got: object) -> object:
    _require(got is None or callable(got))
    return got


def _one_of(*values: object) -> Rule:
    """The rule for one of these values, compared with their types (True is not 1)."""

    def check(got: object) -> object:
        _require(any(type(got) is type(value) and got == value for value in values))
        return got

    words = tuple(value for value in values if isinstance(value, str))
    return Rule(check, " or ".join(map(repr, values)), words)


def environment() -> dict[str, str]:
    """The environment of this process, as it is now."""
    return dict(os.environ)


def state_folders() -> tuple[str, ...]:
    """Candidates for the folder of all state, best first: each is this user's alone."""
    if os.name == "nt":
        local = os.environ.get("LOCALAPPDATA", "")
        return (os.path.join(local, "wsgireload"),) if os.path.isabs(local) else ()
    state = os.environ.get("XDG_STATE_HOME", "")
    own = [os.path.join(state, "wsgireload")] if os.path.isabs(state) else []
    # in a public folder: one of our own inside it, which is checked before it is used
    shared = (os.environ.get("TMPDIR", ""), "/tmp", "/var/tmp")
    own += [
        os.path.join(path, f"wsgireload-{os.getuid()}") for path in shared if os.path.isabs(path)
    ]
    return tuple(own)


PATHS = "a path or several: str or os.PathLike, not empty"
ROLLING = (
    "True, False, a URL without a password such as 'redis://host:6379/name' or "
    "'etcd://host:2379/name', or a command: a list of str"
)
COMMAND = "'import', a list of str such as ['python', 'manage.py', 'check'], or None"
BUDGET = "a pair (restarts, seconds): a whole number from 1 to 100, and a number above 0"
CHECKS = {
    "track": Rule(_paths, PATHS),
    "ignore": Rule(_ignored, PATHS),
    "interval": _seconds(0.01, 3600),
    "settle": _seconds(0, 60),
    "watch": _one_of("auto", "events", "poll"),
    "compare": _one_of("bytes", "code"),
    "when": _one_of("auto", "next-request", "now"),
    "patience": _seconds(0, 60),
    "rolling": Rule(_rolling, ROLLING),
    "preflight": Rule(_preflight, COMMAND),
    "trigger": Rule(_trigger, "the path of one file: str or os.PathLike; or None"),
    "budget": Rule(_budget, BUDGET),
    "check_config": _one_of(True, False),
    "linger": _seconds(0, 86400),
    "enabled": _one_of(None, True, False),
    "server": _one_of(None, *SERVERS),
    "on_event": Rule(_function, "a function of one argument, a wsgireload.Event; or None"),
}
