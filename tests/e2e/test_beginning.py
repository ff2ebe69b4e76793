"""Files that change while the application starts: what counts is what was really loaded."""

from __future__ import annotations

import os
import py_compile

import pytest
from support.testsite import START, Site, Sites

BEFORE, AFTER = "before start()", "after start()"


def loading(new_site: Sites, *, when: str, statements: str) -> Site:
    """A site whose script runs statements before or after it starts the monitor."""
    site = new_site()
    start = f"{START})"
    lines = [statements, start] if when == BEFORE else [start, statements]
    site.edit("app.wsgi", start, "\n".join(["import os, time", *lines]))
    return site


def forbid_bytecode(site: Site) -> None:
    """Make a __pycache__ that Apache's user may not write to."""
    site.folder("app/__pycache__").chmod(0o555)


def test_edited_between_import_and_start(new_site: Sites) -> None:
    """An edit of a module that was imported already, but before start(), is not lost."""
    # __file__ is the script's; the edit is made once, by moving the finished file into place.
    statements = (
        "import words\n"
        "saved = os.path.join(os.path.dirname(__file__), 'saved')\n"
        "if os.path.exists(saved):\n"
        "    os.replace(saved, words.__file__)"
    )
    site = loading(new_site, when=BEFORE, statements=statements)
    site.write("saved", 'WORD = "new"\n')
    site.start()
    site.wait_for_value("new")
    site.wait_for_looks()
    assert site.started() == 2


@pytest.mark.parametrize("bytecode", [True, False])
def test_edited_while_it_is_imported(new_site: Sites, bytecode: bool) -> None:
    """An edit between start() and the end of the import is not lost, bytecode or not."""
    site = new_site()
    if not bytecode:
        forbid_bytecode(site)
    saved = site.write("saved", 'WORD = "new"\n')
    site.write("words.py", f'import os\n\nWORD = "old"\nos.replace({str(saved)!r}, __file__)\n')
    site.start()
    site.wait_for_value("new")
    site.wait_for_looks()
    assert site.started() == 2


@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_a_library_that_stops_the_clocks(new_site: Sites, when: str) -> None:
    """A save goes live although Python's clocks stand still, as with freezegun."""
    statements = "time.time = time.monotonic = lambda: 1_500_000_000.0"
    site = loading(new_site, when=when, statements=statements)
    site.start()
    site.ask()
    site.wait_for_line("watching: ")
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    assert site.started() == 2


def test_a_tracked_file_is_saved_as_it_was_read(new_site: Sites) -> None:
    """A save of a tracked file right after the application has read it is not lost."""
    site = new_site()
    site.write("conf.txt", "old")
    saved = site.write("saved", "new")
    start = f"{START}, track=['{site.app}/conf.txt'])"
    read = f"CONF = open('{site.app}/conf.txt').read()"
    save = f"if os.path.exists({str(saved)!r}): os.replace({str(saved)!r}, '{site.app}/conf.txt')"
    site.edit("app.wsgi", f"{START})", f"import os\n{start}\n{read}\n{save}")
    site.write(
        "conf.py", "import sys\n\n\ndef read():\n    return sys._getframe(1).f_globals['CONF']\n"
    )
    site.start()
    site.wait_for_value("new", "conf.read")
    site.wait_for_looks()
    assert site.started() == 2


@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_generated_at_start_up(new_site: Sites, when: str) -> None:
    """A module that the application writes and then imports never restarts it."""
    statements = (
        "path = os.path.join(os.path.dirname(__file__), 'generated.py')\n"
        "with open(path, 'w') as file:\n"
        "    file.write(f'MADE = {time.time()}')\n"
        "import generated"
    )
    site = loading(new_site, when=when, statements=statements)
    site.start()
    site.ask("generated.MADE")
    site.wait_for_looks()
    assert (site.started(), site.said("changed")) == (1, [])


