"""The WSGI script: the file that WSGIScriptAlias names in httpd.conf.

The first two lines of code are all that reloading takes. They stand before the other imports, so
that wsgireload sees what is imported. With the third no request is answered by old code.
"""

import wsgireload

wsgireload.start()
reload_required = wsgireload.reload_required

from greeting import greeting


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{greeting()}\n".encode()]
