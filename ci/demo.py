"""The demo's story, told as a timeline: an edit, a touch, a syntax error and its repair."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from apache import Apache
from errorlog import Line
from httpdconf import Application
from library import copy_packages
from server import Server, ServerError, wait_for

EXAMPLE = Path(__file__).parent.parent / "examples" / "plain"
PER_SECOND = 20
LONGEST = 300.0  # seconds: then the visitors go home, whatever happens
GREEN, RED, DIM, BOLD, PLAIN = (
    ("\33[32m", "\33[31m", "\33[2m", "\33[1m", "\33[0m") if sys.stdout.isatty() else ("",) * 5
)


@dataclass(frozen=True)
class Answer:
    """What one request got, and when; `text` is None where it got none."""

    when: float
    text: str | None


class Visitors:
    """Somebody who reloads the page all the time, one request after another."""

    def __init__(self, server: Server) -> None:
        self.answers: list[Answer] = []
        self._server = server
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._visit)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_for(lambda: self.answers, "a first answer")
        return self

    def __exit__(self, *_: object) -> None:
        self._gone.set()
        self._thread.join()

    def first(self, word: str) -> Answer:
        """The first answer that begins with a word, as soon as there is one."""
        return wait_for(
            lambda: next((a for a in self.answers if (a.text or "").startswith(word)), None),
            f"an answer that begins with {word!r}",
        )

    def lost(self, since: float) -> str:
        """How many got no answer, of all since then."""
        asked = [answer for answer in self.answers if answer.when >= since]
        lost = sum(answer.text is None for answer in asked)
        return f"{GREEN if not lost else RED}requests lost: {lost} of {len(asked)}{PLAIN}"

    def _visit(self) -> None:
        end = time.monotonic() + LONGEST
        while not self._gone.wait(1 / PER_SECOND) and time.monotonic() < end:
            try:
                text = self._server.get()
            except (OSError, ServerError):
                text = None
            self.answers.append(Answer(time.time(), text))


class Story:
    """Edits the running application, and tells what came of it."""

    def __init__(self, server: Server, visitors: Visitors) -> None:
        self.server = server
        self.visitors = visitors
        self.code = server.app / "greeting.py"

    def edit(self, edits: dict[str, str], greeting: str) -> None:
        """Save a change that compiles, and wait for the new code to answer with a greeting."""
        noticed_before = self._held
        saved = self._save(edits)
        if not noticed_before:
            self._tell(self._line("wsgireload: changed", saved), saved, "noticed")
        self._tell(self._line("wsgireload: restarting", saved), saved, "restarting")
        answer = self.visitors.first(greeting)
        said = (answer.text or "").strip()
        self._point(answer.when - saved, f"{GREEN}first answer from the new code{PLAIN}: {said}")
        self._line("wsgireload: watching", saved)
        self._note(self.visitors.lost(saved))

    def touch(self) -> None:
        """Give the file a new time and nothing else."""
        before = self.server.daemons()
        saved = time.time()
        os.utime(self.code)
        self._point(0.0, "touched")
        wait_for(lambda: self.visitors.answers[-1].when > saved + 3, "three quiet seconds")
        if self.server.daemons() != before or self._lines("wsgireload: changed", saved):
            raise ServerError("a touch restarted the application")
        self._note(f"{GREEN}nothing happened{PLAIN}: the same process answers. What is the same")
        self._note("is no change, whatever its time says.")

    def break_it(self, edits: dict[str, str]) -> None:
        """Save a syntax error, and see that it is held."""
        saved = self._save(edits)
        self._tell(self._line("wsgireload: changed", saved), saved, "noticed")
        line = self._line("wsgireload: holding", saved)
        reason = line.text.partition("holding: ")[2].partition(" [pid")[0]
        self._point(line.when - saved, f"{RED}held{PLAIN}: {reason.replace(str(self.code), '…')}")
        count = len(self.visitors.answers)
        wait_for(lambda: len(self.visitors.answers) > count + 2 * PER_SECOND, "more answers")
        self._note("the old code goes on serving; " + self.visitors.lost(saved))

    @property
    def _held(self) -> bool:
        """Whether the file on disk is known to be broken: then it was noticed long ago."""
        words = [line.text for line in self.server.log.lines("wsgireload: ")]
        return bool(words) and "wsgireload: holding" in words[-1]

    def _save(self, edits: dict[str, str]) -> float:
        text = self.code.read_text()
        for old, new in edits.items():
            text = text.replace(old, new)
        now = time.time()
        self.code.write_text(text)
        self._point(0.0, "saved")
        return now

    def _lines(self, words: str, since: float) -> list[Line]:
        return [line for line in self.server.log.lines(words) if line.when >= since]

    def _line(self, words: str, since: float) -> Line:
        return wait_for(lambda: self._lines(words, since), f"{words!r} in the error log")[0]

    def _tell(self, line: Line, saved: float, word: str) -> None:
        self._point(line.when - saved, word)

    @staticmethod
    def _point(seconds: float, text: str) -> None:
        print(f"    {seconds:6.3f} s  {text}", flush=True)

    @staticmethod
    def _note(text: str) -> None:
        print(f"              {text}", flush=True)


def apache() -> Apache:
    """The system's Apache, or the one that was built for us."""
    system = Apache.of_the_system()
    return Apache.of_venv(Path(sys.prefix)) if system.missing() else system


def chapter(title: str) -> None:
    """The headline of what comes."""
    print(f"\n  {BOLD}{title}{PLAIN}", flush=True)


def tell(story: Story) -> None:
    """All of it."""
    chapter("greeting.py is edited")
    story.edit({"Hello": "Welcome"}, "Welcome, ")
    chapter("greeting.py is touched, and not changed")
    story.touch()
    chapter("a syntax error is saved")
    story.break_it({"return f": "return (f"})
    chapter("and mended")
    story.edit({"return (f": "return f", "Welcome": "Welcome back"}, "Welcome back, ")


def keep(server: Server) -> None:
    """Leave the server up until somebody ends it."""
    print(f"\n  The server stays up at {BOLD}{server.url}{PLAIN}")
    print(f"  Edit  {server.app / 'greeting.py'}")
    print(f"  Look  tail -f {server.log.path}")
    print("  Stop  Ctrl-C", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print()


def main() -> None:
    """Start an Apache with the example, tell the story, and leave nothing behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that Apache ends too
    with Server(apache(), Application()) as server:
        site = copy_packages(server.folder("site"), "wsgireload")
        server.served = Application(python_path=[site])
        shutil.copytree(EXAMPLE, server.app, dirs_exist_ok=True)
        server.start()
        with Visitors(server) as visitors:
            version = server.log.lines("AH00489")[0].text.split("AH00489: ")[1].split(" conf")[0]
            print(f"\n  {version}\n  {PER_SECOND} requests a second at {server.url}")
            watching = wait_for(lambda: server.log.lines("wsgireload: watching"), "a monitor")
            print(f"  {watching[0].text.partition(';')[0].partition(' [pid')[0]}")
            tell(Story(server, visitors))
        if "--keep" in sys.argv:
            keep(server)
    print(f"\n  {DIM}Apache has stopped; nothing is left behind.{PLAIN}")


if __name__ == "__main__":
    try:
        main()
    except (ServerError, TimeoutError, OSError) as error:
        sys.exit(f"\n  {RED}The demo failed{PLAIN}: {error}")
