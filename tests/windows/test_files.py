"""The monitor on Windows is in nobody's way who works on the files that it watches."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from support.windows import installed
from support.windows.testsite import WindowsSites

from wsgireload.state.private_dir import PrivateDir

SAVES = 200
EDITOR = """\
import os, random, sys, time
path, saves = sys.argv[1], int(sys.argv[2])
random.seed(0)
errors = []
for number in range(saves):
    try:
        if number % 2:
            with open(path + ".tmp", "w") as file:
                file.write(f"WORD = {number}\\n")
            os.replace(path + ".tmp", path)
        else:
            os.remove(path)
            with open(path, "w") as file:
                file.write(f"WORD = {number}\\n")
    except OSError as error:
        errors.append(str(error))
    time.sleep(random.uniform(0, 0.03))
print(*errors, sep="\\n", end="")
"""


def test_an_editor_at_work(new_site: WindowsSites) -> None:
    """Renaming over a file and deleting it never fails an editor, and the last save is served."""
    site = new_site()
    # A busy machine may pause the editor for longer than 50 ms, which is no end of writing.
    site.edit("app.wsgi", "settle=0.05", "settle=2")
    site.start()
    site.ask()
    site.wait_for_looks()
    done = installed.python("-c", EDITOR, site.app / "words.py", str(SAVES))
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    site.wait_for_value(SAVES - 1)
    site.wait_for_looks()
    assert site.restarts() <= 2  # whoever saves for longer than the bound may see one in between


def test_a_file_that_another_has_locked(tmp_path: Path) -> None:
    """It is waited for, whatever reason the system gives."""
    folder = PrivateDir(str(tmp_path / "state"))
    with closing(folder.open_file("a")) as one, closing(folder.open_file("a")) as other:
        assert (one.lock(), other.lock()) == (True, False)
