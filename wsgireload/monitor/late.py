"""The parts of a monitor that are made late: once its application is loaded, or they are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from wsgireload.threads import allocate_lock

if TYPE_CHECKING:
    from wsgireload.monitor.wiring import Parts


class Late:
    """Makes the parts once, in the first thread that needs them; `parts` is None until then."""

    def __init__(
        self, make: Callable[[], Parts], fail: Callable[[str], None], *, never: bool
    ) -> None:
        """`fail` is called with a sentence if `make` raises. `never`: as if it had ended."""
        self._make = make
        self._fail = fail
        self._lock = allocate_lock()
        self._is_over = never
        self.parts: Parts | None = None

    def get(self) -> Parts | None:
        """The parts; None if they cannot be made, or were not before `end`."""
        error: Exception | None = None
        with self._lock:  # no thread that holds it waits for another one of ours
            if self.parts is None and not self._is_over:
                try:
                    self.parts = self._make()
                except Exception as raised:  # nothing around us may take the site down
                    self._is_over, error = True, raised
        if error is not None:
            self._fail(f"starting failed: {type(error).__name__}: {error}")
        return self.parts

    def end(self) -> None:
        """Make none from now on; also in a forked child, where another thread may have the lock."""
        self._is_over = True
        self._lock = allocate_lock()
