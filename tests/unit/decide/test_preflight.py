"""The preflight: the user's own command, run once for a group of processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from support.standins import Clock
from support.waiting import decision, wait_for

from wsgireload.changes import Change, Changes
from wsgireload.decide import load_script, preflight
from wsgireload.decide.command import Command
from wsgireload.decide.preflight import LIMIT, MOST_CUTS, POLL, RETRY, SELDOM, Cuts, Preflight
from wsgireload.decide.verdict import GO, Hold, Verdict, Wait
from wsgireload.report import Held
from wsgireload.state.group import LATELY, SharedAnswer
from wsgireload.state.private_dir import Candidates

COUNTS = "import pathlib; open('runs', 'a').write('x')"
ENDLESS = "import threading; threading.Event().wait()"
EDIT, OTHER = Changes({"a.py": Change(b"2")}), Changes({"a.py": Change(b"3")})


def written(number: int, name: str = "gen.py") -> Changes:
    """One more text of a file, beside the edit."""
    return Changes({**EDIT.files, name: Change(b"%d" % number)})


class Group:
    """The processes of a group: each with a preflight of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.made: list[Preflight] = []
        self.answer = folder / "state/app.preflight"

    def process(self, *code: str) -> Preflight:
        """One process, whose command is these lines of Python."""
        return self.runs_command([sys.executable, "-c", "\n".join((COUNTS, *code))])

    def runs_command(self, command: list[str]) -> Preflight:
        shared = SharedAnswer(Candidates([str(self.folder / "state")], print), "app.preflight")
        made = Command(command, dict(os.environ), str(self.folder), LIMIT, self.clock)
        gate = Preflight(made, shared, self.clock)
        self.made.append(gate)
        return gate

    def runs(self) -> int:
        """How often the command was run."""
        return len((self.folder / "runs").read_text())


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    """A group in a folder of its own."""
    group = Group(tmp_path)
    yield group
    for gate in group.made:
        gate.end()


def age(group: Group) -> None:
    """Make the published answer one of long ago."""
    os.utime(group.answer, (0, 0))


def verdict(gate: Preflight, changes: Changes = EDIT) -> Verdict:
    """Wait for the verdict."""
    return decision(gate, changes)


def reason(gate: Preflight, changes: Changes = EDIT) -> str:
    """Wait for the reason of its hold."""
    held = verdict(gate, changes)
    assert isinstance(held, Hold)
    return held.reason


def test_a_command_that_succeeds(group: Group) -> None:
    """A command that ends with 0 holds nothing, and is run once for a change."""
    gate = group.process()
    assert gate.check(EDIT) == Wait(POLL)
    assert verdict(gate) == GO
    assert gate.check(EDIT) == GO
    assert group.runs() == 1


def test_a_command_that_fails(group: Group) -> None:
    """Another exit code holds, with the last lines of the output."""
    held = reason(group.process("for n in range(99): print('line', n)", "raise SystemExit(1)"))
    assert "ended with 1" in held
    assert "line 98" in held
    assert "line 93" not in held


def rejects_n_times(group: Group, times: int) -> Preflight:
    """A process whose command succeeds once it has run more often than that."""
    return group.process(f"assert len(open('runs').read()) > {times}, 'no database'")


def test_a_hold_is_no_new_run(group: Group) -> None:
    """For half a minute a hold for the same changes is not checked again."""
    gate = group.process("raise SystemExit('no good')")
    held = verdict(gate)
    group.clock.now += RETRY - 1
    age(group)
    assert gate.check(EDIT) == held
    assert group.runs() == 1


def test_a_hold_is_checked_again(group: Group) -> None:
    """A hold is checked again after half a minute, then after twice that, and so on."""
    gate = rejects_n_times(group, 3)
    for runs, pause in enumerate((RETRY, 2 * RETRY, 4 * RETRY), 1):
        assert "no database" in reason(gate)
        age(group)
        group.clock.now += pause - 1
        assert isinstance(gate.check(EDIT), Hold)
        assert group.runs() == runs
        group.clock.now += 2
        gate.check(EDIT)
    assert verdict(gate) == GO
    assert group.runs() == 4
    group.clock.now += 10 * SELDOM
    assert gate.check(EDIT) == GO


def test_it_is_checked_again_for_ever(group: Group) -> None:
    """A hold is checked again once an hour at least, and soon after another change."""
    gate = group.process("raise SystemExit('no good')")
    for _ in range(12):
        reason(gate)
        age(group)
        group.clock.now += SELDOM
    reason(gate)
    assert group.runs() == 13
    reason(gate, OTHER)
    age(group)
    group.clock.now += RETRY
    reason(gate, OTHER)
    assert group.runs() == 15


