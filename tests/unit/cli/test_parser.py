"""The command line's help, versions and completion."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.standinapache import apache, program

from wsgireload.cli import completion, main, parser, versions
from wsgireload.cli.apache import httpd

COMMANDS = [module.__name__.rpartition(".")[2] for module in parser.COMMANDS]
EXAMPLES = [line for name in COMMANDS for line, _ in parser.EXAMPLES[name]]


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: str, capsys) -> None:
    """The help of each command ends with its examples, in lines that a terminal has room for."""
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    examples = text.partition("\nexamples:\n")[2]
    assert f"  wsgireload {command}" in examples
    assert all(len(line) <= 100 for line in text.splitlines())


@pytest.mark.parametrize("line", EXAMPLES)
def test_examples(line: str) -> None:
    """Each example is a command line that makes sense."""
    _, *arguments = shlex.split(line.partition(" > ")[0])
    assert callable(parser.build().parse_args(arguments).run)


def test_summaries(capsys) -> None:
    """The help of the program has each command, with what it does."""
    with pytest.raises(SystemExit):
        main(["--help"])
    lines = capsys.readouterr().out
    assert all(f"\n    {command}" in lines for command in COMMANDS)


def test_without_docstrings() -> None:
    """python -OO, which has none, runs the commands."""
    words = [sys.executable, "-OO", "-m", "wsgireload", "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
    assert (done.returncode, done.stderr) == (0, "")


def version(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What --version prints."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    return capsys.readouterr().out.splitlines()


def test_version_of_apache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """--version prints that of the Apache in the usual places, and of the mod_wsgi it loads."""
    module = tmp_path / "mod_wsgi.so"
    module.write_bytes(b"\x7fELF\x02\0libpython3.11.so.1.0\0\x005.0.2\0")
    made = apache(tmp_path, f"LoadModule wsgi_module {module}\n")
    monkeypatch.setattr(httpd, "find", lambda: made)
    ours, server, mod_wsgi = version(capsys)
    assert ours.startswith("wsgireload ")
    assert server == f"Apache/2.4.99 (Test): {made}"
    assert mod_wsgi == f"mod_wsgi 5.0.2 for Python 3.11: {module}"


@pytest.mark.parametrize(
    "text", ["raise SystemExit(1)", "print('no Apache')", "import time; time.sleep(60)"]
)
def test_version_beside_a_broken_apache(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """An Apache that fails or hangs is left out, in good time."""
    monkeypatch.setattr(httpd, "find", lambda: program(tmp_path, text))
    monkeypatch.setattr(versions, "LONGEST", 0.3)
    began = time.monotonic()
    assert len(version(capsys)) == 1
    assert time.monotonic() - began < 20


def test_version_and_an_error_of_ours(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """Whatever goes wrong with Apache, our own version is printed."""
    monkeypatch.setattr(httpd, "find", lambda: 1 / 0)
    assert len(version(capsys)) == 1


def completed(capsys: pytest.CaptureFixture[str], words: str) -> set[str]:
    """What bash completes the last of these words to."""
    assert main(["completion", "bash"]) == 0
    code = (
        f"{capsys.readouterr().out}\nCOMP_WORDS=({words})\nCOMP_CWORD={len(words.split()) - 1}\n"
        "_shtab_wsgireload\necho ${COMPREPLY[@]}"
    )
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_completion_in_bash(capsys) -> None:
    """bash completes commands and options."""
    assert completed(capsys, "wsgireload re") == {"restart", "resume"}
    assert "--watch" in completed(capsys, "wsgireload status --w")
    assert completed(capsys, "wsgireload completion b") == {"bash"}


def test_completion_of_paths(capsys) -> None:
    """Scripts are completed as files, project folders as folders."""
    assert main(["completion", "zsh"]) == 0
    script = capsys.readouterr().out
    assert '":WSGI script:_files"' in script
    assert '"--django[folder with manage.py]:PROJECT:_files -/"' in script


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_every_shell(shell: str, capsys) -> None:
    """There is a script for each shell that the help names, with all commands."""
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(command in script for command in COMMANDS)


def test_completion_without_shtab(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """Without shtab the error says how to install it."""
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 2
    err = capsys.readouterr().err
    assert err == "wsgireload: completion needs shtab: pip install 'wsgireload[completion]'\n"
