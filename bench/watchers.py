"""One peer at its defaults, in a process of its own: `watchers.py PEER FOLDER`.

It imports the modules in the folder, waits for a line on its standard input, starts the peer and
tells of it in report.py's lines. It ends with its standard input.

Each function below runs its peer as its own documentation or its own command does, except that
what the peer calls when it has decided to reload is `noticed`, and that it goes on watching then.
A second process in which some have their supervisor is not there, and not counted.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

import modules
import report
from report import noticed, watching


def forever() -> NoReturn:
    """For those that watch in a thread of their own."""
    while True:
        time.sleep(3600)


def recipe(_: Path) -> None:
    """What mod_wsgi's documentation says to do, in our words."""
    times: dict[str, float] = {}
    while True:
        for module in list(sys.modules.values()):
            path = getattr(module, "__file__", None)
            if path and os.path.isfile(path):  # noqa: PTH113 (as in the recipe)
                mtime = os.stat(path).st_mtime  # noqa: PTH116
                if times.setdefault(path, mtime) != mtime:
                    noticed(path)
        watching()
        time.sleep(1)


def wsgireload(_: Path) -> None:
    import wsgireload
    from wsgireload.server import native

    def watch() -> None:
        wsgireload.start(server="daemon", budget=(100, 0.001))
        while not wsgireload.status().looks:
            time.sleep(0.001)

    def restarted(*_: object) -> None:
        """A new life in the old process, which a real restart would not leave alive."""
        at, changed = time.monotonic(), wsgireload.status().changed
        wsgireload.stop()
        for module in [m for m in sys.modules.values() if getattr(m, "__file__", "") in changed]:
            importlib.reload(module)
        native.rearm()  # a process asks once: this one lives on and asks again
        watch()
        noticed(changed[0], at)

    signal.signal(signal.SIGINT, restarted)
    if os.name == "nt":  # there only Apache can be asked; we take its place, with Linux' means
        native.restart = lambda: signal.raise_signal(signal.SIGINT) is None
    watch()
    watching()
    forever()


def hupper(monitor: Any) -> NoReturn:
    """The worker's look at the modules and the supervisor's at the files, in one process."""
    from hupper.worker import WatchSysModules

    worker = WatchSysModules(lambda paths: [monitor.add_path(path) for path in paths])
    worker.daemon = monitor.daemon = True
    worker.update_paths()
    monitor.start()
    worker.start()
    forever()


def hupper_polling(_: Path) -> None:
    from hupper.polling import PollingFileMonitor

    class Monitor(PollingFileMonitor):
        def check_reload(self, paths: list[str]) -> None:
            super().check_reload(paths)
            watching()

    hupper(Monitor(noticed))


def hupper_watchdog(_: Path) -> None:
    from hupper.logger import DefaultLogger
    from hupper.watchdog import WatchdogFileMonitor

    class Monitor(WatchdogFileMonitor):
        def start(self) -> None:
            super().start()
            watching()

    hupper(Monitor(noticed, DefaultLogger(1)))


def tell_when_watchfiles_watches() -> None:
    from watchfiles import main

    begin = main.RustNotify

    def begun(*arguments: object) -> object:
        watcher = begin(*arguments)
        watching()
        return watcher

    main.RustNotify = begun


def watchfiles(folder: Path) -> None:
    from watchfiles import watch

    tell_when_watchfiles_watches()
    for changes in watch(folder):
        for _, path in changes:
            noticed(path)


def werkzeug(loop: type[Any]) -> None:
    class Loop(loop):
        def trigger_reload(self, filename: str) -> None:
            noticed(filename)

    with Loop() as reloader:
        watching()
        reloader.run()


def werkzeug_stat(_: Path) -> None:
    from werkzeug._reloader import StatReloaderLoop

    werkzeug(StatReloaderLoop)


def werkzeug_watchdog(_: Path) -> None:
    from werkzeug._reloader import WatchdogReloaderLoop

    werkzeug(WatchdogReloaderLoop)


