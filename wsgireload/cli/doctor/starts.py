"""Whether the script or a framework starts wsgireload, and with which settings."""

from __future__ import annotations

import ast
import glob
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from wsgireload.cli.doctor import sources
from wsgireload.cli.doctor.finding import Finding, fail, hint, ok, warn
from wsgireload.cli.doctor.sources import UnknownError
from wsgireload.cli.sites import Site
from wsgireload.errors import SettingsError
from wsgireload.settings import CHECKS, checked, similar

APP, PACKAGE = "wsgireload.django", "wsgireload"
APPS = APP, f"{APP}.apps.WsgireloadConfig"
# What a script imports beside the application, and what does not start wsgireload by itself.
OTHERS = {*sys.stdlib_module_names, PACKAGE, "django", "flask", "mod_wsgi", "werkzeug", "dotenv"}
DYNAMIC = "import_module", "__import__", "exec", "execfile", "run_path", "run_module", "include"
FUNCTIONS = "start", "init_app"
ANYWHERE = "*.py", "*/*.py", "*/*/*.py"  # as deep as a package of Django's settings
MOST = 2000  # files: a search in a large tree ends unsuccessfully
LINE = "reload_required = wsgireload.reload_required"
RECIPE = "add at its top: import wsgireload; wsgireload.start()"


class Start(NamedTuple):
    """Where wsgireload is started, and the names and values of settings, as far as known."""

    path: str
    settings: dict[str, ast.expr]


def examine(site: Site, where: str, *, windows: bool, is_started: bool) -> Iterator[Finding]:
    """Check what the script of a site contains; `where` describes it.

    `is_started`: its monitor runs, wherever it was started.
    """
    tree = sources.parse(site.script)
    if isinstance(tree, SyntaxError):
        yield _syntax(site.script, tree)
        return
    folders = sources.own_folders(site.script, site.folders)
    paths = list(sources.modules(site.script, folders))
    for path in paths[1:]:
        if isinstance(broken := sources.parse(path), SyntaxError):
            yield _syntax(path, broken)
    found = next(chain(_starts(paths), _starts(_anywhere(folders))), None)
    if found is None:
        seen = ok("WSGI script", f"{where}, started in a module that was not found")
        yield seen if is_started else _missing(where, paths, folders)
        return
    note = "" if found.path == site.script else f", started in {found.path}"
    yield ok("WSGI script", where + note)
    yield from _settings(found, site.option("home") or os.sep)
    if isinstance(tree, ast.Module) and not windows and not site.express:
        several = site.option("processes") not in ("", "1")
        yield from _line(site.script, tree, found, several=several)


def _syntax(path: str, error: SyntaxError) -> Finding:
    text = f"{type(error).__name__}: {error.msg} ({path}, line {error.lineno})"
    return fail("source", text, "correct that line and save it")


def _missing(where: str, paths: Sequence[str], folders: Sequence[str]) -> Finding:
    for path in paths:
        if PACKAGE in _strings(path, "INSTALLED_APPS"):
            text = f"INSTALLED_APPS has {PACKAGE!r}, which starts nothing ({path})"
            return fail("WSGI script", text, f"write {APP!r} in its place")
    text = f"{where} does not call wsgireload.start()"
    cure = RECIPE
    if any(_strings(path, "INSTALLED_APPS") for path in paths):
        cure = f"add to the settings of Django: INSTALLED_APPS += [{APP!r}]; or {RECIPE}"
    if any(_is_elsewhere(path, folders) for path in paths):
        text = f"{where}: a call of wsgireload.start() was not seen in its sources"
        return warn("WSGI script", text, f"if the log has no line `watching`, {cure}")
    return fail("WSGI script", text, cure)


def _starts(paths: Iterator[str] | Sequence[str]) -> Iterator[Start]:
    for path in paths:
        tree = sources.parse(path)
        if not isinstance(tree, ast.Module) or not _mentions(tree):
            continue
        names = _functions(tree)
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in names:
                yield Start(path, {each.arg: each.value for each in call.keywords if each.arg})
        if not _strings(path).isdisjoint(APPS):
            yield Start(path, _options(tree))
        if any(name.startswith("wsgireload.flask") for name in _imports(tree)):
            yield Start(path, {})


