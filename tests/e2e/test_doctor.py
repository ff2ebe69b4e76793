"""The doctor, on configurations of a real Apache that are broken on purpose."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import processgroup
from support.apacheserver import free_port, wait_for
from support.commandline import CommandLine
from support.httpdconf import httpd_conf
from support.testsite import Site, Sites

SHIMS = """
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/vfs.h>
int fstatfs(int file, struct statfs *out)
{
    int done = ((int (*)(int, struct statfs *))dlsym(RTLD_NEXT, "fstatfs64"))(file, out);
    if (getenv("NFS"))
        out->f_type = 0x6969;
    return done;
}
int inotify_init1(int flags)
{
    (void)flags;
    errno = EMFILE;
    return getenv("FULL") ? -1 : ((int (*)(int))dlsym(RTLD_NEXT, "inotify_init1"))(flags);
}
"""
Doctor = Callable[..., dict[str, dict[str, str]]]


@pytest.fixture
def healthy(new_site: Sites, command: CommandLine) -> Site:
    """A site without problems, not started."""
    site = new_site(
        daemon=f"threads=5 python-home={command.home}", python_path=[], group="%{GLOBAL}"
    )
    line = "reload_required = wsgireload.reload_required\n"
    site.edit("app.wsgi", "import importlib\n", f"{line}\nimport importlib\n")
    return site


def configure(site: Site, old: str = "", new: str = "") -> Path:
    """Write the configuration of the site, with one text replaced by another."""
    text = httpd_conf(site.apache, site.served, site.root, 65000, site.user)
    assert old in text
    path = site.root / "httpd.conf"
    path.write_text(text.replace(old, new) if old else text + new)
    return path


@pytest.fixture
def doctor(command: CommandLine) -> Doctor:
    """Run the doctor on a site: its findings by name. Its exit code is 0 only if all are ok."""

    def examine(site: Site, *words: str | Path, **environment: str) -> dict[str, dict[str, str]]:
        where = ("--httpd", site.apache.httpd, "--config", site.root / "httpd.conf")
        done = command("doctor", *where, "--json", *words, environment=environment)
        assert done.err == ""
        told: dict[str, Any] = done.json
        well = all(each["level"] == "ok" for each in told["findings"])
        assert (done.code, told["ok"]) == (0 if well else 1, well)
        found: dict[str, dict[str, str]] = {}
        for each in told["findings"]:
            if found.get(each["what"], {"level": "ok"})["level"] == "ok":
                found[each["what"]] = each
        return found

    return examine


def bad(found: dict[str, dict[str, str]]) -> dict[str, str]:
    """The levels of the findings that are not ok."""
    return {what: each["level"] for what, each in found.items() if each["level"] != "ok"}


def test_healthy(healthy: Site, doctor: Doctor) -> None:
    """Without problems every finding is ok, and has what was found."""
    configure(healthy)
    found = doctor(healthy, healthy.app / "app.wsgi")
    assert bad(found) == {}
    assert "event MPM" in found["Apache"]["text"]
    healthy.start()
    made_of = healthy.versions()
    mod_wsgi = f"{made_of['mod_wsgi']} for Python {made_of['Python']}{sys.abiflags} (libpython"
    assert found["mod_wsgi"]["text"].startswith(mod_wsgi)
    assert "daemon process group 'site'" in found["process"]["text"]
    assert "changes are reported at once" in found["events"]["text"]


def test_healthy_as_text(healthy: Site, command: CommandLine) -> None:
    """As text the verdict comes first, then each finding and cure in one line; exit code 0."""
    config = configure(healthy)
    done = command("doctor", "--httpd", healthy.apache.httpd, "--config", config)
    assert (done.code, done.err) == (0, "")
    verdict, empty, *lines = done.out.splitlines()
    assert (verdict, empty) == ("Reloads will work.", "")
    assert all(line.startswith(("ok    ", "      -> ")) for line in lines)


def test_wrong_python(healthy: Site, doctor: Doctor) -> None:
    """A mod_wsgi for another Python is named with the library that it needs."""
    other = healthy.root / "mod_wsgi.so"
    content = healthy.apache.mod_wsgi.read_bytes()
    other.write_bytes(re.sub(rb"libpython3\.\d\d", b"libpython3.99", content))
    configure(healthy, str(healthy.apache.mod_wsgi), str(other))
    found = doctor(healthy)
    assert bad(found) == {"LoadModule": "fail"}
    assert (
        f"{other} needs libpython3.99{sys.abiflags}.so.1.0, which is missing"
        in found["LoadModule"]["text"]
    )
    assert "apt-get install libpython3.99" in found["LoadModule"]["cure"]


def test_no_such_daemon_group(healthy: Site, doctor: Doctor) -> None:
    """An undefined process group is named, with the defined ones."""
    configure(healthy, "WSGIProcessGroup site", "WSGIProcessGroup sit")
    found = doctor(healthy)
    assert bad(found) == {"process": "fail"}
    assert "'sit'; defined are: site" in found["process"]["text"]
    assert "WSGIDaemonProcess sit" in found["process"]["cure"]


def test_daemon_group_that_is_not_applied(healthy: Site, doctor: Doctor) -> None:
    """A daemon process without a script means embedded mode, and one option cures it."""
    configure(healthy, "WSGIProcessGroup site", "")
    found = doctor(healthy)
    assert bad(found) == {"process": "fail"}
    assert "process-group=site" in found["process"]["cure"]


def test_embedded(new_site: Sites, command: CommandLine, doctor: Doctor) -> None:
    """Embedded mode fails, and the cure gives the application a process."""
    site = new_site(daemon=None, python_path=[command.packages])
    configure(site)
    found = doctor(site)
    assert found["process"]["level"] == "fail"
    assert "embedded mode" in found["process"]["text"]
    assert "WSGIDaemonProcess app" in found["process"]["cure"]


@pytest.mark.parametrize(
    ("where", "level"),
    [
        ("{}", "warn"),
        ('<Directory "{root}/app">\n{}\n</Directory>', "warn"),
        ("<Location />\n{}\n</Location>", "warn"),
        ("<Directory /elsewhere>\n{}\n</Directory>", "ok"),
        ("<Location /elsewhere>\n{}\n</Location>", "ok"),
        ("<VirtualHost 127.0.0.9:1>\nServerName x\n{}\n</VirtualHost>", "ok"),
        ("<IfModule no_such_module>\n{}\n</IfModule>", "ok"),
        ("Define x Off\n<IfDefine x>\nWSGIScriptReloading ${{x}}\n</IfDefine>", "warn"),
    ],
)
def test_script_reloading_off(healthy: Site, doctor: Doctor, where: str, level: str) -> None:
    """WSGIScriptReloading Off is found where it applies to the script, and only there."""
    text = where.format("WSGIScriptReloading Off", root=healthy.root)
    configure(healthy, new=f"{text}\n")
    found = doctor(healthy)
    assert bad(found) == ({} if level == "ok" else {"WSGIScriptReloading": level})
    if level != "ok":
        assert f"{healthy.root}/httpd.conf, line " in found["WSGIScriptReloading"]["text"]


def test_unreadable_folder(healthy: Site, doctor: Doctor) -> None:
    """A folder that Apache's user cannot enter is named, with its mode."""
    configure(healthy)
    os.chown(healthy.app, os.getuid(), os.getgid())
    healthy.app.chmod(0o700 if os.getuid() == 0 else 0o000)
    found = doctor(healthy)
    assert found["permissions"]["level"] == "fail"
    assert f"{healthy.app} has mode d" in found["permissions"]["text"]
    assert "chmod" in found["permissions"]["cure"]


