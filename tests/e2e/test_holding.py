"""Changes that must not go live: the old code goes on serving, and the log says why."""

from __future__ import annotations

from support.apacheserver import wait_for
from support.testsite import START, Site, Sites


def test_a_syntax_error(site: Site) -> None:
    """Code that does not compile is held, told once, and goes live once it is mended."""
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
    """Code that is what was loaded again needs no restart."""
    site.edit("words.py", '"old"', '"old')
    site.wait_for_line("holding: ")
    site.edit("words.py", '"old', '"old"')
    wait_for(lambda: site.ask().status["holding"] is None, "the end of the hold")
    site.wait_for_looks()
    assert site.started() == 1


def test_the_budget(new_site: Sites) -> None:
    """An application that rewrites its own code comes to rest, and the log names the file."""
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
