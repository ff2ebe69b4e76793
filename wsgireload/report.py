"""The status of a monitor: one type, and its JSON, for `status()`, state files, CLI and page."""

from collections.abc import Callable
from functools import cache
from types import UnionType
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

Record = TypeVar("Record")

LARGEST = 2**53  # beyond it a JSON number is not exact, and no field has a use for it


class Held(NamedTuple):
    """The file that holds a restart: `line` and `column` count from 1, `text` is that line.

    `error` is what is wrong there. Each but the path is None where Python does not report it.
    """

    path: str
    line: int | None
    column: int | None
    text: str | None
    error: str | None


class Failed(NamedTuple):
    """Why the application could not be loaded, and when (seconds since 1970).

    `error` is the exception in one line, `traceback` the whole of it as Python prints it. `path`
    and `line` (counts from 1) are the innermost place in a file of the user's, else None.
    """

    at: float
    error: str
    traceback: str
    path: str | None = None
    line: int | None = None

    def described(self) -> str:
        """Return the exception with its place, in one line."""
        line = f", line {self.line}" if self.line else ""
        return f"{self.error} ({self.path}{line})" if self.path else self.error


class Restarted(NamedTuple):
    """One restart: when it was requested (seconds since 1970), and why.

    `took` is the time in seconds until the new code was up. None where that is unknown, as for a
    restart whose new process has had no request yet.
    """

    at: float
    reason: str
    took: float | None


class Awaited(NamedTuple):
    """What a due restart, or the end of this process, waits for.

    `what` names it: a request, a thread, a child process or an exit function. `since` is when it
    began, in seconds since 1970; None where that is unknown.
    """

    what: str
    since: float | None = None

    def described(self, now: float) -> str:
        """Return it with its duration; `now` is in seconds since 1970."""
        ran = "" if self.since is None else f", which has run for {now - self.since:.0f} s"
        return self.what + ran


NEXT_REQUEST = Awaited("the next request")


class Status(NamedTuple):
    """The state of a monitor at one moment.

    active: whether it may restart; reason: why not.
    server: daemon, embedded, windows or none; application: the application group.
    files: the number of watched files; own: of these, the application's own, which are neither
    Python's nor an installed package's; looks: the number of scans.
    changed: the files that differ from the loaded code.
    holding: why a wanted restart is held; held: where, if a file holds it.
    restarting: whether a restart was requested, or waits for requests to end, or for the next one.
    parent: the pid of the process that replaces this one.
    since: the start of the watch, in seconds since 1970.
    generation: the number of restarts before it; None without a journal.
    reloaded: the reason for the last one; None for a first start, and if another interpreter of
    this process reports it.
    history: the last 20 restarts, newest first.
    waiting: what a restart waits for, once it has waited for 2 s; the next request at once.
    beside: a warning about another reloader in this process.
    failed: why the application could not be loaded; None once it is.
    output: what the check that holds the restart has printed: a preflight, or a traceback.
    paused: the end of a pause of all restarts, in seconds since 1970; None without one.
    script: the path of the WSGI script, if this process serves one.
    requests: the number of requests that this application has begun to answer in this process;
    None where mod_wsgi does not report them.
    processes: the number of processes of its process group, by Apache's configuration.
    preloaded: whether the application was loaded before its first request; None if unknown.
    loading: that its script is still being loaded after 30 s, and at which line; else None.
    list_paths: returns the watched files; not part of the data.
    """

    active: bool
    reason: str | None
    server: str
    pid: int
    application: str
    files: int = 0
    looks: int = 0
    changed: tuple[str, ...] = ()
    holding: str | None = None
    held: Held | None = None
    restarting: bool = False
    parent: int = 0
    since: float | None = None
    generation: int | None = None
    reloaded: str | None = None
    history: tuple[Restarted, ...] = ()
    waiting: tuple[Awaited, ...] = ()
    beside: str | None = None
    failed: Failed | None = None
    output: str | None = None
    paused: float | None = None
    script: str | None = None
    requests: int | None = None
    own: int | None = None
    processes: int = 1
    preloaded: bool | None = None
    loading: str | None = None
    list_paths: Callable[[], list[str]] = list

    def paths(self) -> list[str]:
        """Return the files that are watched now, sorted: a call, as there may be thousands."""
        return sorted(self.list_paths())

    def asdict(self) -> dict[str, object]:
        """Return the fields as JSON-able data, without the paths."""
        return dict(plain(self))

    def __repr__(self) -> str:
        values = self._asdict()
        del values["list_paths"]
        return f"Status({', '.join(f'{name}={value!r}' for name, value in values.items())})"


def plain(value: Any) -> Any:
    """Return a record as JSON-able data: dicts and lists, without functions."""
    if hasattr(value, "_asdict"):
        return {name: plain(each) for name, each in value._asdict().items() if not callable(each)}
    return [plain(each) for each in value] if isinstance(value, tuple) else value


def parse(record: Callable[..., Record], data: object, name: str = "data") -> Record:
    """Build a record from JSON data, which any user may have written.

    Each value has the type that the record's class declares. Missing fields get their default and
    unknown ones are ignored: another release may have written the data. ValueError or TypeError
    names the first wrong field, TypeError a missing one.
    """
    if not isinstance(data, dict):
        raise TypeError(f"{name} is of type {type(data).__name__}")
    values = {}
    for field, kind in _fields(record).items():
        if field in data:
            values[field] = _parse_value(kind, data[field], f"{name}.{field}")
    return record(**values)


@cache
def _fields(record: Callable[..., Any]) -> dict[str, Any]:
    return get_type_hints(record)


def _parse_value(kind: Any, value: object, name: str) -> Any:
    """Return a value as `kind`: a plain type, a record, tuple[kind, ...] or kind | None."""
    origin = get_origin(kind)
    if origin is UnionType:
        return None if value is None else _parse_value(get_args(kind)[0], value, name)
    if origin is tuple and isinstance(value, list):
        [item, _] = get_args(kind)
        return tuple(_parse_value(item, each, f"{name}[{at}]") for at, each in enumerate(value))
    if hasattr(kind, "_fields"):
        return parse(kind, value, name)
    if type(value) not in ((int, float) if kind is float else (kind,)):
        raise TypeError(f"{name} is of type {type(value).__name__}")
    if isinstance(value, int | float) and not abs(value) < LARGEST:  # NaN is not less either
        raise ValueError(f"{name} is {value}")
    return kind(value)
