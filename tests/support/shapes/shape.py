"""The shape of a configuration, and the script that it serves."""

from __future__ import annotations

from dataclasses import dataclass, field

SCRIPT = """\
import wsgireload
wsgireload.start()
reload_required = wsgireload.reload_required
import words

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["mod_wsgi.process_group"].encode()]

handle_request = app = application
"""


@dataclass(frozen=True)
class Shape:
    """Lines of a configuration: $app is the application's folder, $daemon options of its group.

    `path` is the URL path at which app.wsgi answers, "" where the configuration does not tell.
    """

    lines: str
    path: str = "/"
    files: dict[str, str] = field(default_factory=dict)
    """More files, below the folder of the server."""
    asked: str = ""
    """The URL path to ask, where it is not `path`."""
    name: str = "127.0.0.1"
    """The virtual host to ask."""
