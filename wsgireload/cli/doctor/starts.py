"""Whether the script or a framework starts wsgireload, and with which settings."""

from __future__ import annotations

import ast
import glob
import os
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from wsgireload.cli.apache.sites import Site
from wsgireload.cli.doctor import options, sources
from wsgireload.cli.doctor.finding import Finding, fail, ok, warn

APP, PACKAGE = "wsgireload.django", "wsgireload"
APPS = APP, f"{APP}.apps.WsgireloadConfig"
# What a script imports beside the application, and what does not start wsgireload by itself.
OTHERS = {*sys.stdlib_module_names, PACKAGE, "django", "flask", "mod_wsgi", "werkzeug", "dotenv"}
DYNAMIC = "import_module", "__import__", "exec", "execfile", "run_path", "run_module", "include"
BY_NAME = "from_object", "from_pyfile", "import_string", "find_modules"  # of Flask and Werkzeug
FUNCTIONS = "start", "init_app"
ANYWHERE = "*.py", "*/*.py", "*/*/*.py"  # as deep as a package of Django's settings
TEST = re.compile(r"[\\/](tests?[\\/]|test_[^\\/]*$|conftest\.py$)")  # no site imports these
MOST = 2000  # files: a search in a large tree ends unsuccessfully
LINE = "reload_required = wsgireload.reload_required"
RECIPE = "add at its top: import wsgireload; wsgireload.start()"

FIRST = (
    "so that a repair of such an import is noticed too, begin the script with: "
    "import wsgireload; wsgireload.start()"
)


class Start(NamedTuple):
    """Where wsgireload is started, and the names and values of settings, as far as known.

    `line` is that of the call; 0 in Django's settings. `runs`: a server may run it.
    """

    path: str
    settings: dict[str, ast.expr]
    line: int = 0
    runs: bool = True


def examine(site: Site, where: str, *, windows: bool, is_started: bool) -> Iterator[Finding]:
    """Check what the script of a site contains; `where` describes it.

    `is_started`: its monitor runs, wherever it was started.
    """
    tree = sources.parse(site.script)
    if isinstance(tree, SyntaxError):
        yield _syntax(site.script, tree)
        return
    folders, paths = sources.application(site)
    for path in paths[1:]:
        if isinstance(broken := sources.parse(path), SyntaxError):
            yield _syntax(path, broken)
    found = next((each for each in _starts(paths, folders) if each.runs), None)
    if found is None:
        seen = ok("WSGI script", f"{where}, started in a module that was not found")
        yield seen if is_started else _missing(where, paths, folders)
        return
    note = "" if found.path == site.script else f", started in {found.path}"
    if _is_late(found, site.script, folders):
        text = f"{where}{note}; if an import above start() fails, its repair goes unnoticed"
        yield ok("WSGI script", text, FIRST)
    else:
        yield ok("WSGI script", where + note)
    for path in dict.fromkeys((*paths, found.path)):  # Django's settings may be several modules
        yield from options.examine(path, site.option("home") or os.sep)
    if isinstance(tree, ast.Module) and not windows and not site.express:
        several = site.option("processes") not in ("", "1")
        yield from _line(site.script, tree, found, several=several)


def _is_late(found: Start, script: str, folders: Sequence[str]) -> bool:
    """Whether modules of the application are imported before the call."""
    tree = sources.parse(script)
    if not found.line or not isinstance(tree, ast.Module):
        return False
    above = [each for each in tree.body if each.lineno < found.line]
    names = sources.imports(ast.Module(above, []))
    return found.path != script or any(any(sources.files(name, folders)) for name in names)


def _syntax(path: str, error: SyntaxError) -> Finding:
    text = f"{type(error).__name__}: {error.msg} ({path}, line {error.lineno})"
    return fail("source", text, "correct that line and save it")