def test_bytecode_that_cannot_be_written(healthy: Site, doctor: Doctor) -> None:
    """A warning names who has to compile what, unless it is compiled already."""
    text = "".join(f"def f{number}(): return {number}\n" for number in range(9000))
    words = healthy.write("words.py", f"WORD = 'old'\n{text}")
    configure(healthy)
    assert bad(doctor(healthy)) == {}  # Apache's user can write it
    healthy.folder("app/__pycache__").chmod(0o555)
    if not healthy.user:  # else the command would be another user's, and take sudo
        return
    os.chown(healthy.app, 0, 0)
    found = doctor(healthy)
    assert bad(found) == {"bytecode": "warn"}
    assert (
        f"{healthy.user} cannot write __pycache__ there: {healthy.app} (0."
        in found["bytecode"]["text"]
    )
    command = found["bytecode"]["cure"].partition(": ")[2]
    subprocess.run(command, shell=True, check=True)
    assert list(words.parent.glob("__pycache__/words.*.pyc"))
    assert bad(doctor(healthy)) == {}


def test_missing_native_module(healthy: Site, doctor: Doctor, command: CommandLine) -> None:
    """The import error of the native module is reported."""
    configure(healthy)
    (file,) = command.packages.glob("wsgireload/_native*.so")
    away = file.rename(file.with_suffix(".away"))
    try:
        found = doctor(healthy)
    finally:
        away.rename(file)
    assert found["native module"]["level"] == "fail"
    assert "No module named 'wsgireload._native'" in found["native module"]["text"]
    assert "pip install" in found["native module"]["cure"]


