"""What the connections to all stores share: the time limit, TLS, user and password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsgireload import settings
from wsgireload.coordinator import Coordinator

if TYPE_CHECKING:
    import ssl

TIMEOUT = 3.0  # seconds for each step of a conversation: a request has 10 s for all members
SECRET = "WSGIRELOAD_SECRET"  # the variable of the environment


def context(coordinator: Coordinator) -> ssl.SSLContext | None:
    """The TLS of a connection, None for one without; OSError for a file that cannot be read."""
    if not coordinator.is_encrypted:
        return None
    import ssl

    made = ssl.create_default_context(cafile=coordinator.ca or None)
    if coordinator.cert:
        made.load_cert_chain(coordinator.cert)
    return made


def user_and_password(coordinator: Coordinator) -> tuple[str, str] | None:
    """The first line of the file `secret`, or WSGIRELOAD_SECRET: `user:password`, or `password`.

    None if there is neither.
    """
    text = settings.environment().get(SECRET, "")
    if coordinator.secret:
        with open(coordinator.secret, encoding="utf-8") as file:
            text = file.readline()
    user, colon, password = text.strip().partition(":")
    if not user:
        return None
    return (user, password) if colon else ("", user)
