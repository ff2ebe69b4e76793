"""Under mod_wsgi-express, whose own script loads the user's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.apache import BETWEEN, skip_without
from support.commandline import CommandLine
from support.expressserver import ExpressSite, ExpressSites, express
from support.packages import copy_from_pypi, made_once
from support.testsite import START, fails, quiet


def environment(shared: Path, version: str) -> CommandLine:
    """A virtual environment with this mod_wsgi, which Apache's user may read."""
    skip_without(version)

    def make(folder: Path) -> None:
        made = CommandLine.make(folder, *(["mod_wsgi"] if version == "6.1.1" else []))
        if version != "6.1.1":
            copy_from_pypi(made.packages, f"mod_wsgi=={version}")
        express(folder)

    return CommandLine(made_once(shared / f"express-{version}", make))


@pytest.fixture
def new_express(shared: Path) -> Iterator[ExpressSites]:
    """Makes sites that are not started yet. Their logs must be free of noise at the end."""
    with ExitStack() as stack:
        made: list[ExpressSite] = []

        def new(*options: str, version: str = "6.1.1", as_user: bool = False) -> ExpressSite:
            site = ExpressSite(environment(shared, version), *options, as_user=as_user)
            made.append(stack.enter_context(site))
            return site

        with quiet(made):
            yield new


def begin(site: ExpressSite) -> ExpressSite:
    """Start it, and return once the application answers and is watched."""
    site.start()
    assert site.ask().value == "old"
    site.wait_for_line("watching: ")
    return site


@pytest.mark.parametrize(
    ("version", "as_user", "options"),
    [
        (BETWEEN, False, ("--threads", "3")),
        ("6.1.1", False, ("--processes", "2", "--threads", "2")),
        ("6.1.1", True, ("--threads", "3", "--process-name", "my site", "--python-path", "lib")),
    ],
)
def test_a_save(
    new_express: ExpressSites, version: str, as_user: bool, options: tuple[str, ...]
) -> None:
    """What is saved goes live, the script too, as root and as a plain user."""
    site = begin(new_express(*options, version=version, as_user=as_user))
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    site.wait_for_line("reloaded: ")
    site.edit("app.wsgi", '"value": value() if callable(value) else value', '"value": "script"')
    site.wait_for_value("script")
    assert all(line.text.isprintable() for line in site.said())


def test_a_broken_script(new_express: ExpressSites) -> None:
    """Without express's own restart for the script, a broken one never goes live."""
    site = begin(new_express("--disable-reloading"))
    site.edit("app.wsgi", "def application", "def (application")
    [line] = site.wait_for_line("holding: ")
    assert "app.wsgi, line 17: SyntaxError" in line.text
    assert site.ask().value == "old"
    site.edit("app.wsgi", "def (application", "def application")
    site.wait_for_line("changed back: ")
    assert site.said("restarting: ") == []


def test_the_restart_of_express_for_its_script(new_express: ExpressSites) -> None:
    """A broken script is held, until a request has express replace the process all the same."""
    site = begin(new_express())
    site.noisy = True
    site.edit("app.wsgi", "def application", "def (application")
    site.wait_for_line("holding: ")
    site.wait_for(lambda: fails(site), "the broken script")
    site.edit("app.wsgi", "def (application", "def application")
    site.wait_for(lambda: not fails(site), "the repaired one")


def test_another_reloader(new_express: ExpressSites) -> None:
    """--reload-on-changes takes broken code live; the log and the status warn of it."""
    site = begin(new_express("--reload-on-changes"))
    site.noisy = True
    [line] = site.wait_for_line("watching: the reloader mod_wsgi")
    assert "leave out --reload-on-changes" in line.text
    assert "--reload-on-changes" in site.ask().status["beside"]
    assert site.ask().status["active"] is True
    done = site.python("status", environment={"TMPDIR": str(site.temporary)})
    assert "beside       the reloader mod_wsgi" in done.out
    site.edit("words.py", '"old"', '"old')
    site.wait_for(lambda: fails(site), "broken code")


