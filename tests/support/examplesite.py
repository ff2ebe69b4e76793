"""A server with one of the examples in it, and its own apache.conf."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from support.apache import Apache
from support.apacheserver import Server, ServerError
from support.httpdconf import Application

EXAMPLES = Path(__file__).parents[2] / "examples"


def copy_example(name: str, folder: Path) -> None:
    """Copy an example, so that nothing in the checkout changes."""
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(EXAMPLES / name, folder, dirs_exist_ok=True, ignore=leave)


class ExampleSite(Server):
    """An example, whose packages are in the folders of `path`; started by `begin`."""

    def __init__(self, apache: Apache, name: str, path: list[Path]) -> None:
        conf = (EXAMPLES / name / "apache.conf").read_text("utf-8")
        super().__init__(apache, Application(example=conf, python_path=path))
        copy_example(name, self.app)

    def begin(self) -> str:
        """Start, and return the first answer, once what it came from has been looked at."""
        self.start()
        answer = self.get()
        self.wait_for(lambda: self._looks() == 1, "the first scan")
        return answer

    def save(self, name: str, old: str, new: str, *, at: str = "/") -> str:
        """Replace words in a file of the application; return the answer that comes of it."""
        path = self.app / name
        text = path.read_text("utf-8")
        if old not in text:
            raise ValueError(f"{name} does not hold {old!r}")
        return self.answer_after(lambda: path.write_text(text.replace(old, new), "utf-8"), at=at)

    def answer_after(self, change: Callable[[], object], *, at: str = "/") -> str:
        """The first answer that is another one after a change; its process has looked by then."""
        before, looks = self.get(at), self._looks()
        change()

        def another() -> str | None:
            answer = self.get(at)
            return answer if answer != before else None

        answer = self.wait_for(another, f"another answer than {before!r}")
        self.wait_for(lambda: self._looks() > looks, "the first scan of the next process")
        return answer

    def answers(self, text: str) -> bool:
        """Whether the site answers with this text, and not with another one or an error."""
        try:
            return self.get() == text
        except ServerError:
            return False

    def restarts(self) -> list[str]:
        """What was said at each restart."""
        return [line.text for line in self.log.lines("wsgireload: restarting: ")]

    def _looks(self) -> int:
        """How many processes have looked at everything once."""
        said = self.log.lines("wsgireload: watching: ")
        return sum(" files" in line.text for line in said)


ExampleSites = Callable[..., ExampleSite]
"""Makes a site by the name of its example and the requirements of its packages."""
