"""The command line, without an Apache: misuse, its output, and the files of a script."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from wsgireload import settings
from wsgireload.cli import configuration, main, terminal


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["restart", "--service", "x"], "--service works on Windows only"),
        (["restart", "--pid-file", "/no/where"], "--pid-file is '/no/where': No such file"),
        (["files", "/no/where"], "SCRIPT is '/no/where'; it takes an existing WSGI script"),
        (["config", "/no/where"], "SCRIPT is '/no/where'; it takes an existing WSGI script"),
        (["config", "--django", "/no"], "--django is '/no'; it takes the folder with manage.py"),
        (["config", "--flask", "a b"], "--flask is 'a b'; it takes MODULE:APP"),
        (["config", "--flask", "nowhere:app"], "--flask is 'nowhere:app'; there is no nowhere"),
        (["config", "--django", ""], "--django is ''; "),
        (["config", "--flask", ""], "--flask is ''; it takes MODULE:APP"),
        (["config", __file__, "--url", "app"], "--url is 'app'; it takes a URL path"),
        (["config", __file__, "--name", "a b"], "--name is 'a b'; it takes letters"),
    ],
)
def test_misuse(given: list[str], said: str, capsys, folder: Path) -> None:
    """An error names the argument, its value and what it takes; the exit code is 2."""
    assert main(given) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f"wsgireload: {said}")
    assert told.out == ""


@pytest.mark.parametrize("given", [[], ["nothing"], ["files"], ["config"]])
def test_misuse_that_argparse_sees(given: list[str], capsys) -> None:
    """An error of argparse has the same exit code."""
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == 2


def test_version(capsys) -> None:
    """The version is that of the package."""
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("wsgireload ")


class Terminal(io.StringIO):
    """A stdout that is a terminal, or not."""

    def __init__(self, *, real: bool) -> None:
        super().__init__()
        self.real = real

    def isatty(self) -> bool:
        return self.real


@pytest.mark.parametrize(
    ("real", "no_color", "coloured"),
    [(True, None, True), (False, None, False), (True, "1", False), (True, "", True)],
)
def test_colour(real: bool, no_color: str | None, coloured: bool, monkeypatch) -> None:
    """Colours are for terminals without NO_COLOR."""
    monkeypatch.setattr("sys.stdout", Terminal(real=real))
    known = {} if no_color is None else {"NO_COLOR": no_color}
    monkeypatch.setattr(settings, "environment", lambda: known)
    assert terminal.level("fail") == ("\033[31mfail\033[0m" if coloured else "fail")
    assert ("\033" in terminal.level("ok")) == coloured


def test_what_the_terminal_cannot_show(monkeypatch) -> None:
    """A character that the terminal's encoding lacks is escaped."""
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    terminal.print_text("é \udcff")
    assert raw.getvalue() == b"\\xe9 \\udcff\n"


def test_everything_printed_is_harmless(capsys, monkeypatch) -> None:
    """Whatever reaches the terminal cannot move its cursor; colours of ours and lines remain."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    text = "a\x1b[2Jb\rc\x9bd\u202ee\n\tf\x1b]0;title\x07\x1b[31m"
    harmless = "a\\x1b[2Jb\\rc\\x9bd\\u202ee\n\tf\\x1b]0;title\\x07\x1b[31m\n"
    terminal.print_text(text)
    terminal.print_aside(text)
    out, err = capsys.readouterr()
    assert out == err == harmless


@pytest.mark.parametrize(
    ("files", "script", "text", "folder"),
    [
        (["app.wsgi"], "app.wsgi", "", ""),
        (["mysite/__init__.py"], "mysite/wsgi.py", "", ""),
        (["a/b/__init__.py", "a/__init__.py"], "a/b/wsgi.py", "", ""),
        (
            ["mysite/settings.py"],
            "mysite/wsgi.py",
            "setdefault({}, 'mysite.settings')",
            "",
        ),
        (["config/settings/prod.py"], "config/wsgi.py", "environ[{}] = 'config.settings.prod'", ""),
        (["src/shop/settings/__init__.py"], "deploy/app.wsgi", "environ[{}] = 'no.such'", "deploy"),
        (["src/site/conf.py"], "src/run/app.wsgi", "os.environ[{}]='site.conf'", "src"),
    ],
)
def test_folder_of_the_modules(
    files: list[str], script: str, text: str, folder: str, tmp_path: Path
) -> None:
    """python-path is where Django's settings can be imported, or the folder outside packages."""
    for name in (*files, script):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    path = tmp_path / script
    path.write_text(text.format('"DJANGO_SETTINGS_MODULE"'))
    site = configuration.existing(str(path), "site", "/")
    assert site.folder == str(tmp_path / folder).rstrip("/")


@pytest.mark.parametrize("line", ["os.system('echo noise')", "print('noise')"])
def test_files_of_a_script_that_prints(tmp_path: Path, capfd, line: str) -> None:
    """Neither the script's output nor that of programs it starts is taken for the list."""
    script = tmp_path / "app.wsgi"
    script.write_text(f"import os\n{line}\napplication = None\n")
    assert main(["files", str(script), "--json"]) == 0
    assert str(script) in json.dumps(json.loads(capfd.readouterr().out))


def test_files_of_a_script_that_ends_early(tmp_path: Path, capfd) -> None:
    """A script that ends its process is one that cannot be loaded."""
    script = tmp_path / "app.wsgi"
    script.write_text("raise SystemExit(0)\n")
    assert main(["files", str(script)]) == 1
    assert "Traceback" not in capfd.readouterr().err
