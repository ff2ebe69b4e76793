"""The doctor, on configurations of a real Apache that are broken on purpose."""

from __future__ import annotations

import re
import sys

import pytest
from support.commandline import CommandLine
from support.doctoring import Doctor, bad, configure
from support.testsite import Site, Sites


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
