"""What `manage.py check` says: mistakes that would otherwise show under Apache alone."""

from __future__ import annotations

import ast
import glob
import importlib.util
import os
from collections.abc import Iterator

from django.conf import settings
from django.core import checks

from wsgireload import SettingsError
from wsgireload.django.asked import asked
from wsgireload.settings import Settings


def check(**_: object) -> list[checks.CheckMessage]:
    """Everything that we look at, whichever apps were asked for."""
    try:
        chosen = Settings.of(**asked())
    except SettingsError as error:
        name = "WSGIRELOAD" if error.setting == "WSGIRELOAD" else f"WSGIRELOAD[{error.setting!r}]"
        said = f"{name} is {error.got!r}."
        return [checks.Error(said, hint=f"It takes {error.takes}.", id="wsgireload.E001")]
    return [*_script_lines(chosen), *_missing(chosen)]


def _script_lines(chosen: Settings) -> Iterator[checks.CheckMessage]:
    found = _script()
    if found is None or chosen.enabled is False:
        return
    path, tree = found
    if os.name != "nt" and chosen.when != "now" and not _binds(tree, "reload_required"):
        yield checks.Warning(
            f"{path} has no reload_required: without it old code may answer once more after a "
            "change, and requests that run long are cut.",
            hint="Add this line to the WSGI script: reload_required = wsgireload.reload_required",
            id="wsgireload.W001",
        )
    if _starts(tree) and asked().keys() - {"track"}:
        yield checks.Warning(
            f"{path} calls wsgireload.start() before Django does: of WSGIRELOAD only 'track' is "
            "heeded.",
            hint="Keep the settings in one of the two places.",
            id="wsgireload.W003",
        )


def _missing(chosen: Settings) -> Iterator[checks.CheckMessage]:
    for path in chosen.track:
        if not os.path.lexists(path) and not any(glob.iglob(path, recursive=True)):
            yield checks.Warning(
                f"WSGIRELOAD['track'] names {path}, and there is nothing.",
                hint="It is watched for its appearance. A relative path starts from the current "
                "folder, which under Apache is another one: use BASE_DIR.",
                id="wsgireload.W002",
            )


def _script() -> tuple[str, ast.Module] | None:
    """The file of WSGI_APPLICATION and what stands in it; None where that cannot be seen."""
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
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
            return True
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return True
        if isinstance(node, ast.alias) and name in (node.asname, node.name):
            return True
    return False


def _starts(tree: ast.Module) -> bool:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(ast.unparse(call.func) == "wsgireload.start" for call in calls)
