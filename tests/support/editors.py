"""Real editors and tools, each as a shell command that leaves another word in a file."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

VIM = "vim.tiny -N -u NONE -i NONE --cmd 'set backupskip='"  # else none is made below /tmp
VIM_SAVES = "-c '%s/{old}/{new}/' -c x {path}"
EMACS_SAVES = '(search-forward "{old}") (replace-match "{new}") (save-buffer)'
SECONDS = 20
"""In which each of them has to be done."""

# {path} holds the word {old} and is to hold {new}, as the file {copy} in a folder elsewhere does.
COMMANDS = {
    "vim": f"{VIM} -es {VIM_SAVES}",
    "vim that copies": f"{VIM} -es -c 'set backupcopy=yes' {VIM_SAVES}",
    "vim that renames": f"{VIM} -es -c 'set backupcopy=no' {VIM_SAVES}",
    "vim that keeps a backup": f"{VIM} -es -c 'set backup backupcopy=auto' {VIM_SAVES}",
    "vim without backup": f"{VIM} -es -c 'set nobackup nowritebackup' {VIM_SAVES}",
    "vim without swap file": f"{VIM} -esn {VIM_SAVES}",
    "ed": r"printf ',s/{old}/{new}/\nw\nq\n' | ed -s {path}",
    "sed -i": "sed -i s/{old}/{new}/ {path}",
    "sed -i~": "sed -i~ s/{old}/{new}/ {path}",
    "perl -i": "perl -pi -e s/{old}/{new}/ {path}",
    "perl -i.bak": "perl -pi.bak -e s/{old}/{new}/ {path}",
    "patch": "diff -u {path} {copy} | patch -s --follow-symlinks {path}",
    "patch -b": "diff -u {path} {copy} | patch -sb --follow-symlinks {path}",
    "rsync": "rsync -a --checksum {copy} {path}",
    "rsync -I": "rsync -aI {copy} {path}",
    "rsync --inplace": "rsync -aI --inplace {copy} {path}",
    "rsync --delay-updates": "rsync -aI --delay-updates {copy} {path}",
    "cp": "cp {copy} {path}",
    "cp -p": "touch -d 2001-01-01 {copy} && cp -p {copy} {path}",
    "install": "install -m 644 {copy} {path}",
    "mv": "mv {copy} {path}",
    "ln": "ln -f {copy} {path}",
    "ln -s": "ln -sf {copy} {path}",
    "cat": "cat {copy} >{path}",
    "tar": "tar -C $(dirname {copy}) -c {name} | tar -C $(dirname {path}) -x",
}

# The branch `next` is one commit ahead, in which the file holds {new}; so does what is stashed.
GIT = {
    "git checkout": "git checkout -q --detach next",
    "git pull": "git pull -q --ff-only . next",
    "git reset --hard": "git reset -q --hard next",
    "git stash": "git reset -q --soft next && git stash -q && git stash drop -q",
    "git stash pop": "git stash pop -q",
    "git apply": "git diff HEAD next | git apply",
}

# Too large to be installed for each run of the tests: 159 MB.
EMACS = {
    "emacs": f"emacs --batch -Q {{path}} --eval '(progn {EMACS_SAVES})'",
    "emacs that copies": "emacs --batch -Q {path} --eval "
    f"'(progn (setq backup-by-copying t) {EMACS_SAVES})'",
    "emacs that renames": "emacs --batch -Q {path} --eval "
    f"'(progn (setq-default file-precious-flag t) {EMACS_SAVES})'",
}

# At a terminal: what is typed, once some text is to be seen there.
TYPED = {
    "nano": ("nano -I {path}", "Exit", "\x1c{old}\r{new}\ra\x0f\r\x18"),
    "nano -B": ("nano -IB {path}", "Exit", "\x1c{old}\r{new}\ra\x0f\r\x18"),
    "nano -G": ("nano -IG {path}", "Exit", "\x1c{old}\r{new}\ra\x0f\r\x18"),
    "vim at a terminal": (f"{VIM} {{path}}", "L, ", ":%s/{old}/{new}/\r:w\r:q\r"),
}

IDLE = {
    "touch": "touch {path}",
    "touch -d": "touch -d 2001-01-01 {path}",
    "chmod": "chmod 600 {path} && chmod 644 {path}",
    "grep": "grep -qR {old} $(dirname {path})",
    "another name": "ln $(realpath {path}) {copy}.link",
    "a backup": "cp {path} {path}~",
    "compileall": "python3 -m compileall -qf $(dirname {path})",
    "vim that only looks": f"{VIM} -es -c q {{path}}",
    "vim that gives up": f"{VIM} -es -c '%s/{{old}}/other/' -c q! {{path}}",
    "git status": "git status",
    "git gc": "git gc -q",
    "git fetch": "git fetch -q . next",
    "git back and forth": "git checkout -q --detach HEAD && git reset -q --soft next && git add .",
}
IDLE_TYPED = {
    "nano that only looks": ("nano -IG {path}", "Exit", "\x18"),
    "vim that only looks, at a terminal": (f"{VIM} {{path}}", "L, ", ":q\r"),
}


PROGRAMS = {
    "vim.tiny": "vim-tiny",
    **{name: name for name in ("nano", "ed", "rsync", "patch", "git", "perl", "tar")},
}
"""Each with the Debian package that it comes from."""


def missing(programs: Mapping[str, str]) -> list[str]:
    """The packages of those programs that are not here."""
    return [package for program, package in programs.items() if shutil.which(program) is None]


def run(command: str, folder: Path) -> None:
    """Run a shell command in a folder; RuntimeError with what it said where it fails."""
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.returncode}\n{done.stdout.decode()}")


def environment() -> dict[str, str]:
    """The same for everybody; git works in what belongs to Apache's user as well."""
    settings = {"safe.directory": "*", "user.name": "nobody", "user.email": "nobody@localhost"}
    git = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (name, value) in enumerate(settings.items()):
        git |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    path = os.environ["PATH"]
    return {"PATH": path, "HOME": "/nonexistent", "LANG": "C.UTF-8", "TERM": "vt100", **git}


def at_a_terminal(command: str, ready: str, keys: str) -> None:
    """Run a program at a terminal of its own, and type once `ready` is to be seen there."""
    ours, its = pty.openpty()
    program = subprocess.Popen(
        shlex.split(command), stdin=its, stdout=its, stderr=its, env=environment()
    )
    os.close(its)
    shown = b""
    try:
        while chunk := _read(ours):
            shown += chunk
            if keys and ready.encode() in shown:
                os.write(ours, keys.encode())
                keys = ""
        if program.wait(SECONDS) or keys:
            raise RuntimeError(f"{command}: {program.returncode}\n{shown!r}")
    finally:
        program.kill()
        program.wait()
        os.close(ours)


def _read(terminal: int) -> bytes:
    """What a program shows next; empty where it has ended, or shows nothing for too long."""
    if not select.select([terminal], [], [], SECONDS)[0]:
        return b""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # EIO: nobody has the other end any more
        return b""