def test_a_time_limit_is_no_pause(group: Group) -> None:
    """The pause begins when the command was ended, not when it began."""
    gate = group.process(ENDLESS)
    gate.check(EDIT)
    group.clock.now += LIMIT
    held = reason(gate)
    group.clock.now += RETRY - 1
    age(group)
    assert reason(gate) == held
    group.clock.now += 1
    assert gate.check(EDIT) == Wait(POLL)


def test_the_group_checks_again_once(group: Group) -> None:
    """One process runs it again, all have its answer."""
    gates = [rejects_n_times(group, 1) for _ in range(3)]
    assert all("no database" in reason(gate) for gate in gates)
    age(group)
    group.clock.now += RETRY
    assert [verdict(gate) for gate in gates] == [GO, GO, GO]
    assert group.runs() == 2


def test_by_hand(group: Group) -> None:
    """A restart that a person requests is checked anew, however new an answer there is."""
    gate, other = rejects_n_times(group, 1), group.process()
    assert "no database" in reason(gate)
    assert "no database" in reason(other)
    gate.reset()  # as each request does
    by_hand = EDIT._replace(requested="by hand")
    assert verdict(gate, by_hand) == GO
    assert group.runs() == 2


def test_by_hand_in_a_group(group: Group) -> None:
    """An answer counts that was found after the request, also if another process found it."""
    finds, waits = group.process(ENDLESS), group.process()
    by_hand = EDIT._replace(requested="by hand")
    finds.check(by_hand)
    assert waits.check(by_hand) == Wait(POLL)
    group.clock.now += 5
    finds._publish("ended with 1: no good")
    assert "no good" in reason(waits, by_hand)


def test_much_output(group: Group) -> None:
    """A command that writes more than a pipe holds comes to its end."""
    assert verdict(group.process("print('x' * 1_000_000)")) == GO


def test_another_change(group: Group) -> None:
    """Each change has a run of its own."""
    gate = group.process()
    verdict(gate, EDIT)
    verdict(gate, OTHER)
    assert group.runs() == 2


def test_a_change_while_it_runs(group: Group, begun: list[subprocess.Popen[bytes]]) -> None:
    """The run for the earlier change is ended, and its answer counts for nothing."""
    gate = group.process(ENDLESS)
    gate.check(EDIT)
    gate.check(OTHER)
    assert len(begun) == 2
    assert begun[0].returncode
    assert begun[1].returncode is None


def test_a_command_that_changes_a_file(group: Group, begun: list[subprocess.Popen[bytes]]) -> None:
    """Its runs would end each other for ever: it is held, and they become seldom."""
    gate, texts = group.process(ENDLESS), count()
    for _ in range(MOST_CUTS):
        assert gate.check(written(next(texts))) == Wait(POLL)
        gate.reset()  # as it does where an earlier gate waits for the end of the writing
    why = "gen.py changed in each of the last runs of the preflight"
    for number in range(10):
        text, runs = written(next(texts)), len(begun)
        held = gate.check(text)
        assert isinstance(held, Hold)
        assert held.reason.startswith(why)
        assert len(begun) == runs
        group.clock.now += min(2.0**number, RETRY)
        gate.check(text)
        assert len(begun) == runs + 1
        gate.reset()


def test_runs_that_are_cut_for_days() -> None:
    """However many there were: the pause between two is 30 s at most."""
    cuts = Cuts(Clock())
    for number in range(2000):
        cuts.begin(written(number).files)
        cuts.note(written(number + 1).files)
    assert cuts.left() == RETRY


def test_a_person_who_saves_while_it_runs(group: Group) -> None:
    """What was written last is checked, and passes; other files each time are nothing special."""
    gate, texts = group.process(), count()
    for _ in range(MOST_CUTS + 1):
        gate.check(written(next(texts)))
    group.clock.now += RETRY
    last = written(next(texts))
    assert isinstance(gate.check(last), Hold)
    group.clock.now += RETRY
    wait_for(lambda: gate.check(last) == GO)
    for number in range(2 * MOST_CUTS):
        assert gate.check(written(number, f"{number}.py")) == Wait(POLL)


@pytest.mark.parametrize("end", ["", "raise SystemExit('no good')"])
def test_one_run_for_the_group(group: Group, end: str) -> None:
    """One process runs it, all have its answer."""
    gates = [group.process(end) for _ in range(3)]
    for gate in gates:
        gate.check(EDIT)
    verdicts = [verdict(gate) for gate in gates]
    assert group.runs() == 1
    assert {each == GO for each in verdicts} == {not end}
    assert len(set(verdicts)) == 1


