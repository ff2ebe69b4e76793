"""Tracked: the files that the tracked paths mean now."""

from __future__ import annotations

import errno
import ntpath
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.standins import Lines

from wsgireload.detect import folders, globs, tracked
from wsgireload.detect.digest import RACY_NS
from wsgireload.detect.folders import Folders
from wsgireload.detect.globs import Ignored
from wsgireload.detect.tracked import MOST_WAYS, Tracked
from wsgireload.log import Log
from wsgireload.watch.wakeup import NoEvents


class StopScan(BaseException):
    """Raised by a checkpoint to end a scan."""


class Tree(Lines):
    """A folder to put files into, what tracking paths in it means, and what is logged."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    def put(self, *names: str) -> Tree:
        """Create files and their folders; a name ending in / is a folder."""
        for name in names:
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir() if name.endswith("/") else path.write_bytes(b"")
        return self

    def tracking(self, *names: str, ignore: Iterable[str] = ()) -> Callable[[], set[str]]:
        """What these paths mean, each time it is called."""
        found = self.tracked(ignore)
        found.add(self.at(name) for name in names)
        return lambda: {self.short(path) for path, _ in found.files()}

    def tracked(
        self, ignore: Iterable[str] = (), checkpoint: Callable[[], None] = lambda: None
    ) -> Tracked:
        """Nothing is tracked yet."""
        return Tracked(Ignored(ignore), Folders(NoEvents().listen_in, self, checkpoint))

    def means(self, *names: str, ignore: Iterable[str] = ()) -> set[str]:
        """What these paths mean now."""
        return self.tracking(*names, ignore=ignore)()

    def at(self, name: str) -> str:
        """The whole path."""
        return str(self.root / name)

    def short(self, path: str) -> str:
        """The path without that of the tree."""
        return path.removeprefix(f"{self.root}/")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """An empty folder."""
    return Tree(tmp_path)


ALL = {"app/a.html", "app/b.txt", "app/.env", "app/in/c.html", "app/in/deep/d.html"}
ALL |= {"app/.hidden/h.html"}


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("app/a.html", {"app/a.html"}),
        ("app/no.html", {"app/no.html"}),
        ("no/no.html", {"no/no.html"}),
        ("app", ALL),
        ("app/**", ALL),
        ("app/*.html", {"app/a.html"}),
        ("app/*", {"app/a.html", "app/b.txt", "app/in/c.html", "app/in/deep/d.html"}),
        ("app/?.html", {"app/a.html"}),
        ("app/[ab].*", {"app/a.html", "app/b.txt"}),
        ("app/[!a].*", {"app/b.txt"}),
        ("app/.*", {"app/.env", "app/.hidden/h.html"}),
        ("*/*.html", {"app/a.html", "app2/e.html"}),
        ("app/**/*.html", {"app/a.html", "app/in/c.html", "app/in/deep/d.html"}),
        ("app/**/deep/*", {"app/in/deep/d.html"}),
        ("app/**/*", {"app/a.html", "app/b.txt", "app/in/c.html", "app/in/deep/d.html"}),
        ("**/in", {"app/in/c.html", "app/in/deep/d.html"}),
        ("**/**/d.html", {"app/in/deep/d.html"}),
        ("no/*.html", set()),
        ("app/*.css", set()),
        ("app/a.html/*", set()),
    ],
)
def test_what_a_path_means(name: str, means: set[str], tree: Tree) -> None:
    """Folders and globs mean files, and everything below a folder; `*` leaves out hidden ones."""
    tree.put("app/a.html", "app/b.txt", "app/.env", "app/in/c.html", "app/in/deep/d.html")
    tree.put("app/.hidden/h.html", "app2/e.html", "app/empty/")
    assert tree.means(name) == means
    assert tree.lines == []


@pytest.fixture
def deep(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A file below more folders than Python's calls may be nested; removed by rm, which can."""
    monkeypatch.chdir(tree.root)
    for _ in range(1200):
        Path("a").mkdir()
        os.chdir("a")
    Path("b.html").touch()
    yield "a/" * 1200 + "b.html"
    subprocess.run(["rm", "-r", tree.at("a")], check=True)


def test_a_short_name_to_ignore(tree: Tree) -> None:
    """The name `?` means all names of one character, and not the root of all paths."""
    assert tree.put("app/a", "app/ab").means("app", ignore=["?"]) == {"app/ab"}


