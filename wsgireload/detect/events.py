"""What detection needs of the events of the operating system."""

from __future__ import annotations

from typing import Protocol


class Events(Protocol):
    """As in watch/events.py.

    `lost`: everything has to be registered anew and scanned. It stays True where there are no
    events at all. `hears`: requests cause events, too.
    """

    hears: bool

    @property
    def lost(self) -> bool: ...
    def listen(self, path: str) -> bool: ...
    def listen_in(self, folder: str) -> bool: ...
    def knows(self, folder: str) -> bool: ...
    def listen_for_requests(self) -> None: ...
    def listen_anew(self) -> None: ...
