"""`wsgireload config`: what it prints, serving from a real Apache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.apacheserver import Server, wait_for
from support.commandline import CommandLine
from support.httpdconf import httpd_conf
from support.testsite import Site, Sites

from wsgireload.cli.installation import RESPAWN
from wsgireload.cli.running import processes


@pytest.fixture(scope="session")
def command() -> Iterator[CommandLine]:
    """The command line, and Django, where www-data can read them."""
    with CommandLine.readable("django", "asgiref", "sqlparse") as command:
        yield command


class Configured(Server):
    """A server that is configured by the lines of `wsgireload config`."""

    def write(self, command: CommandLine, *words: str | Path) -> None:
        """Write the printed lines and script."""
        where = ("--httpd", self.apache.httpd, "--config", self.root / "httpd.conf")
        text = httpd_conf(self.apache, self.served, self.root, 65000, self.user)
        (self.root / "httpd.conf").write_text(text)
        done = command("config", *words, "--check", "--json", *where)
        assert done.code == 0, done.out + done.err
        outcome = done.json
        Path(outcome["script_path"]).write_text(outcome["script"])
        (self.root / "block.conf").write_text(outcome["conf"])


@pytest.fixture
def configured(new_site: Sites) -> Iterator[Configured]:
    """An Apache that serves nothing until the lines are written."""
    block = "IncludeOptional block.con[f]\n"  # a pattern: it is not there yet
    made = new_site(scripts={}, daemon=None, python_path=[], directives=block)
    with Configured(made.apache, made.served) as server:
        yield server
        assert "Traceback" not in server.log.text()


HELLO = (
    "def app(environ, start_response):\n"
    "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
    "    return [b'old']\n"
)
FLASK = "--flask", "hello:app", "--folder"


def test_config_of_flask(configured: Configured, command: CommandLine) -> None:
    """The printed lines and script serve a Flask application, and reload it; the library that has
    an ended process replaced at once is in Apache's parent.
    """
    code = configured.app / "hello.py"
    code.write_text(HELLO)
    configured.write(command, *FLASK, configured.app, "--name", "site")
    configured.start()
    assert configured.get() == "old"
    assert processes.has_loaded(configured.pid, RESPAWN)
    wait_for(lambda: "wsgireload: watching" in configured.log.text(), "the monitor")
    code.write_text(code.read_text().replace("old", "new"))
    wait_for(lambda: configured.get() == "new", "the new code")


@pytest.mark.parametrize("of_visitors", [True, False])
def test_config_without_the_library(
    of_visitors: bool, configured: Configured, command: CommandLine
) -> None:
    """With --production no library is in Apache's parent; without it Apache starts once that is
    uninstalled.
    """
    (configured.app / "hello.py").write_text(HELLO)
    option = ["--production"] if of_visitors else []
    configured.write(command, *FLASK, configured.app, "--name", "site", *option)
    block = configured.root / "block.conf"
    if not of_visitors:
        block.write_text(block.read_text().replace(RESPAWN, "uninstalled.so"))
    configured.start()
    assert configured.get() == "old"
    assert not processes.has_loaded(configured.pid, RESPAWN)


ODD = ["a \"b\" 'c'", "x${PATH}y", "a[b]*?\\c", "d>e #f", "g\\", "[h"]


def test_config_of_odd_folders(configured: Configured, command: CommandLine) -> None:
    """Quotes, wildcards and variables in the name of a folder are its name, for Apache too."""
    blocks = []
    for number, name in enumerate(ODD):
        folder = configured.app / name
        folder.mkdir()
        (folder / "hello.py").write_text(
            "def app(environ, start_response):\n"
            "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
            "    return [__file__.encode()]\n"
        )
        where = ("--folder", folder, "--name", f"site{number}", "--url", f"/{number}")
        configured.write(command, "--flask", "hello:app", *where)
        blocks.append((configured.root / "block.conf").read_text())
    (configured.root / "block.conf").write_text("\n".join(blocks))
    configured.start()
    for number, name in enumerate(ODD):
        assert configured.get(f"/{number}") == f"{configured.app}/{name}/hello.py"


def test_config_of_django(configured: Configured, command: CommandLine) -> None:
    """The printed lines and script serve a Django project."""
    project = configured.app
    (project / "manage.py").write_text(
        "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'pages.settings')\n"
    )
    (project / "pages").mkdir()
    (project / "pages/__init__.py").write_text("")
    (project / "pages/settings.py").write_text(
        "ROOT_URLCONF = 'pages.urls'\nALLOWED_HOSTS = ['*']\nSECRET_KEY = 'no secret'\n"
    )
    (project / "pages/urls.py").write_text(
        "from django.http import HttpResponse\nfrom django.urls import path\n"
        "urlpatterns = [path('', lambda request: HttpResponse('Django here'))]\n"
    )
    configured.write(command, "--django", project)
    configured.start()
    assert configured.get() == "Django here"


def test_config_of_a_script(site: Site, command: CommandLine) -> None:
    """For a script that has our lines, only the configuration is printed."""
    done = command("config", site.app / "app.wsgi")
    assert done.code == 0
    assert f"# {site.app}/app.wsgi already starts wsgireload" in done.out
    assert f"WSGIScriptAlias / {site.app}/app.wsgi process-group=app" in done.out


def test_config_that_apache_refuses(site: Site, command: CommandLine) -> None:
    """--check finds a conflict with Apache's own configuration."""
    where = ("--httpd", site.apache.httpd, "--config", site.root / "httpd.conf")
    done = command("config", site.app / "app.wsgi", "--name", "site", "--check", *where)
    assert done.code == 1
    assert "Name duplicates previous WSGI daemon definition" in done.err
    assert f"'site' is defined in {site.root}/httpd.conf, line " in done.err