def test_mix_of_32_and_64_bits(healthy: Site, doctor: Doctor) -> None:
    """A library of other bits than Apache's is named with both."""
    header = b"\x7fELF" + bytes([1, 1, 1]) + bytes(9)
    header += struct.pack("<HHIIIIIHHHHHH", 3, 3, 1, 0, 0, 0, 0, 52, 32, 0, 40, 0, 0)
    library = healthy.root / "libpython3.so"
    library.write_bytes(header + bytes(1000))
    configure(healthy, "LoadModule wsgi_module", f"LoadFile {library}\nLoadModule wsgi_module")
    found = doctor(healthy)
    assert bad(found) == {"LoadFile": "fail"}
    assert f"Apache has 64 bits, {library} has 32" in found["LoadFile"]["text"]


@pytest.fixture(scope="module")
def shims(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A library that changes answers of the kernel, switched by variables."""
    folder = tmp_path_factory.mktemp("shims")
    (folder / "shims.c").write_text(SHIMS)
    words = ["gcc", "-shared", "-fPIC", "-o", folder / "shims.so", folder / "shims.c"]
    subprocess.run([*words, "-ldl"], check=True)
    return str(folder / "shims.so")


def test_full_inotify(healthy: Site, doctor: Doctor, shims: str) -> None:
    """If inotify instances are exhausted, the limit is named, with a value."""
    configure(healthy)
    found = doctor(healthy, LD_PRELOAD=shims, FULL="1")
    assert bad(found) == {"events": "warn"}
    assert "everything is polled: inotify_init1 failed" in found["events"]["text"]
    assert re.search(r"sysctl fs.inotify.max_user_instances=\d+", found["events"]["cure"])


def test_network_mount(healthy: Site, doctor: Doctor, shims: str) -> None:
    """A folder on a network file system is polled, and the file system is named."""
    configure(healthy)
    found = doctor(healthy, LD_PRELOAD=shims, NFS="1")
    assert bad(found) == {"events": "warn"}
    assert f"{healthy.app} is polled: NFS" in found["events"]["text"]
    assert "interval" in found["events"]["cure"]


def test_one_process(healthy: Site, doctor: Doctor) -> None:
    """An Apache with -X cannot start another process."""
    healthy.noisy = True
    config = configure(healthy, ":65000", f":{free_port()}")
    apache = subprocess.Popen([healthy.apache.httpd, "-X", "-f", config], process_group=0)
    try:
        wait_for((healthy.root / "run" / "httpd.pid").exists, "Apache's pid file")
        found = doctor(healthy)
    finally:
        os.killpg(apache.pid, signal.SIGTERM)
        apache.wait(20)
        wait_for(lambda: not processgroup.members(apache.pid), "the end of Apache's processes")
    assert bad(found) == {"running": "fail"}
    assert f"-X -f {config}" in found["running"]["text"]
    assert "without -X" in found["running"]["cure"]


def test_running(healthy: Site, doctor: Doctor) -> None:
    """A running Apache is reported with its pid."""
    healthy.start()
    found = doctor(healthy)
    assert bad(found) == {}
    assert f"pid {healthy.pid}" in found["running"]["text"]


def test_wrong_loadfile(healthy: Site, doctor: Doctor) -> None:
    """A LoadFile of a missing file is named with its line."""
    configure(healthy, new="LoadFile /nowhere/libpython3.99.so\n")
    found = doctor(healthy)
    assert bad(found) == {"LoadFile": "fail"}
    text = f"/nowhere/libpython3.99.so does not exist ({healthy.root}/httpd.conf, line "
    assert text in found["LoadFile"]["text"]
    assert "module-config" in found["LoadFile"]["cure"]


@pytest.mark.parametrize("lines", ["", "WSGIScriptAlias / /x"])
def test_no_mod_wsgi(healthy: Site, doctor: Doctor, lines: str) -> None:
    """A missing mod_wsgi is found, whether or not Apache fails at its lines."""
    config = configure(healthy)
    kept = [line for line in config.read_text().splitlines() if "wsgi" not in line.lower()]
    config.write_text("\n".join([*kept, lines, ""]))
    found = doctor(healthy)
    assert found["mod_wsgi"]["level"] == "fail"
    assert "libapache2-mod-wsgi-py3" in found["mod_wsgi"]["cure"]


def test_broken_configuration(healthy: Site, doctor: Doctor) -> None:
    """Any other error is reported with Apache's own message."""
    configure(healthy, new="Nonsense On\n")
    found = doctor(healthy)
    assert bad(found) == {"configuration": "fail"}
    assert "Invalid command 'Nonsense'" in found["configuration"]["text"]


def test_without_mod_info(healthy: Site, doctor: Doctor, monkeypatch) -> None:
    """Directives that Apache cannot print are read from its files, and the finding notes that."""
    config = configure(healthy)
    (healthy.root / "more").mkdir()
    part = healthy.root / "more" / "wsgi.conf"
    lines = config.read_text().splitlines()
    part.write_text("\n".join([line for line in lines if line.startswith("WSGIScriptAlias")]))
    kept = [line for line in lines if not line.startswith("WSGIScriptAlias")]
    kept += ["<IfModule no_such_module>", "WSGIScriptReloading Off", "</IfModule>"]
    kept += ["<IfModule !wsgi_module>", "WSGIScriptReloading Off", "</IfModule>"]
    config.write_text(
        "\n".join([*kept, f"Define where {healthy.root}/more", "Include ${where}/*.conf", ""])
    )
    wrapper = healthy.root / "apache2"
    wrapper.write_text(
        f'#!/bin/sh\ncase "$*" in *DUMP_CONFIG*) exit 1;; esac\nexec {healthy.apache.httpd} "$@"\n'
    )
    wrapper.chmod(0o755)
    found = doctor(healthy, "--httpd", wrapper)
    assert bad(found) == {}
    assert "without mod_info" in found["configuration"]["text"]
    assert f"({part}, line 1)" in found["WSGI script"]["text"]


def test_an_inactive_site(new_site: Sites, command: CommandLine, doctor: Doctor) -> None:
    """A site that runs without a monitor is a failure, for the reason that its log has."""
    site = new_site(
        daemon=f"threads=5 python-home={command.home}",
        python_path=[],
        group="%{GLOBAL}",
        environment={"WSGIRELOAD": "off"},
    )
    site.start()
    site.ask()
    monitor = doctor(site, site.app / "app.wsgi")["monitor"]
    assert monitor["level"] == "fail"
    assert monitor["text"].endswith(": the environment has WSGIRELOAD=off")


def test_a_paused_site(healthy: Site, command: CommandLine, doctor: Doctor) -> None:
    """The cure of a pause is its end, also where it holds a change."""
    healthy.start()
    healthy.wait_for_looks()
    environment = {"TMPDIR": str(healthy.temporary)}
    assert command("pause", "--all", environment=environment).code == 0
    healthy.edit("words.py", "old", "new")
    healthy.wait_for_line("holding: paused")
    monitor = doctor(healthy, healthy.app / "app.wsgi", **environment)["monitor"]
    assert (monitor["level"], "resume" in monitor["cure"]) == ("warn", True)
