"""Reports what changes in directories, through the C core."""

import contextlib
import os

from wsgireload.errors import NativeError
from wsgireload.server.file_systems import NETWORK_DRIVE, SHARED, is_share
from wsgireload.server.files import WINDOWS, whole
from wsgireload.server.native import core, done, encoded

# enum wsgireload_interest: a directory or symbolic link itself is moved or deleted, or a name that
# was added appears or disappears in it; also, such a file is written; also, anything in it changes
ITSELF, NAMES, ALL = range(3)
# enum wsgireload_kind, of a change: the file may still be written; the directory is no longer
# watched; the file was closed after writing, or renamed into its place; it was written, and is open
CHANGED, GONE, SAVED, WRITTEN = range(4)


class Watcher:
    """Reports what changes in directories, with one handle of the operating system.

    It belongs to one thread at a time: only `wake` may be called from any. `end` it in that thread,
    or in a forked child, where its parent watches on. Once it has ended, `wait` returns nothing,
    `directory` raises NativeError, and all else does nothing.
    """

    def __init__(self) -> None:
        """NativeError where the system reports no changes, or a limit is reached."""
        self._handle, outcome = core().watch_begin()
        done(outcome)

    def directory(self, path: str, interest: int, *, trust: bool) -> int:
        """Watch a directory; returns its id, the same for the same directory.

        `interest` is ITSELF, NAMES or ALL; the wider one holds. NativeError where it cannot be
        watched. Where the file system does not report all changes its message is the kind of file
        system, unless `trust` is True or the interest ITSELF.
        """
        if self._handle is None:
            raise NativeError("wsgireload_watch_directory", 0, "the watcher has ended")
        try:
            text = _terminated(whole(path) if WINDOWS else path)
        except ValueError as error:  # it contains a NUL, or cannot be encoded
            raise NativeError("wsgireload_watch_directory", 0, str(error)) from None
        if not trust and interest != ITSELF and (kind := _shared_kind(path, text)):
            raise NativeError("wsgireload_watch_directory", 0, kind)
        found, outcome = core().watch_directory(self._handle, text, interest)
        done(outcome)
        return int(found)

    def name(self, directory: int, name: str) -> None:
        """Report a name in a directory: on Windows the path below it, with backslashes."""
        if self._handle is not None:
            with contextlib.suppress(ValueError):  # no file can have that name
                core().watch_name(self._handle, directory, _terminated(name))

    def forget(self, directory: int) -> None:
        if self._handle is not None:
            core().watch_forget(self._handle, directory)

    def wait(self, seconds: float) -> list[tuple[int, int, str]]:
        """Wait for changes: (directory, kind, name) for each; none when the time is over, or woken.

        The directory is -1 where events were lost: anything may have changed anywhere, so watch
        every directory anew. The kind is CHANGED, GONE, SAVED or WRITTEN. The name is "" where it
        may be any. NativeError where no event will ever arrive again.
        """
        if self._handle is None:
            return []
        changes, outcome = core().watch_wait(self._handle, seconds)
        done(outcome)
        return [(directory, kind, _decoded(name)) for directory, kind, name in changes]

    def wake(self) -> None:
        """End the current wait, or else the next one; from any thread."""
        # Read once: `end` may drop it meanwhile, and the reference keeps the C watcher.
        if (handle := self._handle) is not None:
            core().watch_wake(handle)

    def end(self) -> None:
        """Stop watching everything, and release the handle. A second call does nothing."""
        handle, self._handle = self._handle, None
        if handle is not None:
            core().watch_end(handle)


def _shared_kind(path: str, text: bytes) -> str | None:
    if WINDOWS and is_share(path):  # a server that does not respond would take long
        return NETWORK_DRIVE
    number, outcome = core().file_system(text)
    done(outcome)
    return SHARED.get(number)


def _terminated(text: str) -> bytes:
    if "\0" in text:
        raise ValueError("embedded null character")
    return encoded(f"{text}\0")


def _decoded(name: bytes) -> str:
    return name.decode("utf-16-le", "surrogatepass") if WINDOWS else os.fsdecode(name)