@pytest.mark.parametrize(
    ("option", "why"), [("--debug-mode", "this Apache is one process"), ("--embedded-mode", "")]
)
def test_other_modes(new_express: ExpressSites, option: str, why: str) -> None:
    """Where no process can be replaced the monitor is inactive, and says what to change."""
    site = new_express(option)
    site.start()
    status = site.ask().status
    assert status["active"] is False
    assert (why or "embedded mode") in status["reason"]
    site.edit("words.py", "old", "new")
    assert site.ask().value == "old"
    [line] = site.said()
    assert line.text.startswith("wsgireload: inactive: ")


def test_a_module(new_express: ExpressSites) -> None:
    """A module is served from the working directory, where a preflight runs as well."""
    site = new_express("--application-type", "module")
    site.entry_point = "served"
    site.write("check.py", "import words\nassert words.WORD != 'wrong'\n")
    site.edit("app.wsgi", START, f"{START}, preflight=['python', 'check.py']")
    (site.app / "app.wsgi").rename(site.app / "served.py")
    begin(site).noisy = True
    site.edit("words.py", "old", "wrong")
    assert "AssertionError" in site.wait_for_line("holding: ")[0].text
    site.edit("words.py", "wrong", "new")
    site.wait_for_value("new")


def test_levels_of_the_log(new_express: ExpressSites) -> None:
    """mod_wsgi 6's own handler for logging keeps the levels: only warnings are left here."""
    site = new_express()
    lines = "import logging, mod_wsgi\nlogger = logging.getLogger('wsgireload')\n"
    lines += "logger.addHandler(mod_wsgi.LogHandler())\nlogger.setLevel('INFO')\n"
    site.edit("app.wsgi", "import wsgireload\n", f"{lines}import wsgireload\n")
    site.start()
    assert site.ask().value == "old"
    site.wait_for_looks()
    site.edit("words.py", "old", "new")
    site.wait_for_value("new")
    [line] = [line for line in site.log.lines() if "words.py changed" in line.text]
    assert (line.level, "restarting: " in line.text) == ("warn", True)
    assert not site.log.lines("watching: ")


def test_a_service_script(new_express: ExpressSites) -> None:
    """A service script reloads as well."""
    site = new_express()
    site.options = ("--service-script", "work", str(site.app / "service.py"))
    site.write(
        "service.py",
        f"import sys, time\nimport wsgireload\n{START})\nimport words\n"
        "print('service has', words.WORD, file=sys.stderr)\nwhile True:\n    time.sleep(0.1)\n",
    )
    begin(site)
    site.wait_for(lambda: site.log.lines("service has old"), "the service")
    site.edit("words.py", "old", "new")
    site.wait_for(lambda: site.log.lines("service has new"), "the new service")


def test_a_preflight_runs_in_the_applications_folder(new_express: ExpressSites) -> None:
    """A command with relative names is that of the application, not of express."""
    site = new_express()
    site.write("check.py", "import words\nassert words.WORD != 'wrong'\n")
    site.edit("app.wsgi", START, f"{START}, preflight=['python', 'check.py']")
    begin(site).noisy = True
    site.edit("words.py", "old", "wrong")
    [line] = site.wait_for_line("holding: ")
    assert "AssertionError" in line.text
    site.edit("words.py", "wrong", "new")
    site.wait_for_value("new")


def test_setup_server(new_express: ExpressSites) -> None:
    """A site of setup-server, started and stopped by its apachectl, obeys our commands."""
    site = new_express()
    site.is_set_up = True
    begin(site)
    before = site.ask().pid
    environment = {"TMPDIR": str(site.temporary)}
    site.wait_for(lambda: site.python("status", environment=environment).code == 0, "its status")
    pid_file = site.server_root / "httpd.pid"
    done = site.python("restart", "--pid-file", pid_file, environment=environment)
    assert (done.code, done.err) == (0, ""), done
    assert site.ask().pid != before
    done = site.python("doctor", site.app / "app.wsgi", "--config", site.server_root / "httpd.conf")
    assert "fail" not in done.out, done.out
    assert f"WSGI script: / -> {site.app}/app.wsgi" in done.out