def test_a_runner_that_is_silent(group: Group) -> None:
    """If the process that runs it does not answer, another one runs it."""
    silent = group.process(ENDLESS)
    silent.check(EDIT)
    gate = group.process()
    assert gate.check(EDIT) == Wait(POLL)
    group.clock.now += LIMIT - 1
    assert gate.check(EDIT) == Wait(POLL)
    group.clock.now += 2
    assert verdict(gate) == GO


def test_a_runner_that_dies(group: Group) -> None:
    """Where the process that runs it ends, another one runs it at once."""
    dying = group.process(ENDLESS)
    dying.check(EDIT)
    gate = group.process()
    assert gate.check(EDIT) == Wait(POLL)
    dying.end()
    assert verdict(gate) == GO


def test_the_same_change_later(group: Group) -> None:
    """An old answer counts for no other process: its reason may be gone."""
    assert verdict(group.process()) == GO
    at = group.answer.stat().st_mtime - LATELY
    os.utime(group.answer, (at, at))
    assert "no good" in reason(group.process("raise SystemExit('no good')"))
    assert group.runs() == 2


def test_it_takes_too_long(group: Group) -> None:
    """A command that does not end is ended, and that is the reason for the hold."""
    gate = group.process(ENDLESS)
    gate.check(EDIT)
    group.clock.now += LIMIT + 1
    assert "took more than" in reason(gate)


@pytest.mark.parametrize("program", ["/no/such", "a\0b"])
def test_it_cannot_be_run(group: Group, program: str) -> None:
    """A missing program is a reason to hold too, for all processes."""
    gates = [group.runs_command([program]) for _ in range(2)]
    assert ["cannot be run" in reason(gate) for gate in gates] == [True, True]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The commands that were begun."""
    begun: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def popen(*command: object, **options: object) -> subprocess.Popen[bytes]:
        begun.append(real(*command, **options))  # type: ignore[call-overload]
        return begun[-1]

    monkeypatch.setattr(subprocess, "Popen", popen)
    return begun


@pytest.mark.parametrize("ending", [Preflight.end, Preflight.reset])
def test_it_ends(group: Group, begun: list[subprocess.Popen[bytes]], ending: object) -> None:
    """A run whose answer is not needed any more is ended; the change is checked anew later."""
    gate = group.process(ENDLESS)
    gate.check(EDIT)
    assert callable(ending)
    ending(gate)
    assert begun[0].returncode
    ending(gate)
    other = group.process()
    assert verdict(other) == GO


def test_a_reset_forgets_the_verdict(group: Group) -> None:
    """What was rejected is checked again once it was undone, or an earlier gate did not pass."""
    gate = group.process("raise SystemExit('no good')")
    verdict(gate)
    gate.reset()
    os.utime(group.answer, (0, 0))
    verdict(gate)
    assert group.runs() == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_a_forked_child(group: Group) -> None:
    """A child of the application neither ends the run nor lets another process begin one."""
    gate = group.process(ENDLESS)
    gate.check(EDIT)
    if (pid := os.fork()) == 0:
        gate.forget()
        os._exit(0)
    os.waitpid(pid, 0)
    assert group.process().check(EDIT) == Wait(POLL)
    assert gate.check(EDIT) == Wait(POLL)
    gate.end()
    assert verdict(group.process()) == GO


def test_the_right_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python` is the application's own, wherever sys.executable points; other words stay."""
    monkeypatch.setattr(sys, "executable", "/usr/sbin/apache2")
    program, *words = preflight.command(["python", "-c", "pass"])
    assert Path(program).is_relative_to(sys.prefix)
    assert words == ["-c", "pass"]
    assert preflight.command(["/bin/true", "x"]) == ["/bin/true", "x"]


def test_an_activated_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An activate_this.py sets sys.prefix, also to a folder of packages without a Python."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    program, *_ = preflight.command(["python", "-c", "pass"])
    assert Path(program).is_relative_to(sys.base_prefix)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["python", "manage.py", "check"], "project"),
        (["./manage.py", "check"], "project"),
        (["python", "check.py"], "project/site"),
        (["python", "both.py"], "project/site"),
        (["python", "/etc/passwd"], "project/site"),
        (["python", "-c", "manage.py"], "project/site"),
        (["python", "none.py"], "project/site"),
        (["python", "a\0b"], "project/site"),
        (["python"], "project/site"),
    ],
)
def test_its_folder(tmp_path: Path, words: list[str], found: str) -> None:
    """It runs in the script's folder, or in the one above if the command's file is only there."""
    script = tmp_path / "project/site"
    script.mkdir(parents=True)
    for name in ("manage.py", "both.py", "site/both.py", "site/check.py"):
        (script.parent / name).touch()
    assert preflight.folder(words, str(script)) == str(tmp_path / found)


