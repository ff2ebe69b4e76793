"""Whether the application's Python finds bytecode, or compiles everything at each restart."""

from __future__ import annotations

import ast
import glob
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from importlib.util import MAGIC_NUMBER, source_hash
from itertools import chain, islice
from typing import NamedTuple

from wsgireload.cli.apache import accounts, sites
from wsgireload.cli.apache.accounts import Account
from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.httpd import Httpd
from wsgireload.cli.apache.sites import Site
from wsgireload.cli.doctor import permissions, sources
from wsgireload.cli.doctor.finding import Finding, warn
from wsgireload.cli.installation import Installation
from wsgireload.cli.running import processes
from wsgireload.detect.bytecode import HEADER, stamp
from wsgireload.server.files import size
from wsgireload.server.libraries import STANDARD_LIBRARY, is_installed

MUCH = 200_000  # bytes of sources that are compiled at each restart: 0.1 s
MOST = 2000  # sources of one package
PACKAGES = "lib*/python{}/*-packages", "local/lib*/python{}/*-packages"
STANDARD = STANDARD_LIBRARY.rstrip(os.sep)
UNUSED = {"tests", "test", "testing", "idlelib", "lib2to3", "site-packages", "dist-packages"}
EARLY = "logging", "json", "threading", "subprocess", "ssl"  # few applications do without them


class Writer(NamedTuple):
    """How the application's Python keeps bytecode: who it is, and where.

    `level` is that of -O; `prefix` is PYTHONPYCACHEPREFIX; `never`: what keeps it from writing.
    """

    account: Account
    python: str
    level: int = 0
    prefix: str = ""
    never: str = ""

    def cache(self, source: str) -> str:
        """Return where Python looks for the bytecode of a source."""
        folder, name = os.path.split(source)
        level = f".opt-{self.level}" if self.level else ""
        file = f"{name.removesuffix('.py')}.{sys.implementation.cache_tag}{level}.pyc"
        if self.prefix:
            return os.path.join(self.prefix, os.path.relpath(folder, os.sep), file)
        return os.path.join(folder, "__pycache__", file)

    def may_write(self, cache: str) -> bool:
        """Return whether Python can write this file, and the folders that it needs."""
        folder = _existing(os.path.dirname(cache))
        return not self.never and permissions.is_writable(folder, self.account)

    def owner(self, folder: str) -> int:
        """Return the uid of the user who keeps bytecode for the sources in a folder."""
        return os.stat(_existing(self.prefix) if self.prefix else folder).st_uid


