"""The application of tests/e2e on a real winnt Apache."""

from __future__ import annotations

from collections.abc import Callable

from support.testsite import Site
from support.windows.winnt import WindowsServer, WindowsService


class WindowsSite(Site, WindowsServer):
    """A site of which the one child, and not a daemon process, holds the application."""

    def wait_for_one_child(self) -> None:
        """Return once the old child has left."""
        self.wait_for(lambda: len(self.daemons()) == 1, "the end of the old child")


class WindowsServiceSite(WindowsSite, WindowsService):
    """The same where Apache is a service."""


WindowsSites = Callable[..., WindowsSite]
