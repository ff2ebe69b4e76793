"""The WSGI script: whether it is served, by a process that can be replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from wsgireload.cli.apache import addresses, aliases, handlers, matches, refusals, sections, sites
from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.express import Handler
from wsgireload.cli.apache.sites import GLOBAL, Site
from wsgireload.cli.configuration import SHUTDOWN_TIMEOUT as SUGGESTED
from wsgireload.cli.doctor import permissions, starts
from wsgireload.cli.doctor.finding import Finding, fail, ok, warn
from wsgireload.cli.installation import Installation

SHUTDOWN_TIMEOUT = "5"  # seconds, mod_wsgi's default
LINES = {
    matches.ALIAS: "WSGIScriptAlias",
    matches.MATCH: "WSGIScriptAliasMatch",
    aliases.HANDLER_SCRIPT: "WSGIHandlerScript",
}
LONG = 20  # seconds: few visitors wait so long for an answer


def select(
    path: str | None, found: Sequence[Site], directives: Sequence[Directive]
) -> tuple[list[Site], list[Finding]]:
    """Return the sites of this script, or all; and a finding if there are none.

    A virtual host that redirects all requests is left out if another one has its script.
    """
    redirected = [each for each in found if addresses.redirect(each.alias.host, directives)]
    served = {each.script for each in found if each not in redirected}
    found = [each for each in found if each not in redirected or each.script not in served]
    if path is None:
        selected, text = list(found), "there is no WSGIScriptAlias in the configuration"
    else:
        if not os.path.isfile(path):
            cure = "name the file of WSGIScriptAlias"
            return [], [fail("WSGI script", f"{path} does not exist", cure)]
        selected = sites.of_script(path, found)
        text = f"no WSGIScriptAlias names {path}"
    if selected:
        return selected, []
    return [], [fail("WSGI script", text, f"`wsgireload config {path or 'SCRIPT'}` prints one")]


def examine(
    site: Site,
    directives: Sequence[Directive],
    installation: Installation,
    *,
    is_started: bool = False,
) -> Iterator[Finding]:
    """Check what the configuration says about one script; `is_started`: its monitor runs."""
    windows = installation.windows
    yield from _script(site, windows=windows, is_started=is_started)
    yield from _url(site, directives)
    yield from (fail(*each) for each in refusals.find(site, directives))
    if not windows:
        yield _process(site, directives)
        if site.daemon is not None:
            yield _shutdown_timeout(site)
    yield _application_group(site)
    if not windows:
        yield from _imported_elsewhere(site, directives)
    reloading = _script_reloading(site, directives, windows=windows)
    yield from _express(site.express) if site.express else [reloading]
    yield from _restrict_embedded(directives, installation)
    if sites.server_wide(directives, "wsgidestroyinterpreter").lower() == "off":
        text = "off: a process ends sooner, without atexit functions and unflushed output"
        yield ok("WSGIDestroyInterpreter", text)


def _script(site: Site, *, windows: bool, is_started: bool) -> Iterator[Finding]:
    where = f"{site.url} -> {site.script} ({site.alias})"
    if not permissions.is_hidden(site.script) and not os.path.isfile(site.script):
        cure = "correct the path, or create the script"
        yield fail("WSGI script", f"{where}: the file does not exist", cure)
    elif not os.access(site.script, os.R_OK):  # reported with the permissions
        yield ok("WSGI script", where)
    else:
        yield from starts.examine(site, where, windows=windows, is_started=is_started)


def _url(site: Site, directives: Sequence[Directive]) -> Iterator[Finding]:
    """Check the URL of a WSGIScriptAlias: what follows it in a request is added to the file."""
    url, what = site.url, LINES[matches.ALIAS]
    if site.alias.name != matches.ALIAS:
        return
    if not url.startswith("/"):
        text = f"no request is for {url}, which begins without a slash ({site.alias})"
        yield fail(what, text, f"write /{url}")
    elif url.endswith("/") and url != "/":
        lines = (each for each in directives if str(each) == str(site.alias))
        if not any(each.arguments[1:2] == (f"{site.script}/",) for each in lines):
            text = (
                f"URLs below {url} are not found: a slash ends it, and not its file ({site.alias})"
            )
            yield warn(what, text, f"write {url.rstrip('/')}")


def _process(site: Site, directives: Sequence[Directive]) -> Finding:
    names = [each.arguments[0] for each in directives if each.name == "wsgidaemonprocess"]
    if sites.ENVIRONMENT.fullmatch(site.group):
        return ok("process", f"the daemon process group that each request's {site.group} names")
    if site.daemon is not None and site.option("threads") == "0":
        text = f"process group {site.group!r} has threads=0 ({site.daemon}): it answers no request"
        return fail("process", text, "leave that out: it is for a WSGIImportScript alone")
    if site.daemon is not None:
        return ok("process", f"daemon process group {site.group!r} ({site.daemon})")
    if site.group:
        text = f"no WSGIDaemonProcess defines its process group {site.group!r}"
        others = f"; defined are: {', '.join(names)}" if names else ""
        cure = f"add `WSGIDaemonProcess {site.group}`, or correct the name"
        return fail("process", text + others, cure)
    if names:
        text = f"it runs in embedded mode, not in WSGIDaemonProcess {names[0]}"
        return fail("process", text, _giving(site, names[0]))
    text = "it runs in embedded mode, where a process cannot restart Apache"
    if site.express:
        return fail("process", text, "leave out --embedded-mode")
    name = os.path.splitext(os.path.basename(site.script))[0]
    cure = _giving(site, name).removeprefix("add ")
    return fail("process", text, f"add `WSGIDaemonProcess {name}`, and {cure}")


def _giving(site: Site, group: str) -> str:
    """Return how to give a site this process group."""
    if site.alias.name == handlers.HANDLED:  # .htaccess may not choose a group
        return f"add `WSGIProcessGroup {group}` in a `<Directory>` around {site.script}"
    return f"add to its {LINES[site.alias.name]}: process-group={group}"


def _shutdown_timeout(site: Site) -> Finding:
    timeout = site.option("shutdown-timeout") or SHUTDOWN_TIMEOUT
    if not timeout.isdecimal() or timeout == "0":
        cure = "set it to the seconds that your longest request takes"
        return warn("shutdown-timeout", f"shutdown-timeout={timeout}", cure)
    if int(timeout) > LONG and site.option("processes") in ("", "1"):
        text = f"{timeout} s: if a stream or job runs on, every visitor waits so long at a restart"
        cure = (
            f"set shutdown-timeout={SUGGESTED}, or let other processes serve meanwhile: processes=2"
        )
        return warn("shutdown-timeout", text, cure)
    return ok("shutdown-timeout", f"a restart cuts requests that still run after {timeout} s")


def _application_group(site: Site) -> Finding:
    if site.application_group == GLOBAL:
        return ok("WSGIApplicationGroup", "%{GLOBAL}: the main interpreter")
    name = site.application_group or "%{RESOURCE}"
    return ok("WSGIApplicationGroup", f"{name}: a sub-interpreter")


def _imported_elsewhere(site: Site, directives: Sequence[Directive]) -> Iterator[Finding]:
    """Report a WSGIImportScript of this process that is of no use to the requests."""
    for each in directives:
        given = sites.options(each.arguments[1:]) if each.name == "wsgiimportscript" else {}
        groups = given.get("process-group"), given.get("application-group")
        if groups != (site.group, GLOBAL) or each.arguments[0] != site.script:
            continue
        if site.application_group != GLOBAL:
            name = site.application_group or "%{RESOURCE}"
            text = f"into {GLOBAL} ({each}), while requests use {name}: it is loaded twice"
            cure = f"add application-group={GLOBAL} to its {LINES.get(site.alias.name, 'handler')}"
            yield ok("preloading", text, cure)


def _script_reloading(site: Site, directives: Sequence[Directive], *, windows: bool) -> Finding:
    what = "WSGIScriptReloading"
    found = sections.effective(directives, what.lower(), site.alias)
    is_off = found is not None and found.arguments[:1] and found.arguments[0].lower() == "off"
    if windows:
        return _preloading(site, directives, what, is_off=bool(is_off))
    if is_off:
        text = f"off ({found}): mod_wsgi does not call reload_required; a restart may cut requests"
        return warn(what, text, "remove that line: On is the default")
    return ok(what, "on")


def _preloading(site: Site, directives: Sequence[Directive], what: str, *, is_off: bool) -> Finding:
    """Check on Windows whether a new child loads the script before its first request, and once."""
    lines = [site.alias.arguments[1:]]
    lines += [each.arguments for each in directives if each.name == "wsgiimportscript"]
    groups = (sites.options(line[1:]).get("application-group", "") for line in lines)
    if not any(group == GLOBAL or (group and "%{" not in group) for group in groups):
        text = "the first request after a restart loads the application"
        cure = (
            f"add application-group={GLOBAL} to its WSGIScriptAlias: a new child then preloads it"
        )
        return ok("preloading", text, cure)
    if is_off:
        return ok("preloading", "a new child loads the script, once, before its first request")
    text = "a new child loads the script before its first request, and again with that request"
    cure = f"add in a `<Files>` of the script: {what} Off"
    return ok("preloading", text, cure)


def _express(made: Handler) -> Iterator[Finding]:
    if made.reloads_on_changes:
        text = "mod_wsgi-express restarts at each change as well, without a check"
        yield warn("--reload-on-changes", text, "leave out --reload-on-changes")
    elif made.reloads_script:
        text = "not given: mod_wsgi-express takes a changed script live, broken or not"
        yield ok("--disable-reloading", text)
    else:
        yield ok("--disable-reloading", "given: wsgireload alone restarts")


def _restrict_embedded(
    directives: Sequence[Directive], installation: Installation
) -> Iterator[Finding]:
    is_on = sites.server_wide(directives, "wsgirestrictembedded").lower() == "on"
    if not installation.windows:
        off = "off: Apache's children also load Python, which does no harm"
        on = "on: Apache's children do not load Python"
        yield ok("WSGIRestrictEmbedded", on if is_on else off)
    elif is_on:
        text = "on: mod_wsgi on Windows has no other mode than the embedded one"
        yield fail("WSGIRestrictEmbedded", text, "remove that line")
