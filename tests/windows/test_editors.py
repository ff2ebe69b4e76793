"""How programs on Windows save a file: each save is one restart, and none that is no change."""

from __future__ import annotations

from support.testsite import START
from support.windows.saving import EDITORS, alone, git, write
from support.windows.testsite import WindowsSite, WindowsSites


def test_each_editor(new_site: WindowsSites) -> None:
    """A save goes live with one restart, whichever way it is written to the disk."""
    site = new_site()
    site.edit("app.wsgi", f"{START})", f"{START}, budget=(100, 1.0))")
    site.start()
    site.wait_for_looks()
    for number, (name, save) in enumerate(EDITORS.items(), start=1):
        save(site.app / "words.py", f"WORD = {name!r}\r\n".encode())
        site.wait_for_value(name)
        site.wait_for_looks()
        assert (name, site.restarts()) == (name, number)


def test_a_file_that_nobody_else_may_open(site: WindowsSite) -> None:
    """As long as a program keeps it to itself the old code serves; then the new one does."""
    with alone(site.app / "words.py") as handle:
        write(handle, b"WORD='new'\n" + b"#" * 100)
        site.wait_for_looks()
        assert (site.ask().value, site.restarts()) == ("old", 0)
    site.wait_for_value("new")
    assert site.restarts() == 1


def test_saved_in_another_encoding(site: WindowsSite) -> None:
    """UTF-16, as Windows PowerShell writes, is held with the reason; UTF-8 with a mark is code."""
    words = site.app / "words.py"
    words.write_text('WORD = "new"\n', "utf-16")
    assert "null bytes" in site.wait_for_line("holding: ")[0].text
    assert site.ask().value == "old"
    words.write_text('WORD = "new"\n', "utf-8-sig")
    site.wait_for_value("new")
    assert site.restarts() == 1


def test_other_ends_of_lines(new_site: WindowsSites) -> None:
    """`git checkout` with another core.autocrlf is no change of the code."""
    site = new_site()
    site.edit("app.wsgi", f"{START})", f'{START}, compare="code")')
    site.start()
    site.ask()
    site.wait_for_looks()
    path = site.app / "words.py"
    lines = path.read_bytes().replace(b"\r\n", b"\n")
    for ends in (b"\n", b"\r\n"):
        git(path, lines.replace(b"\n", ends))
        site.wait_for_looks()
    assert site.restarts() == 0
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
