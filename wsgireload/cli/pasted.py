"""The lines that `wsgireload config` prints, in Apache's configuration: where, and whether."""

from __future__ import annotations

import os
import re

from wsgireload.cli import directives
from wsgireload.cli.directives import INCLUDES, Directive, Files
from wsgireload.cli.httpd import Dump, Httpd

DUPLICATE = re.compile(r"Name duplicates previous WSGI daemon definition")


def destination(name: str, httpd: Httpd | None) -> str:
    """Return where the lines of a site belong, as the end of a sentence; "" if that is unknown.

    The main configuration file of a system's package ends with the folder of its sites.
    """
    if os.name == "nt":
        return ", conf\\httpd.conf"
    if httpd is None or not os.path.isfile(httpd.config):
        return ""
    main = Files(_of_one_file(httpd.config, httpd.dump), httpd.environment)
    patterns = [each.arguments[0] for each in main if each.name in INCLUDES and not each.sections]
    patterns = [each for each in patterns if os.path.basename(each) == "*.conf"]
    if not patterns:
        return f": {httpd.config}"
    folder = os.path.dirname(httpd.absolute(patterns[-1]))
    available = f"{folder.removesuffix('enabled')}available"
    if folder.endswith("-enabled") and os.path.isdir(available):
        return f": {available}/{name}.conf, then a2ensite {name}"
    return f": {folder}/{name}.conf"


def check(conf: str, path: str, httpd: Httpd) -> tuple[str, bool]:
    """Return Apache's error about these lines, in the file `path`, and whether it has them already.

    The error is "" if Apache accepts them. Lines that it has already are not added once more.
    """
    those = [each for each in directives.read(httpd)[0] if each.name.startswith("wsgi")]
    known = {(each.name, each.arguments) for each in those}
    printed = Files(_of_one_file(path, httpd.dump), httpd.environment, lambda _: conf)
    own = [each for each in printed if each.name.startswith("wsgi")]
    if all((each.name, each.arguments) in known for each in own):
        return httpd.check(), True
    error = httpd.check(path)
    if DUPLICATE.search(error):
        error += _explained(own, those)
    return error, False


def _explained(own: list[Directive], those: list[Directive]) -> str:
    names = {each.arguments[:1] for each in own if each.name == "wsgidaemonprocess"}
    for each in those:
        if each.name == "wsgidaemonprocess" and each.arguments[:1] in names:
            name = each.arguments[0]
            return f" ({name!r} is defined in {each}: replace those lines, or use --name)"
    return ""


def _of_one_file(path: str, dump: Dump) -> Dump:
    """Return a dump of which the main file is this one, and includes no others."""
    return Dump("", dump.modules, dump.defines, dump.values, {("", 0): [path]})
