"""Apache and mod_wsgi: whether they exist and fit, and whether Apache reads its configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from wsgireload.cli import binary, programs
from wsgireload.cli.apache import places, started
from wsgireload.cli.apache.directives import Directive, module_file, words
from wsgireload.cli.apache.httpd import DUPLICATE, Httpd
from wsgireload.cli.binary import Binary
from wsgireload.cli.doctor.finding import Finding, fail, ok, warn
from wsgireload.cli.installation import Installation
from wsgireload.cli.running import processes

MODULE_CONFIG = "`mod_wsgi-express module-config` of the application's Python prints the lines"
CANNOT_LOAD = re.compile(r"Cannot load (.+?) into server: (.*)", re.DOTALL)
NO_CONFIGURATION = re.compile(r"^\S+: Could not open configuration file (.+): (.*)", re.MULTILINE)
CURES = (
    (
        re.compile(r"Cannot access directory '"),
        "create that folder, or correct the directive that names it",
    ),
    (
        re.compile(r"DefaultRuntimeDir must be a valid directory|Invalid Mutex directory"),
        "if Apache has not run since the machine was started, start it: that creates it",
    ),
    (
        re.compile(r"WSGI process group not yet configured"),
        "write its WSGIDaemonProcess above that line, or correct the name of the group",
    ),
    (
        re.compile("Invalid option to WSGI"),
        "correct the name of the option, update mod_wsgi, or put quotes around a value with spaces",
    ),
    (
        re.compile("Apache has not been designed to serve pages while"),
        "name a user that is not root: `User www-data`, or --user of mod_wsgi-express",
    ),
    (
        re.compile(DUPLICATE),
        "remove that line; above all virtual hosts, a WSGIDaemonProcess is there for each of them",
    ),
)
UNKNOWN = re.compile(r"Invalid command '<?(WSGI\w*)")
# The usual ones that every version knows: Apache does not know them without mod_wsgi.
OF_ANY_VERSION = {
    *("wsgidaemonprocess", "wsgiscriptalias", "wsgiscriptaliasmatch", "wsgiprocessgroup"),
    *("wsgiapplicationgroup", "wsgipythonhome", "wsgipythonpath", "wsgipassauthorization"),
    *("wsgirestrictembedded", "wsgisocketprefix", "wsgiimportscript", "wsgiscriptreloading"),
}
LOCATION = re.compile(r"on line (\d+) of (.+?):(?:\s|$)")
SINGLE_PROCESS = re.compile(r"\s-(X|DONE_PROCESS|DDEBUG|D (ONE_PROCESS|DEBUG))(\s|$)")


def program(httpd: Httpd | None, given: str | None) -> Finding:
    """Check that there is an Apache."""
    if httpd is None:
        text = f"--httpd is {given!r}, which is not a program" if given else "no Apache found"
        return fail("Apache", text, "name its program: --httpd /path/to/httpd")
    build = httpd.build
    if build is None:
        return fail("Apache", f"{httpd.program} is not Apache", "name its program: --httpd")
    mpm = f", {build.mpm} MPM" if build.mpm else ""
    return ok("Apache", f"{build.server}, {build.bits}-bit{mpm}: {httpd.program}")


def configuration(httpd: Httpd, *, is_printed: bool) -> Finding:
    """Return where a correct configuration is; `is_printed`: Apache printed it."""
    how = "" if is_printed else "; without mod_info Apache cannot print it: its files were read"
    file = httpd.dump.includes.get(("", 0), [""])[0]
    return ok("configuration", f"Apache accepts it{how}: {file}")


def broken_configuration(httpd: Httpd, installation: Installation) -> Finding:
    """Explain Apache's error about its configuration."""
    error = httpd.dump.error
    if found := CANNOT_LOAD.search(error):
        return _cannot_load(found[1], " ".join(found[2].split()), httpd, installation)
    if (found := UNKNOWN.search(error)) and found[1].lower() not in OF_ANY_VERSION:
        cure = "update mod_wsgi, correct the name, or remove that line"
        return fail("configuration", " ".join(error.split()), cure)
    if found:
        text = "Apache does not know WSGI directives: mod_wsgi is not loaded"
        return _no_mod_wsgi(text, httpd, installation)
    if found := NO_CONFIGURATION.search(error):
        text = f"no configuration: {found[1]}: {found[2]}"
        return fail("configuration", text, "name one with --config FILE")
    cures = (cure for pattern, cure in CURES if pattern.search(error))
    cure = next(cures, "correct that line; `apachectl configtest` checks it")
    return fail("configuration", " ".join(error.split()), cure)


