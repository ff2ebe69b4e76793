"""The coordinator of a fleet: its address, and the exit codes of the command that asks it."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

PORTS = {"etcd": 2379, "etcds": 2379, "redis": 6379, "rediss": 6379}
OPTIONS = ("life", "secret", "ca", "cert")
YES, NOT_YET, STOPPED = 0, 75, 76  # anything else is no answer
LIFE = 30.0  # seconds that a turn lasts unless it is renewed
LIVES = 3, 3600  # seconds, the shortest and the longest


class Coordinator(NamedTuple):
    """What a URL such as `redis://host:6379/name` says.

    `hosts` are pairs of host and port, of which each may answer. `name` begins the names of the
    keys. `secret`, `ca` and `cert` are paths of files, "" for none: user and password, the
    authorities to trust, and the client's certificate with its key.
    """

    scheme: str
    hosts: tuple[tuple[str, int], ...]
    name: str
    life: float = LIFE
    secret: str = ""
    ca: str = ""
    cert: str = ""

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS protects the connection."""
        return self.scheme.endswith("s") and self.scheme != "redis"

    @classmethod
    def of(cls, url: str) -> Coordinator:
        """Parse a URL; ValueError says what is wrong, without a password that may be in it."""
        scheme, _, rest = url.partition("://")
        scheme, (hosts, _, path) = scheme.lower(), rest.partition("/")
        parts = urlsplit(f"//host/{path}")  # which would refuse several hosts in brackets
        if scheme not in PORTS:
            raise ValueError(
                f"a URL begins with one of {', '.join(f'{each}://' for each in PORTS)}"
            )
        if "@" in hosts:
            raise ValueError("a URL may not hold a user or a password: every user can see it")
        name = parts.path.strip("/")
        if not name or not name.isprintable() or " " in name or parts.fragment:
            raise ValueError("a URL ends with a name: one for each site, the same on all machines")
        members = tuple(_host(each, PORTS[scheme]) for each in hosts.split(","))
        if len(members) > 1 and not scheme.startswith("etcd"):
            raise ValueError("only the members of one etcd can stand for each other")
        options = dict(
            parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        )
        if unknown := options.keys() - set(OPTIONS):
            raise ValueError(f"{min(unknown)!r} is no option: they are {', '.join(OPTIONS)}")
        life = float(options.pop("life", LIFE))
        if not LIVES[0] <= life <= LIVES[1]:
            raise ValueError(f"life takes {LIVES[0]} to {LIVES[1]} seconds")
        return cls(scheme, members, name, life, **options)


def _host(text: str, port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port or port
    except ValueError:  # whose text may be a part of a password
        raise ValueError("a URL names a host, and a port is a number") from None
    if not parts.hostname or parts.netloc != text:
        raise ValueError("a URL names a host")
    return parts.hostname, port
