"""Where each system has Apache's program and mod_wsgi.

These two alone are searched in lists. Apache itself reveals the rest: its folder and its main
configuration file by `httpd -V`, and where a site's lines belong by what that file includes.
"""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from typing import NamedTuple


class Place(NamedTuple):
    """One way to install Apache. Paths may be patterns; `""` where there is none.

    `config` is the main configuration file if it is not the one that Apache was built for,
    `install` the command that installs mod_wsgi. `arguments` are a variable and the files that set
    it: its value are the options with which the system's service starts Apache.
    """

    programs: tuple[str, ...]
    mod_wsgi: str = ""
    install: str = ""
    config: str = ""
    arguments: tuple[str, ...] = ()


PLACES = {
    # aports: main/apache2, community/apache2-mod-wsgi
    "Alpine": Place(
        ("/usr/sbin/httpd",), "/usr/lib/apache2/mod_wsgi.so", "apk add apache2-mod-wsgi"
    ),
    # httpd's config.layout, "Apache": the prefix of `make install`
    "Apache's own build": Place(
        ("/usr/local/apache2/bin/httpd",), "/usr/local/apache2/modules/mod_wsgi*.so"
    ),
    # the package apache
    "Arch": Place(("/usr/bin/httpd",), "/usr/lib/httpd/modules/mod_wsgi.so", "pacman -S mod_wsgi"),
    # the packages apache2-bin and libapache2-mod-wsgi-py3
    "Debian": Place(
        ("/usr/sbin/apache2",),
        "/usr/lib/apache2/modules/mod_wsgi.so*",
        "apt-get install libapache2-mod-wsgi-py3",
    ),
    # the packages httpd-core and python3-mod_wsgi; RHEL also has python3.11-mod_wsgi and the like
    "Fedora, RHEL": Place(
        ("/usr/sbin/httpd",),
        "/usr/lib64/httpd/modules/mod_wsgi*.so",
        "dnf install python3-mod_wsgi",
        arguments=("OPTIONS", "/etc/sysconfig/httpd", "/etc/systemd/system/httpd.service.d/*.conf"),
    ),
    # ports: www/apache24, www/mod_wsgi4
    "FreeBSD": Place(
        ("/usr/local/sbin/httpd",),
        "/usr/local/libexec/apache24/mod_wsgi.so",
        arguments=(
            "apache24_flags",
            *("/etc/rc.conf", "/etc/rc.conf.local", "/etc/rc.conf.d/apache24"),
        ),
    ),
    # www-servers/apache, www-apache/mod_wsgi
    "Gentoo": Place(
        ("/usr/sbin/apache2",),
        "/usr/lib64/apache2/modules/mod_wsgi.so",
        "emerge www-apache/mod_wsgi",
        arguments=("APACHE2_OPTS", "/etc/conf.d/apache2"),
    ),
    # the formula httpd, below the prefix of Apple silicon, of Intel, and of Linux
    "Homebrew": Place(
        (
            "/opt/homebrew/bin/httpd",
            "/usr/local/bin/httpd",
            "/home/linuxbrew/.linuxbrew/bin/httpd",
        )
    ),
    # the ports apache2 and mod_wsgi-apache2
    "MacPorts": Place(("/opt/local/sbin/httpd",), "/opt/local/lib/apache2/modules/mod_wsgi*.so"),
    # MAMP for macOS starts its Apache with -f
    "MAMP": Place(
        ("/Applications/MAMP/Library/bin/httpd", "/Applications/MAMP/bin/apache2/bin/httpd"),
        "/Applications/MAMP/Library/modules/mod_wsgi*.so",
        config="/Applications/MAMP/conf/apache/httpd.conf",
    ),
    # the packages apache2, apache2-prefork and so on, and apache2-mod_wsgi
    "openSUSE": Place(
        ("/usr/sbin/httpd", "/usr/sbin/httpd-prefork", "/usr/sbin/httpd-event"),
        "/usr/lib64/apache2/mod_wsgi*.so",
        "zypper install apache2-mod_wsgi",
    ),
    # the installers of apachefriends.org, for Linux and macOS
    "XAMPP": Place(
        ("/opt/lampp/bin/httpd", "/Applications/XAMPP/xamppfiles/bin/httpd"),
        "/opt/lampp/modules/mod_wsgi*.so",
    ),
}
WINDOWS = (
    # Apache Lounge's folder, where its pages say to put it; chocolatey's; Apache Haus' and others'
    r"C:\Apache24\bin\httpd.exe",
    r"C:\tools\Apache24\bin\httpd.exe",
    r"C:\Users\*\AppData\Roaming\Apache24\bin\httpd.exe",
    r"C:\Program Files*\Apache24\bin\httpd.exe",
    r"C:\Program Files*\Apache Software Foundation\Apache2.4\bin\httpd.exe",
    # XAMPP, WampServer, Laragon, MAMP
    r"C:\xampp\apache\bin\httpd.exe",
    r"C:\wamp*\bin\apache\apache2.4*\bin\httpd.exe",
    r"C:\laragon\bin\apache\httpd-2.4*\bin\httpd.exe",
    r"C:\MAMP\bin\apache\bin\httpd.exe",
)
IN_PATH = "apache2", "httpd"
SERVICES = "apache2", "httpd"  # of systemd, also in front of an instance's name


def program() -> str | None:
    """Return the path of the first Apache in PATH or in the usual places; None without one."""
    if os.name == "nt":
        return next(_existing(*WINDOWS), None) or shutil.which("httpd")
    usual = (path for place in PLACES.values() for path in place.programs)
    return next(filter(None, map(shutil.which, [*IN_PATH, *usual])), None)


def config(program: str) -> str | None:
    """Return the configuration file with which a program is started; None for its own."""
    given = (place.config for place in PLACES.values() if program in place.programs)
    return next(_existing(*filter(None, given)), None)


def mod_wsgi() -> list[str]:
    """Return the files of mod_wsgi in the usual places."""
    return list(_existing(*(place.mod_wsgi for place in PLACES.values() if place.mod_wsgi)))


def module_folders() -> list[str]:
    """Return the usual folders of Apache's modules."""
    return [os.path.dirname(place.mod_wsgi) for place in PLACES.values() if place.mod_wsgi]


def installing(program: str) -> str:
    """Return how to install mod_wsgi for a program, as on Debian; "" if that is unknown."""
    for name, place in PLACES.items():
        # Several systems share a path: the folder of modules tells them apart.
        is_here = program in place.programs and os.path.isdir(os.path.dirname(place.mod_wsgi))
        if is_here and place.install:
            return f"on {name}: {place.install}"
    return ""


def arguments(program: str) -> tuple[str, list[str]]:
    """Return the variable with the options of a system's service, and the files that set it."""
    for place in PLACES.values():
        if program in place.programs and (paths := list(_existing(*place.arguments[1:]))):
            return place.arguments[0], paths
    return "", []


def _existing(*patterns: str) -> Iterator[str]:
    return (path for pattern in patterns for path in sorted(glob.glob(pattern)))
