"""Scripts that no request reaches, as public configurations have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsgireload.cli.apache import refusals, sites
from wsgireload.cli.apache.directives import Files
from wsgireload.cli.apache.httpd import Dump

HOST = "<VirtualHost *:80>\n{}\n</VirtualHost>\n"
ONE, TWO = "WSGIScriptAlias {} /one.wsgi\n", "WSGIScriptAlias {} /two.wsgi\n"
X, Y = "ServerName x.example.org\n", "ServerName y.example.org\n"
SHAPES = {  # the configuration, and what keeps requests from /two.wsgi
    "the order of aliases": (ONE.format("/") + TWO.format("/api"), "WSGIScriptAlias"),
    "its reverse": (TWO.format("/api") + ONE.format("/"), ""),
    "two of one URL": (ONE.format("/") + TWO.format("/"), "WSGIScriptAlias"),
    "another URL of the same letters": (ONE.format("/ap") + TWO.format("/api"), ""),
    "a part of its URLs": (ONE.format("/api/v1") + TWO.format("/api"), ""),
    "one script twice": (TWO.format("/") + TWO.format("/api"), ""),
    "a folder": ("WSGIScriptAlias /api/ /srv/\n" + TWO.format("/api/x"), "WSGIScriptAlias"),
    "a folder with it": ("WSGIScriptAlias /x/ /\n" + TWO.format("/x/y"), ""),
    "an expression": (
        "WSGIScriptAliasMatch ^/a /one.wsgi\n" + TWO.format("/api"),
        "WSGIScriptAlias",
    ),
    "an expression for less": ("WSGIScriptAliasMatch ^/api$ /one.wsgi\n" + TWO.format("/api"), ""),
    "an expression for all": (
        "WSGIScriptAliasMatch ^/(.*)$ /one.wsgi\n" + TWO.format("/api"),
        "WSGIScriptAlias",
    ),
    "an expression with an exception": (
        "WSGIScriptAliasMatch ^/(?!admin) /one.wsgi\n" + TWO.format("/"),
        "",
    ),
    "an expression for one level": (
        "WSGIScriptAliasMatch ^/[a-z]*$ /one.wsgi\n" + TWO.format("/"),
        "",
    ),
    "an expression that leads to it": (
        "WSGIScriptAliasMatch ^/(two) /$1.wsgi\nWSGIScriptAliasMatch ^/ /$1.wsgi\n"
        + TWO.format("/two"),
        "",
    ),
    "an alias of the main server": (
        TWO.format("/") + HOST.format(X) + HOST.format(X + TWO.format("/")),
        "",
    ),
    "Alias, wherever it stands": (TWO.format("/api") + "Alias / /srv/\n", "WSGIScriptAlias"),
    "Alias below it": ("Alias /static /srv/\n" + TWO.format("/"), ""),
    "ProxyPass, wherever it stands": (
        TWO.format("/api") + "ProxyPass / http://127.0.0.1:8000/\n",
        "WSGIScriptAlias",
    ),
    "ProxyPass with an exception": (
        "ProxyPass /api !\nProxyPass / http://127.0.0.1:8000/\n" + TWO.format("/api"),
        "",
    ),
    "ProxyPass with an exception below it": (
        "ProxyPass /api/v1 !\nProxyPass / http://127.0.0.1:8000/\n" + TWO.format("/api"),
        "",
    ),
    "ProxyPass with an exception by an expression": (
        "ProxyPassMatch ^/api/v. !\nProxyPass / http://127.0.0.1:8000/\n" + TWO.format("/api"),
        "",
    ),
    "ProxyPass with an exception elsewhere": (
        "ProxyPass /static !\nProxyPass / http://127.0.0.1:8000/\n" + TWO.format("/api"),
        "WSGIScriptAlias",
    ),
    "ProxyPass below it": ("ProxyPass /ws http://127.0.0.1:8000/\n" + TWO.format("/"), ""),
    "a virtual host before the main server": (
        ONE.format("/") + HOST.format(TWO.format("/api")),
        "",
    ),
    "another virtual host": (
        HOST.format(X + ONE.format("/")) + HOST.format(Y + TWO.format("/api")),
        "",
    ),
    "two of one name": (
        HOST.format(X + ONE.format("/a")) + HOST.format(X + TWO.format("/b")),
        "VirtualHost",
    ),
    "two without a name": (
        HOST.format("DocumentRoot /srv") + HOST.format(TWO.format("/")),
        "VirtualHost",
    ),
    "two of one name at two ports": (
        HOST.replace("80", "443").format(X + ONE.format("/")) + HOST.format(X + TWO.format("/")),
        "",
    ),
    "one name, and another": (
        HOST.format(X + ONE.format("/")) + HOST.format(X + "ServerAlias y.org\n" + TWO.format("/")),
        "",
    ),
    "a wildcard before it": (
        HOST.format(Y + "ServerAlias *.EXAMPLE.org\n") + HOST.format(X + TWO.format("/")),
        "VirtualHost",
    ),
    "Redirect of all": ("Redirect / https://x.org/\n" + TWO.format("/"), "Redirect"),
    "Redirect of a virtual host": (
        HOST.format("Redirect permanent / https://x.org/\n" + TWO.format("/")),
        "Redirect",
    ),
    "Redirect of a part": ("Redirect /old https://x.org/\n" + TWO.format("/"), ""),
    "Redirect in a Location": (
        "<Location /old>\nRedirect / https://x.org/\n</Location>\n" + TWO.format("/"),
        "",
    ),
    "no Listen": (
        HOST.replace("*:80", "*:8080 [::1]:8081").format(TWO.format("/")),
        "VirtualHost",
    ),
    "no Listen for a copy": (
        HOST.format(TWO.format("/")) + HOST.replace("80", "443").format(TWO.format("/")),
        "",
    ),
    "Listen for one of its ports": (
        HOST.replace("*:80", "*:8080 *:80").format(TWO.format("/")),
        "",
    ),
    "a virtual host without a port": (HOST.replace("*:80", "*").format(TWO.format("/")), ""),
    "AddHandler of its suffix": ("AddHandler cgi-script .py .WSGI\n" + TWO.format("/"), "handler"),
    "AddHandler of another": ("AddHandler cgi-script .py cgi\n" + TWO.format("/"), ""),
    "SetHandler there": (
        "<FilesMatch wsgi$>\nSetHandler cgi-script\n</FilesMatch>\n" + TWO.format("/"),
        "handler",
    ),
    "SetHandler back": (
        "AddHandler cgi-script wsgi\n<Location />\nSetHandler wsgi-script\n</Location>\n"
        + TWO.format("/"),
        "",
    ),
    "SetHandler none": (
        "<FilesMatch wsgi$>\nSetHandler cgi-script\n</FilesMatch>\n"
        "<Location />\nSetHandler None\n</Location>\n" + TWO.format("/"),
        "",
    ),
    "SetHandler elsewhere": (
        "<Location /status>\nSetHandler server-status\n</Location>\n" + TWO.format("/"),
        "",
    ),
    "SetHandler for some requests": (
        '<If "-z %{REMOTE_USER}">\nSetHandler cgi-script\n</If>\n' + TWO.format("/"),
        "",
    ),
    "the same host twice": (2 * HOST.format(X + TWO.format("/")), ""),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_unreachable(shape: str, tmp_path: Path) -> None:
    """An earlier alias or virtual host with all of its requests is named, and nothing else."""
    text, what = SHAPES[shape]
    conf = tmp_path / "httpd.conf"
    conf.write_text(f"Listen 80\n{text}")
    directives = list(Files(Dump("", frozenset(), {}, {}, {("", 0): [str(conf)]}), {}))
    found = [one for one in sites.find(directives) if one.script == "/two.wsgi"]
    refused = {each.what for site in found for each in refusals.find(site, directives)}
    assert refused == ({what} if what else set())


def test_options_of_htaccess(tmp_path: Path) -> None:
    """A .htaccess overrides the section of its folder, also one in a virtual host."""
    script = tmp_path / "app.wsgi"
    script.write_text("application = None\n")
    (tmp_path / ".htaccess").write_text("Options +ExecCGI\nAddHandler wsgi-script .wsgi\n")
    lines = f"DocumentRoot {tmp_path}\n<Directory {tmp_path}>\nAllowOverride All\nOptions None\n"
    conf = tmp_path / "httpd.conf"
    conf.write_text(f"Listen 80\n{HOST.format(f'{lines}</Directory>')}")
    directives = list(Files(Dump("", frozenset(), {}, {}, {("", 0): [str(conf)]}), {}))
    [site] = sites.find(directives)
    assert list(refusals.find(site, directives)) == []
