"""A server with the application of tests/e2e in it, which tells what goes on inside."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from support.apache import Apache
from support.apacheserver import Server, ServerError
from support.errorlog import Line
from support.httpdconf import GROUP, Application

APPLICATION = Path(__file__).parents[1] / "e2e" / "app"
START = "wsgireload.start(interval=0.1, settle=0.05"
"""How the application starts its monitor; more settings may follow."""
LOOKS = 5
"""After so many looks, what was to be noticed has been."""

NOISE = (
    *("Traceback", "Exception ignored", "Fatal Python error", "Error in "),
    *("terminated by signal", "Aborting process", "aborting daemon process"),
)
"""What Python and mod_wsgi write where a daemon process did not end as it should.

Not Apache's AH00052, "exit signal": its own child, which has no Python in it, crashes now and then
as it ends, wsgireload or not (Apache 2.4.71, 4 of 80 stops of an application without it).
"""


@dataclass(frozen=True)
class Answer:
    """One answer of the application: the value asked for, and who gave it."""

    value: Any
    pid: int
    parent: int
    status: dict[str, Any]


class Site(Server):
    """The application's folder is `app`; the file that tests usually edit is `words.py`."""

    noisy = False
    """Whether the test makes the application fail, which Apache's error log will tell."""

    def write(self, name: str, text: str) -> Path:
        """Write a file of the application."""
        path = self.app / name
        self.folder(str(path.parent.relative_to(self.root)))
        path.write_text(text, "utf-8")
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace `old` in a file of the application, as an editor saves: in place."""
        path = self.app / name
        text = path.read_text("utf-8")
        if old not in text:
            raise ValueError(f"{name} does not hold {old!r}")
        path.write_text(text.replace(old, new), "utf-8")

    def ask(self, name: str = "words.WORD", *, at: str = "/") -> Answer:
        """The value of `module.name` inside the application; what is callable is called."""
        return Answer(**json.loads(self.get(f"{at.rstrip('/')}/{name}")))

    def wait_for_value(self, value: Any, name: str = "words.WORD", *, at: str = "/") -> Answer:
        """Ask until the answer is `value`."""

        def answer() -> Answer | None:
            latest = self.ask(name, at=at)
            return latest if latest.value == value else None

        return self.wait_for(answer, f"{name} == {value!r}")

    def wait_for_line(self, start: str, *, count: int = 1) -> list[Line]:
        """Lines of ours in the error log that begin with `start`, once there are so many."""

        def lines() -> list[Line] | None:
            found = self.said(start)
            return found if len(found) >= count else None

        return self.wait_for(lines, f"{count} x 'wsgireload: {start}' in the error log")

    def wait_for_looks(self, *, at: str = "/") -> Answer:
        """Return once the monitor has looked at everything a few times more."""
        before = self.ask("wsgireload.status", at=at)
        enough = before.status["looks"] + LOOKS

        def looked() -> Answer | None:
            now = self.ask("wsgireload.status", at=at)
            if now.pid != before.pid:
                raise AssertionError(f"process {before.pid} was replaced by {now.pid}")
            return now if now.status["looks"] >= enough else None

        return self.wait_for(looked, f"{LOOKS} looks")

    def wait_until_told(self, fence: Path) -> None:
        """Return once all that happened by now was looked at; `fence` is a tracked file.

        Events come in order. The first of two may be what a new process looks at in any case.
        """
        for _ in range(2):
            before = self.ask().status["looks"]
            fence.touch()
            self.wait_for(lambda before=before: self.ask().status["looks"] > before, "a look")

    def said(self, start: str = "") -> list[Line]:
        """Lines of ours in the error log that begin with `start`."""
        return [line for line in self.log.lines() if line.text.startswith(f"wsgireload: {start}")]

    def replace(self, command: Callable[[Site], None]) -> None:
        """Give a command such as `Site.graceful`; return once all daemons are other ones."""
        before = self.daemons()
        command(self)
        self.wait_for(lambda: self.daemons() and not self.daemons() & before, "new processes")

    def wait_for_start(self, count: int) -> None:
        """Return once so many daemon processes were started."""
        self.wait_for(lambda: self.started() >= count, f"start number {count}")

    def started(self) -> int:
        """How many daemon processes were started so far, in mod_wsgi's own words."""
        return self._processes_that_say("Starting")

    def ended(self) -> int:
        """How many daemon processes ended as they should: they got to their last words."""
        return self._processes_that_say("Exiting")

    def noise(self) -> list[str]:
        """What nobody wants to see in an error log."""
        lines = self.log.lines()
        return [line.text for line in lines if any(word in line.text for word in NOISE)]

    def _processes_that_say(self, verb: str) -> int:
        # 4.9.4 says "mod_wsgi (pid=1): Starting process 'site'", 6.1.1 "Starting daemon process".
        saying = re.compile(rf"(mod_wsgi \(pid=\d+\): )?{verb} (daemon )?process '{GROUP}'")
        return sum(bool(saying.match(line.text)) for line in self.log.lines())


def fails(site: Site) -> bool:
    """Whether the application answers with an error of its own."""
    try:
        site.ask()
    except ServerError as error:
        return ": 500" in str(error)
    return False


class Sites(ExitStack):
    """Makes sites with the application under test in them; they are not started yet."""

    def __init__(self, apache: Apache, served: Application, kind: type[Site] = Site) -> None:
        super().__init__()
        self._kind = kind
        self._apache = apache
        self._served = served
        self.made: list[Site] = []

    def __call__(self, **options: Any) -> Site:
        """A site; takes the options of `Application`."""
        site = self.enter_context(self._kind(self._apache, replace(self._served, **options)))
        shutil.copytree(APPLICATION, site.app, dirs_exist_ok=True)
        self.made.append(site)
        return site


@contextmanager
def quiet(made: Sequence[Site]) -> Iterator[None]:
    """Stop these sites at the end; their error logs must be free of noise, and are printed."""
    try:
        yield
        for site in made:
            site.stop()
            assert site.noisy or site.noise() == []
    finally:
        for site in made:
            print(site.log.text())
