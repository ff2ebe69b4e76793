"""docs/fleet.md: its playbook deploys to one machine after another, and ends where one fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.ansible import Playbook, packages
from support.commandline import CommandLine
from support.reader import blocks
from support.testsite import START, Site, Sites

pytestmark = pytest.mark.parametrize("apache", ["6.1.1"], indirect=True)  # the machines are alike


@pytest.fixture
def machines(new_site: Sites, command: CommandLine) -> list[Site]:
    """Two Apaches with the site of the document, which find their status files in one folder."""
    packages()  # before anything is started
    program = command.home / "bin" / "wsgireload"
    program.write_text(f'#!/bin/sh\nexec {command.home}/bin/python -m wsgireload "$@"\n')
    program.chmod(0o755)
    made = [new_site(daemon="processes=2 threads=2", preload=True) for _ in range(2)]
    for site in made:
        site.temporary = made[0].temporary
        (site.app / "venv").symlink_to(command.home)
        trigger = f"{START}, trigger={str(site.app / 'deployed')!r})"
        site.edit("app.wsgi", f"{START})", trigger)
        site.start()
        site.wait_for_line("watching: ", count=2)
    return made


@pytest.fixture
def playbook(machines: list[Site], tmp_path: Path) -> Playbook:
    """The playbook of the document, word by word, and what it copies."""
    [text] = [each.text for each in blocks("fleet.md", "## Ansible") if "hosts: web" in each.text]
    path = tmp_path / "deploy.yml"
    path.write_text(text)
    (tmp_path / "mysite").mkdir()
    values = [{"site": str(site.app), "url": f"{site.url}words.WORD"} for site in machines]
    return Playbook(path, {f"web{number}": each for number, each in enumerate(values, 1)})


def test_the_playbook(machines: list[Site], playbook: Playbook) -> None:
    """A good version runs on each machine when the play ends; a broken one reaches the first."""
    code = playbook.path.parent / "mysite" / "words.py"
    code.write_text('WORD = "new"\n')
    here = {"TMPDIR": str(machines[0].temporary)}
    result, printed = playbook.run(**here)
    assert result == 0, printed
    assert [site.ask().value for site in machines for _ in range(5)] == ["new"] * 10
    code.write_text('WORD = "newer\n')
    machines[0].noisy = True
    result, printed = playbook.run(**here)
    assert result != 0
    assert "words.py, line 1: SyntaxError" in printed
    assert [site.ask().value for site in machines] == ["new"] * 2
    assert (machines[1].app / "words.py").read_text() == 'WORD = "new"\n'
