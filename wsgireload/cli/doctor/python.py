"""This Python: does it fit Apache's mod_wsgi, and can Apache's user read it?"""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator, Sequence

from wsgireload.cli.binary import Binary
from wsgireload.cli.directives import Directive
from wsgireload.cli.doctor import readable
from wsgireload.cli.doctor.finding import Finding, fail, ok, warn
from wsgireload.cli.doctor.here import Here
from wsgireload.cli.httpd import Httpd
from wsgireload.cli.served import Served
from wsgireload.server import native

AGAIN = "-m wsgireload doctor"


def fits(here: Here, httpd: Httpd, mod_wsgi: Binary | None) -> Finding:
    """Version and bitness."""
    which = "free-threaded " if here.version.endswith("t") else ""
    this = f"this is {which}Python {here.version}, {here.bits}-bit: {here.prefix}"
    bits = httpd.build.bits if httpd.build else here.bits
    if bits != here.bits:
        return fail(
            "Python",
            f"Apache has {bits} bits, and {this}",
            f"install a {bits}-bit Python, and its mod_wsgi",
        )
    if mod_wsgi is not None and mod_wsgi.python and mod_wsgi.python != here.version:
        cure = (
            f"run Python {mod_wsgi.python} {AGAIN} if that is the application's; "
            f"or install mod_wsgi into this one: pip install mod_wsgi"
        )
        return fail("Python", f"mod_wsgi is for Python {mod_wsgi.python}, and {this}", cure)
    return ok("Python", this)


def core() -> Finding:
    """The compiled part of wsgireload."""
    missing = native.unavailable()
    if missing is None:
        return ok("native module", "it loads")
    cure = "install wsgireload anew, with this very Python: pip install --force-reinstall"
    return fail("native module", missing, cure)


def installed_for(here: Here) -> Iterator[Finding]:
    """Windows alone: a service has an account of its own, which cannot read a user's folder."""
    if here.windows:
        profile = here.profile.rstrip("\\/").lower()
        if profile and here.base_prefix.lower().startswith(profile):
            text = f"Python is installed for one user alone, in {here.base_prefix}"
            yield fail(
                "installation",
                text,
                "install it again, for all users: Apache's service has an account of its own",
            )
        else:
            yield ok("installation", "Python is installed for all users")


def reached(here: Here, served: Served, directives: Sequence[Directive]) -> Finding:
    """Whether the application finds the wsgireload that is installed here."""
    home = served.option("python-home") or _of_server(directives, "wsgipythonhome")
    path = served.option("python-path") or _of_server(directives, "wsgipythonpath")
    folders = [folder for folder in path.split(os.pathsep) if folder]
    led = any(_same(folder, os.path.dirname(here.package)) for folder in folders)
    if home and not led and not _same(home, here.prefix):
        text = f"the application runs in {home}, and this is {here.prefix}"
        return warn(
            "python-home", text, f"ask the application's own Python: {_python(home, here)} {AGAIN}"
        )
    if home or here.prefix == here.base_prefix or led:
        return ok("python-home", home or here.prefix)
    if any(os.path.isdir(os.path.join(folder, "wsgireload")) for folder in folders):
        return ok("python-path", path)
    option = f"WSGIPythonHome {here.prefix}" if here.windows else f"python-home={here.prefix}"
    text = f"nothing leads the application to this virtual environment, {here.prefix}"
    return warn("python-home", text, f"unless the script itself does: {option}")


def may_read(here: Here, served: Served, user: str) -> Finding:
    """Whether the application's user can read its code, and ours."""
    if here.windows:
        return _may_read_on_windows(here, served)
    user = served.option("user") or user
    package = os.path.join(here.package, "__init__.py")
    for path in (served.script, os.path.dirname(served.script), here.prefix, package):
        if trouble := readable.trouble(path, user):
            text = f"{user or 'this user'} may not read {path}: {trouble}"
            return fail(
                "permissions",
                text,
                "let the application's user in: chmod o+rx on the way to it, or chown",
            )
    return ok("permissions", f"{user or 'this user'} may read the script and Python")


def _may_read_on_windows(here: Here, served: Served) -> Finding:
    profile = here.profile.replace("\\", "/").rstrip("/").lower()
    for path in (served.script, here.prefix):
        if profile and path.replace("\\", "/").lower().startswith(f"{profile}/"):
            text = f"{path} lies in a user's own folder, which Apache's service may not read"
            return fail("permissions", text, "move it out of there, such as to C:\\srv")
    return ok("permissions", "nothing lies in a user's own folder")


def _of_server(directives: Sequence[Directive], name: str) -> str:
    found = [each.arguments[0] for each in directives if each.name == name and each.arguments]
    return found[-1] if found else ""


def _same(one: str, other: str) -> bool:
    return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))


def _python(home: str, here: Here) -> str:
    return f"{home}\\Scripts\\python" if here.windows else f"{home}/bin/python"


def packages() -> str:
    """Where packages are installed in this Python."""
    return sysconfig.get_path("purelib")
