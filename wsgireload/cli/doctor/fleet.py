"""The coordinator of a fleet, if `rolling` names one: whether it answers."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator, Sequence

from wsgireload.cli.apache.accounts import Account
from wsgireload.cli.apache.sites import Site
from wsgireload.cli.doctor import options, permissions, sources, values
from wsgireload.cli.doctor.finding import Finding, fail, ok
from wsgireload.coordinator import Coordinator
from wsgireload.turn import request


def examine(site: Site, account: Account) -> Iterator[Finding]:
    """Check the coordinator of a site, whose processes have this account."""
    _, paths = sources.application(site)
    for url in dict.fromkeys(_urls(paths)):
        with contextlib.suppress(ValueError):  # reported with the settings
            yield _reached(url, Coordinator.of(url), account)


def _urls(paths: Sequence[str]) -> Iterator[str]:
    for path in paths:
        if isinstance(tree := sources.parse(path), ast.Module):
            for name, node in options.given(tree):
                with contextlib.suppress(values.UnknownError):
                    if name == "rolling" and isinstance(url := values.value(node, tree, path), str):
                        yield url


def _reached(url: str, coordinator: Coordinator, account: Account) -> Finding:
    for path in filter(None, (coordinator.secret, coordinator.ca, coordinator.cert)):
        if obstacle := permissions.obstacle(path, account):
            text = f"{account} cannot read {path}: {obstacle}"
            return fail("coordinator", text, f"let {account.user or 'it'} read that file")
    try:
        answer = request(url, "show")
    except OSError as error:
        text = f"no answer from {url}: {error.strerror or error}; every restart is held"
        cure = "start it, or correct the address"
        if not coordinator.secret:
            cure += "; if it wants a password, name a file with it: ?secret=PATH"
        return fail("coordinator", text, cure)
    return ok("coordinator", f"{url} answers: {answer.text}")
