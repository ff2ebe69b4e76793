"""How soon Apache replaces an ended process: at once, with our library in its parent process."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Sequence

from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.sites import Site
from wsgireload.cli.doctor import options, sources
from wsgireload.cli.doctor.finding import Finding, ok
from wsgireload.cli.installation import RESPAWN, Installation
from wsgireload.cli.running import processes

WHAT = "respawn"
AT_ONCE = "an ended process is replaced at once"
LATER = "an ended process is replaced after about 0.5 s"
FOR_VISITORS = {"preflight", "rolling", "trigger"}  # settings


def examine(
    selected: Sequence[Site],
    directives: Sequence[Directive],
    installation: Installation,
    parent: int,
) -> Iterator[Finding]:
    """Report whether the library is in the parent; `parent` is its pid, 0 if it does not run.

    It is no problem without it. Where visitors come it is not recommended: it may run as root.
    """
    loads = [each for each in directives if each.name == "loadfile" and _is_ours(each)]
    is_in = processes.has_loaded(parent, RESPAWN) if parent else None
    if not any(site.daemon for site in selected) or not (loads or is_in or installation.respawn):
        return
    if loads and is_in is not False:
        yield ok(WHAT, f"{AT_ONCE} ({loads[-1]})")
    elif is_in:
        yield ok(WHAT, f"{AT_ONCE}, until Apache is stopped: no LoadFile names {RESPAWN} any more")
    elif loads:
        yield ok(WHAT, f"{LATER}: Apache runs without {RESPAWN} ({loads[-1]})", "restart Apache")
    elif any(map(_is_for_visitors, selected)):
        yield ok(WHAT, LATER)
    else:
        where = " to a file for --include-file" if any(site.express for site in selected) else ""
        cure = f'while you develop, add{where}: LoadFile "{installation.respawn}"'
        yield ok(WHAT, f"{LATER}; with {RESPAWN} in Apache's parent process at once", cure)


def _is_ours(load: Directive) -> bool:
    return os.path.basename("".join(load.arguments[:1])) == RESPAWN


def _is_for_visitors(site: Site) -> bool:
    """Return whether a site has settings that protect visitors."""
    _, paths = sources.application(site)
    given = (each for tree in sources.trees(paths) for each in options.given(tree))
    return site.option("processes") not in ("", "1") or any(
        name in FOR_VISITORS and not (isinstance(node, ast.Constant) and not node.value)
        for name, node in given
    )
