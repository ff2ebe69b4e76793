"""The settings of wsgireload that a module spells out, and the paths that it tracks."""

from __future__ import annotations

import ast
import glob
import os
from collections.abc import Iterator

from wsgireload.cli.doctor import sources, values
from wsgireload.cli.doctor.finding import Finding, fail, ok, warn
from wsgireload.cli.doctor.values import UnknownError
from wsgireload.errors import SettingsError
from wsgireload.settings import CHECKS, checked, similar

TRACK = "track"
# A saved file may have no effect because of these, although nothing is wrong.
SILENT = {
    "trigger": "nothing restarts until {} changes",
    "ignore": "changes of {} do not count",
}


def examine(path: str, folder: str) -> Iterator[Finding]:
    """Check the settings in a module; relative paths start from `folder`."""
    tree = sources.parse(path)
    if not isinstance(tree, ast.Module):
        return
    tracked = [each for call in sources.calls_of_ours(tree, TRACK) for each in call.args]
    tracked += [node for name, node in given(tree) if name == TRACK]
    for name, node in given(tree):
        where = f"({path}, line {node.lineno})"
        yield from _setting(name, node, tree, path)
        for each in values.items(node, tree, path) if name in SILENT else ():
            if isinstance(each, str):
                yield ok(name, f"{SILENT[name].format(each)} {where}")
    for node in tracked:
        for each in values.items(node, tree, path):
            if isinstance(each, str):
                yield from _tracked(each, f"({path}, line {node.lineno})", folder)


def given(tree: ast.Module) -> list[tuple[str, ast.expr]]:
    """Return the settings that a module gives, with their values."""
    calls = sources.calls_of_ours(tree, "start", "init_app")
    of_calls = [(each.arg, each.value) for call in calls for each in call.keywords if each.arg]
    return [*of_calls, *of_django(tree).items()]


def of_django(tree: ast.Module) -> dict[str, ast.expr]:
    """Return the settings in WSGIRELOAD of Django's settings."""
    found: dict[str, ast.expr] = {}
    for node in tree.body:
        given = node.value if isinstance(node, ast.Assign) else None
        if "WSGIRELOAD" not in sources.targets(node):
            continue
        if isinstance(given, ast.Dict):
            pairs = zip(given.keys, given.values, strict=True)
            found |= {str(key.value): each for key, each in pairs if isinstance(key, ast.Constant)}
        elif isinstance(given, ast.Call) and values.name_of(given.func) == "dict":
            found |= {each.arg: each.value for each in given.keywords if each.arg}
    return found


def _setting(name: str, node: ast.expr, tree: ast.Module, path: str) -> Iterator[Finding]:
    try:
        checked(name, values.value(node, tree, path) if name in CHECKS else None)
    except UnknownError:
        return
    except SettingsError as error:
        yield fail("settings", *_explained(error, f"({path}, line {node.lineno})"))


def _tracked(path: str, where: str, folder: str) -> Iterator[Finding]:
    full = os.path.join(folder, path)
    if not os.path.lexists(full) and not any(glob.iglob(full, recursive=True)):
        text = f"track has {path}, which matches nothing {where}"
        cure = "correct the path; relative ones start from python's current folder"
        yield warn(TRACK, text, _nearest(full) or cure)


def _nearest(path: str) -> str:
    """Return as a cure the path that was probably meant; "" without one."""
    folder, name = os.path.split(path)
    names = os.listdir(folder) if os.path.isdir(folder) else []
    meant = similar(name, names)
    return f"write {os.path.join(folder, meant[0])}" if meant else ""


def _explained(error: SettingsError, where: str) -> tuple[str, str]:
    """Return the text about a wrong setting, and the cure."""
    if error.setting in CHECKS:
        return f"{str(error).removeprefix('wsgireload: ')} {where}", "correct that line"
    meant = similar(error.setting, CHECKS)
    cure = f"write {meant[0]}" if meant else f"the settings are {', '.join(CHECKS)}"
    return f"start() has no setting {error.setting!r} {where}", cure
