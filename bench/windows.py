"""How soon new code answers on a Windows Apache: `bench/windows` runs it under wine.

Three servers take turns, while requests keep coming: one has wsgireload with its defaults, one a
loop after the idea of mod_wsgi's documentation, and one is told to restart at the very moment of
saving, which is as fast as Apache can be: the floor. Shown is the time from a save to the first
answer of the new code, in seconds; then the same for an application of which the imports take 1 s,
loaded by the first request and before it. Then what a request costs with
MaxConnectionsPerChild 1, the setting for those who have no reloader.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from statistics import mean, median
from typing import Any

from recipe import source
from support.apacheserver import Server, wait_for
from support.httpdconf import Application
from support.traffic import PAUSE, Traffic
from support.windows import installed
from support.windows.winnt import WindowsServer

SAVES, REQUESTS, INTERVAL = 12, 40, 1.0
ALLOWED = 0.2
"""Seconds that wsgireload may take beyond the floor and half the interval."""

APPLICATION = """
import ctypes
import words

def application(environ, start_response):
    if environ["PATH_INFO"] == "/restart":
        ctypes.CDLL("libhttpd.dll").ap_signal_parent(1)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [words.WORD.encode()]
"""
OURS = "import wsgireload\nwsgireload.start()\n"
IMPORTS = "import time\ntime.sleep(1)\n"
"""What an application's imports are to a restart."""
RECIPE = source('ctypes.CDLL("libhttpd.dll").ap_signal_parent(1)') + "start()\n"


class Contender:
    """A server whose application begins with `beginning`, and how it fared so far."""

    def __init__(self, server: WindowsServer, beginning: str) -> None:
        self.server = server
        (server.app / "app.wsgi").write_text(beginning + APPLICATION)
        self.took: list[float] = []
        """Seconds from each save to the first answer of the new code."""
        self.sent = self.lost = 0
        self.saves = 0
        self._save()
        server.start()
        server.get()

    def turn(self, *, ask: bool) -> None:
        """Save, a bit later within the interval at each turn; `ask` Apache to restart as well."""
        time.sleep(2 * INTERVAL + INTERVAL * self.saves / SAVES)  # by then it has looked
        with Traffic(self.server) as traffic:
            saved = time.time()
            word = self._save()
            if ask:
                self.server.get("/restart")
            wait_for(lambda: word in traffic.first, "an answer of the new code")
            wait_for(lambda: len(self.server.daemons()) == 1, "the old child's end")
        self.took.append(traffic.first[word] - saved)
        self.sent, self.lost = self.sent + traffic.sent, self.lost + len(traffic.lost)

    def _save(self) -> str:
        self.saves += 1
        word = f"version {self.saves}"
        (self.server.app / "words.py").write_text(f'WORD = "{word}"\n')
        return word


def latencies(server: Server) -> list[float]:
    """Seconds that each of several requests in a row took."""
    taken = []
    for _ in range(REQUESTS):
        time.sleep(PAUSE)
        began = time.monotonic()
        server.get()
        taken.append(time.monotonic() - began)
    return taken


def row(name: str, contender: Contender, floor: float) -> str:
    took, lost = contender.took, f"{contender.lost} of {contender.sent}"
    middle = f"{median(took):7.2f} {min(took):7.2f} {max(took):7.2f} {median(took) / floor:9.2f}"
    return f"{name:28} {middle} {lost:>12}"


def main() -> None:
    apache, packages = installed.apache(installed.USUAL_HTTPD), installed.packages()
    with ExitStack() as stack:

        def contender(beginning: str, **options: Any) -> Contender:
            served = Application(daemon=None, python_path=[packages], **options)
            server = stack.enter_context(WindowsServer(apache, served))
            return Contender(server, beginning)

        ours, recipe, floor = contender(OURS), contender(RECIPE), contender("")
        slow = contender(OURS + IMPORTS, group="%{GLOBAL}")
        once = "WSGIScriptReloading Off"
        preloaded = contender(OURS + IMPORTS, group="%{GLOBAL}", preload=True, directives=once)
        for _ in range(SAVES):
            ours.turn(ask=False)
            slow.turn(ask=False)
            preloaded.turn(ask=False)
            recipe.turn(ask=False)
            floor.turn(ask=True)
        fastest = median(floor.took)
        print(f"{'save to new answer, s':28}  median   least    most  to floor requests lost")
        print(row("wsgireload, its defaults", ours, fastest))
        print(row("the documentation's loop", recipe, fastest))
        print(row("floor: told while saving", floor, fastest))
        print(row("1 s of imports", slow, fastest))
        print(row("the same, preloaded", preloaded, fastest))
        allowed = fastest + ALLOWED + INTERVAL / 2
        verdict = "met" if median(ours.took) <= allowed else "missed"
        print(f"target: {allowed:.2f} s = floor + {ALLOWED} s + half the interval: {verdict}")

        each = latencies(contender("", directives="MaxConnectionsPerChild 1").server)
        without = latencies(floor.server)
        print(f"\n{'a request, ms':28}  median    mean    most")
        for name, taken in (("MaxConnectionsPerChild 1", each), ("without it", without)):
            figures = (1000 * figure for figure in (median(taken), mean(taken), max(taken)))
            print(f"{name:28} {' '.join(f'{figure:7.1f}' for figure in figures)}")


if __name__ == "__main__":
    main()
