"""Checks for `manage.py check`: mistakes that otherwise show up only under Apache."""

from __future__ import annotations

import ast
import glob
import importlib.util
import os
from collections.abc import Iterator

from django.conf import settings
from django.core import checks

from wsgireload import SettingsError
from wsgireload.django.options import options
from wsgireload.settings import Settings


def check(**_: object) -> list[checks.CheckMessage]:
    """Run all checks, for any selection of apps."""
    try:
        chosen = Settings.of(**options())
    except SettingsError as error:
        name = "WSGIRELOAD" if error.setting == "WSGIRELOAD" else f"WSGIRELOAD[{error.setting!r}]"
        message = f"{name} is {error.got!r}."
        return [checks.Error(message, hint=f"It takes {error.takes}.", id="wsgireload.E001")]
    return [*_check_script(chosen), *_check_tracked(chosen)]


def _check_script(chosen: Settings) -> Iterator[checks.CheckMessage]:
    found = _script()
    if found is None or chosen.enabled is False:
        return
    path, tree = found
    if os.name != "nt" and chosen.when != "now" and not _binds(tree, "reload_required"):
        yield checks.Warning(
            f"{path} has no reload_required: with several processes, old code may answer beside "
            "new code after a change.",
            hint="Add this line to the WSGI script: reload_required = wsgireload.reload_required",
            id="wsgireload.W001",
        )
    if _calls_start(tree) and options().keys() - {"track"}:
        yield checks.Warning(
            f"{path} calls wsgireload.start() before Django does: only 'track' of WSGIRELOAD has "
            "an effect.",
            hint="Keep the settings in one place.",
            id="wsgireload.W003",
        )


def _check_tracked(chosen: Settings) -> Iterator[checks.CheckMessage]:
    for path in chosen.track:
        if not os.path.lexists(path) and not any(glob.iglob(path, recursive=True)):
            yield checks.Warning(
                f"WSGIRELOAD['track'] contains {path}, which does not exist.",
                hint="The site reloads once it exists. A relative path depends on the current "
                "folder, which is another one under Apache: use BASE_DIR.",
                id="wsgireload.W002",
            )


def _script() -> tuple[str, ast.Module] | None:
    """Return the file of WSGI_APPLICATION, and its code; None if it cannot be read."""
    module = str(getattr(settings, "WSGI_APPLICATION", None)).rpartition(".")[0]
    try:
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None:
            return None
        with open(spec.origin, "rb") as file:
            return spec.origin, ast.parse(file.read())
    except (ImportError, OSError, SyntaxError, ValueError):
        return None


def _binds(tree: ast.Module, name: str) -> bool:
    """Return whether the code assigns, defines or imports a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
            return True
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return True
        if isinstance(node, ast.alias) and name in (node.asname, node.name):
            return True
    return False


def _calls_start(tree: ast.Module) -> bool:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(ast.unparse(call.func) == "wsgireload.start" for call in calls)
