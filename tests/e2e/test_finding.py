"""Which files count: those that the program was loaded from, and tracked ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.apacheserver import ServerError
from support.testsite import START, Site, Sites


def tracking(new_site: Sites, *paths: str) -> Site:
    """A started site that tracks paths of its own folder."""
    site = new_site()
    site.edit("app.wsgi", START, f"{START}, track={[f'{site.app}/{path}' for path in paths]}")
    return site


def test_imported_in_a_later_request(site: Site) -> None:
    """A module that no one had imported when the monitor began is watched once it is there."""
    site.write("late.py", 'WORD = "old"\n')
    assert site.ask("late.WORD").value == "old"
    site.write("late.py", 'WORD = "new"\n')
    site.wait_for_value("new", "late.WORD")


def test_a_failed_import(new_site: Sites) -> None:
    """A module whose import fails is watched: saving a correct one restarts."""
    site = new_site()
    site.noisy = True
    site.write("words.py", "WORD = undefined\n")
    site.start()
    with pytest.raises(ServerError, match="500"):
        site.ask()
    site.wait_for_line("watching: ")
    site.write("words.py", 'WORD = "mended"\n')
    site.wait_for_line("restarting: ")
    assert site.wait_for_value("mended")


@pytest.mark.parametrize("name", ["local.py", "local/__init__.py", "shop/local.py"])
def test_a_module_that_was_missing(new_site: Sites, name: str) -> None:
    """A module that was to be imported, and was not there, is a change once it is."""
    site = new_site()
    module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    site.write("shop/__init__.py", "")
    site.write(
        "words.py",
        f"try:\n    from {module} import WORD\nexcept ImportError:\n    WORD = 'none'\n",
    )
    site.start()
    assert site.ask().value == "none"
    site.wait_for_looks()
    assert site.started() == 1
    site.write(name, "WORD = 'local'\n")
    site.wait_for_value("local")
    assert f"{name} appeared" in site.said("changed: ")[0].text


@pytest.mark.parametrize("folder", ["site-packages", "eggs"])
def test_a_path_file(new_site: Sites, library: Path, folder: str) -> None:
    """A change of a .pth file, which adds to sys.path, restarts; also of those in python-path."""
    site = new_site(python_path=[library, f"app/{folder}"])
    for release in ("1", "2"):
        site.write(f"releases/{release}/shop.py", f'WORD = "release {release}"\n')
    site.write(f"{folder}/shop.pth", f"{site.app}/releases/1\n")
    site.start()
    assert site.ask("shop.WORD").value == "release 1"
    site.wait_for_looks()
    site.edit(f"{folder}/shop.pth", "/1", "/2")
    site.wait_for_value("release 2", "shop.WORD")
    assert f"{folder}/shop.pth modified" in site.said("changed: ")[0].text


def test_a_package(new_site: Sites) -> None:
    """A module deep in a package, and the package's own file, are watched alike."""
    site = new_site()
    site.write("shop/__init__.py", 'WORD = "old"\n')
    site.write("shop/cart/__init__.py", "")
    site.write("shop/cart/price.py", 'WORD = "old"\n')
    site.start()
    site.ask("shop.WORD")
    site.ask("shop.cart.price.WORD")
    for name, module in (("shop/cart/price.py", "shop.cart.price"), ("shop/__init__.py", "shop")):
        site.edit(name, "old", "new")
        site.wait_for_value("new", f"{module}.WORD")
        site.ask("shop.cart.price.WORD")
    assert site.started() == 3


def test_a_tracked_template(new_site: Sites) -> None:
    """A file that is no module counts once it is tracked, and not before."""
    site = tracking(new_site, "pages/front.html")
    site.write("pages/front.html", "old")
    site.write("pages/other.html", "old")
    site.start()
    site.ask()
    site.wait_for_looks()
    site.write("pages/other.html", "new")
    site.wait_for_looks()
    assert site.started() == 1
    site.write("pages/front.html", "new")
    assert "pages/front.html changed" in site.wait_for_line("restarting: ")[0].text


@pytest.mark.parametrize("tracked", ["pages/**/*.html", "pages"])
def test_a_glob_or_a_folder(new_site: Sites, tracked: str) -> None:
    """A file that appears in a tracked glob or folder is a change, and so is one that vanishes."""
    site = tracking(new_site, tracked)
    site.write("pages/front.html", "front")
    site.start()
    site.ask()
    site.wait_for_looks()
    page = site.write("pages/deep/page.html", "page")
    assert "page.html appeared" in site.wait_for_line("restarting: ")[0].text
    site.wait_for_start(2)
    site.ask()
    site.wait_for_line("watching: ", count=2)
    page.unlink()
    assert "page.html deleted" in site.wait_for_line("restarting: ", count=2)[1].text


def test_tracked_before_it_exists(new_site: Sites) -> None:
    """A tracked path that is not there yet is watched for its appearance."""
    site = tracking(new_site, "settings.ini")
    site.start()
    site.ask()
    site.wait_for_looks()
    site.write("settings.ini", "[site]\n")
    assert "settings.ini appeared" in site.wait_for_line("restarting: ")[0].text


def test_a_symlink_swap(new_site: Sites) -> None:
    """A deploy that points `current` at the next release is one change of all its files."""
    site = new_site()
    for release in ("1", "2"):
        site.write(f"releases/{release}/shop.py", f'WORD = "release {release}"\n')
    current = site.app / "current"
    current.symlink_to("releases/1")
    site.edit(
        "app.wsgi",
        "import words",
        f"import sys\n\nsys.path.insert(0, '{current}')\n\nimport words, shop",
    )
    site.start()
    assert site.ask("shop.WORD").value == "release 1"
    site.wait_for_looks()

    # As deploy tools do it: a new link over the old one, so that there is always one.
    (site.app / "next").symlink_to("releases/2")
    (site.app / "next").replace(current)
    site.wait_for_value("release 2", "shop.WORD")
    assert site.started() == 2


def test_a_symlink_swap_under_real_paths(new_site: Sites) -> None:
    """So is a swap under code that resolves its own path; the script is the same in both."""
    site = new_site(scripts={"/": "current/app.wsgi"})
    script = (site.app / "app.wsgi").read_text()
    insert = "import os, sys\n\nsys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))\n"
    for release in ("1", "2"):
        site.write(f"releases/{release}/shop.py", f'WORD = "release {release}"\n')
        path = site.write(f"releases/{release}/app.wsgi", f"{insert}import shop\n{script}")
        os.utime(path, (1, 1))
    (site.app / "current").symlink_to("releases/1")
    site.start()
    assert site.ask("shop.WORD").value == "release 1"
    site.wait_for_looks()

    (site.app / "next").symlink_to("releases/2")
    (site.app / "next").replace(site.app / "current")
    site.wait_for_value("release 2", "shop.WORD")
    assert "current/shop.py" in site.wait_for_line("restarting: ")[0].text