def test_deep_folders(tree: Tree, deep: str) -> None:
    """Folders may be nested more deeply than Python's calls."""
    assert tree.means("a") == tree.means("**/*.html") == {deep}


@pytest.mark.parametrize(
    "name",
    [
        *("__pycache__/a.cpython-311.pyc", "a.pyc", ".git/HEAD", ".hg/x", ".svn/x", "a.py~"),
        *(".a.py.swp", ".#a.py", "#a.py#", "4913", ".DS_Store", "debug.log", "x.pid"),
        *("db.sqlite3", "db.sqlite3-wal", "data.db", "data.db-journal"),
        *("12-0123456789abcdef.state", "1-0123456789abcdef.restart"),
        *("0123456789abcdef.call", "0123456789abcdef.roll"),
        *("0123456789abcdef.journal", "0123456789abcdef.journal.0123456789abcdef.new"),
        *("0123456789abcdef.preflight", "journal.lock", "0123456789abcdef.wait"),
        *("0123456789abcdef.written", "0123456789abcdef.written.0123456789abcdef.new"),
        *("0123456789abcdef.pause", "0123456789abcdef.pause.0123456789abcdef.new"),
        *(".page.html.a1B2c3", ".~tmp~/page.html"),
    ],
)
def test_litter_is_left_out(name: str, tree: Tree) -> None:
    """What editors, version control and the program itself leave in a folder does not count."""
    tree.put("app/a.py", f"app/{name}", f"app/in/{name}")
    assert tree.means("app", "app/**/*") == {"app/a.py"}


def test_litter_counts_where_it_is_named(tree: Tree) -> None:
    """A file that is tracked by its own name always counts."""
    tree.put("app/debug.log")
    assert tree.means("app/debug.log") == {"app/debug.log"}


def test_files_come_and_go(tree: Tree) -> None:
    """What is put into a folder or removed from it counts in the next scan."""
    means = tree.put("app/in/a.html").tracking("app", "app/**/*.txt")
    assert means() == {"app/in/a.html"}
    tree.put("app/in/b.txt", "app/more/deep/c.txt")
    assert means() == {"app/in/a.html", "app/in/b.txt", "app/more/deep/c.txt"}
    (tree.root / "app/in/a.html").unlink()
    assert means() == {"app/in/b.txt", "app/more/deep/c.txt"}


def test_a_path_becomes_a_folder_and_goes(tree: Tree) -> None:
    """A missing path means itself, a folder its files, and a folder that was removed nothing."""
    means = tree.tracking("app")
    assert means() == {"app"}
    tree.put("app/a.html")
    assert means() == {"app/a.html"}
    (tree.root / "app").rename(tree.root / "old")
    assert means() == set()
    tree.put("app/b.html")
    assert means() == {"app/b.html"}


def test_a_folder_becomes_a_file(tree: Tree) -> None:
    """A file in place of a tracked folder counts."""
    means = tree.put("app/").tracking("app")
    assert means() == set()
    (tree.root / "app").rmdir()
    tree.put("app")
    assert means() == {"app"}


@pytest.mark.parametrize("name", ["a[1].html", "what?", "a*", "**"])
def test_a_name_that_looks_like_a_glob(name: str, tree: Tree) -> None:
    """A file or folder that really has that name is meant, and nothing that would match it."""
    tree.put(name, "a1.html", "whatx", "folder/[x]/y", "folder/x")
    assert tree.means(name) == {name}
    assert tree.means("folder/[x]") == {"folder/[x]/y"}


def test_what_is_added_twice_is_there_once(tree: Tree) -> None:
    """Tracking the same path again changes nothing."""
    found = tree.tracked()
    found.add(["/srv/a", "/srv/b", "/srv/a"])
    found.add(["/srv/b"])
    assert list(found.files()) == [("/srv/a", False), ("/srv/b", False)]
    found.add(["/srv/b", "/srv/c"])
    assert list(found.files()) == [("/srv/a", True), ("/srv/b", True), ("/srv/c", False)]


