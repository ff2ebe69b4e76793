"""Importers: the source that would fail in a new process, as a module that it imports is gone."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import zipfile
from collections.abc import Iterator
from importlib.machinery import FileFinder, ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from wsgireload.changes import DELETED, Change
from wsgireload.detect.importers import Importers
from wsgireload.detect.links import Links
from wsgireload.detect.search import MOST

GONE = Change(b"missing", DELETED, is_python=True, unfinished=True, is_code=True)


class Site:
    """An application in a folder, of which modules are loaded and then changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.checks = 0
        self.files: dict[str, Change] = {}
        self.importers = Importers(Links([str(root)]), self.check)

    def check(self) -> None:
        self.checks += 1

    def write(self, name: str, text: str = "") -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def load(self, *names: str) -> None:
        importlib.invalidate_caches()
        for name in names:
            importlib.import_module(name)

    def edit(self, name: str, text: str) -> None:
        self.write(name, text)
        self.files[str(self.root / name)] = Change(text.encode(), is_python=True, is_code=True)

    def delete(self, *names: str) -> None:
        for name in names:
            (self.root / name).unlink()
            self.files[str(self.root / name)] = GONE

    def found(self) -> tuple[str, str, int] | None:
        """What is gone, and where it is imported: paths are those below the folder."""
        if (found := self.importers(dict(self.files))) is None:
            return None
        gone, path = (
            each.removeprefix(f"{self.root}{os.sep}").replace(os.sep, "/") for each in found[:2]
        )
        return gone, path, found.line


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A package and two modules beside it, whose imports a test adds."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    made = Site(tmp_path)
    for name in ("inner.py", "pack/__init__.py", "pack/low.py", "pack/deep/__init__.py"):
        made.write(name)
    made.load("inner", "pack.low", "pack.deep")
    yield made
    for name in set(sys.modules) - before:
        del sys.modules[name]
    for folder in [each for each in sys.path_importer_cache if each.startswith(str(tmp_path))]:
        del sys.path_importer_cache[folder]


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("import inner", "inner.py"),
        ("import os, inner as other", "inner.py"),
        ("from inner import *", "inner.py"),
        ("import os; import inner", "inner.py"),
        ("from pack import (  # (one\n    deep,\n    low,  # )\n)", "pack/low.py"),
        ("from pack import \\\n  low", "pack/low.py"),
        ("import pack.low", "pack/low.py"),
        ("from pack.low import *", "pack/low.py"),
        ("from pack import deep, low", "pack/low.py"),
        ("from pack import low as deep", "pack/low.py"),
    ],
)
def test_an_import(site: Site, text: str, gone: str) -> None:
    """Each form of the statement counts; its line is the first one."""
    site.write("views.py", f"\n{text}\n")
    site.load("views")
    assert site.found() is None
    site.delete(gone)
    assert site.found() == (gone, "views.py", 2)
    assert site.checks > 100


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("pack/views.py", "from . import low"),
        ("pack/views.py", "from .low import *"),
        ("pack/deep/views.py", "from .. import low"),
        ("pack/deep/views.py", "from ..low import *"),
        ("pack/deep/__init__.py", "from ..low import *"),
    ],
)
def test_a_relative_import(site: Site, source: str, text: str) -> None:
    """It begins in the package of the source."""
    site.write(source)
    site.load(source.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    site.edit(source, text)
    site.delete("pack/low.py")
    assert site.found() == ("pack/low.py", source, 1)


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    import inner",
        "try:\n    import inner\nexcept ImportError:\n    inner = None",
        "with suppress(ImportError):\n    import inner",
        "if TYPE_CHECKING:\n    import inner",
        "if DEBUG:\n    import inner",
        '"""Usage:\n\nimport inner\n"""',
        "class A:\n    import inner",
        "import importlib  # not inner",
        "import os.inner",
        "from os import inner",
        "from os import path",
    ],
)
def test_what_may_do_without_it(site: Site, text: str) -> None:
    """An import that need not run, or may fail, or is of something else."""
    site.write("views.py")
    site.load("views")
    site.edit("views.py", text)
    site.delete("inner.py")
    assert site.found() is None


