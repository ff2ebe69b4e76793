"""Changes that must not go live: the old code keeps serving, and the log has the reason."""

from __future__ import annotations

import py_compile
from pathlib import Path
from zipfile import ZipFile

import pytest
from support.apacheserver import wait_for
from support.testsite import START, Site, Sites


@pytest.mark.each_mod_wsgi
def test_a_syntax_error(site: Site) -> None:
    """Code that does not compile is held, with one log line, and goes live once it is mended."""
    before = site.ask()
    site.write("words.py", 'WORD = "new"\nWORD = = "newer"\n')
    [held] = site.wait_for_line("holding: ")
    assert f"{site.app}/words.py" in held.text
    assert "line 2" in held.text
    answer = site.wait_for_looks()
    assert (site.ask().value, answer.pid) == ("old", before.pid)
    assert answer.status["holding"] is not None
    assert (site.started(), len(site.said("holding"))) == (1, 1)

    site.edit("words.py", "= =", "=")
    assert site.wait_for_value("newer").status["holding"] is None
    assert site.started() == 2


def test_a_syntax_error_taken_back(site: Site) -> None:
    """Code that is changed back to what was loaded needs no restart."""
    site.edit("words.py", '"old"', '"old')
    site.wait_for_line("holding: ")
    site.edit("words.py", '"old', '"old"')
    wait_for(lambda: site.ask().status["holding"] is None, "the end of the hold")
    site.wait_for_looks()
    assert site.started() == 1


def test_a_module_that_is_gone(site: Site) -> None:
    """While the script imports it, the old code serves; without that line the restart comes."""
    words = site.app / "words.py"
    words.rename(site.app / "terms.py")
    [held] = site.wait_for_line("holding: ")
    [line] = [
        number
        for number, text in enumerate((site.app / "app.wsgi").read_text().splitlines(), 1)
        if text.startswith("import words")
    ]
    assert f"{words} is gone, and {site.app}/app.wsgi, line {line}, imports it" in held.text
    site.wait_for_looks()
    assert (site.started(), site.ask().value) == (1, "old")
    site.edit("app.wsgi", "import words", "import terms as words")
    assert site.wait_for_value("old", "terms.WORD")
    assert (site.started(), len(site.said("holding"))) == (2, 1)


def test_a_module_that_is_gone_and_back(site: Site) -> None:
    """Once it is back as it was, no restart is needed; another in its place is served."""
    words = site.app / "words.py"
    text = words.read_text()
    words.unlink()
    site.wait_for_line("holding: ")
    words.write_text(text)
    site.wait_for_line("changed back: ")
    assert site.started() == 1
    words.unlink()
    site.wait_for_line("holding: ", count=2)
    site.write("words/__init__.py", 'WORD = "new"\n')
    site.wait_for_value("new")
    assert site.started() == 2


def test_a_module_that_is_not_there_yet(site: Site) -> None:
    """Half of an upload is not loaded: the source that imports first, and later what it imports."""
    later = site.app / "later.py"
    site.write("words.py", "from later import LATER\nWORD = LATER\n")
    [held] = site.wait_for_line("holding: ")
    assert f"there is no module later, and {site.app}/words.py, line 1, imports it" in held.text
    site.wait_for_looks()
    assert (site.started(), site.ask().value) == (1, "old")
    later.write_text('LATER = "new"\n')
    site.wait_for_value("new")
    assert (site.started(), len(site.said("holding"))) == (2, 1)


def test_loaded_code_that_cannot_be_read(site: Site) -> None:
    """It holds the restart for another file; that comes once the code can be read again."""
    other = site.write("other.py", "")
    site.edit("app.wsgi", "import words", "import other, words")
    site.wait_for(lambda: site.started() == 2 and site.ask().value, "the script that imports it")
    other.chmod(0)
    site.write("words.py", 'WORD = "new"\n')
    [held] = site.wait_for_line("holding: ")
    assert f"{other}: cannot be read: Permission denied" in held.text
    assert (site.started(), site.ask().value) == (2, "old")
    other.chmod(0o644)
    site.wait_for_value("new")
    assert site.started() == 3


def test_an_archive_that_is_cut_short(new_site: Sites) -> None:
    """Half of one is not loaded, also if it was closed, as after an upload that has broken off."""
    site = new_site()
    archive = site.app / "lib.zip"
    site.edit(
        "app.wsgi",
        "import words",
        f"import sys\n\nsys.path.insert(0, {str(archive)!r})\nimport words",
    )
    (site.app / "words.py").unlink()
    pack(archive, "old")
    site.start()
    assert site.ask().value == "old"
    site.wait_for_looks()
    pack(site.app / "new.zip", "new")
    whole = (site.app / "new.zip").read_bytes()
    half = site.app / "half.zip"
    half.write_bytes(whole[: len(whole) // 2])
    half.replace(archive)
    [held] = site.wait_for_line("holding: ")
    assert f"{archive} is cut short" in held.text
    assert (site.started(), site.ask().value) == (1, "old")
    (site.app / "new.zip").replace(archive)
    site.wait_for_value("new")
    assert site.started() == 2


def pack(archive: Path, word: str) -> None:
    """Make an archive with words.py in it."""
    with ZipFile(archive, "w") as file:
        file.writestr("words.py", f"WORD = {word!r}\n" + "#" * 1000)


def test_the_budget(new_site: Sites) -> None:
    """The budget holds an application that rewrites its own code, and the log names the file."""
    site = new_site()
    site.edit("app.wsgi", START, f"{START}, budget=(3, 60.0)")
    site.edit("app.wsgi", "import words", "import words, counter")
    site.write(
        "counter.py",
        "import os\n\n"
        "COUNT = 0\n\n"
        "with open(__file__) as file:\n"
        "    text = file.read()\n"
        "with open(__file__ + '.new', 'w') as file:\n"
        "    file.write(text.replace(f'COUNT = {COUNT}', f'COUNT = {COUNT + 1}', 1))\n"
        "os.replace(__file__ + '.new', __file__)\n",
    )
    site.start()

    wait_for(lambda: site.ask().status["holding"], "a hold", deadline=30)
    [held] = site.said("holding: ")
    assert "3 restarts in 60 s" in held.text
    assert "counter.py" in held.text
    site.wait_for_looks()
    assert site.started() == 4
    assert site.ask("counter.COUNT").value == 3


def test_bytecode_that_is_never_checked(new_site: Sites) -> None:
    """Where Python would ignore the new source, the restart is held instead of reported as done."""
    site = new_site()
    words = site.app / "words.py"
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(words), invalidation_mode=unchecked, doraise=True)
    site.start()
    assert site.ask().value == "old"
    site.wait_for_looks()
    site.edit("words.py", "old", "new")
    [held] = site.wait_for_line("holding: ")
    assert "words.cpython" in held.text
    assert (site.started(), site.ask().value) == (1, "old")
    py_compile.compile(str(words), invalidation_mode=unchecked, doraise=True)
    site.wait_for_value("new")
    assert site.started() == 2
