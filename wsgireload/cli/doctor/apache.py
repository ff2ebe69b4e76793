"""Apache and mod_wsgi: are they there, do they fit, and does Apache read its configuration?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from wsgireload.cli import binary, processes
from wsgireload.cli.binary import Binary
from wsgireload.cli.directives import Directive, words
from wsgireload.cli.doctor.finding import Finding, fail, ok, warn
from wsgireload.cli.doctor.here import Here
from wsgireload.cli.httpd import Httpd
from wsgireload.cli.windows import pid_in

LINES = "`mod_wsgi-express module-config` of the application's Python prints the lines"
CANNOT_LOAD = re.compile(r"Cannot load (.+?) into server: (.*)", re.DOTALL)
WHERE = re.compile(r"on line (\d+) of (.+?):(?:\s|$)")
ALONE = re.compile(r"\s-(X|DONE_PROCESS|DDEBUG|D (ONE_PROCESS|DEBUG))(\s|$)")


def program(httpd: Httpd | None, given: str | None) -> Finding:
    """The program itself."""
    if httpd is None:
        text = f"--httpd is {given!r}, which is no program" if given else "no Apache was found"
        return fail("Apache", text, "name its program: --httpd /path/to/httpd")
    build = httpd.build
    if build is None:
        return fail("Apache", f"{httpd.program} is no Apache", "name its program: --httpd")
    mpm = f", {build.mpm} MPM" if build.mpm else ""
    return ok("Apache", f"{build.server}, {build.bits}-bit{mpm}: {httpd.program}")


def configuration(httpd: Httpd, here: Here, *, printed: bool) -> Finding:
    """Apache's own check of it; where it is broken, why."""
    trouble = httpd.dump.trouble
    if not trouble:
        how = (
            ""
            if printed
            else ("; without mod_info it cannot print it, so that its files were read")
        )
        (file,) = httpd.dump.includes.get(("", 0), [""])[:1] or [""]
        return ok("configuration", f"Apache reads it{how}: {file}")
    if found := CANNOT_LOAD.search(trouble):
        return _cannot_load(found[1], " ".join(found[2].split()), trouble, httpd, here)
    if re.search(r"Invalid command '<?WSGI", trouble):
        return _no_mod_wsgi("Apache does not know WSGI directives: mod_wsgi is not loaded", here)
    return fail(
        "configuration",
        " ".join(trouble.split()),
        "correct that line; `apachectl configtest` tells again",
    )


def mod_wsgi(
    httpd: Httpd, directives: Sequence[Directive], here: Here
) -> tuple[Finding, Binary | None]:
    """The module, and what its file tells."""
    if "wsgi_module" not in httpd.dump.modules:
        return _no_mod_wsgi("it is not among Apache's modules", here), None
    lines = [each for each in directives if each.name == "loadmodule"]
    path = next((each.arguments[1] for each in lines if each.arguments[:1] == ("wsgi_module",)), "")
    path = _absolute(path, httpd)
    found = binary.look(path) if path else None
    if found is None:
        return ok(
            "mod_wsgi", f"it is loaded{f' from {path}, which cannot be read' if path else ''}"
        ), None
    version = found.version or "of an unknown version"
    python = f" for Python {found.python}" if found.python else ""
    library = f" ({found.library})" if found.library else ""
    return ok("mod_wsgi", f"{version}{python}{library}: {path}"), found


def running(httpd: Httpd) -> Iterator[Finding]:
    """How the Apache with this configuration was started, if it runs now."""
    file = httpd.dump.values.get("PidFile", "").strip('"')
    if not os.path.isfile(file):
        return
    pid = pid_in(file)
    command = processes.command_line(pid)
    if ALONE.search(command):
        text = f"Apache runs as one process ({command}), and has nobody to start another"
        yield fail("running", text, "start it without -X")
    elif command:
        yield ok("running", f"pid {pid}: {command}")


def accepting(directives: Sequence[Directive], here: Here) -> Iterator[Finding]:
    """Windows alone: what makes restarts lossless there."""
    if here.windows:
        filters = {
            each.arguments[0]: each.arguments[1]
            for each in directives
            if each.name == "acceptfilter" and len(each.arguments) > 1
        }
        if filters.get("http", "connect").lower() == "none":
            yield ok("AcceptFilter", "none: no connection is reset by a restart")
        else:
            text = "by Apache's default a restart under load resets a connection now and then"
            yield warn(
                "AcceptFilter", text, "add `AcceptFilter http none` and `AcceptFilter https none`"
            )


def _no_mod_wsgi(text: str, here: Here) -> Finding:
    cure = (
        LINES if here.windows else f"on Debian: apt-get install libapache2-mod-wsgi-py3; or {LINES}"
    )
    return fail("mod_wsgi", text, cure)


def _cannot_load(path: str, why: str, trouble: str, httpd: Httpd, here: Here) -> Finding:
    """A library that does not load: not there, of other bits, or in want of another one."""
    line = _line(trouble)
    directive = (words(line) or ("LoadModule",))[0]
    where = f" ({found[2]}, line {found[1]})" if (found := WHERE.search(trouble)) else ""
    file = binary.look(_absolute(path, httpd))
    bits = httpd.build.bits if httpd.build else 0
    wanted = f'LoadFile "{here.library}"' if here.windows else LINES
    if file is None:
        text = f"{directive} names {path}, which is not there{where}"
        return fail(
            directive, text, f"{wanted} is what this Python needs" if here.windows else wanted
        )
    if bits and file.bits and bits != file.bits:
        text = f"Apache has {bits} bits, and {path} {file.bits}{where}"
        return fail(
            directive,
            text,
            f"take a Python and a mod_wsgi of {bits} bits, or an Apache of {file.bits}",
        )
    if file.library:
        text = f"{path} needs {file.library}, which is not found{where}: {why}"
        cure = (
            f"above it: {wanted}"
            if here.windows
            else f"install Python {file.python}'s library: apt-get install libpython{file.python}"
        )
        return fail(directive, text, cure)
    return fail(directive, f"{path} does not load{where}: {why}", LINES)


def _line(trouble: str) -> str:
    """The line of the configuration that Apache complains of."""
    found = WHERE.search(trouble)
    if not found:
        return ""
    try:
        with open(found[2], encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()[int(found[1]) - 1]
    except (OSError, IndexError):
        return ""


def _absolute(path: str, httpd: Httpd) -> str:
    root = httpd.dump.values.get("ServerRoot", "").strip('"')
    return os.path.join(root or (httpd.build.root if httpd.build else ""), path) if path else ""
