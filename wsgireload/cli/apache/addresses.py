"""Where Apache serves a WSGI script over HTTP, by its configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase as fnmatch
from typing import NamedTuple
from urllib.parse import quote

from wsgireload.cli.apache import matches
from wsgireload.cli.apache.directives import HOST, Directive, by_host

ANY = "*", "_default_", "0.0.0.0"
LOOPBACK = {"": "127.0.0.1", "[::]": "[::1]"}
TLS = "443"
ROOT = "location", "/"
PORT = re.compile(r":(\d+|\*)$")
REDIRECTS = "redirect", "redirectpermanent", "redirecttemp", "rewriterule"
EVERY_URL = re.compile(r"\^?/?(?:\(?\.[*+]?\)?)?\$?")  # of a RewriteRule


class Address(NamedTuple):
    """One address: on loopback where Apache listens on all interfaces."""

    ip: str
    """In brackets if it is one of IPv6."""
    port: int
    path: str
    name: str = ""
    """The ServerName, which requests carry in Host; "" if any host does."""

    @property
    def url(self) -> str:
        """The URL to connect to, as http://127.0.0.1:8080/prefix/."""
        return f"http://{self.ip}{self._port}{quote(self.path)}"

    @property
    def host(self) -> str:
        """The value of the header Host."""
        return f"{self.name or self.ip}{self._port}"

    @property
    def _port(self) -> str:
        return "" if self.port == 80 else f":{self.port}"