def _missing(where: str, paths: Sequence[str], folders: Sequence[str]) -> Finding:
    for path in paths:
        if PACKAGE in _strings(path, "APPS"):  # also THIRD_PARTY_APPS and the like
            text = f"INSTALLED_APPS has {PACKAGE!r}, which starts nothing ({path})"
            return fail("WSGI script", text, f"write {APP!r} in its place")
    text = f"{where} does not call wsgireload.start()"
    cure = RECIPE
    if any(_strings(path, "APPS") for path in paths):
        cure = f"add to the settings of Django: INSTALLED_APPS += [{APP!r}]; or {RECIPE}"
    is_open = any(_is_elsewhere(path, folders) for path in paths)
    if unused := next(_starts(paths, folders), None):
        text = f"{where}: no server runs its wsgireload.start() ({unused.path}, line {unused.line})"
    elif is_open:
        text = f"{where}: a call of wsgireload.start() was not seen in its sources"
    if is_open:
        return warn("WSGI script", text, f"if the log has no line `watching`, {cure}")
    return fail("WSGI script", text, cure)


def _starts(paths: Sequence[str], folders: Sequence[str]) -> Iterator[Start]:
    """Return each start, first those in the modules that the script imports.

    If all imports are known, a call does not run in another module of the folders, or in a function
    that nothing names. Else a framework may load the one, and call the other, as Pyramid does.
    """
    is_open = any(_is_elsewhere(each, folders) or _imports_by_name(each) for each in paths)
    for path in paths:
        yield from (*_calls(path, None if is_open else paths), *_of_frameworks(path))
    for path in (each for each in _anywhere(folders) if each not in paths):
        calls = _calls(path, None)
        yield from (each._replace(runs=is_open and each.runs) for each in calls)
        yield from _of_frameworks(path)


def _calls(path: str, every: Sequence[str] | None) -> Iterator[Start]:
    """Return the calls in a source; `every`: the sources that may name its functions, if known."""
    tree = sources.parse(path)
    if not isinstance(tree, ast.Module):
        return
    calls = list(sources.calls_of_ours(tree, *FUNCTIONS))
    unused = sources.never_run(tree, every) if calls else ()
    for call in calls:
        given = {each.arg: each.value for each in call.keywords if each.arg}
        yield Start(path, given, call.lineno, call not in unused)


def _of_frameworks(path: str) -> Iterator[Start]:
    for tree in sources.trees([path]):
        if not _strings(path).isdisjoint(APPS):
            yield Start(path, options.of_django(tree))
        if any(name.startswith("wsgireload.flask") for name in sources.imports(tree)):
            yield Start(path, {}, 1)


def _imports_by_name(path: str) -> bool:
    """Return whether code has a framework import modules that strings name."""
    tree = sources.parse(path)
    if not isinstance(tree, ast.Module):
        return False
    is_django = any(name.partition(".")[0] == "django" for name in sources.imports(tree))
    return is_django or any(sources.calls(tree, *BY_NAME))


def _anywhere(folders: Sequence[str]) -> Iterator[str]:
    """Return the modules in and below these folders, which code may import in other ways."""
    patterns = [os.path.join(glob.escape(folder), each) for folder in folders for each in ANYWHERE]
    found = islice((path for pattern in patterns for path in glob.iglob(pattern)), MOST)
    ours = tuple(os.path.join(folder, PACKAGE, "") for folder in folders)  # calls itself
    return (path for path in found if not TEST.search(path) and not path.startswith(ours))


def _strings(path: str, within: str = "") -> set[str]:
    """Return the strings in code, or in all that is done to names with this end."""
    tree = sources.parse(path)
    if not isinstance(tree, ast.Module):
        return set()
    nodes: Iterator[ast.AST] = iter([tree])
    if within:
        targets = ((each, sources.targets(each)) for each in ast.walk(tree))
        nodes = (each for each, names in targets if any(name.endswith(within) for name in names))
    every = (each for node in nodes for each in ast.walk(node) if isinstance(each, ast.Constant))
    return {each.value for each in every if isinstance(each.value, str)}


def _is_elsewhere(path: str, folders: Sequence[str]) -> bool:
    """Return whether code loads modules in a way, or from a place, that is not searched."""
    tree = sources.parse(path)
    if not isinstance(tree, ast.Module) or any(sources.calls(tree, *DYNAMIC)):
        return True
    names = {name.partition(".")[0] for name in sources.imports(tree)} - OTHERS
    return not all(any(sources.files(name, folders)) for name in names)


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
        yield ok("reload_required", text, cure)
