"""The files of the private folder, with any content."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from support.fuzzing import fuzz
from support.journals import record

from wsgireload.changes import NONE
from wsgireload.decide.rolling import Rolling
from wsgireload.decide.verdict import Go, Wait
from wsgireload.state.group import GroupEpoch
from wsgireload.state.journal import Entry, Journal
from wsgireload.state.private_dir import Candidates

GOOD = Entry(at=100.0, pid=1, reason="a.py changed", what="f1", paths=("a.py",))
whole = json.dumps(GOOD._asdict()).encode()
fields = st.dictionaries(
    st.sampled_from([*GOOD._asdict(), "more"]),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=5)
        | st.just(10**400),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=4,
    ),
)
mutated = st.tuples(st.integers(0, len(whole)), st.integers(0, 9), st.binary(max_size=9)).map(
    lambda cut: whole[: cut[0]] + cut[2] + whole[cut[0] + cut[1] :]
)
content = st.one_of(
    st.binary(max_size=60),
    mutated,
    fields.map(lambda changed: json.dumps({**GOOD._asdict(), **changed}).encode()),
    st.sampled_from([b"", b"[" * 65_536, b"0" * 65_536, b'{"at": NaN}', b"\xff\xfe{", whole]),
)
line = content.map(lambda text: text.replace(b"\n", b" "))
lines = st.lists(line | st.just(b""), max_size=8)


def empty(folder: Path) -> Path:
    """The folder of a user, with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder


def test_the_journal(chaos: Any, tmp_path: Path) -> None:
    """Whatever lies in the file: no exception, an end, and the good entries are all there."""
    goods = [GOOD._replace(at=100.0 + number, what=f"good {number}") for number in range(3)]
    reported = []

    @fuzz(chaos, chaos.often(200, 2000), lines=lines)
    def one(lines: list[bytes]) -> None:
        folder = empty(tmp_path / "state")
        journal = Journal(Candidates([str(folder)], reported.append), "site", lambda: 110.0)
        for good in goods:
            record(journal, good)
        with (folder / "site.journal").open("ab") as file:
            file.writelines(line + b"\n" for line in lines)
        descriptors = os.listdir("/proc/self/fd")
        found = journal.entries()
        assert found is not None
        assert [entry for entry in found if entry in goods] == goods
        claims = [journal.claim() for _ in range(len(goods) + len(lines) + 1)]
        assert claims[-1] is None
        assert {good.at for good in goods} <= {claim.at for claim in claims if claim}
        assert record(journal, goods[0])
        assert os.listdir("/proc/self/fd") == descriptors

    chaos.figure("damaged journals", len(reported))
    assert len(reported) > 50
    assert all(isinstance(said, str) for said in reported)


def test_its_neighbours(chaos: Any, tmp_path: Path) -> None:
    """A roll's note and a call's moment may hold anything: a turn is had, or awaited, or held."""
    note = st.binary(max_size=70) | st.floats().map(lambda at: repr(at).encode())
    moment = st.integers(-(1 << 31), 1 << 31).map(lambda at: at * 10**9) | st.integers(0, 1 << 62)

    @fuzz(chaos, chaos.often(400, 4000), note=note, moment=moment)
    def one(note: bytes, moment: int) -> None:
        folder = empty(tmp_path / "state")
        (folder / "site.roll").write_bytes(note)
        (folder / "site.call").touch()
        os.utime(folder / "site.call", ns=(moment, moment))
        now = [100.0]
        troubles: list[str] = []
        folders = Candidates([str(folder)], troubles.append)
        roll = Rolling(folders, "site", lambda: True, lambda: now[0])
        now[0] += 1
        roll.announce()
        assert isinstance(roll.check(NONE), Go | Wait)
        now[0] += 31
        roll.check(NONE)
        roll.reset()
        epoch = GroupEpoch(folders, "site.call", lambda: now[0])
        assert not epoch.is_over()
        now[0] += 1
        epoch.announce()
        assert epoch.is_over()
        assert not troubles
