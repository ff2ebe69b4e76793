"""A page, its style sheet, and answers of other kinds."""

import gzip
from pathlib import Path
from urllib.parse import parse_qs

TEXT = "old"
HERE = Path(__file__).parent
PAGE = HERE / "templates" / "page.html"


def page():
    """The template is read each time: it needs no restart."""
    return PAGE.read_bytes().replace(b"{text}", TEXT.encode())


def application(environ, start_response):
    """/ is the page, with the Content-Security-Policy that its query asks for."""
    path = environ["PATH_INFO"]
    headers = [("Content-Type", "text/html; charset=utf-8")]
    body = page()
    if path == "/style.css":
        # A browser may keep it, as it keeps what Apache sends without a word on that.
        headers = [("Content-Type", "text/css"), ("Cache-Control", "max-age=600")]
        body = (HERE / "static" / "style.css").read_bytes()
    elif path == "/gzip":
        headers += [("Content-Encoding", "gzip")]
        body = gzip.compress(body, mtime=0)
    elif path == "/stream":
        start_response("200 OK", headers)
        return (part for part in (b"<p>", body))
    elif path == "/file":
        start_response("200 OK", headers)
        return environ["wsgi.file_wrapper"](PAGE.open("rb"))
    headers += [("Content-Length", str(len(body))), ("ETag", '"of the page"')]
    for policy in parse_qs(environ["QUERY_STRING"]).get("policy", ()):
        headers += [("Content-Security-Policy", policy)]
    start_response("200 OK", headers)
    return [body]