def test_what_the_importer_is_now(site: Site) -> None:
    """Its text on disk counts, and one that is gone itself has no say; nor has one not loaded."""
    site.write("views.py", "import inner")
    site.write("other.py", "import inner")
    site.write("inner_two.py")
    site.load("views")
    site.delete("inner.py")
    assert site.found() == ("inner.py", "views.py", 1)
    site.edit("views.py", "import os\n\nimport inner\n")
    assert site.found() == ("inner.py", "views.py", 3)
    site.edit("views.py", "import inner_two\n")
    assert site.found() is None
    site.edit("views.py", "import inner\n")
    site.delete("views.py")
    assert site.found() is None


@pytest.mark.parametrize(
    "other", ["inner/__init__.py", "late/inner.py", "inner.pyc", "late/inner/__init__.py"]
)
def test_another_file_serves_the_name(site: Site, other: str) -> None:
    """Nothing is lost where a new process would find the module elsewhere, from now on or later."""
    sys.path.append(str(site.root / "late"))
    site.write("late/x.py")
    site.write("views.py", "import inner")
    site.load("views", "x")
    site.delete("inner.py")
    assert site.found() == ("inner.py", "views.py", 1)
    site.write(other)
    assert site.found() is None


def test_a_folder_whose_time_has_not_changed(site: Site) -> None:
    """Python's own finders take such a folder for unchanged: file times are coarse."""
    site.write("views.py", "import inner")
    site.load("views")
    site.delete("inner.py")
    before = site.root.stat()
    assert site.found() == ("inner.py", "views.py", 1)
    site.write("inner.pyc")
    os.utime(site.root, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert site.found() is None


def test_a_package_that_became_a_module(site: Site) -> None:
    """It is found; what was in it is not."""
    site.write("views.py", "import pack")
    site.load("views")
    site.delete("pack/__init__.py", "pack/low.py", "pack/deep/__init__.py")
    shutil.rmtree(site.root / "pack")
    assert site.found() == ("pack/__init__.py", "views.py", 1)
    site.write("pack.py")
    assert site.found() is None
    site.edit("views.py", "import pack.low")
    assert site.found() == ("pack/low.py", "views.py", 1)


@pytest.mark.parametrize("by_git", [True, False])
def test_a_folder_that_stays(site: Site, by_git: bool) -> None:
    """A folder without its `__init__.py` is a package as long as there is more than bytecode."""
    site.write("views.py", "from pack.low import *\nimport pack\n")
    site.write("pack/__pycache__/low.cpython-311.pyc")
    site.load("views")
    site.delete("pack/__init__.py")
    if by_git:
        site.delete("pack/low.py")
        shutil.rmtree(site.root / "pack/deep")
        assert site.found() == ("pack/__init__.py", "views.py", 1)
    else:
        assert site.found() is None
        site.edit("views.py", "from pack import low")
        assert site.found() is None
        site.edit("views.py", "from pack import create_app")
        assert site.found() == ("pack/__init__.py", "views.py", 1)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("low = 1", False),
        ("def low(): 0", False),
        ("from os import path as low", False),
        ("def __getattr__(name): return 1", False),
        ("__getattr__, __all__ = attach(__name__, ['low'])", False),
        ("# low\n__all__ = ['low']", True),
    ],
)
def test_a_name_of_the_package_itself(site: Site, text: str, is_found: bool) -> None:
    """`from pack import low` needs no module where the package has such a name."""
    site.write("views.py", "from pack import low")
    site.load("views")
    site.edit("pack/__init__.py", text)
    site.delete("pack/low.py")
    assert site.found() == (("pack/low.py", "views.py", 1) if is_found else None)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("low = 1", False),
        ("from .._new import *", False),
        ("from . import *\nfrom .. import *", True),
    ],
)
def test_a_name_that_the_package_imports(site: Site, text: str, is_found: bool) -> None:
    """It may have all names of another module, as far as that has such a name."""
    site.write("views.py", "from pack import low")
    site.load("views")
    site.edit("pack/__init__.py", "from .deep import *")
    site.edit("pack/deep/__init__.py", text)
    site.write("pack/_new.py", "def low(): 0")
    site.delete("pack/low.py")
    assert site.found() == (("pack/low.py", "views.py", 1) if is_found else None)


