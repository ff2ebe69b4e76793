"""bench/restart: phases, tables, the picture and the client, without a server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import bars
import phases
import pytest
import restart
import restart_table
import visitor
from applications import SITES
from bars import Bar
from contenders import Program
from phases import Turn
from support.apacheserver import ServerError
from support.errorlog import Line

SAVED = 1_000.0
LOG = [
    Line(999.0, 7, "info", "Shutdown requested for daemon process 'site'."),  # of an earlier save
    Line(1_000.002, 7, "error", "wsgireload: changed: answer.py modified"),
    Line(1_000.050, 7, "error", "bench: settled"),
    Line(1_000.052, 7, "warn", "wsgireload: restarting: answer.py changed"),
    Line(1_000.053, 7, "info", "mod_wsgi (pid=7): Shutdown requested 'site'."),
    Line(1_000.063, 7, "info", "mod_wsgi (pid=7): Stopping process 'site'."),
    Line(1_000.500, 1, "info", "mod_wsgi (pid=7): Process 'site' has died, deregister it."),
]
ENDS = {"settle": 1_000.050, "decide": 1_000.053, "threads": 1_000.063, "parent": 1_000.5}
TURNS = {
    "6.1.1 none": [
        Turn({"settle": 50.0, "parent": 450.0}),
        Turn({"settle": 50.0, "parent": 550.0}),
    ],
    "6.1.1 all": [Turn({"settle": 10.0, "parent": 90.0})],
    "recipe": [Turn({"settle": 500.0, "parent": 500.0}, failed=True)],
}
SVG = "{http://www.w3.org/2000/svg}"


def test_the_log_tells_when_phases_ended() -> None:
    """The first line of each phase after the save counts, in the words of both mod_wsgi."""
    assert phases.logged(LOG, SAVED) == ENDS


def test_a_log_without_the_benchmarks_own_line() -> None:
    """Without it the settling lasts until wsgireload has decided."""
    lines = [line for line in LOG if "bench" not in line.text]
    assert phases.logged(lines, SAVED) == ENDS | {"settle": 1_000.052}


def test_phases_fill_the_whole_time() -> None:
    """What is not known is part of the next phase; nothing is lost, nothing is negative."""
    spent = phases.divided(
        SAVED, ENDS | {"python": 1_000.070, "fork": 1_000.499, "answer": 1_000.6}
    )
    assert list(spent) == ["settle", "decide", "threads", "python", "parent", "fork", "answer"]
    assert spent["python"] == pytest.approx(7)
    assert spent["fork"] == 0  # the script began before the parent had written its line
    assert Turn(spent).total == pytest.approx(600)


def test_quartiles() -> None:
    """They are of the totals; one save is its own quartiles."""
    assert phases.quartiles([Turn({"answer": float(ms)}) for ms in range(1, 6)]) == [2, 3, 4]
    assert phases.quartiles([Turn({"answer": 7.0})]) == [7, 7, 7]
    assert phases.medians(TURNS["6.1.1 none"]) == {"settle": 50, "parent": 500}


def test_tables() -> None:
    """Ours is divided by each in the one table, each by wsgireload alone in the other."""
    heads, alone, ours, recipe = restart_table.totals({"small": TURNS})
    assert heads[1:] == ["small WSGI application", "failed"]
    assert alone == ["mod_wsgi 6.1.1: alone", "550, 525 to 575 (0.18)", "0 of 2"]
    assert ours[1:] == ["100, 100 to 100", "0 of 1"]
    assert recipe == ["mod_wsgi's recipe", "1,000, 1,000 to 1,000 (0.10)", "1 of 1"]
    heads, alone, ours, recipe = restart_table.phases(TURNS)
    assert heads[1:] == ["noticed, settled", "parent sleeps", "all", "ratio to alone"]
    assert alone[1:] == ["50", "500", "550", "1.0"]
    assert ours[-2:] == ["100", "0.18"]
    assert recipe[-2:] == ["1,000", "1.8"]


def test_picture() -> None:
    """Its text is text, its bars add up to the totals, and both modes have colours."""
    drawn = restart_table.drawn({"small": TURNS})
    tree = ET.fromstring(drawn)
    texts = [element.text for element in tree.iter(f"{SVG}text")]
    for text in ("small WSGI application", "Apache's parent sleeps", "550 ms", "recipe"):
        assert text in texts
    assert "prefers-color-scheme: dark" in drawn
    assert "recipe 1,000 ms" in tree.attrib["aria-label"]
    assert len(drawn) < 20_000


def test_picture_of_bars() -> None:
    """The longest bar ends before the numbers; each is as long as its total."""
    rows = [Bar("one <&>", {"a": 100.0, "b": 300.0}, 400.0), Bar("two", {"b": 200.0}, 200.0)]
    tree = ET.fromstring(bars.picture("Title", ["a", "b"], {"group": rows}))
    boxes = [box for box in tree.iter(f"{SVG}rect") if box.get("class") in ("p0", "p1")]
    widths = [float(box.attrib["width"]) for box in boxes[2:]]  # two are the legend's
    assert widths[2] == pytest.approx((widths[0] + widths[1]) / 2, rel=0.01)
    room = bars.WIDTH - bars.TOTAL - bars.MARGIN
    assert max(float(box.attrib["x"]) + float(box.attrib["width"]) for box in boxes) <= room + 1


def test_the_document_is_rewritten_between_the_marks() -> None:
    """The rest of it stays; without marks nothing is written."""
    document = f"before\n{restart.BEGIN}\nold\n{restart.END}\nafter\n"
    new = restart.rewritten(document, "new\n")
    assert new == f"before\n{restart.BEGIN}\n\nnew\n\n{restart.END}\nafter\n"
    assert restart.rewritten(new, "new") == new
    with pytest.raises(ValueError, match="missing"):
        restart.rewritten("no marks", "new")


def test_options() -> None:
    """Names are separated by commas; an unknown one ends the command, and is named."""
    chosen = restart.options().parse_args(["--only", "small,flask", "--peers", "-"])
    assert (chosen.only, chosen.peers) == (["small", "flask"], [])
    with pytest.raises(SystemExit):
        restart.options().parse_args(["--only", "smal"])


@contextmanager
def answering(*bodies: str | None) -> Iterator[int]:
    """A server that gives these answers, one a connection; None closes it unanswered."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for body in bodies:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(1000)
                    if body is not None:
                        connection.sendall(f"HTTP/1.0 {body}".encode())

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def test_the_first_new_answer() -> None:
    """Old answers are passed over, errors are counted, and each request has its own connection."""
    head = "200 OK\r\n\r\n"
    bodies = (
        f"{head}answer-1 1.0 2.0 3.0",
        None,
        "503 Busy\r\n\r\n",
        f"{head}answer-2 4.0 5.0 6.0",
    )
    began = time.time()
    with answering(*bodies) as port:
        answer = visitor.first_answer(port, "answer-2")
    assert answer.stamps == (4.0, 5.0, 6.0)
    assert answer.failed == 2
    assert began <= answer.at <= time.time()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="bench/restart is for Linux")
def test_the_end_of_a_process() -> None:
    """It is noted when the process ends, also before its parent has waited for it."""
    command = [sys.executable, "-c", "import time; input(); print(time.time())"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        with visitor.Ending(process.pid) as ending:
            assert ending.at is None
            output, _ = process.communicate("\n")
        assert ending.at is not None
        assert ending.at >= float(output)


def test_the_marks_are_in_the_document() -> None:
    """--write finds its place, and the picture lies where the document shows it."""
    house = Path(__file__).parents[2]
    document = (house / restart.DOCUMENT).read_text("utf-8")
    assert restart.rewritten(document, "").startswith("# Performance")
    assert f"]({restart.PICTURE.relative_to('docs')})" in document


class Broken(Program):
    """A server that does not start."""

    def start(self) -> None:
        raise ServerError("no such module")


def test_one_that_fails_does_not_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is noted by its name, and the others have their figures."""
    monkeypatch.setattr(restart, "failed", {})
    broken = Broken("broken", "", SITES["small"], tmp_path / "broken", [])
    assert restart.take_turns([broken], saves=1) == {}
    assert restart.failed == {"broken": "no such module"}