def test_its_environment() -> None:
    """The command finds modules where this process does, and starts no monitor."""
    environment = preflight.environment({"KEPT": "1"})
    assert environment["KEPT"] == "1"
    assert set(environment["PYTHONPATH"].split(os.pathsep)) == {path for path in sys.path if path}
    assert environment["WSGIRELOAD"] == "off"


def loads(group: Group, source: str) -> Preflight:
    """A process whose preflight loads this WSGI script."""
    script = group.folder / "app.wsgi"
    script.write_text(source)
    return group.runs_command(preflight.command("import", [str(script)]))


def test_a_script_that_loads(group: Group) -> None:
    """A script that raises nothing holds nothing; what would run at its end does not run."""
    source = "import atexit\natexit.register(open, 'left', 'w')\nimport mod_wsgi\nmod_wsgi.x(1)"
    assert verdict(loads(group, f"{source}\nassert __name__.startswith('_mod_wsgi_')")) == GO
    assert not (group.folder / "left").exists()


@pytest.mark.parametrize("own", [True, False])
def test_a_script_that_does_not_load(group: Group, own: bool) -> None:
    """The hold has the exception, its place and the traceback; another process reads the same."""
    (group.folder / "views.py").write_text("def index():\n    pass\n\nindex = no_such\n")
    source = (
        f"import sys\nsys.path.insert(0, {str(group.folder)!r})\nprint('loading')\nimport views"
    )
    gate = loads(group, source)
    held = verdict(gate)
    if not own:
        held = verdict(loads(group, source))
    assert isinstance(held, Hold)
    path, error = str(group.folder / "views.py"), "NameError: name 'no_such' is not defined"
    assert held.reason == f"the new code does not load: {error} ({path}, line 4)"
    assert held.place == Held(path, 4, None, "index = no_such", error)
    assert held.output is not None
    assert held.output.startswith("Traceback (most recent call last):\n")
    assert held.output.endswith(f"{error}\n")
    assert "runpy" not in held.output


def test_a_script_that_ends_its_process(group: Group) -> None:
    """An exit is an exception too; a process that is gone at once says no more than its code."""
    assert "does not load: SystemExit: 3" in reason(loads(group, "raise SystemExit(3)"))
    gone = reason(loads(group, "import os\nos._exit(3)"), OTHER)
    assert "the preflight 'import' ended with 3" in gone


@pytest.mark.parametrize(
    ("other", "is_held"),
    [
        ("print('usage: load_script [--new] SCRIPT')", True),
        ("sys.exit('unrecognized arguments')", True),
        ("print(load_script.LOADED)", False),
    ],
)
def test_another_release_of_the_program(
    group: Group, monkeypatch: pytest.MonkeyPatch, other: str, is_held: bool
) -> None:
    """After an upgrade only its own words count, and a hold names the upgrade and the cure."""
    program = group.folder / "load_script.py"
    program.write_text(Path(load_script.__file__).read_text())
    monkeypatch.setattr(load_script, "__file__", str(program))
    gate = loads(group, "")
    assert verdict(gate) == GO
    program.write_text(f"import sys\nfrom wsgireload.decide import load_script\n{other}\n")
    found = decision(gate, OTHER)
    assert isinstance(found, Hold) == is_held
    if isinstance(found, Hold):
        assert "upgrade has replaced wsgireload's own program: restart Apache" in found.reason


def test_scripts_without_an_exit_code(group: Group) -> None:
    """Where SIGCHLD is ignored no exit code can be had: what the program has printed counts."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert verdict(loads(group, "print('fine')")) == GO
        assert "does not load: NameError" in reason(loads(group, "no_such"), OTHER)
        gone = reason(loads(group, "import os\nos._exit(0)"), Changes({"a.py": Change(b"4")}))
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert "ended with 256" in gone


def test_the_output_of_a_command(group: Group) -> None:
    """A failed command's output is reported whole, up to some length."""
    held = verdict(group.process("for n in range(99): print('line', n)", "raise SystemExit(1)"))
    assert isinstance(held, Hold)
    assert held.output is not None
    assert held.output.startswith("line 0\n")
    assert held.output.endswith("\nline 98")


def test_the_folder_of_a_script() -> None:
    """A script is loaded in the current folder, also where this user may not enter that."""
    assert preflight.folder("import", "/site") is None