def mod_wsgi(
    httpd: Httpd, directives: Sequence[Directive], installation: Installation
) -> tuple[Finding, Binary | None]:
    """Check that mod_wsgi is loaded; return what its file reveals as well."""
    if "wsgi_module" not in httpd.dump.modules:
        return _no_mod_wsgi("Apache does not load it", httpd, installation), None
    path = httpd.absolute(module_file(directives, "wsgi_module"))
    found = binary.inspect(path) if path else None
    if found is None:
        where = f" from {path}, which cannot be read" if path else ""
        return ok("mod_wsgi", f"loaded{where}"), None
    version = found.version or "unknown version"
    python = f" for Python {found.python}" if found.python else ""
    library = f" ({found.python_library})" if found.python_library else ""
    return ok("mod_wsgi", f"{version}{python}{library}: {path}"), found


def running(httpd: Httpd) -> Iterator[Finding]:
    """Check how Apache was started, if it runs now."""
    if httpd.missing_folders:
        text = f"no: Apache's first start since boot will create {', '.join(httpd.missing_folders)}"
        yield ok("running", text)
        return
    pid = httpd.pid
    command = processes.command_line(pid) if pid else ""
    if SINGLE_PROCESS.search(command):
        text = f"Apache runs as a single process, which nothing can replace: {command}"
        yield fail("running", text, "start it without -X")
    elif command:
        yield ok("running", f"pid {pid}: {command}")


def others(httpd: Httpd | None) -> Iterator[Finding]:
    """Report each Apache that runs in place of the one that was found."""
    if httpd and httpd.pid:
        return
    found = dict.fromkeys(
        (each.program, each.config) for each in started.servers(processes.trusted())
    )
    # The one that was found may have a PID file that only root may read.
    running = [each for each in found if each != (httpd and httpd.program, "")]
    if running:
        lines = (f"{program} -f {config}" if config else program for program, config in running)
        text = f"this Apache does not run; what runs is {'; '.join(lines)}"
        words = (f"--httpd {one}{other and f' --config {other}'}" for one, other in running)
        cure = " or ".join(f"wsgireload doctor {each}" for each in words)
        yield fail("running", text, f"check the one that serves your site: {cure}")


def accept_filter(directives: Sequence[Directive], installation: Installation) -> Iterator[Finding]:
    """Check on Windows that restarts lose no connection."""
    if not installation.windows:
        return
    lines = [each.arguments for each in directives if each.name == "acceptfilter"]
    filters = {each[0]: each[1] for each in lines if len(each) > 1}
    if filters.get("http", "connect").lower() == "none":
        yield ok("AcceptFilter", "none: a restart resets no connection")
    else:
        text = "with Apache's default, a restart under load may reset a connection"
        cure = "add `AcceptFilter http none` and `AcceptFilter https none`"
        yield warn("AcceptFilter", text, cure)


def _no_mod_wsgi(text: str, httpd: Httpd, installation: Installation) -> Finding:
    hint = "" if installation.windows else places.installing(httpd.program)
    return fail("mod_wsgi", text, f"{hint}; or {MODULE_CONFIG}" if hint else MODULE_CONFIG)


def _cannot_load(path: str, why: str, httpd: Httpd, installation: Installation) -> Finding:
    """Explain why a library does not load: missing, of other bits, or without one it needs."""
    located = LOCATION.search(httpd.dump.error)
    where, line = "", ""
    if located:
        where, number = f" ({located[2]}, line {located[1]})", int(located[1])
        line = "".join(programs.read_file(located[2]).splitlines()[number - 1 : number])
    directive = (words(line) or ("LoadModule",))[0]
    load_file = f'LoadFile "{installation.python_dll}"'
    file = binary.inspect(httpd.absolute(path))
    bits = httpd.build.bits if httpd.build else 0
    if file is None:
        text = f"{path} does not exist{where}"
        cure = f"this Python needs {load_file}" if installation.windows else MODULE_CONFIG
    elif bits and file.bits and bits != file.bits:
        text = f"Apache has {bits} bits, {path} has {file.bits}{where}"
        cure = f"install a {bits}-bit Python and mod_wsgi, or a {file.bits}-bit Apache"
    elif file.python_library:
        text = f"{path} needs {file.python_library}, which is missing{where}: {why}"
        cure = f"install its library: apt-get install libpython{file.python}"
        if installation.windows:
            cure = f"above it: {load_file}"
    else:
        text, cure = f"{path} cannot be loaded{where}: {why}", MODULE_CONFIG
    return fail(directive, text, cure)