def test_links_to_folders_are_followed(tree: Tree) -> None:
    """A linked folder counts, by the path of the link; its target may change."""
    tree.put("1/a.html", "2/b.html", "app/")
    means, link = tree.tracking("app"), tree.root / "app/current"
    link.symlink_to(tree.root / "1")
    assert means() == {"app/current/a.html"}
    link.unlink()
    link.symlink_to(tree.root / "2")
    assert means() == {"app/current/b.html"}


def test_folders_that_all_link_to_each_other(tree: Tree) -> None:
    """Ten have ten million ways through them. Each file is found at its own path, and by a few."""
    for one in range(10):
        tree.put(f"app/v{one}/in/page.html")
        for other in {*range(10)} - {one}:
            (tree.root / f"app/v{one}/to{other}").symlink_to(f"../v{other}")
    found = tree.means("app")
    assert found >= {f"app/v{one}/in/page.html" for one in range(10)}
    assert found >= {f"app/v{one}/to{(one + 1) % 10}/in/page.html" for one in range(10)}
    assert len(found) <= 10 * (1 + MOST_WAYS)


def test_links_round_in_a_circle(tree: Tree) -> None:
    """Links that lead back up, to each other or to themselves neither hang nor raise."""
    tree.put("app/in/a.html")
    (tree.root / "app/in/up").symlink_to(tree.root / "app")
    (tree.root / "app/in/here").symlink_to(tree.root / "app/in")
    (tree.root / "app/self").symlink_to(tree.root / "app/self")
    (tree.root / "app/gone").symlink_to(tree.root / "nowhere")
    means = {"app/in/a.html", "app/self", "app/gone"}
    assert tree.means("app") == means
    assert tree.means("app/**/*") == means
    assert tree.lines == []


def test_the_same_folder_twice(tree: Tree) -> None:
    """Two links to one folder side by side are no circle."""
    tree.put("real/a.html", "app/")
    for name in ("x", "y"):
        (tree.root / "app" / name).symlink_to(tree.root / "real")
    assert tree.means("app") == {"app/x/a.html", "app/y/a.html"}


