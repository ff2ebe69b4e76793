"""Beginners' mistakes: the doctor finds the cause and the cure of each.

docs/troubleshooting.md has both, as a table: each row is what the doctor prints of that mistake.
"""

from __future__ import annotations

import os
import re
import shutil
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from support.commandline import CommandLine
from support.testsite import Site, Sites

PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
ROW = re.compile(
    r"^\| (?P<mistake>.+?) \| \*\*(?P<what>.+?)\*\*: (?P<text>.+?) \| (?P<cure>.+?) \|$"
)
HOME, OTHER, SITE = "/srv/mysite/venv", "/srv/other/venv", "/srv/mysite"
SCRIPT = """\
import wsgireload

wsgireload.start()
reload_required = wsgireload.reload_required

from hello import application
"""
WRAPPED = """
from wsgireload.web import middleware
application = middleware(application, live=True)
"""
HELLO = """\
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"Hello"]
"""
DJANGO = """\
import os

import wsgireload
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
application = get_wsgi_application()
reload_required = wsgireload.reload_required
"""
SETTINGS = """\
SECRET_KEY = "x"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mysite.urls"
INSTALLED_APPS = ["wsgireload.django"]
"""
URLS = """\
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse("Hello"))]
"""
FLASK = {"app.wsgi": SCRIPT, "hello.py": HELLO}
PROJECT = {
    "app.wsgi": DJANGO,
    "mysite/__init__.py": "",
    "mysite/settings.py": SETTINGS,
    "mysite/urls.py": URLS,
}


CONF = """\
<Directory />
  Require all denied
</Directory>
<Directory /srv/mysite>
  Require all denied
</Directory>
WSGIRestrictEmbedded On
WSGIDaemonProcess mysite python-home=/srv/mysite/venv python-path=/srv/mysite
WSGIScriptAlias / /srv/mysite/app.wsgi process-group=mysite application-group=%{GLOBAL}
<Directory /srv/mysite>
  Require all granted
</Directory>
"""
MAIN = 'if __name__ == "__main__"'


@dataclass(frozen=True)
class Mistake:
    """What is wrong in a site that would work without it."""

    files: dict[str, str] = field(default_factory=dict)
    project: bool = False
    """Whether it is one of Django."""
    conf: tuple[str, str] = ("", "")
    """A text of the configuration, and what stands in its place."""
    folder: int = 0o755
    level: str = "fail"
    alone: bool = True
    """Whether nothing else is wrong: not where the doctor examines another Apache."""


def changed(text: str, old: str, new: str) -> str:
    """The text with a mistake in it."""
    assert old in text
    return text.replace(old, new)


MISTAKES = {
    "a typo in Django's settings": Mistake(
        {"mysite/settings.py": SETTINGS + "DEBUG = Tru\n"}, project=True
    ),
    "a name that is not defined": Mistake({"hello.py": HELLO + "aplication\n"}),
    "a module that is not installed": Mistake({"hello.py": "import requets\n" + HELLO}),
    "a wrong `python-home`": Mistake(conf=(f"python-home={HOME}", f"python-home={HOME}s")),
    "a wrong process group": Mistake(
        conf=("process-group=mysite application-group=%{GLOBAL}", "\nWSGIProcessGroup mysit")
    ),
    "embedded mode": Mistake(conf=("process-group=mysite", "")),
    "a folder that Apache may not read": Mistake(folder=0o700 if os.getuid() == 0 else 0),
    "a wrong path of the script": Mistake(conf=(f"{SITE}/app.wsgi", f"{SITE}/ap.wsgi")),
    "two aliases in the wrong order": Mistake(
        {"blog/app.wsgi": SCRIPT},
        conf=(
            f"WSGIScriptAlias / {SITE}/app.wsgi",
            (
                f"WSGIScriptAlias / {SITE}/blog/app.wsgi process-group=mysite "
                f"application-group=%{{GLOBAL}}\nWSGIScriptAlias /shop {SITE}/app.wsgi"
            ),
        ),
    ),
    "a slash at the end of the alias": Mistake(
        conf=("WSGIScriptAlias / ", "WSGIScriptAlias /shop/ "), level="warn"
    ),
    "a port without `Listen`": Mistake(
        conf=(
            f"WSGIScriptAlias / {SITE}/app.wsgi process-group=mysite application-group=%{{GLOBAL}}",
            (
                f"<VirtualHost *:1>\nWSGIScriptAlias / {SITE}/app.wsgi process-group=mysite "
                "application-group=%{GLOBAL}\n</VirtualHost>"
            ),
        )
    ),
    "no `reload_required` line": Mistake(
        {"app.wsgi": changed(SCRIPT, "reload_required = wsgireload.reload_required\n", "")},
        conf=(f"python-path={SITE}\n", f"python-path={SITE} processes=2\n"),
        level="warn",
    ),
    "no middleware": Mistake(level="ok"),
    "a mistyped `track`": Mistake(
        {
            "app.wsgi": changed(SCRIPT, "start()", f'start(track=["{SITE}/tempaltes"])'),
            "templates/front.html": "",
        },
        level="warn",
    ),
    "two Apaches": Mistake(alone=False),
    "not installed in that environment": Mistake(
        conf=(f"python-home={HOME}", f"python-home={OTHER}")
    ),
    "no `start()`": Mistake({"app.wsgi": changed(SCRIPT, "wsgireload.start()\n", "")}),
    "a `start()` for programs alone": Mistake(
        {"app.wsgi": changed(SCRIPT, "wsgireload.start()", f"{MAIN}:\n    wsgireload.start()")}
    ),
    "a wrong name in `INSTALLED_APPS`": Mistake(
        {"mysite/settings.py": changed(SETTINGS, "wsgireload.django", "wsgireload")}, project=True
    ),
    "a mistyped setting": Mistake({"app.wsgi": changed(SCRIPT, "start()", "start(setle=1)")}),
    "a browser on another machine": Mistake({"app.wsgi": SCRIPT + WRAPPED}, level="ok"),
    "no `Require all granted`": Mistake(conf=("  Require all granted\n", "")),
}


