"""What doctor and config read in the files of mod_wsgi-express."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from wsgireload.cli import programs
from wsgireload.cli.apache import express, sites
from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.express import Handler
from wsgireload.cli.apache.httpd import Httpd, find
from wsgireload.cli.doctor import script
from wsgireload.cli.installation import Installation

HANDLER = """\
entry_point = r'{entry_point}'
application_type = '{kind}'
callable_object = 'application'
disable_reloading = {disable}
reload_on_changes = {reload}
"""
CONTROL = """\
#!/bin/bash
HTTPD="/usr/sbin/apache2"
HTTPD_ARGS="-f {root}/httpd.conf -DMOD_WSGI_KEEP_ALIVE -DMOD_WSGI_MULTIPROCESS"
HTTPD_COMMAND="$HTTPD $HTTPD_ARGS"
MOD_WSGI_SERVER_ROOT="{root}"
export MOD_WSGI_SERVER_ROOT
MOD_WSGI_USER="${{MOD_WSGI_USER:-www-data}}"
export MOD_WSGI_USER
cat << END
WARNING: something
END
ACMD="$1"
exec /bin/false
"""


def write(path: Path, text: str) -> str:
    """A file that express made; returns its path."""
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("kind", "disable", "reload", "expected"),
    [
        ("script", False, False, Handler("/srv/app.wsgi", False, True)),
        ("script", False, True, Handler("/srv/app.wsgi", True, True)),
        ("script", True, True, Handler("/srv/app.wsgi", False, False)),
        ("module", False, False, Handler("", False, True)),
    ],
)
def test_the_handler(
    tmp_path: Path, kind: str, disable: bool, reload: bool, expected: Handler
) -> None:
    """The user's script, and which restarts are express's own."""
    text = HANDLER.format(entry_point="/srv/app.wsgi", kind=kind, disable=disable, reload=reload)
    assert express.handler(write(tmp_path / "handler.wsgi", text)) == expected


def test_another_handler(tmp_path: Path) -> None:
    """Any other script is what it is, also one that is not there."""
    assert express.handler(write(tmp_path / "a.wsgi", "entry_point = r'x'\n")) is None
    assert express.handler(str(tmp_path / "none.wsgi")) is None


def test_the_control_script(tmp_path: Path) -> None:
    """Apache is run as express's apachectl runs it, with its options and its environment."""
    config = write(tmp_path / "httpd.conf", "")
    write(tmp_path / "apachectl", CONTROL.format(root=tmp_path))
    called: list[tuple[Sequence[str], Mapping[str, str]]] = []

    def run(words: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
        if words[0] == "sh":
            return programs.run(words, environment)
        called.append((words, environment))
        return 0, "", ""

    Httpd("httpd", config, run).check()
    [(words, environment)] = called
    options = ["-DMOD_WSGI_KEEP_ALIVE", "-DMOD_WSGI_MULTIPROCESS"]
    assert words == ["httpd", "-f", config, *options, "-t"]
    assert environment["MOD_WSGI_SERVER_ROOT"] == str(tmp_path)
    assert environment["MOD_WSGI_USER"] == "www-data"


def test_the_apache_of_the_control_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --httpd it is the one that express uses, which mod_wsgi-standalone brings along."""
    monkeypatch.setattr("shutil.which", lambda program: program)
    config = write(tmp_path / "httpd.conf", "")
    assert find(None, config) != "/opt/httpd"
    text = CONTROL.format(root=tmp_path).replace("/usr/sbin/apache2", "/opt/httpd")
    write(tmp_path / "apachectl", text)
    assert find(None, config) == "/opt/httpd"
    assert find("/usr/sbin/other", config) == "/usr/sbin/other"


def test_another_control_script(tmp_path: Path) -> None:
    """Another apachectl is not run."""
    write(tmp_path / "apachectl", f"#!/bin/sh\nHTTPD=x\ntouch {tmp_path}/ran\n")
    assert express.control(str(tmp_path / "httpd.conf")) is None
    assert not (tmp_path / "ran").exists()


def handled(path: str) -> list[Directive]:
    """The directives of a site of express."""
    groups = ("process-group=localhost:8000", "application-group=%{GLOBAL}")
    return [
        Directive("wsgidaemonprocess", ("localhost:8000", "threads=5")),
        Directive("wsgihandlerscript", ("wsgi-handler", path, *groups)),
    ]


@pytest.mark.parametrize(
    ("disable", "reload", "what", "level"),
    [
        (True, False, "--disable-reloading", "ok"),
        (False, False, "--disable-reloading", "ok"),
        (False, True, "--reload-on-changes", "warn"),
    ],
)
def test_a_site_of_express(
    tmp_path: Path, disable: bool, reload: bool, what: str, level: str
) -> None:
    """It serves the user's script in its daemon group; another reloader is warned of."""
    app = write(tmp_path / "app.wsgi", "import wsgireload\nwsgireload.start()\n")
    text = HANDLER.format(entry_point=app, kind="script", disable=disable, reload=reload)
    every = handled(write(tmp_path / "handler.wsgi", text))
    [site] = sites.find(every)
    assert (site.script, site.group, site.url) == (app, "localhost:8000", "/")
    found = {each.what: each for each in script.examine(site, every, Installation.current())}
    assert found[what].level == level
    assert "WSGIScriptReloading" not in found
    assert not [each for each in found.values() if each.level == "fail"]


def test_embedded_mode(tmp_path: Path) -> None:
    """The cure is an option less, as its lines are not the user's."""
    app = write(tmp_path / "app.wsgi", "import wsgireload\nwsgireload.start()\n")
    text = HANDLER.format(entry_point=app, kind="script", disable=True, reload=False)
    path = write(tmp_path / "handler.wsgi", text)
    every = [Directive("wsgihandlerscript", ("wsgi-handler", path, "process-group=%{GLOBAL}"))]
    [site] = sites.find(every)
    found = {each.what: each for each in script.examine(site, every, Installation.current())}
    assert found["process"].cure == "leave out --embedded-mode"


def test_a_module(tmp_path: Path) -> None:
    """With --application-type module the site is the file of the module."""
    (tmp_path / "mysite").mkdir()
    file = write(tmp_path / "mysite" / "wsgi.py", "import wsgireload\nwsgireload.start()\n")
    text = HANDLER.format(entry_point="mysite.wsgi", kind="module", disable=True, reload=False)
    daemon, script = handled(write(tmp_path / "handler.wsgi", text))
    for option in ("home", "python-path"):
        options = (*daemon.arguments, f"{option}={tmp_path}")
        [site] = sites.find([replace(daemon, arguments=options), script])
        assert (site.script, site.url) == (file, "/")
    [site] = sites.find([daemon, script])
    assert site.script == str(tmp_path / "handler.wsgi")


def test_scripts_of_express_without_an_application(tmp_path: Path) -> None:
    """Files that --add-handler or --application-type static serves are no application."""
    static = HANDLER.format(entry_point="ignored", kind="static", disable=False, reload=False)
    for text in (static, "resources = [('.ext', '/srv/h.py')]\n"):
        assert sites.find(handled(write(tmp_path / "handler.wsgi", text))) == []


@pytest.mark.parametrize("folder", ["/srv/htdocs", "/srv/htdocs/"])
def test_a_mount_point(tmp_path: Path, folder: str) -> None:
    """The URL path is that of the folder in which express rewrites all requests to its script."""
    text = HANDLER.format(entry_point="/srv/a.wsgi", kind="script", disable=True, reload=False)
    every = handled(write(tmp_path / "handler.wsgi", text))
    every += [Directive("documentroot", ("/srv/htdocs",))]
    rule = (".*", "-", "[H=wsgi-handler]")
    [site] = sites.find([*every, Directive("rewriterule", rule, (("directory", folder),))])
    assert site.url == "/"
    around = (("directory", f"{folder.rstrip('/')}/sub"),)
    [site] = sites.find([*every, Directive("rewriterule", rule, around)])
    assert site.url == "/sub"


def test_a_handler_of_files(tmp_path: Path) -> None:
    """The group may be that of a section of the files for which a handler is."""
    app = write(tmp_path / "app.wsgi", "import wsgireload\nwsgireload.start()\n")
    page = write(tmp_path / "page.bobo", "")
    daemon, _ = handled(app)
    every = [
        daemon,
        Directive("wsgihandlerscript", ("bobo", app)),
        Directive("addhandler", ("bobo", ".bobo")),
        Directive("documentroot", (str(tmp_path),)),
        Directive("wsgiprocessgroup", ("localhost:8000",), (("files", "*.bobo"),)),
    ]
    [site] = sites.find(every)
    assert (site.script, site.url, site.daemon) == (app, "/page.bobo", daemon)
    assert page.endswith(site.url)


def test_a_handler_that_is_not_of_express(tmp_path: Path) -> None:
    """The script of any WSGIHandlerScript is a site."""
    app = write(tmp_path / "app.wsgi", "import wsgireload\nwsgireload.start()\n")
    [site] = sites.find(handled(app))
    assert (site.script, site.express) == (app, None)
