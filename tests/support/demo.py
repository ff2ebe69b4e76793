"""Shows a reload: edits an example behind a real Apache while requests keep coming."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from support.apache import Apache
from support.apacheserver import Server, ServerError, wait_for
from support.errorlog import Line
from support.httpdconf import Application
from support.traffic import PAUSE, Traffic

EXAMPLE = Path(__file__).parents[2] / "examples" / "wsgi"
FIRST, SECOND, THIRD = (f"Hello from the {n} version!" for n in ("first", "second", "third"))
GROUP = "%{GLOBAL}"
"""The main interpreter, which is where a process with a single application runs best."""
ENOUGH = 60
"""Requests after which a restart would have happened."""

# Of Windows' consoles only Terminal understands colours without being asked to.
COLOURED = sys.stdout.isatty() and "NO_COLOR" not in os.environ
COLOURED = COLOURED and (os.name != "nt" or "WT_SESSION" in os.environ)
BOLD, DIM, GREEN, RED = 1, 2, 32, 31


def paint(colour: int, text: str) -> str:
    return f"\033[{colour}m{text}\033[0m" if COLOURED else text


def show(text: str = "") -> None:
    print(text, flush=True)


class Demo:
    """Plays its scenes on a running server, each as a small timeline."""

    def __init__(self, server: Server, traffic: Traffic) -> None:
        self.server = server
        self.traffic = traffic
        self.code = server.app / "greeting.py"
        self._saved = 0.0
        self._log_before = 0
        self._sent_before = self._lost_before = 0

    def play(self) -> None:
        wait_for(lambda: self._answered(FIRST), "the first page")
        self._said("watching")  # it has looked once: what changes from now on is a change

        self._scene("You change the greeting", lambda: self._replace(FIRST, SECOND))
        self._reload(SECOND)

        self._scene("You save it again, with nothing changed", self.code.touch)
        self._nothing()

        self._scene("You mistype", lambda: self._replace(f'{SECOND}"', THIRD))
        held = self._said("holding")
        self._event(held.when, "held back: it does not compile, and the log says where")
        show(f"              {paint(DIM, held.text.partition(' [pid')[0])}")
        self._nothing()

        self._scene("You mend it", lambda: self._replace(THIRD, f'{THIRD}"'))
        self._reload(THIRD)

    def _scene(self, title: str, save: Callable[[], None]) -> None:
        show(f"\n  {paint(BOLD, title)}")
        self._log_before = len(self.server.log)
        self._sent_before, self._lost_before = self.traffic.sent, len(self.traffic.lost)
        self._saved = time.time()
        save()
        self._event(self._saved, f"saved {self.code.name}")

    def _reload(self, text: str) -> None:
        restarting = self._said("restarting")
        for noticed in self._lines("changed"):  # said once: not for a change that was held back
            self._event(noticed.when, f"noticed after {(noticed.when - self._saved) * 1000:.0f} ms")
        self._event(restarting.when, "restarting")
        first = wait_for(lambda: self._answered(text), f"an answer from the new code: {text}")
        took = first - self._saved
        answer = f"first answer from the new code after {took:.2f} s"
        self._event(first, f"{paint(GREEN, answer)}: {text}")
        self._requests()

    def _nothing(self) -> None:
        """See that requests go on and the processes stay."""
        before, enough = self.server.daemons(), self.traffic.sent + ENOUGH
        wait_for(lambda: self.traffic.sent >= enough, f"{ENOUGH} more answers", deadline=60)
        if self.server.daemons() - before:  # one that was replaced may still be on its way out
            raise ServerError("the process was replaced, although nothing had changed")
        self._event(time.time(), "nothing happened: the same process goes on answering")
        self._requests()

    def _requests(self) -> None:
        sent = self.traffic.sent - self._sent_before
        lost = self.traffic.lost[self._lost_before :]
        show(f"              requests lost: {len(lost)} of {sent}")
        for why in lost[:1]:
            show(f"              {paint(RED, why.splitlines()[0])}")

    def _event(self, when: float, text: str) -> None:
        show(f"    {when - self._saved:6.3f} s  {text}")

    def _said(self, word: str) -> Line:
        """The first line of the error log since the scene began that starts with this word."""
        return wait_for(lambda: self._lines(word), f"'wsgireload: {word}' in the error log")[0]

    def _lines(self, word: str) -> list[Line]:
        return self.server.log.lines(f"wsgireload: {word}", after=self._log_before)

    def _answered(self, text: str) -> float | None:
        return self.traffic.first.get(f"{text}\n")

    def _replace(self, old: str, new: str) -> None:
        self.code.write_text(self.code.read_text().replace(old, new))


def on_linux(stack: ExitStack, venv: Path | None) -> Server:
    """An Apache of this machine's, with the wsgireload that is installed here."""
    from support.packages import copy_packages

    apache = Apache.of_venv(venv.absolute()) if venv else Apache.of_the_system()
    server = stack.enter_context(Server(apache, Application(group=GROUP, python_path=["library"])))
    copy_packages(server.root / "library", "wsgireload")
    return server


