"""The application of tests/e2e on a real winnt Apache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from support.testsite import Site
from support.windows.winnt import WindowsServer, WindowsService


class WindowsSite(Site, WindowsServer):
    """A site of which the one child, and not a daemon process, holds the application."""

    @contextmanager
    def broken(self) -> Iterator[None]:
        """Meanwhile Apache's configuration has an error."""
        good = self.config.read_text()
        self.config.write_text(f"{good}\nNoSuchDirective on\n")
        yield
        self.config.write_text(good)

    def wait_for_one_child(self) -> None:
        """Return once the old child has left."""
        self.wait_for(lambda: len(self.daemons()) == 1, "the end of the old child")


class WindowsServiceSite(WindowsSite, WindowsService):
    """The same where Apache is a service."""


WindowsSites = Callable[..., WindowsSite]
