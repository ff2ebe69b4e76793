"""The WSGI scripts that a configuration serves, each with its process and application group."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from wsgireload.cli.apache import addresses, aliases, express, handlers, sections
from wsgireload.cli.apache.addresses import Address, Served
from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.express import Handler
from wsgireload.cli.programs import read_file

GLOBAL = "%{GLOBAL}"
EMBEDDED = ("", GLOBAL)
# The name of a group may be a variable of the request.
ENVIRONMENT = re.compile(r"%\{(?:ENV:([^}]+)|SERVER|HOST|RESOURCE)\}")
DISPATCHED = "%{ENV:mod_wsgi.process_group}"  # where mod_wsgi puts what WSGIDispatchScript decides
DISPATCHES = re.compile(r"^def process_group\b", re.MULTILINE)
STANDARD_PORTS = 80, 443
SETS_IF = "setenvif", "setenvifnocase", "browsermatch", "browsermatchnocase"
BY_REWRITING = re.compile(r"\bE(?:NV)?=([^:\],]+):([^\],]+)")
OF_REQUEST = re.compile(r"[$%]")  # a part of the request, which only Apache knows


@dataclass(frozen=True)
class Site:
    """One WSGI script. `url` is its URL path, `group` its process group, "" in embedded mode."""

    script: str
    url: str
    alias: Directive
    group: str
    application_group: str
    daemon: Directive | None
    """The WSGIDaemonProcess of the group; None if there is none of this name."""
    express: Handler | None = None
    """What mod_wsgi-express serves by a script of its own; None without express."""
    address: Address | None = None
    """Where it answers over HTTP; None if that is unknown, or if it answers over TLS alone."""

    def option(self, name: str) -> str:
        """Return an option of the WSGIDaemonProcess; "" if it is not given."""
        return options(self.daemon.arguments[1:]).get(name, "") if self.daemon else ""

    @property
    def folders(self) -> list[str]:
        """The folders of its modules, as far as the configuration names them."""
        path = self.option("python-path").split(os.pathsep)
        return [os.path.dirname(self.script), *filter(os.path.isdir, path)]


def find(directives: Sequence[Directive], script: str | None = None) -> list[Site]:
    """Return all sites, or those of a script as far as a line serves several, in their order."""
    every = aliases.with_htaccess(directives, script)
    found = []
    for each in aliases.find(every, script):
        if each.name != aliases.HANDLER_SCRIPT:
            found.append(_site(each, every))
        elif express.serves_application(each.arguments[1]):
            found.append(_handled(each, every))
    return found


def of_script(script: str, found: Sequence[Site]) -> list[Site]:
    """Return the sites that this script serves."""
    real = os.path.realpath(script)
    return [each for each in found if os.path.realpath(each.script) == real]


def server_wide(directives: Sequence[Directive], name: str) -> str:
    """Return the value of a directive that can be set only once; "" if it is not set."""
    values = [each.arguments[0] for each in directives if each.name == name and each.arguments]
    return values[-1] if values else ""


def python_home(site: Site, directives: Sequence[Directive]) -> str:
    """Return the folder of a site's Python, as of a virtual environment; "" if none is named."""
    return site.option("python-home") or server_wide(directives, "wsgipythonhome")


def python_path(site: Site, directives: Sequence[Directive]) -> list[str]:
    """Return the folders that are added to a site's path; only embedded mode has WSGIPythonPath."""
    path = site.option("python-path")
    if site.daemon is None:
        path = server_wide(directives, "wsgipythonpath")
    return [folder for folder in path.split(os.pathsep) if folder]


