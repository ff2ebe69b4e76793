"""Changes that must not go live: the old code keeps serving, and the log has the reason."""

from __future__ import annotations

import py_compile

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