def django_stat(_: Path) -> None:
    from django.utils.autoreload import StatReloader

    class Reloader(StatReloader):
        def snapshot_files(self) -> Any:
            yield from super().snapshot_files()
            watching()

        def notify_file_changed(self, path: Path) -> None:
            noticed(path)

    Reloader().run_loop()


def uvicorn(reload: type[Any], folder: Path) -> None:
    from uvicorn import Config

    class Reload(reload):
        def startup(self) -> None:
            """No process with an application."""

        def should_restart(self) -> None:
            changed = super().should_restart()
            watching()
            for path in changed or ():
                noticed(path)
                if hasattr(self, "mtimes"):  # of StatReload: the change has been seen
                    self.mtimes[path] = path.stat().st_mtime

    config = Config("app:app", reload=True, reload_dirs=[str(folder)])
    Reload(config, target=print, sockets=[]).run()


def uvicorn_stat(folder: Path) -> None:
    from uvicorn.supervisors.statreload import StatReload

    uvicorn(StatReload, folder)


def uvicorn_watchfiles(folder: Path) -> None:
    from uvicorn.supervisors.watchfilesreload import WatchFilesReload

    tell_when_watchfiles_watches()
    uvicorn(WatchFilesReload, folder)


def gunicorn_poll(_: Path) -> None:
    from gunicorn.reloader import Reloader

    class Poll(Reloader):
        def get_files(self) -> Any:
            yield from super().get_files()
            watching()

    Poll(callback=noticed).start()
    forever()


def gunicorn_inotify(_: Path) -> None:
    from gunicorn.reloader import InotifyReloader

    class Inotify(InotifyReloader):
        def refresh_dirs(self) -> None:
            super().refresh_dirs()
            watching()

    Inotify(callback=noticed).start()
    forever()


def cherrypy(_: Path) -> None:
    from cherrypy.process.plugins import Autoreloader
    from cherrypy.process.wspbus import Bus

    class Reloader(Autoreloader):
        def run(self) -> None:
            super().run()
            watching()

    def restart() -> None:
        at = time.monotonic()
        reloader.thread.running = True  # run() has just ended it
        reloader.mtimes.clear()
        reloader.run()
        noticed(at=at)

    bus = Bus()
    bus.restart = restart
    reloader = Reloader(bus)
    reloader.start()
    forever()


def tornado(_: Path) -> None:
    from tornado import autoreload
    from tornado.ioloop import IOLoop

    look = autoreload._reload_on_update

    def looked(times: dict[str, float]) -> None:
        seen: list[float] = []
        autoreload._reload = lambda: seen.append(time.monotonic())
        look(times)
        watching()
        if seen:
            times.clear()
            look(times)
            noticed(at=seen[0])

    autoreload._reload_on_update = looked
    IOLoop.current().add_callback(autoreload.start)
    IOLoop.current().start()


WATCHERS = {
    "mod_wsgi's recipe": recipe,
    "hupper polling": hupper_polling,
    "hupper watchdog": hupper_watchdog,
    "watchfiles": watchfiles,
    "werkzeug stat": werkzeug_stat,
    "werkzeug watchdog": werkzeug_watchdog,
    "django stat": django_stat,
    "uvicorn stat": uvicorn_stat,
    "uvicorn watchfiles": uvicorn_watchfiles,
    "gunicorn poll": gunicorn_poll,
    "gunicorn inotify": gunicorn_inotify,
    "cherrypy": cherrypy,
    "tornado": tornado,
    "wsgireload": wsgireload,
}
"""By name: the first word is the distribution's, the second the way of watching."""


def end_with_standard_input() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    peer, folder = sys.argv[1:]
    sys.path.insert(0, folder)
    for name in modules.names(Path(folder)):
        importlib.import_module(name)
    report.imported()
    sys.stdin.readline()
    threading.Thread(target=end_with_standard_input, daemon=True).start()
    report.beginning()
    WATCHERS[peer](Path(folder))


if __name__ == "__main__":
    main()
