"""The doctor on one script: the process that serves it, and how that ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsgireload.cli.apache import sites
from wsgireload.cli.apache.directives import Directive, Files
from wsgireload.cli.apache.httpd import Dump
from wsgireload.cli.apache.sites import Site
from wsgireload.cli.doctor import script
from wsgireload.cli.installation import Installation


@pytest.mark.parametrize(
    ("line", "cure"),
    [
        ("WSGIScriptAlias / {0}", "add to its WSGIScriptAlias: process-group=site"),
        ("WSGIScriptAliasMatch ^/a {0}", "add to its WSGIScriptAliasMatch: process-group=site"),
        ("Alias /a {0}\nAddHandler wsgi-script .wsgi", "add `WSGIProcessGroup site` in a `<Dir"),
    ],
)
def test_the_cure_of_embedded_mode(tmp_path: Path, line: str, cure: str) -> None:
    """The cure names the line that serves the script; a handler can have no group on its line."""
    conf, path = tmp_path / "httpd.conf", tmp_path / "app.wsgi"
    path.write_text("application = None\n")
    conf.write_text(f"WSGIDaemonProcess site\n{line.format(path)}\n")
    every = list(Files(Dump("", frozenset(), {}, {}, {("", 0): [str(conf)]}), {}))
    [site] = sites.find(every)
    here = Installation(False, "3.11", 64, "/", "/", "/")
    [process] = [each for each in script.examine(site, every, here) if each.what == "process"]
    assert (process.level, process.cure.startswith(cure)) == ("fail", True)


@pytest.mark.parametrize(
    ("imported", "groups", "is_twice"),
    [
        ("process-group=site application-group=%{GLOBAL}", "process-group=site", True),
        (
            "process-group=site application-group=%{GLOBAL}",
            "process-group=site application-group=%{GLOBAL}",
            False,
        ),
        ("process-group=other application-group=%{GLOBAL}", "process-group=site", False),
    ],
)
def test_preloaded_for_nobody(tmp_path: Path, imported: str, groups: str, is_twice: bool) -> None:
    """A WSGIImportScript of another interpreter than the requests', as of graphite-web."""
    conf, path = tmp_path / "httpd.conf", tmp_path / "app.wsgi"
    path.write_text("application = None\n")
    lines = f"WSGIImportScript {path} {imported}\nWSGIScriptAlias / {path} {groups}\n"
    conf.write_text(f"WSGIDaemonProcess site\nWSGIDaemonProcess other\n{lines}")
    every = list(Files(Dump("", frozenset(), {}, {}, {("", 0): [str(conf)]}), {}))
    [site] = sites.find(every)
    here = Installation(False, "3.11", 64, "/", "/", "/")
    found = [each for each in script.examine(site, every, here) if each.what == "preloading"]
    assert [each.cure for each in found] == is_twice * [
        "add application-group=%{GLOBAL} to its WSGIScriptAlias"
    ]


@pytest.mark.parametrize(
    ("options", "level"),
    [
        ([], "ok"),
        (["shutdown-timeout=10"], "ok"),
        (["shutdown-timeout=20"], "ok"),
        (["shutdown-timeout=21"], "warn"),
        (["shutdown-timeout=60", "threads=5", "processes=1"], "warn"),
        (["shutdown-timeout=60", "processes=2"], "ok"),
        (["shutdown-timeout=0"], "warn"),
        (["shutdown-timeout=soon"], "warn"),
    ],
    ids=str,
)
def test_a_long_shutdown_timeout(options: list[str], level: str, tmp_path: Path) -> None:
    """Where one process serves alone, all visitors wait for what does not end: a warning."""
    alias = Directive("wsgiscriptalias", ("/", str(tmp_path / "app.wsgi")))
    daemon = Directive("wsgidaemonprocess", ("site", *options))
    site = Site(alias.arguments[1], "/", alias, "site", "", daemon)
    [found] = [
        each
        for each in script.examine(site, [daemon, alias], Installation.current())
        if each.what == "shutdown-timeout"
    ]
    assert found.level == level
    assert not found.cure or "shutdown-timeout" in found.cure or "seconds" in found.cure


