"""What the command line prints, and what it does once its reader has ended."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.waiting import wait_for

from wsgireload.cli import terminal

# Python's buffer is what fails late, as it does for users.
ENV = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}


class Screen(io.StringIO):
    """An output that is a terminal."""

    def isatty(self) -> bool:
        return True


def unread(*words: str | Path) -> tuple[int, str]:
    """The exit code and stderr of a command of ours whose reader has ended."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "wsgireload", *words]
    try:
        done = subprocess.run(
            command, env=ENV, stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", ["--help", "restart --help", "status", "status --json"])
def test_nobody_reads(words: str) -> None:
    """A closed pipe is no traceback; the exit code is what a shell reports for other tools."""
    assert unread(*words.split()) == (terminal.BROKEN_PIPE, "")


def test_nobody_reads_on(tmp_path: Path) -> None:
    """Nor is a pipe that is closed in the midst of a long output, as by `| head -1`."""
    script = tmp_path / "app.wsgi"
    script.write_text(f"import wsgireload\nwsgireload.start(track={str(tmp_path)!r})\n")
    for number in range(1000):
        (tmp_path / f"{'x' * 50}{number}.html").touch()
    code, err = unread("files", script, "--path", tmp_path, "--all")
    assert code == terminal.BROKEN_PIPE
    assert err.replace(f"wsgireload: still loading {script}\n", "") == ""  # on a busy machine


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize(
    ("words", "code"), [(["files", "app.wsgi"], 1), (["--help"], 0), (["no"], 2)]
)
def test_without_output(closed: str, words: list[str], code: int, tmp_path: Path) -> None:
    """A closed stdout or stderr, as of some service managers, takes whatever is printed."""
    (tmp_path / "app.wsgi").write_text("raise SystemExit(3)\n")
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh"]
    command = [*shell, sys.executable, "-m", "wsgireload", *words]
    done = subprocess.run(
        command, env=ENV, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_no_room() -> None:
    """An output that cannot be written is one sentence, and exit code 1."""
    words = [sys.executable, "-m", "wsgireload", "--help"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            words, env=ENV, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "wsgireload: cannot write the output: No space left on device\n"


def test_what_takes_long_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it takes long, one line on stderr says what does."""
    err = io.StringIO()
    monkeypatch.setattr(terminal, "LATE", 0.0)
    monkeypatch.setattr("sys.stderr", err)
    with terminal.busy("still loading /srv/app.wsgi"):
        wait_for(err.getvalue)
    assert err.getvalue() == "wsgireload: still loading /srv/app.wsgi\n"


def test_what_takes_long_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a spinner turns, and leaves nothing behind."""
    err = Screen()
    monkeypatch.setattr(terminal, "LATE", 0.0)
    monkeypatch.setattr(terminal, "FRAME", 0.001)
    monkeypatch.setattr("sys.stderr", err)
    with terminal.busy("still loading"):
        wait_for(lambda: "still loading -" in err.getvalue())
    assert "still loading |" in err.getvalue()
    assert err.getvalue().endswith(terminal.ERASE)


def test_what_is_quick_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that ends in good time is not mentioned, be it by an error."""
    err = Screen()
    monkeypatch.setattr("sys.stderr", err)
    with terminal.busy("still loading"):
        pass
    with pytest.raises(KeyError), terminal.busy("still loading"):
        raise KeyError
    assert err.getvalue() == ""


@pytest.mark.parametrize(
    ("lines", "rows", "shown"),
    [
        (["a", "b"], 5, ["a", "b"]),
        (["a", "b", "c"], 3, ["a", "b"]),
        (["x" * 11, "b", "c"], 4, ["x" * 11, "b"]),
        (["\033[32mok  \033[0m 345", "b"], 3, ["\033[32mok  \033[0m 345", "b"]),
    ],
)
def test_a_screen(
    lines: list[str], rows: int, shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A screen is drawn in place, and never scrolls: what it has no room for is left out."""
    out = Screen()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: (10, rows))
    terminal.print_screen("\n".join(lines))
    assert out.getvalue() == terminal.HOME + terminal.CLEAR + "\n".join(shown) + "\n"


def test_a_script_that_hangs(tmp_path: Path) -> None:
    """A script that is never loaded is ended, and a traceback shows the line where it hangs."""
    script = tmp_path / "app.wsgi"
    script.write_text("import threading\nthreading.Event().wait()\n")
    code = "import sys; from wsgireload.cli import loading; loading.LONGEST = 0.5; "
    code += "loading.main(sys.argv[1], [])"
    words = [sys.executable, "-c", code, script]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f'File "{script}", line 2 in <module>' in done.stderr
