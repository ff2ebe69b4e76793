"""Paths as Windows has them: long ones, drives and folders that are others, another case."""

from __future__ import annotations

import _winapi
import ctypes
from pathlib import Path

import pytest
from support.testsite import START
from support.windows.testsite import WindowsSite, WindowsSites

DEEP = Path(*["a folder with a name of forty characters"] * 7)
REMOVE = 2  # DDD_REMOVE_DEFINITION
SWEEP = 30.0  # seconds in which every change is found, also without an event


def edited_elsewhere(site: WindowsSite, words: Path) -> None:
    """A save by another path of the same file goes live, with one restart."""
    site.start()
    site.wait_for_looks()
    words.write_text('WORD = "new"\n')
    site.wait_for_value("new")
    site.wait_for_looks()
    assert site.restarts() == 1


def test_another_case(new_site: WindowsSites) -> None:
    """A configuration may spell a path in another case than the disk, and an editor in a third."""
    site: WindowsSite = new_site()
    path = f"{site.root.as_posix()}/app"
    site.served.scripts["/other"] = "APP.WSGI"
    site.served.python_path.append(path.upper())
    edited_elsewhere(site, Path(str(site.app / "words.py").swapcase()))
    assert site.ask(at="/other").value == "new"


def test_a_drive_that_is_a_folder(new_site: WindowsSites) -> None:
    """What lies on a drive that `subst` has made is watched there, wherever it is edited."""
    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    drive = next(f"{x}:" for x in "WVUTS" if not Path(f"{x}:/").exists())
    site: WindowsSite = new_site()
    site.write("on_drive.py", f"import sys\nsys.path.insert(0, {drive + '/'!r})\n")
    site.edit("app.wsgi", "import words", "import on_drive\nimport words")
    (site.root / "drive").mkdir()
    (site.app / "words.py").rename(site.root / "drive" / "words.py")
    if not kernel32.DefineDosDeviceW(0, drive, str(site.root / "drive")):
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        if not Path(f"{drive}/words.py").exists():
            pytest.skip("this Windows makes no drives of folders")
        edited_elsewhere(site, site.root / "drive" / "words.py")
        assert site.ask("words.__file__").value.upper().startswith(drive)
    finally:
        kernel32.DefineDosDeviceW(REMOVE, drive, None)


def test_a_junction(new_site: WindowsSites) -> None:
    """A folder that is a junction is watched where it leads."""
    site: WindowsSite = new_site()
    package, there = site.app / "package", site.root / "elsewhere"
    there.mkdir()
    (site.app / "words.py").rename(there / "words.py")
    try:
        _winapi.CreateJunction(str(there), str(package))
    except OSError as error:
        pytest.skip(f"this Windows makes no junctions: {error}")
    site.edit("app.wsgi", "import words", "from package import words; sys.modules['words'] = words")
    site.edit("app.wsgi", "import importlib", "import importlib\nimport sys")
    edited_elsewhere(site, there / "words.py")


def test_a_short_name(new_site: WindowsSites) -> None:
    """Windows reports the long name of a file that is tracked by its short one."""
    site: WindowsSite = new_site()
    path = site.write("pages of the site/the first page.html", "old")
    name = ctypes.create_unicode_buffer(1024)
    ctypes.WinDLL("kernel32").GetShortPathNameW(str(path), name, len(name))
    if name.value.lower() in ("", str(path).lower()):
        pytest.skip("this drive has no short names")
    site.edit("app.wsgi", f"{START})", f"{START}, track=[{name.value!r}])")
    site.start()
    site.ask()
    site.wait_for_looks()
    site.patience = SWEEP / 2
    path.write_text("new")
    site.wait_for_line("restarting: ")


def test_a_package_that_was_missing(new_site: WindowsSites) -> None:
    """A package that is imported only if it exists goes live once it does, soon."""
    site: WindowsSite = new_site()
    optional = "try:\n    import extra\n    words.WORD = 'new'\nexcept ImportError:\n    pass"
    site.edit("app.wsgi", "import words", f"import words\n{optional}")
    site.write("elsewhere/__init__.py", "")
    site.start()
    site.wait_for_looks()
    (site.app / "elsewhere").rename(site.app / "extra")
    site.wait_for_value("new")


def test_a_long_path(new_site: WindowsSites) -> None:
    """A tracked file may have a path of more than 260 characters."""
    site: WindowsSite = new_site()
    path = Path(f"\\\\?\\{site.app / DEEP / 'page.html'}")
    path.parent.mkdir(parents=True)
    path.write_text("old")
    assert len(str(path)) > 300
    site.edit("app.wsgi", f"{START})", f"{START}, track=[{str(path)[4:]!r}])")
    site.start()
    site.ask()
    site.wait_for_looks()
    path.write_text("new")
    assert "page.html changed" in site.wait_for_line("restarting: ")[0].text


def test_a_share(new_site: WindowsSites) -> None:
    """A folder of a network is watched by polling where it reports nothing."""
    site: WindowsSite = new_site()
    share = Path(f"\\\\localhost\\{site.app.drive[0]}$", *site.app.parts[1:])
    if not (share / "words.py").exists():
        pytest.skip(f"this Windows has no {share.anchor}")
    site.edit(
        "app.wsgi", "import words", f"import sys; sys.path.insert(0, {str(share)!r})\nimport words"
    )
    edited_elsewhere(site, site.app / "words.py")