class VirtualHost(NamedTuple):
    """One VirtualHost section, or with number 0 the main server."""

    number: int
    addresses: tuple[tuple[str, str], ...]
    """Each IP and port; "" for all."""
    name: str
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The ServerName and each ServerAlias, in lower case."""
        return [each.lower() for each in (self.name, *self.aliases)]


class Served(NamedTuple):
    """The number of the virtual host that serves an alias, and where that answers over HTTP."""

    host: int
    name: str
    address: Address | None
    """None if the configuration does not reveal it, or if the script answers over TLS alone."""


def find(alias: Directive, directives: Sequence[Directive]) -> Served:
    """Return which server serves the script of an alias, and where."""
    path = matches.path(alias, directives)
    hosts, tls = _virtual_hosts(directives), by_host(directives, "sslengine")
    others: list[VirtualHost] = []
    for ip, port, is_tls in _listening(directives):
        host = _host(alias, hosts, ip, port, directives)
        if host is None:
            continue
        if is_tls or tls.get(host.number, tls.get(0, "off")).lower() == "on":
            others.append(host)
            continue
        of_host = (each for each, of_port in host.addresses if of_port in ("", str(port)))
        one = next(filter(None, of_host), ip)
        address = Address(LOOPBACK.get(one, one), port, path or "", host.name)
        return Served(host.number, host.name, address if path else None)
    own = next((each for each in hosts if each.number == alias.host), hosts[0])
    host = next(iter(others), own)
    return Served(host.number, host.name, None)


def earlier(host: int, directives: Sequence[Directive]) -> VirtualHost | None:
    """Return the virtual host that has all requests of this one, as it comes first with its names.

    The first one of an address also has those of all unknown names.
    """
    hosts = _virtual_hosts(directives)[1:]
    number = next((at for at, each in enumerate(hosts) if each.number == host), 0)
    for each in hosts[:number]:
        is_same = set(hosts[number].addresses) <= set(each.addresses)
        if is_same and all(
            any(fnmatch(one, other) for other in each.names) for one in hosts[number].names
        ):
            return each
    return None


def without_listen(number: int, directives: Sequence[Directive]) -> str:
    """Return the port of a virtual host, if no Listen is for any of its ports; else ""."""
    heard = {str(port) for _, port, _ in _listening(directives)}
    hosts = (each for each in _virtual_hosts(directives) if each.number == number)
    ports = [port for each in hosts for _, port in each.addresses]
    return "" if not heard or {"", *heard}.intersection(ports) else next(iter(ports), "")


def redirect(number: int, directives: Sequence[Directive]) -> Directive | None:
    """Return the line by which a virtual host redirects all requests, as one for HTTP to HTTPS.

    A RewriteRule may leave some out, by a RewriteCond.
    """
    those = (each for each in directives if each.host == number)
    return next((each for each in those if _is_of_all(each, *REDIRECTS)), None)


def _is_of_all(directive: Directive, *names: str) -> bool:
    """Return whether a line of one of these names leads all URL paths to another place."""
    if directive.name not in names or not _is_everywhere(directive):
        return False
    words = directive.arguments
    if directive.name == "rewriterule":
        return any(map(EVERY_URL.fullmatch, words[:1])) and "://" in "".join(words[1:2])
    return "/" in words[:-1] or ROOT in directive.sections


def _is_everywhere(directive: Directive) -> bool:
    """Return whether a line is for all URL paths, by the sections around it."""
    return all(each == ROOT or each[0] == HOST for each in directive.sections)


def _host(
    alias: Directive, hosts: Sequence[VirtualHost], ip: str, port: int, every: Sequence[Directive]
) -> VirtualHost | None:
    """Return the virtual host that serves an alias at what Apache listens on; None if none does.

    Virtual hosts inherit the aliases of the main server.
    """
    here, path = [each for each in hosts[1:] if _is_at(each, ip, port)], alias.arguments[0]
    if alias.host:
        return next((each for each in here if each.number == alias.host), None)
    inherits = (each for each in here if not any(_is_own(one, each, path) for one in every))
    return next(inherits, None) if here else hosts[0]


def _virtual_hosts(directives: Sequence[Directive]) -> list[VirtualHost]:
    """Return the main server and the virtual hosts, in their order."""
    names, others = _server_names(directives), dict[int, list[str]]()
    for each in (one for one in directives if one.name == "serveralias"):
        others.setdefault(each.host, []).extend(each.arguments)
    found = {0: VirtualHost(0, (), names.get(0, ""))}
    for each in directives:
        if (host := each.host) and host not in found:
            words = next(argument for kind, argument in each.sections if kind == HOST)
            addresses = tuple(map(_split, words.split()))
            name = names.get(host) or found[0].name
            found[host] = VirtualHost(host, addresses, name, tuple(others.get(host, ())))
    return list(found.values())


def _listening(directives: Sequence[Directive]) -> Iterator[tuple[str, int, bool]]:
    """Return each IP and port, and whether the protocol there is https."""
    for each in directives:
        if each.name == "listen" and each.arguments:
            where = each.arguments[0]
            ip, port = _split(f":{where}" if where.isdecimal() else where)
            if port.isdecimal():
                yield ip, int(port), port == TLS or each.arguments[1:2] == ("https",)


def _split(address: str) -> tuple[str, str]:
    """Split `*:80`, `[::1]:80` or `10.0.0.1` into IP and port; "" for all."""
    found = PORT.search(address)
    ip = address[: found.start()] if found else address
    return "" if ip in ANY else ip, found[1].strip("*") if found else ""


def _is_at(host: VirtualHost, ip: str, port: int) -> bool:
    return any(
        of_port in ("", str(port)) and (not of_ip or ip in ("", "[::]", of_ip))
        for of_ip, of_port in host.addresses
    )


def _is_own(directive: Directive, host: VirtualHost, path: str) -> bool:
    """Return whether a virtual host answers a URL path itself, or refuses it, by this directive."""
    name, arguments = directive.name, directive.arguments
    if directive.host != host.number:
        return False
    if name in matches.ALIASES:
        return f"{path}/".startswith(f"{arguments[0].rstrip('/')}/") or name.endswith("match")
    if name == "require" and arguments == ("all", "denied"):
        return _is_everywhere(directive)
    return _is_of_all(directive, *REDIRECTS, "proxypass")


def name(host: int, directives: Sequence[Directive]) -> str:
    """Return the ServerName of a virtual host, by default that of the main server."""
    names = _server_names(directives)
    return names.get(host) or names.get(0, "")


def _server_names(directives: Sequence[Directive]) -> dict[int, str]:
    """Return each ServerName, without scheme and port, by the number of its virtual host."""
    names = by_host(directives, "servername")
    return {host: PORT.sub("", name.rpartition("://")[2]) for host, name in names.items()}