def on_windows(stack: ExitStack, httpd: Path | None) -> Server:
    """The Apache of this PC, with the mod_wsgi and wsgireload that are installed here."""
    from support.windows import installed
    from support.windows.winnt import WindowsServer

    apache = installed.apache((httpd or installed.USUAL_HTTPD).absolute())
    served = Application(daemon=None, group=GROUP, python_path=[installed.packages()])
    return stack.enter_context(WindowsServer(apache, served))


def serve(server: Server) -> None:
    """Start with a copy of the example, so that nothing in the checkout changes."""
    # Not copytree's own way, which is CopyFile2 on Windows: wine 8 lacks that.
    shutil.copytree(EXAMPLE, server.app, copy_function=shutil.copyfile, dirs_exist_ok=True)
    server.start()
    ready = wait_for(lambda: server.log.lines("resuming normal operations"), "Apache's greeting")
    show(f"\n  {ready[0].text.partition(' ')[2].partition(' configured')[0]} at {server.url}")
    show(paint(DIM, f"  {1 / PAUSE:.0f} requests a second, from now on."))


def leave_running(server: Server) -> None:
    show(f"  The server goes on running.\n    page  {server.url}")
    show(f"    edit  {server.app / 'greeting.py'}\n    log   {server.log.path}")
    if os.name == "nt":
        show(f"    stop  taskkill /f /t /pid {server.pid} & rd /s /q {server.root}\n")
    else:
        show(f"    stop  kill {server.pid} && rm -r {server.root}\n")


def main() -> None:
    options = argparse.ArgumentParser(prog="ci/demo", description=__doc__)
    options.add_argument("--keep", action="store_true", help="leave the server running at the end")
    options.add_argument("--venv", type=Path, help="take the Apache that was built in this venv")
    options.add_argument("--httpd", type=Path, help="take this httpd.exe of Windows'")
    asked = options.parse_args()

    for number in (signal.SIGINT, signal.SIGTERM):  # so that everything is cleaned up
        signal.signal(number, lambda got, _: sys.exit(128 + got))
    server = None
    with ExitStack() as stack:
        try:
            on_pc = os.name == "nt"
            server = on_windows(stack, asked.httpd) if on_pc else on_linux(stack, asked.venv)
            serve(server)
            with Traffic(server) as traffic:
                Demo(server, traffic).play()
        except (ServerError, TimeoutError) as error:
            if server:
                show(f"\n{server.log.text()}")
            sys.exit(paint(RED, f"  The demo failed: {error}"))
        show(f"\n  {paint(BOLD, f'Requests lost in all: {len(traffic.lost)} of {traffic.sent}')}")
        if asked.keep:
            stack.pop_all()
            leave_running(server)
    if not asked.keep:
        show("  Nothing is left running, and nothing in the checkout was changed.\n")


if __name__ == "__main__":
    main()