@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_unwritable_older_bytecode(new_site: Sites, when: str) -> None:
    """Older bytecode in a __pycache__ that Apache may not write restarts nothing."""
    site = loading(new_site, when=when, statements="import words")
    py_compile.compile(str(site.app / "words.py"))
    forbid_bytecode(site)
    site.write("words.py", 'WORD = "newer than its bytecode"\n')
    site.start()
    assert site.ask().value == "newer than its bytecode"
    site.wait_for_looks()
    assert (site.started(), site.said("changed")) == (1, [])

    site.write("words.py", 'WORD = "edited"\n')
    site.wait_for_value("edited")
    site.wait_for_looks()
    assert site.started() == 2


def test_touched_and_restarted(site: Site) -> None:
    """A file that is newer than its bytecode, but the same, restarts no later process either."""
    os.utime(site.app / "words.py", (2_000_000_000, 2_000_000_000))
    site.replace(Site.graceful)
    site.ask()
    site.wait_for_looks()
    assert site.said("restarting") == []


@pytest.mark.each_mod_wsgi
@pytest.mark.parametrize("level", ["info", "warn"])
def test_levels_of_the_log(new_site: Sites, level: str) -> None:
    """Each line has its level: for Apache with mod_wsgi 6, if it writes that; else at its end."""
    site = new_site(directives=f"LogLevel {level}")
    site.start()
    assert site.ask().value == "old"
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    [reloaded] = site.wait_for_line("reloaded: ")
    [restarting] = site.wait_for_line("restarting: ")
    if reloaded.level == "error":
        assert restarting.text.endswith(", warning]")
        assert reloaded.text.endswith(", info]")
    else:
        assert (reloaded.level, restarting.level) == (level, "warn")


@pytest.mark.parametrize("blocks", [False, True])
def test_a_function_gets_the_events(new_site: Sites, *, blocks: bool) -> None:
    """It gets all of a reload, from both processes; one that never returns stops no reload."""
    site = new_site()
    got = site.write("got", "")
    got.chmod(0o666)
    body = "    import time; time.sleep(3600)\n" if blocks else ""
    line = f"    open({str(got)!r}, 'a').write(event.kind + ' ')\n"
    site.edit("app.wsgi", START, f"def on_event(event):\n{line}{body}\n{START}, on_event=on_event")
    site.start()
    assert site.ask().value == "old"
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    expected = "changed reloaded " if blocks else "changed restarting reloaded "
    site.wait_for(lambda: got.read_text("utf-8") == expected, expected)
    if blocks:
        assert "on_event takes more than 1 s" in site.said("watching: on_event")[0].text


def test_a_logging_handler_that_never_returns(new_site: Sites) -> None:
    """It stops no reload, and Apache's error log has the lines of the process before its end."""
    site = new_site()
    site.noisy = True  # logging.shutdown() waits for it too, until shutdown-timeout
    handler = "class Dead(logging.Handler):\n    def emit(self, record): time.sleep(3600)\n"
    use = "logging.basicConfig(level='INFO', handlers=[Dead()])\n"
    site.edit("app.wsgi", START, f"import logging, time\n{handler}{use}{START}")
    site.start()
    assert site.ask().value == "old"
    site.wait_for_line("watching: a logging handler takes more than 1 s")
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    for text in ("changed: ", "restarting: ", "reloaded: "):
        site.wait_for_line(text)


FORKING = """\
import os


def application(environ, start_response):
    read, write = os.pipe()
    if not os.fork():
        import wsgireload

        os.write(write, str(wsgireload.start().reason).encode())
        os._exit(0)
    os.close(write)
    start_response("200 OK", [])
    return [open(read, "rb").read()]
"""


@pytest.mark.parametrize("first", ["", "import wsgireload\n"])
@pytest.mark.parametrize("daemon", ["", " display-name=%{GROUP}"])
def test_start_in_a_forked_child(new_site: Sites, *, first: str, daemon: str) -> None:
    """A child that the application forks is not Apache's: its monitor would signal in vain."""
    site = new_site(group="%{GLOBAL}", daemon=f"threads=5{daemon}")
    site.write("app.wsgi", first + FORKING)
    site.start()
    assert site.get() == "the application forked this process: Apache would not replace it"
    assert site.log.text().count("wsgireload: inactive: the application forked this process") == 1