@pytest.mark.parametrize("number", [errno.EACCES, errno.EMFILE, errno.EIO])
def test_an_unreadable_folder_is_trouble(
    number: int, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that may not be read is logged and left out; the others count."""
    fake = SimpleNamespace(**vars(os))

    def scandir(path: str) -> object:
        if path.endswith("closed"):
            raise OSError(number, os.strerror(number), path)
        return os.scandir(path)

    fake.scandir = scandir
    tree.put("app/a.html", "app/closed/b.html")
    monkeypatch.setattr(folders, "os", fake)
    assert tree.means("app") == {"app/a.html"}
    closed = f"cannot read {tree.at('app/closed')}: {os.strerror(number)}"
    lines = {
        errno.EMFILE: f"watching: cannot open any file: {os.strerror(number)}; retrying",
    }
    assert tree.lines == [
        lines.get(number, f"watching: {closed}; assuming that it has not changed")
    ]


def test_ignored_files_do_not_count(tree: Tree) -> None:
    """Ignored files are left out, even if they are tracked by name."""
    tree.put("app/a.py", "app/node_modules/b/c.js", "app/x.txt", "app/cache/d.txt")
    ignore = ["node_modules", "*.txt", tree.at("app/cache")]
    assert tree.means("app", "app/x.txt", ignore=ignore) == {"app/a.py"}


@pytest.mark.parametrize("ignore", ["node_modules", "{root}/app/node_modules", "{root}/**/node_*"])
def test_ignored_folders_are_not_entered(
    ignore: str, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ignored folder is not read."""
    entered: list[str] = []
    fake = SimpleNamespace(**vars(os))
    fake.scandir = lambda path: (entered.append(tree.short(path)), os.scandir(path))[1]
    tree.put("app/a.py", "app/node_modules/b/c.js")
    monkeypatch.setattr(folders, "os", fake)
    assert tree.means("app", ignore=[ignore.format(root=tree.root)]) == {"app/a.py"}
    assert entered == ["app"]


class Counting:
    """Folders of our own making, and how often they were read."""

    def __init__(self, patch: pytest.MonkeyPatch, names: Iterable[str], age: int) -> None:
        self.names = list(names)
        self.read = 0
        self.checks = 0
        fake = SimpleNamespace(**vars(os))
        fake.stat = lambda _path: SimpleNamespace(
            st_mtime_ns=10**18, st_ctime_ns=10**18, st_dev=1, st_ino=2
        )
        fake.scandir = lambda _path: nullcontext(self._entries())
        patch.setattr(folders, "os", fake)
        log = Log("app")
        self.folders = Folders(NoEvents().listen_in, log, self._check, wall_ns=lambda: 10**18 + age)

    def files(self) -> list[str]:
        """What is in the folder."""
        listing = self.folders.listing("/srv/app")
        assert listing is not None
        return listing.files

    def _entries(self) -> Iterator[SimpleNamespace]:
        self.read += 1
        kind = {"is_dir": lambda: False, "is_file": lambda: True}
        return (SimpleNamespace(name=name, **kind) for name in self.names)

    def _check(self) -> None:
        self.checks += 1


def test_a_folder_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of 100,000 files is read once; while its own stat stands still, not again."""
    counting = Counting(monkeypatch, (f"{number}.html" for number in range(100_000)), 2 * RACY_NS)
    assert len(counting.files()) == len(counting.files()) == 100_000
    assert counting.read == 1
    assert counting.checks == 2


def test_a_missing_folder_comes(tree: Tree) -> None:
    """A folder whose arrival is an event is registered whole once it is there; it is not polled."""
    registered: list[tuple[str, bool]] = []

    def listen_in(folder: str) -> bool:
        registered.append((tree.short(folder), Path(folder).is_dir()))
        return True

    folders = Folders(listen_in, tree, lambda: None)
    assert folders.listing(tree.at("app")) is None
    assert not folders.polled
    tree.put("app/a.html")
    assert folders.listing(tree.at("app")) is not None
    assert folders.listing(tree.at("app")) is not None
    assert registered == [("app", False), ("app", True)]


@pytest.mark.parametrize("age", [0, RACY_NS // 2, -RACY_NS // 2])
def test_a_young_folder_is_read_again(age: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A young folder may change again without a change of its times."""
    counting = Counting(monkeypatch, ["a"], age)
    assert counting.files() == ["a"]
    counting.names.append("b")
    assert counting.files() == ["a", "b"]


def test_a_checkpoint_ends_the_scan(tree: Tree) -> None:
    """A walk through many folders can be ended in the middle."""
    entered: list[int] = []

    def checkpoint() -> None:
        entered.append(0)
        if len(entered) == 3:
            raise StopScan

    tree.put(*(f"app/{number}/a" for number in range(10)))
    found = tree.tracked(checkpoint=checkpoint)
    found.add([tree.at("app")])
    with pytest.raises(StopScan):
        list(found.files())


def test_a_folder_that_comes_back_meanwhile(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that was missing at its stat is no file, even if it is back just after that."""
    means = tree.put("app/a.html").tracking("app")
    assert means() == {"app/a.html"}
    (tree.root / "app").rename(tree.root / "away")
    monkeypatch.setattr(os.path, "lexists", lambda _: True)
    assert means() == set()


def test_case_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """There an event of a tracked folder is one in whatever case it spells the path."""
    windows = SimpleNamespace(**vars(os) | {"path": ntpath, "sep": "\\"})
    for module in (globs, tracked):
        monkeypatch.setattr(module, "os", windows)
    found = Tracked(Ignored([]), Folders(lambda _: True, None, lambda: None))  # type: ignore[arg-type]
    found.add(["C:\\srv\\Templates", "C:\\srv\\pages\\*.HTML"])
    assert found.may_hold("c:\\SRV\\templates\\a.html")
    assert found.may_hold("c:\\SRV\\PAGES\\a.html")
    assert not found.may_hold("c:\\SRV\\pages\\a.css")


def test_a_path_that_no_file_can_have(tree: Tree) -> None:
    """A path without an encoding has no files, and keeps no others from being found."""
    assert tree.put("a.html").means("\ud800/*", "\ud800/in/", "*.html") == {"\ud800/in", "a.html"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has none of these folders")
@pytest.mark.parametrize("path", ["/proc/*/fdinfo", "/proc/self/task", "/sys/kernel", "/dev"])
def test_folders_of_the_system(tree: Tree, path: str) -> None:
    """They are not searched, which would take minutes and never end; the log names them."""
    found = tree.tracked()
    found.add([path])
    assert not list(found.files())
    assert "is not searched: its files are virtual" in tree.lines[0]