@pytest.mark.parametrize(("value", "is_off"), [("Off", True), ("off", True), ("On", False)])
def test_without_finalisation(value: str, is_off: bool, tmp_path: Path) -> None:
    """WSGIDestroyInterpreter Off is no problem; what it loses is stated."""
    alias = Directive("wsgiscriptalias", ("/", str(tmp_path / "app.wsgi")))
    daemon = Directive("wsgidaemonprocess", ("site",))
    site = Site(alias.arguments[1], "/", alias, "site", "", daemon)
    off = Directive("wsgidestroyinterpreter", (value,))
    every = script.examine(site, [daemon, alias, off], Installation.current())
    found = [each for each in every if each.what == "WSGIDestroyInterpreter"]
    assert [each.level for each in found] == ["ok"] * is_off
    assert all("atexit" in each.text for each in found)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("/app/ {}", [("warn", "write /app")]),
        ("app {}", [("fail", "write /app")]),
        ("/app {}", []),
        ("/ {}", []),
        ("/app/ {}/", []),
    ],
)
def test_the_slashes_of_an_alias(tmp_path: Path, line: str, found: list[tuple[str, str]]) -> None:
    """A URL begins with a slash, and ends with one only if its file does."""
    (tmp_path / "app.wsgi").write_text("import wsgireload\nwsgireload.start()\n")
    conf = tmp_path / "httpd.conf"
    conf.write_text(f"WSGIScriptAlias {line.format(tmp_path / 'app.wsgi')}\n")
    every = list(Files(Dump("", frozenset(), {}, {}, {("", 0): [str(conf)]}), {}))
    [site] = sites.find(every)
    examined = script.examine(site, every, Installation.current())
    assert [(each.level, each.cure) for each in examined if each.what == "WSGIScriptAlias"] == found


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("Redirect permanent / https://x.org/", True),
        ("RedirectPermanent / https://x.org/", True),
        ("RewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [END,NE,R=permanent]", True),
        ("RewriteRule (.*) https://%{HTTP_HOST}%{REQUEST_URI}", True),
        ("Redirect /old https://x.org/", False),
        ("RewriteRule ^/old https://x.org/", False),
        ("RewriteRule .* - [E=X:y]", False),
    ],
)
def test_a_virtual_host_that_redirects(tmp_path: Path, line: str, is_one: bool) -> None:
    """The copy that certbot redirects to HTTPS serves nothing, in whatever process."""
    alias = "WSGIScriptAlias / /app.wsgi"
    conf = tmp_path / "httpd.conf"
    hosts = f"<VirtualHost *:80>\n{alias}\n{line}\n</VirtualHost>\n"
    other = f"<VirtualHost *:443>\n{alias} process-group=site\n</VirtualHost>\n"
    conf.write_text(f"WSGIDaemonProcess site\n{hosts}{other}")
    every = list(Files(Dump("", frozenset(), {}, {}, {("", 0): [str(conf)]}), {}))
    found = sites.find(every)
    selected, _ = script.select(None, found, every)
    assert selected == found[is_one:]
    alone = [each for each in every if each.host != 2]
    assert len(script.select(None, sites.find(alone), alone)[0]) == 1


def test_a_group_without_threads(tmp_path: Path) -> None:
    """A process for a service script answers no request."""
    path = tmp_path / "app.wsgi"
    path.write_text("import wsgireload\nwsgireload.start()\n")
    every = [
        Directive("wsgidaemonprocess", ("site", "threads=0")),
        Directive("wsgiscriptalias", ("/", str(path), "process-group=site")),
    ]
    [site] = sites.find(every)
    examined = script.examine(site, every, Installation(False, "3.11", 64, "/", "/", "/"))
    [process] = [each for each in examined if each.what == "process"]
    assert (process.level, "threads=0" in process.text) == ("fail", True)
