"""Print Apache's lines and the WSGI script for an application, ready to paste."""

from __future__ import annotations

import argparse
import os
import tempfile

from wsgireload.cli import blocks
from wsgireload.cli import httpd as apaches
from wsgireload.cli.blocks import Application
from wsgireload.cli.doctor import add_apache
from wsgireload.cli.doctor.here import Here
from wsgireload.cli.httpd import Httpd
from wsgireload.cli.terminal import MisuseError, complain, say, say_json


def arguments(command: argparse.ArgumentParser) -> None:
    """What the application is."""
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("--django", metavar="PROJECT", help="the folder with manage.py")
    what.add_argument(
        "--flask", metavar="MODULE:APP", help="where the application is, or MODULE:FACTORY()"
    )
    what.add_argument("script", nargs="?", metavar="SCRIPT", help="a WSGI script that there is")
    command.add_argument(
        "--folder", default=".", metavar="FOLDER", help="--flask: where MODULE is (this folder)"
    )
    command.add_argument("--name", metavar="NAME", help="of the process group (the folder's)")
    command.add_argument("--url", default="/", metavar="URL", help="where it is served (/)")
    command.add_argument(
        "--check", action="store_true", help="have Apache read the lines with its configuration"
    )
    add_apache(command)


def run(chosen: argparse.Namespace) -> int:
    """0, unless --check finds that Apache does not take the lines."""
    here = Here.now()
    application = _application(chosen)
    conf, script = blocks.conf(application, here), blocks.script(application, here)
    trouble = check(conf, chosen) if chosen.check else None
    if chosen.json:
        told = {"conf": conf, "script": script, "script_path": application.script}
        say_json({"ok": not trouble, **told, "trouble": trouble})
        return 1 if trouble else 0
    say(f"# Apache's configuration{blocks.place(application, here)}\n{conf}")
    top = application.existing
    say(f"# {'at the top of ' if top else ''}{application.script}\n{script}" if script else
        f"# {application.script} begins with wsgireload.start() already")  # fmt: skip
    if trouble:
        complain(f"Apache does not take this: {trouble}")
    elif trouble is not None:
        say("# checked: Apache takes this")
    return 1 if trouble else 0


def check(conf: str, chosen: argparse.Namespace) -> str:
    """What Apache says of the lines, after all of its own; "" where it is content."""
    program = apaches.find(chosen.httpd)
    if program is None:
        raise MisuseError("--check takes an Apache, and none was found: --httpd /path/to/httpd")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "block.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(conf)
        return Httpd(program, chosen.config).check(path.replace("\\", "/"))


def _application(chosen: argparse.Namespace) -> Application:
    if chosen.django:
        return blocks.django(chosen.django, chosen.name, chosen.url)
    if chosen.flask:
        return blocks.flask(chosen.flask, chosen.folder, chosen.name, chosen.url)
    return blocks.existing(chosen.script, chosen.name, chosen.url)