@pytest.mark.parametrize(
    "text",
    [
        "import sys\nsys.path.insert(0, 'src')",
        "from sys import path",
        "sys.path_hooks.append(Hook)",
        "sys.modules['inner'] = os",
        "sys.modules.setdefault('inner', os)",
        "__path__ = pkgutil.extend_path(__path__, __name__)",
        "__path__.append('src')",
        "addsitedir(x)",
        "exec(open('/srv/venv/bin/activate_this.py').read())",
    ],
)
def test_a_new_process_may_search_elsewhere(site: Site, text: str) -> None:
    """Where a changed source, or a .pth file, may change that, nothing is known."""
    site.write("views.py", "import inner")
    site.write("settings.py")
    site.load("views", "settings")
    site.delete("inner.py")
    assert site.found() is not None
    site.edit("settings.py", "iter_modules(__path__)\nsys.modules[__name__].low")
    assert site.found() is not None
    site.edit("settings.py", text)
    assert site.found() is None
    del site.files[str(site.root / "settings.py")]
    assert site.found() is not None
    site.edit("a.pth", "src")
    assert site.found() is None


def test_many_at_once(site: Site) -> None:
    """As a deployment that removes a whole layer: what still imports one of them is found."""
    names = [f"m{number}" for number in range(40)]
    for name in names:
        site.write(f"{name}.py")
    site.write("views.py", "import m3_other, inner")
    site.write("m3_other.py")
    site.load(*names, "views")
    site.delete(*(f"{name}.py" for name in names))
    assert site.found() is None
    site.edit("views.py", "import inner, m3")
    assert site.found() == ("m3.py", "views.py", 1)


def test_libraries(site: Site) -> None:
    """Installed ones do not count as importers, but may be what is gone."""
    library = site.root / "site-packages"
    sys.path.append(str(library))
    site.write("site-packages/lib.py", "import inner")
    site.load("lib")
    site.delete("inner.py")
    assert site.found() is None
    site.write("views.py", "import lib")
    site.load("views")
    site.delete("site-packages/lib.py")
    assert site.found() == ("site-packages/lib.py", "views.py", 1)


def test_an_archive(site: Site) -> None:
    """Its modules and packages are gone with it, also where Python still knows its directory."""
    archive = site.root / "lib.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("inside.py", "")
        file.writestr("pack2/__init__.py", "")
        file.writestr("pack2/low.py", "")
    sys.path.append(str(archive))
    site.write("views.py", "import pack2.low")
    site.write("other.py", "import inside")
    site.load("views", "other")
    assert site.found() is None
    archive.unlink()
    site.files[str(archive)] = Change(b"missing", DELETED, unfinished=True, is_code=True)
    assert site.found() == ("lib.zip", "views.py", 1)
    site.edit("views.py", "")
    assert site.found() == ("lib.zip", "other.py", 1)
    site.write("inside.py")
    assert site.found() is None


@pytest.mark.parametrize(
    ("source", "text", "module"),
    [
        ("views.py", "import os, later", "later"),
        ("views.py", "import later.deep", "later"),
        ("views.py", "from later import name", "later"),
        ("views.py", "import pack.later", "pack.later"),
        ("pack/low.py", "from .later import name", "pack.later"),
        ("pack/low.py", "import os\\\n, later", "later"),
    ],
)
def test_a_module_that_is_not_there_yet(site: Site, source: str, text: str, module: str) -> None:
    """As in half of an upload. It is found once it comes, in any folder of the search path."""
    site.write("views.py", "import pack.low")
    site.load("views")
    site.edit(source, text)
    assert site.found() == site.found() == (module, source, 1)
    sys.path.append(str(site.root / "late"))
    folder = "pack" if module.startswith("pack") else "late"
    site.write(f"{folder}/later/deep.py")
    site.write(f"{folder}/later/__init__.py")
    assert site.found() is None


