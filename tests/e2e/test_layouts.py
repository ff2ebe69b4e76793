"""The commands on Apache as each system lays it out: made of links, with a real httpd to parse it.

A program answers `-V` as the system's own would, and is Debian's httpd with those defaults else.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.apache import Apache

from wsgireload.cli import configuration, main
from wsgireload.cli.apache import places
from wsgireload.cli.running import processes

PROGRAM = """\
#!/bin/sh
case " $* " in *" -V "*)
cat <<END
Server version: Apache/2.4.66 (Unix)
Architecture:   64-bit
 -D HTTPD_ROOT="{root}"
 -D SERVER_CONFIG_FILE="{config}"
END
exit;;
esac
exec {httpd} -d "{root}" -f "{config}" "$@"
"""
APACHE = Apache.of_venv(Path(sys.prefix))  # with the mod_wsgi for this Python
MODULES = "mpm_event", "authz_core"
BASE = """\
ServerName localhost
Listen 127.0.0.1:65000
"""
DEBIAN = """\
DefaultRuntimeDir ${APACHE_RUN_DIR}
PidFile ${APACHE_PID_FILE}
IncludeOptional mods-enabled/*.load
IncludeOptional conf-enabled/*.conf
IncludeOptional sites-enabled/*.conf
"""
ENVVARS = """\
unset HOME
export APACHE_RUN_DIR={}/run/apache2
export APACHE_LOCK_DIR={}/lock/apache2
export APACHE_PID_FILE=$APACHE_RUN_DIR/apache2.pid
"""


@dataclass(frozen=True)
class Layout:
    """One system: paths without the first slash, and the last lines of its configuration."""

    system: str
    program: str
    root: str
    config: str
    modules: str
    destination: str = ""
    """Where a site belongs; "" for the main file."""
    lines: str = ""
    mod_wsgi: str = "mod_wsgi.so"
    loads: str = ""
    """The file that loads the modules; "" for the main file."""
    files: dict[str, str] = field(default_factory=dict)
    options: list[str] | None = None
    """The options of the Apache that runs; None if none runs."""


LAYOUTS = [
    Layout(
        "Alpine",
        "usr/sbin/httpd",
        "var/www",
        "etc/apache2/httpd.conf",
        "usr/lib/apache2",
        "etc/apache2/conf.d/mysite.conf",
        "IncludeOptional {}/etc/apache2/conf.d/*.conf",
    ),
    Layout(
        "Apache's own build",
        "usr/local/apache2/bin/httpd",
        "usr/local/apache2",
        "usr/local/apache2/conf/httpd.conf",
        "usr/local/apache2/modules",
        lines="#Include conf/extra/httpd-vhosts.conf",
    ),
    Layout(
        "Arch",
        "usr/bin/httpd",
        "etc/httpd",
        "etc/httpd/conf/httpd.conf",
        "usr/lib/httpd/modules",
        lines="Include conf/extra/httpd-default.conf",
        files={"etc/httpd/conf/extra/httpd-default.conf": "Timeout 60\n"},
    ),
    Layout(
        "Debian",
        "usr/sbin/apache2",
        "etc/apache2",
        "etc/apache2/apache2.conf",
        "usr/lib/apache2/modules",
        "etc/apache2/sites-available/mysite.conf, then a2ensite mysite",
        DEBIAN,
        loads="etc/apache2/mods-enabled/all.load",
        files={"etc/apache2/envvars": ENVVARS, "etc/apache2/sites-available/x.conf": ""},
    ),
    Layout(
        "Fedora, RHEL",
        "usr/sbin/httpd",
        "etc/httpd",
        "etc/httpd/conf/httpd.conf",
        "usr/lib64/httpd/modules",
        "etc/httpd/conf.d/mysite.conf",
        "Include conf.modules.d/*.conf\nIncludeOptional conf.d/*.conf",
        "mod_wsgi_python3.11.so",
        "etc/httpd/conf.modules.d/00-base.conf",
    ),
    Layout(
        "FreeBSD",
        "usr/local/sbin/httpd",
        "usr/local",
        "usr/local/etc/apache24/httpd.conf",
        "usr/local/libexec/apache24",
        "usr/local/etc/apache24/Includes/mysite.conf",
        "Include etc/apache24/Includes/*.conf",
        files={"usr/local/etc/apache24/Includes/no-accf.conf": ""},
    ),
    Layout(
        "Homebrew",
        "opt/homebrew/bin/httpd",
        "opt/homebrew/Cellar/httpd/2.4.66",
        "opt/homebrew/etc/httpd/httpd.conf",
        "opt/homebrew/lib/httpd/modules",
    ),
    Layout(
        "MacPorts",
        "opt/local/sbin/httpd",
        "opt/local",
        "opt/local/etc/apache2/httpd.conf",
        "opt/local/lib/apache2/modules",
        lines="Include etc/apache2/extra/httpd-default.conf",
        files={"opt/local/etc/apache2/extra/httpd-default.conf": "Timeout 60\n"},
    ),
    Layout(
        "MAMP",
        "Applications/MAMP/Library/bin/httpd",
        "Applications/MAMP/Library",
        "Applications/MAMP/conf/apache/httpd.conf",
        "Applications/MAMP/Library/modules",
    ),
    Layout(
        "openSUSE",
        "usr/sbin/httpd",
        "srv/www",
        "etc/apache2/httpd.conf",
        "usr/lib64/apache2",
        "etc/apache2/vhosts.d/mysite.conf",
        "<IfDefine SYSCONFIG>\nInclude {0}/etc/apache2/sysconfig.d/loadmodule.conf\n</IfDefine>\n"
        "IncludeOptional {0}/etc/apache2/conf.d/*.conf\n"
        "IncludeOptional {0}/etc/apache2/vhosts.d/*.conf",
        loads="etc/apache2/sysconfig.d/loadmodule.conf",
        options=["-DSYSCONFIG", "-C", "ServerName running"],
    ),
    Layout(
        "XAMPP",
        "opt/lampp/bin/httpd",
        "opt/lampp",
        "opt/lampp/etc/httpd.conf",
        "opt/lampp/modules",
        files={"opt/lampp/bin/envvars": 'LD_LIBRARY_PATH="{}/opt/lampp/lib"\n'},
    ),
]


def laid_out(layout: Layout, folder: Path) -> None:
    """Make the files and links of a system in a folder."""

    def write(name: str, text: str) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    modules = folder / layout.modules
    modules.mkdir(parents=True)
    (folder / layout.root / "logs").mkdir(parents=True)
    for module in (*MODULES, "info"):
        (modules / f"mod_{module}.so").symlink_to(APACHE.modules / f"mod_{module}.so")
    (modules / layout.mod_wsgi).symlink_to(APACHE.mod_wsgi)
    loads = "".join(f"LoadModule {each}_module {modules}/mod_{each}.so\n" for each in MODULES)
    lines = layout.lines.replace("{0}", str(folder)).replace("{}", str(folder))
    if layout.loads:
        write(layout.loads, loads)
        loads = ""
    config = write(layout.config, f"{loads}{BASE}{lines}\n")
    for name, text in layout.files.items():
        write(name, text.replace("{}", str(folder)))
    program = PROGRAM.format(root=folder / layout.root, config=config, httpd=APACHE.httpd)
    write(layout.program, program).chmod(0o755)


def moved(place: places.Place, folder: Path) -> places.Place:
    """A place in a folder instead of the root."""
    return places.Place(
        tuple(f"{folder}{path}" for path in place.programs),
        f"{folder}{place.mod_wsgi}" if place.mod_wsgi else "",
        place.install,
        f"{folder}{place.config}" if place.config else "",
    )


@pytest.fixture(params=LAYOUTS, ids=lambda layout: layout.system)
def layout(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Layout:
    """A machine with this system, and a Django project in its folder `mysite`."""
    layout: Layout = request.param
    laid_out(layout, tmp_path)
    here = {name: moved(place, tmp_path) for name, place in places.PLACES.items()}
    monkeypatch.setattr(places, "PLACES", here)
    monkeypatch.setattr(places, "IN_PATH", ())
    running = [str(tmp_path / layout.program), *(layout.options or [])]
    monkeypatch.setattr(processes, "trusted", lambda: iter([running] if layout.options else []))
    if layout.system != "Homebrew":  # which has no package of mod_wsgi: PyPI's is installed
        monkeypatch.setattr(configuration, "find_spec", lambda name: None)
    package = tmp_path / "mysite" / "mysite"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "settings.py").write_text("")
    (package / "wsgi.py").write_text(
        "import os\nimport wsgireload\nwsgireload.start()\nimport mysite.settings\n"
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")\n'
    )
    return layout


def test_layout(layout: Layout, tmp_path: Path, capsys) -> None:
    """The printed lines name the system's mod_wsgi and belong into its folder of sites; pasted
    there they are what the doctor and `files` find.
    """
    script = str(tmp_path / "mysite" / "mysite" / "wsgi.py")

    def run(*words: str) -> str:
        assert main(words) == 0 or words[0] == "doctor", capsys.readouterr()
        out: str = capsys.readouterr().out
        return out.replace(f"{tmp_path}/", "/")

    assert "/mysite/mysite: 3 files" in run("files", script)
    printed = run("config", script, "--check")
    destination = layout.destination or layout.config
    assert printed.startswith(f"# Apache's configuration: /{destination}\n<IfModule")
    if layout.system != "Homebrew":
        assert f"LoadModule wsgi_module /{layout.modules}/{layout.mod_wsgi}\n" in printed
    assert "python-path=/mysite\n" in printed
    assert "<Directory /mysite/mysite>" in printed
    assert printed.endswith("# checked: Apache accepts these lines\n")
    pasted = tmp_path / destination.partition(",")[0].replace("-available", "-enabled")
    pasted.parent.mkdir(exist_ok=True)
    with pasted.open("a") as file:
        file.write(json.loads(_json(script, capsys))["conf"] + "\n")
    again = run("config", script, "--check")
    assert "# checked: these lines are in Apache's configuration" in again
    assert "/mysite/mysite: 3 files" in run("files", script)
    out = run("doctor", script)
    failed = [line for line in out.splitlines() if line.startswith(("fail", "warn"))]
    assert all("permissions" in line for line in failed), out  # pytest's folder is its user's
    assert re.search(rf"ok    configuration: Apache accepts it.*: /{layout.config}\n", out)
    assert f": /{layout.modules}/{layout.mod_wsgi}\n" in out or layout.system == "Homebrew"
    assert ("running: no: Apache's first start" in out) == (layout.system == "Debian")


def _json(script: str, capsys) -> str:
    main(["config", script, "--json"])
    out: str = capsys.readouterr().out
    return out


@pytest.mark.parametrize(
    "layout", [LAYOUTS[3], LAYOUTS[4]], ids=lambda layout: layout.system, indirect=True
)
def test_no_configuration(layout: Layout, tmp_path: Path, capsys) -> None:
    """Without the configuration of its package, the doctor and `config --check` say to name one."""
    (tmp_path / layout.config).unlink()
    assert main(["config", str(tmp_path / "mysite" / "mysite" / "wsgi.py"), "--check"]) == 2
    error = capsys.readouterr().err.replace(f"{tmp_path}/", "/")
    assert f"there is no /{layout.config}: --config FILE" in error
    main(["doctor"])
    out = capsys.readouterr().out.replace(f"{tmp_path}/", "/")
    wanted = f"fail  configuration: no configuration: /{layout.config}: No such file or directory"
    assert wanted in out
    assert "-> name one with --config FILE" in out
