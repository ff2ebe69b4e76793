"""This Python: whether it fits mod_wsgi, and whether the application can use and read it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from wsgireload.cli.apache import sites
from wsgireload.cli.apache.accounts import Account
from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.httpd import Httpd
from wsgireload.cli.apache.sites import Site
from wsgireload.cli.binary import Binary
from wsgireload.cli.doctor import environments, permissions
from wsgireload.cli.doctor.finding import Finding, fail, ok, warn
from wsgireload.cli.installation import Installation
from wsgireload.server import native

DOCTOR = "-m wsgireload doctor"


def version(installation: Installation, httpd: Httpd, mod_wsgi: Binary | None) -> Finding:
    """Check that Apache, mod_wsgi and this Python have the same bits and version."""
    kind = "free-threaded " if installation.version.endswith("t") else ""
    this = f"this is {kind}Python {installation.version}, {installation.bits}-bit"
    this = f"{this}: {installation.prefix}"
    bits = httpd.build.bits if httpd.build else installation.bits
    if bits != installation.bits:
        cure = f"install a {bits}-bit Python, and its mod_wsgi"
        return fail("Python", f"Apache has {bits} bits, {this}", cure)
    if mod_wsgi is not None and mod_wsgi.python and mod_wsgi.python != installation.version:
        cure = (
            f"if the application uses Python {mod_wsgi.python}, run Python {mod_wsgi.python} "
            f"{DOCTOR}; else install mod_wsgi for this one: pip install mod_wsgi"
        )
        return fail("Python", f"mod_wsgi is for Python {mod_wsgi.python}, {this}", cure)
    return ok("Python", this)


def native_module() -> Finding:
    """Check that the compiled part of wsgireload can be imported."""
    error = native.unavailable()
    if error is None:
        return ok("native module", "loaded")
    cure = "reinstall wsgireload with this Python: pip install --force-reinstall wsgireload"
    return fail("native module", error, cure)


def installed_for_all_users(installation: Installation) -> Iterator[Finding]:
    """Check on Windows that the account of Apache's service can read this Python."""
    if not installation.windows:
        return
    profile = installation.profile.rstrip("\\/").lower()
    if profile and installation.base_prefix.lower().startswith(profile):
        text = f"Python is installed for one user only, in {installation.base_prefix}"
        cure = "install it for all users: Apache's service runs under its own account"
        yield fail("installation", text, cure)
    else:
        yield ok("installation", "Python is installed for all users")


def reaches_wsgireload(
    installation: Installation, site: Site, directives: Sequence[Directive]
) -> Finding:
    """Check that the application can import the wsgireload that is installed here."""
    home, folders = sites.python_home(site, directives), sites.python_path(site, directives)
    prefix, packages = installation.prefix, os.path.dirname(installation.package)
    in_path = any(_is_same(folder, packages) for folder in folders)
    if home and not installation.windows and (wrong := environments.check(home, site, folders)):
        return wrong
    if home and not in_path and not _is_same(home, prefix):
        if not installation.windows:
            return ok("python-home", f"{home}, which has wsgireload as well")
        text = f"the application runs in {home}, this is {prefix}"
        cure = f"run the application's own Python: {home}\\Scripts\\python {DOCTOR}"
        return warn("python-home", text, cure)
    if home or in_path or not installation.is_virtual_environment:
        return ok("python-home", home or prefix)
    if any(os.path.isdir(os.path.join(folder, "wsgireload")) for folder in folders):
        return ok("python-path", os.pathsep.join(folders))
    option = f"WSGIPythonHome {prefix}" if installation.windows else f"python-home={prefix}"
    text = f"the configuration does not use this virtual environment, {prefix}"
    return warn("python-home", text, f"add {option}, unless the script itself activates it")


def readable(installation: Installation, site: Site, account: Account) -> Finding:
    """Check that the application's user can read the application and this Python."""
    if installation.windows:
        return _readable_on_windows(installation, site)
    package = os.path.join(installation.package, "__init__.py")
    # One that is missing is reported with the script.
    is_there = permissions.is_hidden(site.script) or os.path.lexists(site.script)
    of_script = (site.script, os.path.dirname(site.script)) if is_there else ()
    home = filter(os.path.isdir, [site.option("python-home")])
    for path in (*of_script, *home, *site.folders[1:], installation.prefix, package):
        if obstacle := permissions.obstacle(path, account):
            text = f"{account} cannot read {path}: {obstacle}"
            cure = "give the application's user access: chmod o+rx on the way to it, or chown"
            return fail("permissions", text, cure)
    return ok("permissions", f"{account} can read the script and Python")


def _readable_on_windows(installation: Installation, site: Site) -> Finding:
    profile = installation.profile.replace("\\", "/").rstrip("/").lower()
    for path in (site.script, installation.prefix):
        if profile and path.replace("\\", "/").lower().startswith(f"{profile}/"):
            text = f"{path} is in a user's own folder, which Apache's service cannot read"
            return fail("permissions", text, "move it out of there, for example to C:\\srv")
    return ok("permissions", "nothing is in a user's own folder")


def _is_same(one: str, other: str) -> bool:
    return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))
