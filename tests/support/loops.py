"""Applications whose restarts cause the next one."""

from __future__ import annotations

import shutil

from support.testsite import START, Site

GENERATED = "COUNT = 0\n"
"""The module that is written again and again."""

REWRITE = """\
import os, re, subprocess, threading

FILE = {file!r}


def rewrite():
    with open(FILE) as file:
        text = file.read()
    count = int(re.search(r"COUNT = (\\d+)", text)[1])
    with open(FILE + ".new", "w") as file:
        file.write(text.replace(f"COUNT = {{count}}", f"COUNT = {{count + 1}}", 1))
    os.replace(FILE + ".new", FILE)
    return count
"""
KINDS = {
    "at import": "rewrite()",
    "in place": "import gen\nwith open(FILE, 'w') as file: file.write(f'COUNT = {gen.COUNT + 1}')",
    "by a program": "subprocess.run(['sh', '-c', 'echo COUNT = 1$(date +%N) > \"$0\"', FILE])",
    "by a thread": "threading.Timer(0.7, rewrite).start()",
    "by requests": "",
}
"""What the application does while it is loaded; where it is nothing, each request rewrites."""


SELF = "COUNT = 0\nrewrite()\n"
"""With `REWRITE` before it: a module that rewrites itself."""


def loop(
    site: Site, kind: str, settings: str, here: str = "", there: str = "", script: str = "app.wsgi"
) -> None:
    """Have the application write the module `gen`, which it imports.

    `here` is the application's folder, `there` that of the application whose `gen` it writes.
    """
    generated = site.write(f"{here}gen.py", GENERATED)
    if site.user:
        shutil.chown(generated, site.user)
    rewrite = REWRITE.format(file=f"{site.app}/{there}gen.py")
    site.write(f"{here}looping.py", f"{rewrite}{KINDS[kind]}\n")
    site.edit(f"{here}{script}", START, f"{START}, {settings}")
    site.edit(f"{here}{script}", "import words", "import gen, looping, words")
