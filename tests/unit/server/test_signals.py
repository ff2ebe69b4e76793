"""SIGUSR2, which mod_wsgi 6 passes on."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from wsgireload.server import signals


def inside(group: str = "site") -> tuple[ModuleType, list[Callable[..., None]]]:
    """The module of mod_wsgi 6, and what subscribes to its signals."""
    hooks: list[Callable[..., None]] = []
    module = ModuleType("mod_wsgi")
    vars(module).update(process_group=group, subscribe_signals=hooks.append)
    return module, hooks


def test_only_sigusr2_scans() -> None:
    """Other signals are the application's own."""
    told: list[int] = []
    module, hooks = inside()
    signals.subscribe(lambda: told.append(1), module)
    [hook] = hooks
    hook("process_signal", signame="SIGHUP", signum=1)
    assert told == []
    hook("process_signal", signame="SIGUSR2", signum=12)
    hook("process_signal", signame="SIGUSR2", signum=12)
    assert told == [1, 1]


def test_only_daemon_processes_subscribe() -> None:
    """Elsewhere mod_wsgi logs a warning, and calls nothing."""
    module, hooks = inside(group="")
    signals.subscribe(lambda: None, module)
    assert hooks == []


def test_an_older_mod_wsgi_passes_nothing_on() -> None:
    """It has no such function, or the process is not Apache's."""
    signals.subscribe(lambda: None, ModuleType("mod_wsgi"))
    signals.subscribe(lambda: None, None)
