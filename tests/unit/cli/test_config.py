"""`wsgireload config`: the configuration and the script that it prints."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from wsgireload.cli import configuration, main
from wsgireload.cli.apache.directives import words
from wsgireload.cli.installation import Installation
from wsgireload.cli.terminal import UsageError

WINDOWS = Installation(
    True,
    "3.11",
    64,
    r"C:\srv\mysite\venv",
    r"C:\Python311",
    r"C:\srv\mysite\venv\Lib\site-packages",
)


UNIX = Installation(False, "3.11", 64, "/srv/venv", "/usr", "/srv/venv/lib/site-packages")


def conf_for(folder: str, url: str = "/") -> str:
    """The configuration for a script in this folder."""
    return configuration.conf(
        configuration.Application("site", folder, f"{folder}/app.wsgi", url, ""), UNIX
    )


def test_the_end_of_a_url(tmp_path: Path, capsys) -> None:
    """A slash at its end is left out: below such an alias nothing would be found."""
    script = tmp_path / "app.wsgi"
    script.write_text("application = None\n")
    assert main(["config", str(script), "--url", "/app/"]) == 0
    assert f"WSGIScriptAlias /app {script} " in capsys.readouterr().out


def test_config_with_odd_names(monkeypatch) -> None:
    """Quotes are escaped, wildcards are characters, and ${…} is not a variable."""
    monkeypatch.setattr(configuration, "_mod_wsgi", lambda here: "/m/mod_wsgi.so")
    text = conf_for(r"""/srv/a "b"\c""", "/my site")
    assert r'python-path="/srv/a \"b\"\\c"' in text
    assert r"""WSGIScriptAlias "/my site" "/srv/a \"b\"\\c/app.wsgi" """ in text
    assert r"""<Directory "/srv/a \"b\"\\c">""" in text
    assert r"""<Directory "/srv/a[*]\\\\[[]b">""" in conf_for(r"/srv/a*\[b")
    text = conf_for("/srv/${HOME}")
    assert text.startswith("Define wsgireload_dollar $\n")
    assert "${HOME}" not in text
    assert "<Directory /srv/${wsgireload_dollar}{HOME}>" in text
    assert "Define" not in conf_for("/srv/site")


@pytest.mark.parametrize("name", ["a\nRequire all denied", "a\tb", "a:b", "a\x1b[2J", "a\udcff"])
def test_config_that_apache_could_not_read(name: str, monkeypatch) -> None:
    """A name that no configuration can contain is an error."""
    monkeypatch.setattr(configuration, "_mod_wsgi", lambda here: "/m/mod_wsgi.so")
    with pytest.raises(UsageError, match="cannot contain"):
        conf_for(f"/srv/{name}")


def test_words_as_apache_reads_them() -> None:
    """Quotes join words and are removed; backslashes of Windows stay."""
    text = r"""A "b c" d="e f" 'g "h' "i \"j" C:\srv "C:\my srv" """
    assert words(text) == ("A", "b c", "d=e f", 'g "h', 'i "j', r"C:\srv", r"C:\my srv")


@pytest.mark.parametrize(
    ("document", "production"),
    [("README.md", False), ("docs/linux.md", True), ("docs/deploying.md", True)],
)
def test_config_prints_what_the_documents_recommend(
    document: str, production: bool, monkeypatch
) -> None:
    """Each WSGIDaemonProcess and WSGIScriptAlias of mysite is the one that `config` prints.

    Of a server's documents it is the one for `production`.
    """
    monkeypatch.setattr(configuration, "_mod_wsgi", lambda here: "/m/mod_wsgi.so")
    machine = replace(WINDOWS, windows=False, prefix="/srv/mysite/venv", base_prefix="/usr")
    site = configuration.Application("mysite", "/srv/mysite", "/srv/mysite/app.wsgi", "/", "")
    printed = configuration.conf(site, machine, production=production).splitlines()
    text = (Path(__file__).parents[3] / document).read_text("utf-8")
    lines = re.findall(r"^(?:WSGIDaemonProcess mysite|WSGIScriptAlias /) .*", text, re.MULTILINE)
    assert lines
    assert set(lines) <= set(printed)


def with_respawn(folder: Path, production: bool, monkeypatch) -> list[str]:
    """The configuration, by a wsgireload in this folder that has the library for the parent."""
    monkeypatch.setattr(configuration, "_mod_wsgi", lambda here: "/m/mod_wsgi.so")
    folder.mkdir(exist_ok=True)
    (folder / "respawn.so").touch()
    site = configuration.Application("mysite", "/srv/mysite", "/srv/mysite/app.wsgi", "/", "")
    machine = replace(UNIX, package=str(folder))
    return configuration.conf(site, machine, production=production).splitlines()


def test_config_for_development(tmp_path: Path, monkeypatch) -> None:
    """An ended process is replaced at once, and mod_wsgi's own times apply."""
    printed = with_respawn(tmp_path, False, monkeypatch)
    path = f"{tmp_path}/respawn.so"
    assert printed[-3:] == [f"<IfFile {path}>", f"  LoadFile {path}", "</IfFile>"]
    assert printed[-4].startswith("# For development: ")
    assert "WSGIDaemonProcess mysite python-home=/srv/venv python-path=/srv/mysite" in printed
    printed = with_respawn(tmp_path / "a b", False, monkeypatch)
    assert printed[-2] == f'  LoadFile "{tmp_path}/a b/respawn.so"'


