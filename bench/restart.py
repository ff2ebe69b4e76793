"""From a save to the first answer of the new code, phase by phase: see bench/restart.

Every server has the same application and takes turns with the others, in a random order; while
others have their turn it is stopped (SIGSTOP). A client sends one request after another, each on a
connection of its own and 2 ms after the last answer. A request that waits in a queue counts until
it is answered.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from applications import SITES
from contenders import Contender
from lineup import BOTH_ENDS, LATEST, MEASURES, PEERS, SERVERS, Lineup
from phases import Turn
from restart_table import drawn, report
from support.apacheserver import ServerError
from table import processor

DOCUMENT = Path("docs/performance.md")
PICTURE = Path("docs/pictures/restart.svg")
BEGIN, END = "<!-- bench/restart --write: begin -->", "<!-- bench/restart --write: end -->"
"""What is between them in the document, this command has written."""
QUIET = 4.0
"""Seconds from one restart of a server to its next save: respawn.so lets fewer than four in a
row happen at once, until nothing was replaced for three seconds."""
AWAKE = 1.5
"""Seconds that a server has run again before the save; a random part of a second is added, so that
a save meets every moment of the parent's sleep."""

failed: dict[str, str] = {}
"""Contender -> why it has no figures, or fewer."""


def take_turns(contenders: list[Contender], saves: int) -> dict[str, list[Turn]]:
    """Start all, then save each so many times. One that fails is noted, and others go on."""
    turns: dict[str, list[Turn]] = {}
    last: dict[Contender, float] = {}
    with ExitStack() as stack:
        for contender in contenders:
            stack.enter_context(contender)
            with noted(contender):
                contender.start()
                contender.await_answer()
                turns[contender.name], last[contender] = [], time.monotonic()
                contender.pause()
        for number in range(saves):
            print(f"── save {number + 1} of {saves}", file=sys.stderr)
            for contender in random.sample(list(last), len(last)):
                contender.resume()
                quiet = last[contender] + QUIET - time.monotonic()
                time.sleep(max(quiet, AWAKE) + random.uniform(0, 1))
                with noted(contender):
                    turns[contender.name].append(contender.turn())
                last[contender] = time.monotonic()
                contender.pause()
    return turns


@contextmanager
def noted(contender: Contender) -> Iterator[None]:
    """Note why a contender has no figures, or fewer, instead of an end of the whole run."""
    try:
        yield
    except (ServerError, OSError, ValueError) as error:
        failed[contender.name] = str(error)


def measured(chosen: argparse.Namespace) -> dict[str, dict[str, list[Turn]]]:
    """Application -> contender -> its saves."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="restart-") as root:
        Path(root).chmod(0o755)  # Apache's user reads it
        lineup = Lineup(Path(root), chosen.only)
        for site in chosen.only:
            print(f"── {SITES[site].name}", file=sys.stderr)
            contenders = [
                lineup.ours(site, server, measure)
                for server in chosen.servers
                for measure in chosen.measures
                if server == LATEST or measure in BOTH_ENDS
            ]
            contenders += lineup.peers(site, chosen.peers)
            found[site] = take_turns(contenders, chosen.saves)
    return found


def introduction(saves: int, load: float) -> Iterator[str]:
    """What was measured, on what, and how to do it again."""
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    # Where it kept its figures is of no use to others.
    command = re.sub(r" --(keep|svg)[ =]\S+", "", shlex.join(["bench/restart", *sys.argv[1:]]))
    yield f"{processor()}, {os.cpu_count()} cores, load {load:.1f} before; {system}."
    yield f"{saves} saves of each, made by `{command}`."
    yield ""


def rewritten(document: str, block: str) -> str:
    """A document with this between the two marks; ValueError where they are missing."""
    before, mark, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"{BEGIN} or {END} is missing")
    return f"{before}{BEGIN}\n\n{block.strip()}\n\n{END}{after}"


def several(known: Collection[str]) -> Callable[[str], list[str]]:
    """The type of an option that takes names, separated by commas, or "none"."""

    def names(text: str) -> list[str]:
        given = [] if text == "-" else text.split(",")
        if unknown := [name for name in given if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not of {', '.join(known)}")
        return given

    return names


def options() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="bench/restart", description=__doc__)
    quick = "two saves of the small application, with the latest mod_wsgi"
    made.add_argument("--quick", action="store_true", help=quick)
    made.add_argument("--saves", type=int, default=20, help="saves of each server (20)")
    for name, known, what in (
        ("only", SITES, "applications"),
        ("servers", SERVERS, "versions of mod_wsgi"),
        ("measures", MEASURES, "what is done for a sooner answer"),
        ("peers", PEERS, "others beside wsgireload"),
    ):
        text = f"{what}: {', '.join(known)} (all); - for none"
        made.add_argument(f"--{name}", type=several(known), default=list(known), help=text)
    made.add_argument("--markdown", action="store_true", help="tables as in docs/performance.md")
    made.add_argument("--svg", type=Path, metavar="FILE", help="write the picture")
    made.add_argument("--keep", type=Path, metavar="FILE", help="write what was measured, as JSON")
    made.add_argument("--kept", type=Path, metavar="FILE", help="show what --keep has written")
    made.add_argument("--write", action="store_true", help=f"rewrite {DOCUMENT} and {PICTURE}")
    return made


def main() -> None:
    chosen = options().parse_args()
    if chosen.quick:
        chosen.saves, chosen.only, chosen.servers = 2, ["small"], [LATEST]
    if chosen.kept:
        run = json.loads(chosen.kept.read_text("utf-8"))
    else:
        head = list(introduction(chosen.saves, os.getloadavg()[0]))
        run = {"head": head, "results": measured(chosen)}
    if chosen.keep:
        chosen.keep.write_text(json.dumps(run), "utf-8")
    results = {
        site: {name: [Turn(*turn) for turn in turns] for name, turns in each.items()}
        for site, each in run["results"].items()
    }
    lines = [*run["head"], *report(results, as_markdown=chosen.markdown or chosen.write)]
    print(*lines, sep="\n")
    if chosen.write:
        text = rewritten(DOCUMENT.read_text("utf-8"), "\n".join(lines))
        DOCUMENT.write_text(text, "utf-8")
    for path in filter(None, (chosen.svg, chosen.write and PICTURE)):
        path.write_text(drawn(results), "utf-8")
    for name, why in failed.items():
        print(f"{name}: {why}", file=sys.stderr)


if __name__ == "__main__":
    main()
