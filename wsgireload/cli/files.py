"""What would be watched, and how: loads the script in a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from typing import Any

from wsgireload.cli import loading, programs
from wsgireload.cli.terminal import MisuseError, complain, say, say_aside, say_json
from wsgireload.errors import NativeError
from wsgireload.watch.events import Events


@dataclass(frozen=True)
class Folder:
    """One folder: the files in it, and why they are polled; "" where events tell of them."""

    path: str
    files: list[str]
    polled: str


def arguments(command: argparse.ArgumentParser) -> None:
    """The script, and where its modules are."""
    command.add_argument("script", metavar="SCRIPT", help="the WSGI script")
    command.add_argument(
        "--path",
        action="append",
        default=[],
        metavar="FOLDER",
        help="a folder of python-path, as WSGIDaemonProcess has it; again for more",
    )
    command.add_argument("--all", action="store_true", help="name every file")


def run(chosen: argparse.Namespace) -> int:
    """0 where the script loads."""
    script = os.path.abspath(chosen.script)
    if not os.path.isfile(script):
        raise MisuseError(f"SCRIPT is {chosen.script!r}, which is no file; it takes a WSGI script")
    told = load(script, [os.path.abspath(folder) for folder in chosen.path])
    if told is None:
        complain(f"{chosen.script} does not load, see above; --path says where its modules are")
        return 1
    found = folders([*told["sources"], *told["tracked"]], told["watch"])
    if chosen.json:
        plain = [vars(each) for each in found]
        say_json({"ok": True, "tracked": told["tracked"], "folders": plain})
        return 0
    say(summary(found))
    for each in found:
        how = f"polled: {each.polled}" if each.polled else "events"
        say(f"  {each.path}: {_count(each)}, {how}")
        if chosen.all:
            say("\n".join(f"    {os.path.basename(path)}" for path in each.files))
    return 0


def load(script: str, path: list[str]) -> dict[str, Any] | None:
    """What the script came from; None where it does not load, which its traceback says."""
    words = [sys.executable, "-P", loading.__file__, script, *path]
    code, told, said = programs.run(words, {"WSGIRELOAD": "off"})
    for line in said.splitlines():
        if not line.startswith("wsgireload: inactive"):  # of course it is
            say_aside(line)
    return dict(json.loads(told)) if code == 0 else None


def folders(paths: list[str], watch: str) -> list[Folder]:
    """The files by their folder, each folder listened to as a monitor would."""
    held: dict[str, list[str]] = {}
    for path in sorted(set(paths)):
        held.setdefault(os.path.dirname(path), []).append(path)
    if watch == "poll":
        return [Folder(path, files, "watch='poll'") for path, files in held.items()]
    why: list[str] = []
    try:
        events = Events(trust=watch == "events", trouble=why.append)
    except NativeError as error:
        return [Folder(path, files, str(error)) for path, files in held.items()]
    found = []
    try:
        for path, files in held.items():
            heard = [events.listen(file) for file in files]
            reason = why[-1].rpartition(": ")[2] if why else "it cannot be listened to"
            found.append(Folder(path, files, "" if all(heard) else reason))
    finally:
        events.end()
    return found


def summary(found: list[Folder]) -> str:
    """One line."""
    total = sum(len(each.files) for each in found)
    polled = sum(len(each.files) for each in found if each.polled)
    return f"{total} files in {len(found)} folders: {total - polled} by events, {polled} polled"


def _count(folder: Folder) -> str:
    return f"{len(folder.files)} file{'s' if len(folder.files) != 1 else ''}"
