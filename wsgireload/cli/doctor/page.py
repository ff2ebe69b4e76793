"""The page that shows what wsgireload does: whether a middleware serves it, and to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from wsgireload.cli.doctor import sources
from wsgireload.cli.doctor.finding import Finding, ok, warn

ADD = "from wsgireload.web import middleware; application = middleware(application, live=True)"
WEB = re.compile(r"wsgireload\.web\b")
REFUSED = re.compile(r"hidden from ([0-9a-fA-F.:]+[0-9a-fA-F])")


def examine(paths: Sequence[str], log: Sequence[str]) -> Iterator[Finding]:
    """Check the sources of an application; `log` are the last lines of its error log."""
    trees = [tree for tree in sources.trees(paths) if any(map(WEB.match, sources.imports(tree)))]
    calls = [call for tree in trees for call in sources.calls(tree, "middleware")]
    if calls:
        refused = [found[1] for line in log if (found := REFUSED.search(line))]
        if any(each.arg == "token" for call in calls for each in call.keywords):
            yield ok("page", "served to this machine, and to those that have the token")
            return
        text = "served to this machine alone"
        text += f"; hidden from {refused[-1]}" if refused else ""
        cure = "for a browser on another machine: middleware(…, token=…)"
        yield ok("page", text, cure)
    elif trees:
        text = "wsgireload.web is imported, but its middleware is not called: tabs do not reload"
        yield warn("page", text, f"add to the script: {ADD}")
    else:
        text = "not served, and tabs do not reload themselves: no middleware"
        yield ok("page", text, f"to have both, end the script with {ADD}")
