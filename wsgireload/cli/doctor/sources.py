"""The Python sources of an application, read and not run: its modules and what they spell out."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from wsgireload.cli import modules
from wsgireload.cli.apache.sites import Site
from wsgireload.cli.doctor import values
from wsgireload.cli.doctor.values import name_of
from wsgireload.server.libraries import is_installed

MOST = 400  # modules of one application
LARGEST = 1 << 20  # bytes of one source
PACKAGE = "wsgireload"
FLASK = "wsgireload.flask"
# Conditions that no server meets: it does not load a script as `__main__`.
NEVER = re.compile(r"__name__ == '__main__'|'__main__' == __name__|False|0|(.+\.)?TYPE_CHECKING")
WORD = re.compile(r"\w+")
WSGI = "environ", "start_response"  # the arguments of an application
WAYS = "", ".flask"  # to a function of ours, from the package


@cache
def parse(path: str) -> ast.Module | SyntaxError | None:
    """Return the code of a file; None if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return ast.parse(file.read(LARGEST), path)
    except SyntaxError as error:
        return error
    except (OSError, ValueError, RecursionError, MemoryError):
        return None


@cache
def application(site: Site) -> tuple[list[str], list[str]]:
    """Return the folders of an application's own modules, and those that its script imports."""
    own = _own_folders(site.script, site.folders)
    return own, list(_modules(site.script, own))


def trees(paths: Iterable[str]) -> Iterator[ast.Module]:
    """Return the syntax trees of these sources; nothing for one that cannot be read or parsed."""
    return (tree for tree in map(parse, paths) if isinstance(tree, ast.Module))


def _modules(script: str, folders: Sequence[str]) -> Iterator[str]:
    """Return the script and the modules that it imports, by any import in their code.

    Only those in these folders count, and the settings of Django that the script names.
    """
    queue = [script]
    for path in queue:  # which grows
        yield path
        if isinstance(tree := parse(path), ast.Module) and len(queue) < MOST:
            names = [*_imported(tree, path), *_settings(path, script)]
            found = (file for name in names for file in files(name, folders))
            queue += [each for each in dict.fromkeys(found) if each not in queue]


def _own_folders(script: str, folders: Sequence[str]) -> list[str]:
    found = [*folders]
    if os.access(script, os.R_OK):
        found.append(modules.root(script))
        tree = parse(script)
        if isinstance(tree, ast.Module):  # sys.path.insert(0, "/srv/mysite") and the like
            for call in calls(tree, "insert", "append", "addsitedir"):
                try:
                    found.append(str(values.value(call.args[-1], tree, script)))
                except (values.UnknownError, IndexError):
                    continue
    own = (each for each in found if not is_installed(each))
    return [each for each in dict.fromkeys(own) if os.path.isabs(each) and os.path.isdir(each)]


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    """Return the calls of functions or methods with these names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of(node.func) in names:
            yield node


def calls_of_ours(tree: ast.Module, *names: str) -> Iterator[ast.Call]:
    """Return the calls of those of our functions, by whatever name a module imports them."""
    ours = _functions(tree, names)
    for node in ast.walk(tree) if ours else ():
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ours:
            yield node


def never_run(tree: ast.Module, paths: Sequence[str] | None) -> set[ast.AST]:
    """Return the nodes of code that no server runs, as far as known.

    It is below a condition that no server meets, or in a function that none of these sources names;
    None: others may call any function.
    """
    those: list[ast.AST] = []
    functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and NEVER.fullmatch(ast.unparse(node.test)):
            those += node.body
        for each in () if isinstance(node, ast.ClassDef) else ast.iter_child_nodes(node):
            # A decorator may call it; with two arguments it may be the application.
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                is_plain = not each.decorator_list and len(each.args.args) != len(WSGI)
                functions += [each] if is_plain else []
    if functions and paths is not None:
        named = _names(tuple(paths))
        those += (each for each in functions if each.name not in named)
    return {inner for each in those for inner in ast.walk(each)}


@cache
def _names(paths: tuple[str, ...]) -> frozenset[str]:
    """Return all that sources name, also in strings."""
    found: set[str] = set()
    for node in (each for tree in trees(paths) for each in ast.walk(tree)):
        if isinstance(node, ast.Name | ast.Attribute):
            found.add(name_of(node))
        elif isinstance(node, ast.alias):
            found.update(node.name.split("."))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update(WORD.findall(node.value))
    return frozenset(found)


def _functions(tree: ast.Module, names: Sequence[str]) -> set[str]:
    """Return how a module calls them: `w.start` after `import wsgireload as w`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            ours = [each for each in node.names if each.name.partition(".")[0] == PACKAGE]
            bound = {each.asname or PACKAGE for each in ours}
            found |= {f"{one}{way}.{each}" for one in bound for way in WAYS for each in names}
        elif isinstance(node, ast.ImportFrom) and node.module in (PACKAGE, FLASK):
            for alias in node.names:
                name = alias.asname or alias.name
                found |= {name} if alias.name in names else set()
                found |= set(names) if alias.name == "*" else {f"{name}.{one}" for one in names}
    return found


def imports(tree: ast.Module) -> Iterator[str]:
    """Return the dotted names that a module imports, but for relative ones."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def targets(node: ast.AST) -> list[str]:
    """Return the names to which a statement assigns, or whose method an expression calls."""
    if isinstance(node, ast.Assign):
        return [ast.unparse(each) for each in node.targets]
    if isinstance(node, ast.AugAssign | ast.AnnAssign):
        return [ast.unparse(node.target)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):  # .append, .insert
        return [ast.unparse(node.func.value)]
    return []


def binds(tree: ast.Module, name: str) -> bool:
    """Return whether the code assigns, defines or imports a name, or imports all of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
            return True
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return True
        if isinstance(node, ast.alias) and (node.asname or node.name) in (name, "*"):
            return True
    return False


def _imported(tree: ast.Module, path: str) -> Iterator[str]:
    """Return the dotted names, absolute, of the modules that code may import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                folder = path
                for _ in range(node.level):
                    folder = os.path.dirname(folder)
                base = f"{folder}{os.sep}{base.replace('.', os.sep)}".rstrip(os.sep)
                yield from (os.path.join(base, alias.name) for alias in node.names)
            else:
                yield from (f"{base}.{alias.name}" for alias in node.names)
            yield base


def _settings(path: str, script: str) -> list[str]:
    if path != script:
        return []
    with open(path, encoding="utf-8", errors="replace") as file:
        found = modules.SETTINGS.search(file.read())
    return [found[1]] if found else []


def files(name: str, folders: Sequence[str]) -> Iterator[str]:
    """Return the files of a module, and of the packages around it; none of our own."""
    if os.path.isabs(name):
        yield from filter(os.path.isfile, (f"{name}.py", os.path.join(name, "__init__.py")))
        return
    parts = name.split(".")
    if parts[0] == PACKAGE:  # which may lie beside the application's
        return
    for folder in folders:
        for count in range(1, len(parts) + 1):
            stem = os.path.join(folder, *parts[:count])
            yield from filter(os.path.isfile, (f"{stem}.py", os.path.join(stem, "__init__.py")))