def test_config_for_production(tmp_path: Path, monkeypatch) -> None:
    """No library of ours is loaded into root's process: a comment holds the line."""
    printed = with_respawn(tmp_path, True, monkeypatch)
    assert printed[-1] == f"# LoadFile {tmp_path}/respawn.so"
    assert "as root" in printed[-2]
    assert not [line for line in printed if line.startswith("LoadFile")]
    options = "processes=2 python-home=/srv/venv python-path=/srv/mysite shutdown-timeout=10"
    assert f"WSGIDaemonProcess mysite {options}" in printed


def test_config_without_the_library(tmp_path: Path, monkeypatch) -> None:
    """Where none is installed, as on macOS, no line is printed for it."""
    monkeypatch.setattr(configuration, "_mod_wsgi", lambda here: "/m/mod_wsgi.so")
    site = configuration.Application("mysite", "/srv/mysite", "/srv/mysite/app.wsgi", "/", "")
    machine = replace(UNIX, package=str(tmp_path))
    for production in (False, True):
        text = configuration.conf(site, machine, production=production)
        assert "LoadFile" not in text


def test_config_on_windows(monkeypatch) -> None:
    """On Windows: LoadFile, LoadModule, the home of this Python, AcceptFilter, preloading once."""
    monkeypatch.setattr(configuration, "_mod_wsgi", lambda here: r"C:\m\mod_wsgi.pyd")
    script = r"C:\srv\mysite\app.wsgi"
    site = configuration.Application(
        "mysite", r"C:\srv\mysite", script, "/", "application = None\n"
    )
    assert configuration.conf(site, WINDOWS) == (
        'LoadFile "C:/Python311/python311.dll"\n'
        'LoadModule wsgi_module "C:/m/mod_wsgi.pyd"\n'
        'WSGIPythonHome "C:/Python311"\n'
        'WSGIPythonPath "C:/srv/mysite;C:/srv/mysite/venv/Lib/site-packages"\n'
        "AcceptFilter http none\n"
        "AcceptFilter https none\n"
        'WSGIScriptAlias / "C:/srv/mysite/app.wsgi" application-group=%{GLOBAL}\n'
        "<Directory C:/srv/mysite>\n"
        "  <Files app.wsgi>\n"
        "    Require all granted\n"
        "    WSGIScriptReloading Off\n"
        "  </Files>\n"
        "</Directory>"
    )
    assert configuration.script(site, WINDOWS).startswith(
        "import wsgireload\nwsgireload.start()\n\nappl"
    )


def test_for_production(tmp_path: Path) -> None:
    """On a server with visitors, the printed script also holds code that does not load."""
    (tmp_path / "shop.py").write_text("")
    site = configuration.flask("shop:app", str(tmp_path), None, "/")
    assert "start()" in configuration.script(site, UNIX)
    script = configuration.script(site, UNIX, production=True)
    assert script.startswith('import wsgireload\nwsgireload.start(preflight="import")\nreload_')


@pytest.mark.parametrize(
    ("text", "has_it"),
    [
        ("import wsgireload\nwsgireload.start()\n", True),
        ("if True:\n    wsgireload.start(  # for development\n    )\n", True),
        ("# import wsgireload\n# wsgireload.start()\n", False),
        ("import wsgireload  # wsgireload.start() comes later\n", False),
    ],
)
def test_a_script_that_starts_nothing(tmp_path: Path, text: str, has_it: bool) -> None:
    """A call in a comment is none: the lines are printed."""
    (tmp_path / "app.wsgi").write_text(text)
    site = configuration.existing(str(tmp_path / "app.wsgi"), None, "/")
    assert (configuration.script(site, UNIX) == "") is has_it


@pytest.mark.parametrize("settings", ["site/conf.py", "site/conf/__init__.py", "site/base.py"])
def test_a_script_of_django(tmp_path: Path, settings: str) -> None:
    """Where Django's settings have our app, the script needs reload_required alone."""
    for path in (tmp_path / settings, tmp_path / "site/conf.py"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / settings).write_text("INSTALLED_APPS = ['wsgireload.django']\n")
    script = tmp_path / "site/wsgi.py"
    script.write_text("environ['DJANGO_SETTINGS_MODULE'] = 'site.conf'\n")
    site = configuration.existing(str(script), None, "/")
    assert configuration.script(site, WINDOWS) == ""
    line = "import wsgireload\nreload_required = wsgireload.reload_required\n"
    assert configuration.script(site, UNIX) == line
    script.write_text(script.read_text() + line)
    assert configuration.script(site, UNIX) == ""


@pytest.mark.parametrize(("settings", "has_hint"), [("", True), ("preflight='import'", False)])
def test_for_production_a_script_that_starts(
    tmp_path: Path, settings: str, has_hint: bool, capfd, monkeypatch
) -> None:
    """A script that starts wsgireload without the check for visitors is given that setting."""
    monkeypatch.setattr(configuration, "_mod_wsgi", lambda here: "/m/mod_wsgi.so")
    script = tmp_path / "app.wsgi"
    script.write_text(f"import wsgireload\nwsgireload.start({settings})\n")
    assert main(["config", str(script), "--production"]) == 0
    assert ('add to its settings: preflight="import"' in capfd.readouterr().out) is has_hint


def test_a_flask_factory(tmp_path: Path) -> None:
    """MODULE:FACTORY() is called."""
    (tmp_path / "shop.py").write_text("")
    site = configuration.flask("shop:create_app()", str(tmp_path), None, "/")
    assert site.body == "from shop import create_app\n\napplication = create_app()\n"