def _anywhere(folders: Sequence[str]) -> Iterator[str]:
    """Return the modules in and below these folders, which code may import in other ways."""
    patterns = [os.path.join(glob.escape(folder), each) for folder in folders for each in ANYWHERE]
    return islice((path for pattern in patterns for path in glob.iglob(pattern)), MOST)


def _mentions(tree: ast.Module) -> bool:
    return any(name.partition(".")[0] == PACKAGE for name in _imports(tree)) or any(
        isinstance(node, ast.Constant) and str(node.value).startswith(APP)
        for node in ast.walk(tree)
    )


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _functions(tree: ast.Module) -> set[str]:
    """Return how a module calls our functions: `w.start` after `import wsgireload as w`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            ours = [each for each in node.names if each.name.partition(".")[0] == PACKAGE]
            bound = {each.asname or PACKAGE for each in ours}
            found |= {f"{name}.{each}" for name in bound for each in (*FUNCTIONS, "flask.init_app")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            bound = {each.asname or each.name for each in node.names}
            found |= bound | {f"{name}.{each}" for name in bound for each in FUNCTIONS}
    return found


def _strings(path: str, within: str = "") -> set[str]:
    """Return the strings in code, or in all that is done to a name."""
    tree = sources.parse(path)
    if not isinstance(tree, ast.Module):
        return set()
    nodes = [node for node in ast.walk(tree) if within in _targets(node)] if within else [tree]
    every = (each for node in nodes for each in ast.walk(node) if isinstance(each, ast.Constant))
    return {each.value for each in every if isinstance(each.value, str)}


def _targets(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Assign):
        return [ast.unparse(each) for each in node.targets]
    if isinstance(node, ast.AugAssign | ast.AnnAssign):
        return [ast.unparse(node.target)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):  # .append, .insert
        return [ast.unparse(node.func.value)]
    return []


def _is_elsewhere(path: str, folders: Sequence[str]) -> bool:
    """Return whether code loads modules in a way, or from a place, that is not searched."""
    tree = sources.parse(path)
    if not isinstance(tree, ast.Module) or any(sources.calls(tree, *DYNAMIC)):
        return True
    names = {name.partition(".")[0] for name in _imports(tree)} - OTHERS
    return not all(any(sources.files(name, folders)) for name in names)


def _options(tree: ast.Module) -> dict[str, ast.expr]:
    """Return the settings in WSGIRELOAD of Django's settings."""
    found: dict[str, ast.expr] = {}
    for node in tree.body:
        given = node.value if isinstance(node, ast.Assign) else None
        if "WSGIRELOAD" in _targets(node) and isinstance(given, ast.Dict):
            pairs = zip(given.keys, given.values, strict=True)
            found |= {str(key.value): each for key, each in pairs if isinstance(key, ast.Constant)}
    return found


def _settings(found: Start, folder: str) -> Iterator[Finding]:
    """Check the settings with which wsgireload is started; `folder` is Apache's current one."""
    tree = sources.parse(found.path)
    assert isinstance(tree, ast.Module)
    for name, node in found.settings.items():
        where = f"({found.path}, line {node.lineno})"
        try:
            got = sources.value(node, tree, found.path) if name in CHECKS else None
            checked(name, got)
        except UnknownError:
            continue
        except SettingsError as error:
            yield fail("settings", *_explained(error, where))
            continue
        for path in _paths(got) if name == "track" else ():
            full = os.path.join(folder, path)
            if not os.path.lexists(full) and not any(glob.iglob(full, recursive=True)):
                text = f"track has {path}, which matches nothing {where}"
                cure = "correct the path; relative ones start from python's current folder"
                yield warn("track", text, _nearest(full) or cure)


def _paths(got: object) -> list[str]:
    return [got] if isinstance(got, str) else list(got) if isinstance(got, list) else []


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


def _line(script: str, tree: ast.Module, found: Start, *, several: bool) -> Iterator[Finding]:
    """Check the line by which mod_wsgi hands requests over; `several` processes need it most."""
    given = found.settings.get("when")
    when = given.value if isinstance(given, ast.Constant) else "auto"
    if when == "now" or sources.binds(tree, "reload_required"):
        return
    text, cure = f"{script} has no reload_required: a restart may cut a request", f"add {LINE}"
    if several or when == "next-request":
        yield warn("reload_required", f"{text}, and old code may answer beside new code", cure)
    else:
        yield hint("reload_required", text, cure)