def _existing(folder: str) -> str:
    while not os.path.lexists(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return folder


def examine(
    site: Site, directives: Sequence[Directive], installation: Installation, httpd: Httpd
) -> Iterator[Finding]:
    """Warn where Python can neither use bytecode nor write it."""
    home = sites.python_home(site, directives)
    libraries = list(_libraries(home, installation, site))
    if installation.windows or not libraries or not os.access(site.script, os.R_OK):
        return  # of another Python the bytecode has another name, and another content
    writer = _writer(site, directives, home, httpd)
    folders, modules = sources.application(site)
    lacking: dict[str, int] = {}
    groups = _groups(folders, modules, libraries)
    # The images of Docker Hub lack the bytecode of Python's own library.
    is_ours = home in ("", installation.prefix, installation.base_prefix)
    standard = ((STANDARD, _package(os.path.join(STANDARD, name))) for name in EARLY)
    for folder, files in chain(groups, standard if is_ours else ()):
        if more := sum(map(size, _uncompiled(files, writer))):
            lacking[folder] = lacking.get(folder, 0) + more
    if sum(lacking.values()) >= MUCH:
        yield _finding(lacking, writer)


def _finding(lacking: dict[str, int], writer: Writer) -> Finding:
    named = ", ".join(f"{folder} ({total / 1e6:.1f} MB)" for folder, total in lacking.items())
    why = writer.never or f"{writer.account} cannot write __pycache__ there"
    text = f"each restart compiles modules anew, as {why}: {named}"
    by_owner: dict[int, list[str]] = {}
    for folder in lacking:
        by_owner.setdefault(writer.owner(folder), []).append(folder)
    commands = "; ".join(_command(uid, folders, writer) for uid, folders in by_owner.items())
    return warn("bytecode", text, f"after each deployment run: {commands}")


def _command(uid: int, folders: Sequence[str], writer: Writer) -> str:
    """Return what compiles folders for this Python, as their owner: that user may write there."""
    words = [] if uid == os.geteuid() else ["sudo"] if uid == 0 else ["sudo", "-u", _name(uid)]
    if writer.prefix:
        words += ["env", f"PYTHONPYCACHEPREFIX={writer.prefix}"]
    words += [writer.python, *(["-" + "O" * writer.level] if writer.level else [])]
    words += ["-m", "compileall", "-q"]
    inside = [each for folder in folders for each in _environments(folder)]
    words += ["-x", f"/({'|'.join(inside)})/"] if inside else []
    return shlex.join([*words, *folders])


def _environments(folder: str) -> list[str]:
    """Return the names of virtual environments in a folder, which is not one of packages."""
    found = (glob.glob(f"{glob.escape(folder)}/{hidden}*/pyvenv.cfg") for hidden in ("", "."))
    return [os.path.basename(os.path.dirname(each)) for those in found for each in those]


def _name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"


def _writer(site: Site, directives: Sequence[Directive], home: str, httpd: Httpd) -> Writer:
    environment = processes.environment(httpd.pid) or httpd.environment
    optimize = sites.server_wide(directives, "wsgipythonoptimize")
    never = ""
    if sites.server_wide(directives, "wsgidontwritebytecode").lower() == "on":
        never = "WSGIDontWriteBytecode is on"
    elif environment.get("PYTHONDONTWRITEBYTECODE"):
        never = "Apache's environment has PYTHONDONTWRITEBYTECODE"
    elif _forbids(site.script):
        never = f"{site.script} sets sys.dont_write_bytecode"
    python = os.path.join(home, "bin", "python") if home else sys.executable
    level = min(int(optimize), 2) if optimize.isdecimal() else 0
    prefix = environment.get("PYTHONPYCACHEPREFIX", "")
    return Writer(accounts.of_site(site, httpd.dump), python, level, prefix, never)


def _forbids(script: str) -> bool:
    nodes = (node for tree in sources.trees([script]) for node in ast.walk(tree))
    set_to = (ast.unparse(each) for each in nodes if isinstance(each, ast.Assign))
    return "sys.dont_write_bytecode = True" in set_to


def _libraries(home: str, installation: Installation, site: Site) -> Iterator[str]:
    """Return the folders of packages that the application's Python has, if it is of our version."""
    version = installation.version
    homes = [home] if home else [installation.prefix, installation.base_prefix]
    for pattern in (os.path.join(glob.escape(one), each) for one in homes for each in PACKAGES):
        yield from glob.iglob(pattern.format(version))
    if not home:
        yield from filter(os.path.isdir, ("/usr/lib/python3/dist-packages",))
    yield from filter(is_installed, site.folders)


def _groups(
    folders: Sequence[str], modules: Sequence[str], libraries: Sequence[str]
) -> Iterator[tuple[str, list[str]]]:
    """Return sources that a process loads, as far as known, with the folder to compile."""
    for module in modules[1:]:  # mod_wsgi keeps no bytecode of the script
        inside = [each for each in folders if module.startswith(each + os.sep)]
        if inside and not is_installed(module):
            yield max(inside, key=len), [module]
    imported = (name for tree in sources.trees(modules) for name in sources.imports(tree))
    names = {name.partition(".")[0] for name in imported}
    for library in {os.path.realpath(each): each for each in libraries}.values():
        for name in sorted({*names, "wsgireload"}):
            yield library, _package(os.path.join(library, name))


def _package(path: str) -> list[str]:
    """Return the sources of a package or a module, but for its tests."""
    if os.path.isfile(f"{path}.py"):
        return [f"{path}.py"]
    return list(islice(_walk(path), MOST)) if os.path.isfile(f"{path}/__init__.py") else []


def _walk(path: str) -> Iterator[str]:
    for folder, inside, files in os.walk(path):
        inside[:] = sorted(each for each in inside if each not in UNUSED)
        yield from (os.path.join(folder, each) for each in sorted(files) if each.endswith(".py"))


def _uncompiled(files: Sequence[str], writer: Writer) -> list[str]:
    """Return the sources that Python compiles at each start.

    Nothing of a package whose first file has its bytecode: what else has none is not imported.
    """
    caches = {file: writer.cache(file) for file in files}
    stale = [each for each, cache in caches.items() if not _is_fresh(cache, each)]
    if len(files) > 1 and files[0] not in stale:
        stale = [each for each in stale if os.path.lexists(caches[each])]
    return [each for each in stale if not writer.may_write(caches[each])]


def _is_fresh(cache: str, source: str) -> bool:
    """Return whether Python takes a cache for that of a source (PEP 552)."""
    try:
        with open(cache, "rb") as file:
            head = file.read(HEADER)
        if head[:4] != MAGIC_NUMBER or len(head) < HEADER:
            return False
        if not head[4] & 1:
            return head[8:] == stamp(os.stat(source))
        if not head[4] & 2:  # it is never compared
            return True
        with open(source, "rb") as file:
            return head[8:] == source_hash(file.read())
    except OSError:
        return not os.access(source, os.R_OK)