@pytest.mark.parametrize(
    "text",
    [
        "import os.path, inner, pack.low",
        "from pack import later",  # it may be any name
        "from . import later",
        "try:\n    import later\nexcept ImportError:\n    later = None",
        "def f():\n    import later",
        '"""Usage:\n\nimport later\n"""',
        "import hooked",
        "import blocked.later",
        "import inner.later",  # no package: another mistake
        "import sys\nsys.path.append('src')\nimport later",
        "import later\n(",
    ],
)
def test_modules_that_may_be_there(site: Site, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are loaded, that any finder finds, or that need not be there."""

    class Hook:
        def find_spec(self, name: str, *_more: object) -> ModuleSpec | None:
            return ModuleSpec(name, None) if name == "hooked" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Hook()])
    monkeypatch.setitem(sys.modules, "blocked", None)
    site.write("pack/views.py")
    site.load("pack.views")
    site.edit("pack/views.py", text)
    assert site.found() is None


def test_a_source_that_is_not_loaded(site: Site) -> None:
    """A new file, and one of a library, import what they like."""
    site.write("site-packages/lib.py")
    sys.path.append(str(site.root / "site-packages"))
    site.load("lib")
    site.edit("site-packages/lib.py", "import later")
    site.edit("new.py", "import later")
    assert site.found() is None


def test_a_release_that_is_switched(site: Site) -> None:
    """Modules that were loaded by their real path are looked for by the link."""
    for number in (1, 2):
        site.write(f"r{number}/there.py", "import lost")
    site.write("r1/lost.py")
    current = site.root / "current"
    current.symlink_to("r1")
    sys.path.append(str(site.root / "r1"))
    site.load("there")
    site.importers = Importers(Links([str(current)]), site.check)
    current.unlink()
    current.symlink_to("r2")
    site.files[str(current / "lost.py")] = GONE
    assert site.found() == ("current/lost.py", "current/there.py", 1)


def test_a_new_module_of_another_release(site: Site) -> None:
    """The new process finds it, though this one searches the old release by its real path."""
    for number, text in enumerate(("", "import fresh, boxed.fresh, absent"), 1):
        site.write(f"r{number}/there.py", text)
        site.write(f"r{number}/boxed/__init__.py")
    site.write("r2/fresh.py")
    site.write("r2/boxed/fresh.py")
    current = site.root / "current"
    current.symlink_to("r1")
    sys.path.append(str(site.root / "r1"))
    site.load("there", "boxed")
    site.importers = Importers(Links([str(current)]), site.check)
    current.unlink()
    current.symlink_to("r2")
    site.files[str(current / "there.py")] = Change(b"new", is_python=True, is_code=True)
    assert site.found() == ("absent", "current/there.py", 1)
    site.write("r2/absent.py")
    assert site.found() is None


@pytest.mark.parametrize("is_loaded", [False, True])
def test_a_folder_of_the_search_path_that_comes(site: Site, is_loaded: bool) -> None:
    """Python has noted that there is no such folder; a new process would not know."""
    sys.path.insert(0, str(site.root / "vendor"))
    site.write("views.py", "import inner")
    site.load("views")
    if is_loaded:
        site.delete("inner.py")
    else:
        site.edit("views.py", "import later")
    assert sys.path_importer_cache[sys.path[0]] is None
    assert site.found() is not None
    site.write("vendor/inner.py")
    site.write("vendor/later.py")
    assert site.found() is None


def test_a_new_module_of_an_archive(site: Site) -> None:
    """Python knows the directory of the archive that it has loaded, not of the new one."""
    archive = site.root / "lib.zip"
    sys.path.append(str(archive))
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("inside.py", "")
    site.write("views.py", "import inside")
    site.load("views")
    site.edit("views.py", "import later")
    assert site.found() == ("later", "views.py", 1)
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("later.py", "")
    site.files[str(archive)] = Change(b"new", is_code=True)
    assert site.found() is None


def load_plugins(site: Site) -> None:
    """Load two, as many applications do: by a folder that is searched for a moment only."""
    site.write("plugins/first.py", "import second")
    site.write("plugins/second.py")
    sys.path.insert(0, str(site.root / "plugins"))
    site.load("first")
    del sys.path[0]


def test_a_new_module_of_plugins(site: Site) -> None:
    """A folder that was searched while a source was loaded is searched for its imports."""
    load_plugins(site)
    site.edit("plugins/first.py", "import second, third")
    assert site.found() == ("third", "plugins/first.py", 1)
    site.write("plugins/third.py")
    assert site.found() is None


def test_a_plugin_that_became_a_package(site: Site) -> None:
    """A folder that was searched while a module was loaded is searched once it is gone."""
    load_plugins(site)
    site.delete("plugins/second.py")
    assert site.found() == ("plugins/second.py", "plugins/first.py", 1)
    site.write("plugins/second/__init__.py")
    assert site.found() is None


def test_a_folder_that_was_never_searched(site: Site) -> None:
    """A script imports nothing from its own folder, unless that is in the search path."""
    site.write("scripts/later.py")
    path = site.root / "scripts" / "site.wsgi"
    script = ModuleType("_mod_wsgi_1")
    script.__file__ = str(path)
    sys.path_importer_cache[str(path.parent)] = FileFinder(str(path.parent))  # as a package's
    sys.modules[script.__name__] = script
    site.edit("scripts/site.wsgi", "import later")
    assert site.found() == ("later", "scripts/site.wsgi", 1)


@pytest.mark.parametrize(
    "texts",
    [
        {"paths.py": "import sys\nsys.path.append('lib')"},
        {"paths.py": "import paths2", "paths2/__init__.py": "from sys import path"},
    ],
)
def test_a_new_module_that_searches_elsewhere(site: Site, texts: dict[str, str]) -> None:
    """What a changed source imports for the first time may change where Python searches."""
    site.write("views.py")
    site.load("views")
    site.edit("views.py", "import paths\nimport later")
    site.write("paths.py")
    assert site.found() == ("later", "views.py", 2)
    site.files.clear()
    assert site.found() is None
    for name, text in texts.items():
        site.write(name, text)
    site.edit("views.py", "import paths\nimport later")
    assert site.found() is None


def test_many_new_modules(site: Site) -> None:
    """A library that is new in a folder of the application's is not searched to its end."""
    for number in range(1000):
        site.write(f"new{number}.py", f"import new{number + 1}")
    site.write("views.py")
    site.load("views")
    site.edit("views.py", "import new0\nimport later")
    before = site.checks
    assert site.found() == ("later", "views.py", 2)
    assert site.checks - before < len(sys.modules) + 2 * MOST


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_package_that_moves(site: Site, is_kept: bool) -> None:
    """As one that is copied to be changed: Python would find the new one first, or only that."""
    sys.path.insert(0, str(site.root / "vendor"))
    site.write("vendor/inner.py")
    site.write("views.py", "import pack.low")
    site.load("views")
    site.write("vendor/pack/__init__.py")
    site.write("vendor/pack/low.py")
    site.edit("views.py", "import pack.later")
    assert site.found() == ("pack.later", "views.py", 1)
    site.write("vendor/pack/later.py")
    if not is_kept:
        shutil.rmtree(site.root / "pack")
    assert site.found() is None


def test_a_module_by_a_second_name(site: Site) -> None:
    """Its relative imports begin in its own package, by whatever name others import it."""
    site.write("pack/views.py")
    site.load("pack.views")
    sys.modules["settings"] = sys.modules["pack.views"]
    site.edit("pack/views.py", "from .low import *\nfrom .later import *")
    assert site.found() == ("pack.later", "pack/views.py", 2)
    site.write("pack/later.py")
    assert site.found() is None
    site.delete("pack/low.py")
    assert site.found() == ("pack/low.py", "pack/views.py", 1)


def test_the_same_files_are_searched_once(site: Site) -> None:
    """Each step asks: neither with an importer nor without one is everything read again."""
    site.write("views.py", "import inner")
    site.load("views")
    site.delete("inner.py")
    for text in ("import inner", "import os"):
        site.edit("views.py", text)
        before, checks = site.found(), site.checks
        assert (site.found(), site.checks) == (before, checks)


def test_modules_of_any_kind(site: Site) -> None:
    """A package that has lost its folders raises nothing, and holds nothing."""
    site.write("views.py", "import pack.low")
    site.load("views")
    del sys.modules["pack"].__path__
    site.delete("pack/low.py")
    assert site.found() is None


def test_an_object_in_place_of_a_module(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no package, and keeps no other import from being judged."""
    monkeypatch.setitem(sys.modules, "thing", object())  # type: ignore[arg-type]
    site.write("views.py")
    site.load("views")
    site.edit("views.py", "import thing.part\nimport later")
    assert site.found() == ("later", "views.py", 2)
