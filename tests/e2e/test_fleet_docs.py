"""docs/fleet.md, word by word: only machines and paths are the tests' own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.ansible import Playbook, packages
from support.apacheserver import wait_for
from support.commandline import CommandLine
from support.coordinators import RedisServer
from support.reader import DOCS, blocks
from support.testsite import START, Site, Sites

pytestmark = pytest.mark.parametrize("apache", ["6.1.1"], indirect=True)  # the machines are alike


REMOTE = """\
#!{python} -P
# Stands for ssh, rsync and curl: what web1 is to do is done in a folder of its own.
import os, re, subprocess, sys, urllib.request

name, words = os.path.basename(sys.argv[0]), sys.argv[1:]
host = re.search("web[0-9]", " ".join(words))[0]
home, url = {sites}[host]
words = [each.replace("/srv/mysite", home).replace(f"root@{{host}}:", "") for each in words]
if name == "curl":
    urllib.request.urlopen(url)
elif name == "rsync":
    sys.exit(subprocess.call(["{rsync}", *words]))
else:
    command = words[-1].replace("wait mysite", f"wait {{home}}/app.wsgi")
    sys.exit(subprocess.call(["/bin/sh", "-c", command]))
"""
FABRIC = """\
# Stands for fabric, whose Connection needs an SSH server.
import subprocess


class Connection:
    def __init__(self, host, user):
        self.at = f"{user}@{host}"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def local(self, command):
        subprocess.run(command, shell=True, check=True)

    def run(self, command):
        subprocess.run(["ssh", self.at, command], check=True)


def task(function):
    return function
"""
URL = "redis://db.example.com:6379/mysite"


@pytest.fixture(scope="session")
def command() -> Iterator[CommandLine]:
    """A command line of its own, to which the tests add programs."""
    with CommandLine.readable() as command:
        yield command


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


@pytest.fixture
def run(machines: list[Site], tmp_path: Path) -> Callable[..., int]:
    """Run the program that stands under a heading of the document; its exit code."""
    programs, home = tmp_path / "bin", tmp_path / "home"
    programs.mkdir()
    (home / "mysite").mkdir(parents=True)
    (home / "fabric.py").write_text(FABRIC)
    sites = {f"web{at}": (str(site.app), site.url) for at, site in enumerate(machines, 1)}
    remote = REMOTE.format(python=sys.executable, sites=sites, rsync=shutil.which("rsync"))
    for name in ("ssh", "rsync", "curl"):
        (programs / name).write_text(remote)
        (programs / name).chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    known = {"PATH": path, "TMPDIR": str(machines[0].temporary), "PYTHONPATH": str(home)}

    def run(heading: str, *command: str) -> int:
        (home / "deploy.py").write_text(next(blocks("fleet.md", heading)).text)
        done = subprocess.run(command, env=known, cwd=home, timeout=120, check=False)
        return done.returncode

    return run


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("## A shell script", ("sh", "deploy.py")),
        ("## Fabric", (sys.executable, "-c", "import deploy; deploy.deploy(None)")),
    ],
    ids=["shell", "fabric"],
)
def test_a_script(
    machines: list[Site], run: Callable[..., int], tmp_path: Path, heading: str, words: list[str]
) -> None:
    """A good version runs on each machine when it ends; a broken one reaches the first."""
    code = tmp_path / "home" / "mysite" / "words.py"
    code.write_text('WORD = "new"\n')
    assert run(heading, *words) == 0
    assert [site.ask().value for site in machines for _ in range(5)] == ["new"] * 10
    code.write_text('WORD = "newer\n')
    machines[0].noisy = True
    assert run(heading, *words) != 0
    assert [site.ask().value for site in machines] == ["new"] * 2
    assert (machines[1].app / "words.py").read_text() == 'WORD = "new"\n'


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A coordinator."""
    with RedisServer() as redis:
        yield redis


@pytest.fixture
def rolling(new_site: Sites) -> Callable[[str, str, str], list[Site]]:
    """Two machines that run, with the script below a heading; one text in it is replaced."""

    def start(heading: str, old: str, new: str) -> list[Site]:
        text = next(blocks("fleet.md", heading)).text
        made: list[Site] = []
        for number in (1, 2):
            owner = {"WSGIRELOAD_OWNER": f"web{number}"}
            made.append(new_site(daemon="processes=2 threads=2", preload=True, environment=owner))
            made[-1].edit("app.wsgi", f"{START})", text.replace(old, new))
        for site in made:
            site.start()
            site.wait_for_line("watching: ", count=2)
        return made

    return start


def test_the_roll(
    rolling: Callable[[str, str, str], list[Site]], redis: RedisServer, command: CommandLine
) -> None:
    """The setting; what the log, the status and `wsgireload turn` say of it; and `--clear`."""
    url = f"{redis.address}/mysite"
    machines = rolling("## Roll across", URL, url)
    take = [command.home / "bin" / "python", "-m", "wsgireload.turn", url, "take", "web9", "v2"]
    assert subprocess.run(take, stdout=subprocess.DEVNULL, check=False).returncode == 0
    for site in machines:
        site.write("words.py", 'WORD = "new"\n')
    page = " ".join((DOCS / "fleet.md").read_text("utf-8").split())
    [said] = re.findall(r"wsgireload: (restarting: views.py .*? since) [-0-9]+ [:0-9]+", page)
    said = re.sub(r"web2-\w+", "web9", said).replace("2026.11.3", "v2")
    for site in machines:
        site.wait_for_line(said.replace("views.py", f"{site.app}/words.py"))
        status = command("status", environment={"TMPDIR": str(site.temporary)}).out
        assert "the turn of the fleet: web9 has it for version v2 " in " ".join(status.split())
    assert command("turn", url).out.startswith("ok    web9 has it for version v2 since ")
    assert command("turn", "--clear", url).code == 0
    for site in machines:
        site.wait_for_line("reloaded: ", count=2)
    free = "ok    no machine has it\n"
    wait_for(lambda: command("turn", url).out == free, "the end of the last machine's turn")


def test_a_command_of_ones_own(
    rolling: Callable[[str, str, str], list[Site]], redis: RedisServer, command: CommandLine
) -> None:
    """A program with the protocol of the document's table replaces one process after another."""
    program = command.home / "mysite-turn"
    turn = f"{command.home}/bin/python -m wsgireload.turn"
    program.write_text(f'#!/bin/sh\nname=$1; shift\nexec {turn} {redis.address}/$name "$@"\n')
    program.chmod(0o755)
    machines = rolling("### A coordinator", "/usr/local/bin/mysite-turn", str(program))
    assert subprocess.call([program, "production", "take", "web9", "v2"]) == 0
    for site in machines:
        site.write("words.py", 'WORD = "new"\n')
    for site in machines:
        line = site.wait_for_line("restarting: ")[0].text
        assert "words.py changed; waiting for the turn of the fleet: web9 has it" in line
    assert subprocess.call([program, "production", "give", "web9"]) == 0
    for site in machines:
        site.wait_for_line("reloaded: ", count=2)
