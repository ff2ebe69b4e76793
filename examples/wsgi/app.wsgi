"""The WSGI script: the file that WSGIScriptAlias names in httpd.conf.

The first two lines of code are enough to reload. They come before the other imports, so that
wsgireload sees every import. With the third line, a request that arrives while the process is being
replaced gets the new code.
"""

import wsgireload

wsgireload.start()
reload_required = wsgireload.reload_required

from greeting import greeting


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{greeting()}\n".encode()]