def rows() -> dict[str, tuple[str, str, str]]:
    """The rows of the table: by mistake, the name of the finding, its text and its cure."""
    found = filter(None, map(ROW.match, PAGE.read_text("utf-8").splitlines()))
    return {row["mistake"]: (row["what"], row["text"], row["cure"]) for row in found}


@pytest.fixture(scope="session")
def command() -> Iterator[CommandLine]:
    """The command line with Django, and beside it an environment without."""
    with CommandLine.readable("django", "asgiref", "sqlparse") as command:
        other = command.home.parent / "other"
        venv.create(other, symlinks=True)
        (other / "bin" / "pip").write_text("")
        yield command


@pytest.fixture
def there(command: CommandLine, new_site: Sites) -> Iterator[tuple[Site, Callable[[str], str]]]:
    """A site without an application, and a function that puts its paths into a text."""
    site = new_site(daemon=None, python_path=[], scripts={})
    site.noisy = True
    shutil.rmtree(site.app)
    site.folder("app")
    places = {HOME: command.home, OTHER: command.home.parent / "other", SITE: site.app}

    def at_site(text: str) -> str:
        for said, path in places.items():
            text = text.replace(said, str(path))
        return text

    yield site, at_site
    site.app.chmod(0o755)


def only_ours(text: str, site: Site) -> str:
    """A text without what it lists of the Apaches of other tests."""
    listed = re.findall(r"wsgireload doctor --httpd \S+(?: --config \S+)?|/\S+ -f [^;\s]+", text)
    ours = [each for each in listed if f"{site.root}/" in each]
    return text[: text.index(listed[0])] + ours[0] if listed and ours else text


def printed(site: Site, command: CommandLine, *, named: bool = True) -> list[dict[str, str]]:
    """The doctor's findings, with the paths of the table, and as Python 3.11 describes an error."""
    words: list[str | Path] = ["doctor", "--json"]
    path = str(site.root / "bin")
    if named:
        words += ["--httpd", site.apache.httpd, "--config", site.root / "httpd.conf"]
    variables = {"TMPDIR": str(site.temporary), "PATH": f"{path}:{os.environ['PATH']}"}
    found: list[dict[str, str]] = command(*words, environment=variables).json["findings"]
    address = f"http://127.0.0.1:{site.port}/ (localhost:{site.port})"
    for each in found:
        for name in ("text", "cure"):
            each[name] = re.sub(r"\. Did you mean: '\w+'\?", "", only_ours(each[name], site))
            for path, said in {
                address: "http://localhost/",
                str(command.home.parent / "other"): OTHER,
                str(command.home): HOME,
                f"{site.app}": SITE,
                f"{site.root}/httpd.conf": "/etc/apache2/apache2.conf",
                "this user cannot": "www-data cannot",
                "has mode d---------": "has mode drwx------",
            }.items():
                each[name] = each[name].replace(path, said)
    return found


@pytest.mark.parametrize("apache", ["6.1.1"], indirect=True)
@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name: str, there: tuple[Site, Callable[[str], str]], command: CommandLine) -> None:
    """The table has the cause that the doctor prints, and the cure; nothing else is wrong."""
    (site, at_site), mistake = there, MISTAKES[name]
    for path, text in {**(PROJECT if mistake.project else FLASK), **mistake.files}.items():
        site.write(path, at_site(text))
    conf = changed(CONF, *mistake.conf) if mistake.conf[0] else CONF
    site.served = replace(site.served, directives=at_site(conf))
    program = site.folder("bin") / "apache2"
    program.write_text(f'#!/bin/sh\nexec {site.apache.httpd} "$@"\n')
    program.chmod(0o755)
    site.start()
    os.chown(site.app, os.getuid(), os.getgid())
    site.app.chmod(mistake.folder)
    found = printed(site, command, named=mistake.alone)
    what, text, cure = rows().get(name, ("?", "", ""))
    wanted = {"level": mistake.level, "what": what, "text": text, "cure": cure}
    bad = [each for each in found if each["level"] != "ok"]
    if mistake.alone and mistake.level != "ok":
        assert bad == [wanted]
    else:
        assert bad == [] or not mistake.alone
        assert wanted in found, [each for each in found if each["what"] == what]


def test_each_row_is_tested() -> None:
    """The table has no other rows."""
    assert [*rows()] == [*MISTAKES]
