"""What may hold a restart at the user's wish: the preflight command, and the trigger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from support.testsite import START, Site, Sites

CHECK = "open('runs', 'a').write('x'); import words; assert words.WORD != 'bad', words.WORD"


def started(new_site: Sites, setting: str, **options: object) -> Site:
    """A site whose monitor has one setting more."""
    site = new_site(**options)
    site.edit("app.wsgi", f"{START})", f"{START}, {setting})")
    site.start()
    return site


def test_preflight(new_site: Sites) -> None:
    """A change that the command rejects is held, with its output; one that it accepts goes live."""
    site = started(new_site, f'preflight=["python", "-c", {CHECK!r}]')
    site.wait_for_looks()
    site.noisy = True  # the command's last words are a traceback
    site.edit("words.py", "old", "bad")
    assert "AssertionError: bad" in site.wait_for_line("holding: ")[0].text
    assert (site.ask().value, site.started()) == ("old", 1)
    site.edit("words.py", "bad", "good")
    site.wait_for_value("good")
    assert site.started() == 2


def test_preflight_by_loading(new_site: Sites) -> None:
    """Code that does not load is held with its traceback; its repair goes live."""
    site = started(new_site, 'preflight="import"')
    site.wait_for_looks()
    site.noisy = True
    site.edit("words.py", 'WORD = "old"', "WORD = no_such")
    line = site.wait_for_line("holding: the new code does not load")[0].text
    assert "NameError: name 'no_such' is not defined" in line
    assert "words.py, line " in line
    assert site.wait_for_line("holding: | Traceback")
    answer = site.ask()
    assert (answer.value, site.started()) == ("old", 1)
    assert answer.status["held"]["text"] == "WORD = no_such"
    assert answer.status["output"].startswith("Traceback")
    site.edit("words.py", "no_such", '"new"')
    site.wait_for_value("new")
    assert site.started() == 2


def test_preflight_of_three_processes(new_site: Sites) -> None:
    """The command is run once for the group, and all its processes are replaced."""
    setting = f'preflight=["python", "-c", {CHECK!r}]'
    site = started(new_site, setting, daemon="processes=3 threads=1")
    site.write("slow.py", "import time\n\n\ndef answer():\n    time.sleep(1)\n")
    with ThreadPoolExecutor() as pool:  # three at once need all three, and so load them all
        assert len({answer.pid for answer in pool.map(site.ask, ["slow.answer"] * 3)}) == 3
    site.edit("words.py", "old", "good")
    site.wait_for_start(6)
    assert len((site.app / "runs").read_text()) == 1


def test_trigger(new_site: Sites) -> None:
    """Nothing counts until the trigger changes; then every change is checked as usual."""
    site = started(new_site, "trigger=__file__.replace('app.wsgi', 'deploy.txt')")
    site.wait_for_looks()
    site.edit("words.py", 'WORD = "old"', 'WORD = "new')
    site.wait_for_looks()
    assert site.said("holding") == []
    site.write("deploy.txt", "1")
    assert "words.py, line 1" in site.wait_for_line("holding: ")[0].text
    site.edit("words.py", 'WORD = "new', 'WORD = "new"')
    site.wait_for_value("new")
    assert site.started() == 2


def test_comparing_code(new_site: Sites) -> None:
    """With compare="code" a comment is no change; a docstring and a value are."""
    site = started(new_site, "compare='code'")
    site.wait_for_looks()
    site.edit("words.py", "WORD =", "# what the tests edit\nWORD   =")
    site.wait_for_looks()
    assert (site.said("changed"), site.started()) == ([], 1)
    site.edit("words.py", "of all modules", "of each module")
    site.wait_for_start(2)
