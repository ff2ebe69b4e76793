"""A whole WSGI application that Apache reloads when its code changes."""

import os
import sys

# These two lines are all that wsgireload needs. They stand first, so that it sees what is imported.
import wsgireload

wsgireload.start()

# Apache does not look for modules beside the script, unless its configuration says so.
sys.path.insert(0, os.path.dirname(__file__))
from greeting import greet


def application(environ, start_response):
    """Answer every request with a greeting, and with the process that gave it."""
    body = f"{greet('Apache')} (process {os.getpid()})\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [body]
