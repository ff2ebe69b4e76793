"""Sites in the shapes that public configurations have: each answers, and no command is alarmed.

The shapes are those of published projects, hosts and tutorials. What does not work is found.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import replace
from string import Template
from textwrap import dedent

import pytest
from support.apacheserver import ServerError, free_port
from support.commandline import CommandLine
from support.shapes import REFUSED, SCRIPT, SHAPES, Shape
from support.testsite import Site, Sites

from wsgireload.cli.apache import directives, sites
from wsgireload.cli.apache.httpd import Httpd

MODULES = ["alias", "dir", "env", "macro", "mime", "rewrite", "setenvif", "userdir", "version"]
LOAD = """\
<IfModule !{name}_module>
  LoadModule {name}_module "{folder}/mod_{name}.so"
</IfModule>
"""
COMMON = """\
WSGIRestrictEmbedded On
TypesConfig /dev/null
"""
ENVIRONMENT = {"WSGI_GROUP": "site", "WSGI_PREFIX": "/from/envvars"}


@pytest.fixture
def laid_out(
    new_site: Sites, command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Shape], Site]:
    """Makes the site of a shape, not started."""

    def make(shape: Shape) -> Site:
        site = new_site(daemon=None, python_path=[], scripts={})
        port = free_port()
        monkeypatch.setattr("support.apacheserver.free_port", lambda: port)
        daemon = f"threads=5 python-home={command.home} python-path={site.app}"
        values = {"app": site.app, "root": site.root, "port": port, "daemon": daemon}
        values["user"] = site.user or getpass.getuser()
        files = {"app/app.wsgi": SCRIPT, "envvars": "", **shape.files}
        for name, text in files.items():
            path = site.root / name
            site.folder(str(path.parent.relative_to(site.root)))
            path.write_text(Template(text).safe_substitute(values))
        exports = (f"export {name}={value}\n" for name, value in ENVIRONMENT.items())
        (site.root / "envvars").write_text("".join(exports))
        folder = site.apache.modules
        loads = (LOAD.format(name=name, folder=folder) for name in MODULES)
        lines = Template(dedent(shape.lines)).substitute(values)
        site.served = replace(
            site.served, directives="".join([*loads, COMMON, lines]), environment=ENVIRONMENT
        )
        return site

    return make


@pytest.mark.parametrize("apache", ["6.1.1"], indirect=True)
@pytest.mark.parametrize("name", SHAPES)
def test_shape(name: str, laid_out: Callable[[Shape], Site], command: CommandLine) -> None:
    """The site answers in its daemon process; no command finds anything wrong."""
    shape = SHAPES[name]
    site = laid_out(shape)
    others = (each for each in shape.files if each.endswith("/app.wsgi"))
    script = str(site.root / next(others, "app/app.wsgi"))
    site.start()
    asked = shape.asked or shape.path
    group = site.get(asked, Host=f"{shape.name}:{site.port}")
    assert group
    where = ("--httpd", site.apache.httpd, "--config", site.root / "httpd.conf")
    for words in ((), (script,)):
        done = command("doctor", *where, "--json", *words)
        findings = done.json["findings"]
        assert [each["text"] for each in findings if each["level"] != "ok"] == [], words
        scripts = [each["text"] for each in findings if each["what"] == "WSGI script"]
        assert any(f"-> {script}" in each for each in scripts), scripts
    done = command("config", script, "--check", *where)
    assert (done.code, done.err) == (0, ""), done.out
    done = command("files", script, *where)
    assert (done.code, done.err) == (0, ""), done.out
    assert f"{site.app}: " in done.out
    done = command("status", environment={"TMPDIR": str(site.temporary)})
    assert (done.code, done.err) == (0, ""), done.out
    served_as_configured(shape, site, script, group)


def served_as_configured(shape: Shape, site: Site, script: str, group: str) -> None:
    """The group and the URL are those of the configuration, printed or read from its files."""
    httpd = Httpd(str(site.apache.httpd), str(site.root / "httpd.conf"))
    printed, is_printed = directives.read(httpd)
    assert is_printed
    for every in (printed, list(directives.Files(httpd.dump, httpd.environment))):
        found = sites.of_script(script, sites.find(every, script))
        assert group in [each.group for each in found] or all("%{" in each.group for each in found)
        known = {each.address for each in found if each.address}
        assert shape.path in [each.path for each in known] or not shape.path
        for each in known:
            assert site.get(each.path, Host=each.host) == group


@pytest.mark.parametrize("apache", ["6.1.1"], indirect=True)
@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, laid_out: Callable[[Shape], Site], command: CommandLine) -> None:
    """What mod_wsgi refuses is found, with the one cause."""
    shape, wanted, status = REFUSED[name]
    site = laid_out(shape)
    site.start()
    with pytest.raises(ServerError, match=f": {status}"):
        site.get(shape.path)
    where = ("--httpd", site.apache.httpd, "--config", site.root / "httpd.conf")
    findings = command("doctor", *where, "--json").json["findings"]
    failed = {each["what"]: each["text"] for each in findings if each["level"] != "ok"}
    assert failed.keys() == wanted.keys()
    assert all(text in failed[what] for what, text in wanted.items()), failed
