"""Where the operating system reports no events: everything is scanned at each interval."""

from __future__ import annotations

from collections.abc import Iterable


class NoEvents:
    """Stands in for `Events` with polling: nothing to register, and every scan is a full one."""

    lost = True
    hears = False

    def listen_for(self, requests: Iterable[str]) -> None:
        """Do nothing: every scan comes soon."""

    def listen_for_requests(self) -> None:
        """Do nothing."""

    def listen(self, path: str) -> bool:  # noqa: ARG002 - the same for all
        """Return True: no file is polled by itself, all of them are."""
        return True

    listen_in = listen

    def knows(self, folder: str) -> bool:  # noqa: ARG002
        """Return False: no folder is listened to."""
        return False

    def listen_anew(self) -> None:
        """Do nothing: there is nothing to forget."""
