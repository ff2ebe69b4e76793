"""Whether the site answers, and if not, what its error log says of the reason."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.httpd import Httpd
from wsgireload.cli.apache.sites import GLOBAL, Site
from wsgireload.cli.doctor import errorlog, request
from wsgireload.cli.doctor.errorlog import Raised
from wsgireload.cli.doctor.finding import Finding, fail, ok, warn
from wsgireload.cli.doctor.request import Answer
from wsgireload.cli.running import processes
from wsgireload.server.files import size

WHAT = "answer"
CURE = "correct that line and save it: the site answers again, without a restart"
GRANT = "add `Require all granted` in a `<Directory>` around {0}, and restart Apache"
MISSING = re.compile(r"(?:ModuleNotFound|Import)Error: No module named '([^']+)'")
# As PyO3, Python from 3.12 on, Cython and NumPy refuse.
IN_ONE = re.compile(r"ImportError: .*(?:subinterpreters|per (?:interpreter )?process)")


class Message(NamedTuple):
    """One message of Apache or mod_wsgi: how it is found, and the cure. {0} is its first group."""

    pattern: re.Pattern[str]
    cure: str


HOME = Message(
    re.compile(r"Unable to change working directory to (?:home directory )?'([^']*)'.*"),
    "add to its WSGIDaemonProcess home= with a folder that its user may enter, and restart Apache",
)
CRASHED = Message(
    re.compile(
        r"(?:Truncated or oversized response headers received from|"
        r"Error reading response headers from|"
        r"Daemon process '[^']*' closed connection before sending) .*|"
        r"child pid \d+ exit signal (?:Abort|Segmentation|Bus|Illegal|Trace).*",
        re.IGNORECASE,
    ),
    "a C extension has most likely crashed the process: one that does not know sub-interpreters "
    "needs application-group=%{GLOBAL}; else run its imports with python -X faulthandler",
)
# Each such request has a line of its own: an earlier one is no reason.
OF_REQUEST = (
    CRASHED,
    Message(
        re.compile(r"Unable to connect to WSGI daemon process '[^']*' on '([^']+)' as user .*"),
        "write `WSGISocketPrefix` with a folder that Apache's user may enter, and restart Apache",
    ),
    Message(
        re.compile(r"Unable to connect to WSGI daemon process '[^']*' on '([^']+)' after .*"),
        "each thread of the process is busy, or it does not start: read the lines above in the log",
    ),
)
MESSAGES = (
    Message(re.compile(r"client denied by server configuration: (\S+)"), GRANT),
    Message(
        re.compile(r"No WSGI daemon process called '%\{(?:ENV:)?([^}']+)\}'.*"),
        "no request has that variable: set it, as with `SetEnv {0} NAME`",
    ),
    Message(
        re.compile(r"No WSGI daemon process called '([^']*)'.*"),
        "add `WSGIDaemonProcess {0}`, or correct the name of the process group",
    ),
    Message(
        re.compile(r"(?:Target WSGI script not found|Script not found).*?: (/\S+)"),
        "correct the path of the script in Apache's configuration",
    ),
    Message(
        re.compile(r"Target WSGI script '([^']+)' does not contain WSGI application '\w+'"),
        "define `application` in {0}",
    ),
    Message(
        re.compile(r"Unable to (?:stat|access) Python home (\S+?)\.? .*"),
        "correct python-home: it takes the folder of a virtual environment",
    ),
    Message(
        re.compile(r"No module named '(encodings)'.*"),
        "correct python-home: there is no Python that it could use",
    ),
    Message(
        re.compile(r"Permission denied: .*?(?:access to|cannot|Unable|open)?.* (/\S+)"),
        "give Apache's user access: chmod o+rx on the way to it",
    ),
)
# What Apache says of one request; its notices have numbers as well.
REFUSED = Message(
    re.compile(r"AH\d{5}: .*"), "correct the directive or the permissions that this line names"
)
OF_CLIENT = re.compile(r":(?:error|crit|alert|emerg)\].*\[client ")


def examine(
    site: Site, directives: Sequence[Directive], httpd: Httpd, url: str | None
) -> Iterator[Finding]:
    """Request the site; `url` is that of --url, by default that of the configuration.

    Without --url only this machine is asked, and it is no problem if nothing listens there.
    """
    host = ""
    if url is None:
        if site.address is None or not _is_loopback(site.address.ip):
            return
        url, host = site.address.url, site.address.host
        asked = f"{url} ({host})" if site.address.name else url
    else:
        asked = url
    log = errorlog.file(directives, site.alias.host, httpd)
    start = size(log)
    answer = request.get(url, host)
    if answer.status < 500 and answer.status != 403 and answer.status:
        yield ok(WHAT, f"{answer.status} for {asked}")
    elif answer.status:
        yield _error(site, asked, answer.status, log, start)
    elif answer.refused and host:
        yield ok(WHAT, f"not asked: nothing listens at {url}")
    else:
        yield _silent(asked, answer, log, start, httpd.pid)


def _is_loopback(ip: str) -> bool:
    return ip.startswith("127.") or ip in ("[::1]", "localhost")


def _error(site: Site, asked: str, status: int, log: str, start: int) -> Finding:
    """Explain an error by what the log says since the request, or else says last."""
    new, text = errorlog.read(log, start), f"{status} for {asked}"
    if new is None:
        where = f"{log} cannot be read" if log else "the error log is no file"
        if status == 403:  # most often the application's own answer
            cure = f"if Apache refuses it, {GRANT.replace('{0}', os.path.dirname(site.script))}"
            return warn(WHAT, f"{text}; {where}", cure)
        return fail(WHAT, f"{text}; {where}", "read Apache's error log as root: it has the reason")
    every = errorlog.read(log) or []
    texts = (
        (new, (*OF_REQUEST, HOME, *MESSAGES)),
        (list(filter(OF_CLIENT.search, new)), (REFUSED,)),
        (every if status != 403 else [], MESSAGES),
    )
    for lines, messages in texts:
        if raised := errorlog.last_traceback(lines):
            return fail(WHAT, f"{text}: {raised}", _cure_of(raised, site))
        for pattern, cure in messages:
            if found := errorlog.last(lines, pattern):
                value = found[1] if pattern.groups else ""
                return fail(WHAT, f"{text}: {found[0]}", cure.replace("{0}", value))
    if status == 403:  # of the application: a wall before the front page is no fault
        return ok(WHAT, text)
    return fail(WHAT, text, f"read the last lines of {log}")


def _cure_of(raised: Raised, site: Site) -> str:
    if found := MISSING.search(raised.error):
        name = found[1].partition(".")[0]
        home = site.option("python-home")
        pip = f"{home}/bin/pip" if home and os.path.exists(f"{home}/bin/pip") else "pip"
        if name == "wsgireload":
            return f"install it where the application runs: {pip} install wsgireload"
        return (
            f"correct the name, install it ({pip} install {name}), or add its folder to python-path"
        )
    if site.application_group != GLOBAL and IN_ONE.match(raised.error):
        return (
            "the module loads in one interpreter of a process: add to its WSGIScriptAlias: "
            "application-group=%{GLOBAL}, and restart Apache"
        )
    return CURE


def _of_children(log: str, apache: int) -> list[str]:
    """Return the lines of this Apache's processes: one that cannot start waits before it ends."""
    lines = errorlog.read(log) or []
    pids = {found[1] for found in map(errorlog.PID.search, lines) if found}
    alive = {f"[pid {pid}" for pid in pids if apache and processes.parent(int(pid)) == apache}
    return [line for line in lines if (at := errorlog.PID.search(line)) and at[0] in alive]


def _silent(asked: str, answer: Answer, log: str, start: int, apache: int) -> Finding:
    """Explain that no answer came; `apache` is the pid of the one that runs, 0 if it is unknown."""
    if not answer.error:
        text = f"no answer within {request.LIMIT:g} s from {asked}"
        new = errorlog.read(log, start) or []
        if raised := errorlog.last_traceback(new):
            return fail(WHAT, f"{text}: {raised}", CURE)
        for lines, (pattern, cure) in ((new, CRASHED), (_of_children(log, apache), HOME)):
            if found := errorlog.last(lines, pattern):
                return fail(WHAT, f"{text}: {found[0]}", cure)
        cure = "the application is still being loaded, or it hangs: run this again"
        return warn(WHAT, text, cure)
    cure = "start Apache, or correct --url"
    return fail(WHAT, f"no answer from {asked}: {answer.error}", cure)