def _site(alias: Directive, directives: Sequence[Directive]) -> Site:
    chosen = options(alias.arguments[2:])
    url, script = alias.arguments[:2]
    served = addresses.find(alias, directives)
    inside = replace(alias, host=served.host)  # a virtual host inherits it from the main server

    def value(option: str, directive: str, exceptions: tuple[str, ...] = ()) -> str:
        lines = sections.in_order(directives, directive, inside)
        values = [
            each.arguments[0]
            for each in lines
            if each.arguments
            and not (each.arguments[0] in exceptions and sections.is_conditional(each))
        ]
        return _resolved(chosen.get(option) or ["", *values][-1], inside, directives, served)

    # An <If> that takes some requests out of a daemon process leaves the others there.
    group = value("process-group", "wsgiprocessgroup", EMBEDDED)
    group = "" if group in EMBEDDED else group
    if _is_dispatched(inside, directives):
        group = DISPATCHED
    application_group = value("application-group", "wsgiapplicationgroup")
    daemons = [each for each in directives if each.name == "wsgidaemonprocess" and each.arguments]
    # A group that only the request names is one of them.
    is_named = not ENVIRONMENT.fullmatch(group)
    those = (each for each in daemons if not is_named or each.arguments[0] == group)
    daemon = next(those, None) if group else None
    return Site(script, url, inside, group, application_group, daemon, address=served.address)


def _resolved(name: str, alias: Directive, directives: Sequence[Directive], served: Served) -> str:
    """Return the name of a group, or the variable itself where only the request has its value."""
    variable = ENVIRONMENT.fullmatch(name)
    if variable is None:
        return name
    if variable[1]:
        values = list(_values(variable[1], alias, directives))
        if not values or (OF_REQUEST.search(values[-1]) and not ENVIRONMENT.fullmatch(values[-1])):
            return values[-1] if values[-1:] == [GLOBAL] else name
        return _resolved(values[-1], alias, directives, served)
    if served.address is None or not served.name:
        return name
    port = served.address.port
    server = served.name if port in STANDARD_PORTS else f"{served.name}:{port}"
    return server if "RESOURCE" not in name else f"{server}|{alias.arguments[0].rstrip('/')}"


def _is_dispatched(alias: Directive, directives: Sequence[Directive]) -> bool:
    """Return whether a WSGIDispatchScript chooses the process group of each request."""
    found = sections.effective(directives, "wsgidispatchscript", alias)
    path = found.arguments[0] if found and found.arguments else ""
    return bool(path) and DISPATCHES.search(read_file(path)) is not None


def _values(variable: str, alias: Directive, directives: Sequence[Directive]) -> Iterator[str]:
    """Return what the configuration gives a variable of a request, each overriding the former."""
    for each in sections.in_order(directives, "rewriterule", alias):
        found = BY_REWRITING.findall(each.arguments[-1]) if each.arguments else []
        yield from (value for name, value in found if name == variable)
    for each in (one for name in SETS_IF for one in sections.in_order(directives, name, alias)):
        pairs = (argument.partition("=") for argument in each.arguments[1:])
        yield from (value for name, _, value in pairs if name == variable and value)
    for each in sections.in_order(directives, "setenv", alias):
        if each.arguments[:1] == (variable,) and len(each.arguments) > 1:
            yield each.arguments[1]


def _handled(directive: Directive, directives: Sequence[Directive]) -> Site:
    """Return the site of a handler; mod_wsgi-express serves every URL by one."""
    name, path, *rest = directive.arguments
    made = express.handler(path)
    script = made.script if made and made.script else path
    url, file = handlers.mount_point(name, directives)
    url = url or ("/" if made else name)
    # The sections of the file that is requested are in effect, not those of the script.
    site = _site(replace(directive, arguments=(url, file or script, *rest)), directives)
    site = replace(site, script=script)
    if module := express.module(path):
        site = replace(site, script=_file_of(module, site) or path)
    return replace(site, express=made)


def _file_of(module: str, site: Site) -> str:
    """Return the file of a module that express imports from its working directory; or ""."""
    folders = [site.option("home"), *site.option("python-path").split(os.pathsep)]
    stems = [os.path.join(folder, *module.split(".")) for folder in folders if folder]
    paths = (f"{stem}{end}" for stem in stems for end in (".py", "/__init__.py"))
    return next(filter(os.path.isfile, paths), "")


def options(arguments: Sequence[str]) -> dict[str, str]:
    """Return the options of a line, by name."""
    return dict(each.partition("=")[::2] for each in arguments)
