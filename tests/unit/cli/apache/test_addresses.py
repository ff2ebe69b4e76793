"""Where a script answers over HTTP, by the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wsgireload.cli.apache import addresses, sites
from wsgireload.cli.apache.directives import Directive, Files
from wsgireload.cli.apache.httpd import Dump

ALIAS = "WSGIScriptAlias / {0}/app.wsgi"
OTHER = "WSGIScriptAlias / {0}/other.wsgi"
HOST = "<VirtualHost {}>\n{}\n</VirtualHost>"
SHAPES = {  # the URL of {0}/app.wsgi and the header Host, or None; and the configuration
    "port": ("http://127.0.0.1/", "127.0.0.1", f"Listen 80\n{ALIAS}"),
    "port and prefix": (
        "http://127.0.0.1:8080/my%20site/",
        "127.0.0.1:8080",
        'Listen 8080\nWSGIScriptAlias "/my site" {0}/app.wsgi',
    ),
    "IP": ("http://127.0.0.2:8080/", "127.0.0.2:8080", f"Listen 127.0.0.2:8080\n{ALIAS}"),
    "all of IPv6": ("http://[::1]/", "[::1]", f"Listen [::]:80\n{ALIAS}"),
    "ServerName": (
        "http://127.0.0.1:81/",
        "www.example.com:81",
        f"ServerName http://www.example.com:80\nListen 0.0.0.0:81\n{ALIAS}",
    ),
    "two hosts by name": (
        "http://127.0.0.1/",
        "b.example.com",
        "Listen 80\n"
        + HOST.format("*:80", f"ServerName a.example.com\n{OTHER}")
        + "\n"
        + HOST.format("*:80", f"ServerName b.example.com\n{ALIAS}"),
    ),
    "two hosts by port": (
        "http://127.0.0.1:82/",
        "127.0.0.1:82",
        f"Listen 81\nListen 82\n{HOST.format('*:81', OTHER)}\n{HOST.format('_default_:82', ALIAS)}",
    ),
    "host by IP": (
        "http://127.0.0.3/",
        "127.0.0.3",
        f"Listen 80\n{HOST.format('127.0.0.9:80', OTHER)}\n{HOST.format('127.0.0.3:80', ALIAS)}",
    ),
    "host without port": (
        "http://127.0.0.1:8000/",
        "127.0.0.1:8000",
        f"Listen 8000\n{HOST.format('*', ALIAS)}",
    ),
    "beside a host": (
        "http://127.0.0.1:82/",
        "127.0.0.1:82",
        f"Listen 81\nListen 82\n{ALIAS}\n{HOST.format('*:81', OTHER)}",
    ),
    "inherited by a host": (
        "http://127.0.0.1/",
        "a.example.com",
        f"Listen 80\n{ALIAS}\n{HOST.format('*:80', 'ServerName a.example.com')}",
    ),
    "hidden by a host": (
        None,
        "",
        f"Listen 80\n{ALIAS}\n{HOST.format('*:80', OTHER)}",
    ),
    "denied by a host, as mod_wsgi-express does": (
        "http://127.0.0.1/",
        "b.example.com",
        f"Listen 80\n{ALIAS}\n"
        + HOST.format("_default_:80", "<Location />\nRequire all denied\n</Location>")
        + "\n"
        + HOST.format("*:80", "ServerName b.example.com"),
    ),
    **{
        f"led away by a host, with {line.split()[0]}": (
            None,
            "",
            f"Listen 80\n{ALIAS}\n{HOST.format('*:80', line)}",
        )
        for line in (
            "Redirect / https://a.example.com/",
            "RedirectPermanent / https://a.example.com/",
            "RewriteRule ^ https://a.example.com%{REQUEST_URI}",
            "ProxyPass / http://a.example.com/",
            "<Location />\nProxyPass http://a.example.com/\n</Location>",
        )
    },
    "inherited by a host with lines for other URLs": (
        "http://127.0.0.1/",
        "127.0.0.1",
        f"Listen 80\n{ALIAS}\n"
        + HOST.format(
            "*:80",
            "<Directory /srv/.git>\nRequire all denied\n</Directory>\nRedirect /old /new\n"
            "WSGIScriptAlias /other {0}/other.wsgi",
        ),
    ),
    "TLS beside it": (
        "http://127.0.0.1/",
        "127.0.0.1",
        f"Listen 80\nListen 443\nListen 444 https\nListen 445\n{ALIAS}\n"
        + HOST.format("*:445", "SSLEngine on"),
    ),
    "TLS": (None, "", f"Listen 80\nListen 443\n{HOST.format('*:443', ALIAS)}"),
    "TLS at any port": (
        None,
        "",
        f"Listen 8443\n{HOST.format('*:8443', f'SSLEngine on{chr(10)}{ALIAS}')}",
    ),
    "regular expression": (
        "http://127.0.0.1/apps/app/",
        "127.0.0.1",
        "Listen 80\nWSGIScriptAliasMatch ^/apps/([^/]+) {0}/$1.wsgi",
    ),
    "regular expression with path info": (
        "http://127.0.0.1/x/",
        "127.0.0.1",
        "Listen 80\nWSGIScriptAliasMatch ^/x(/.*) {0}/app.wsgi$1",
    ),
    "regular expression with names": (
        "http://127.0.0.1/a/",
        "127.0.0.1",
        "Listen 80\nWSGIScriptAliasMatch ^/(a|b) {0}/app.wsgi",
    ),
    "regular expression with an exception": (
        "http://127.0.0.1/",
        "127.0.0.1",
        "Listen 80\nWSGIScriptAliasMatch ^/(?!media) {0}/app.wsgi",
    ),
    "regular expression to its end": (
        "http://127.0.0.1/x",
        "127.0.0.1",
        "Listen 80\nWSGIScriptAliasMatch ^/x$ {0}/app.wsgi",
    ),
    "regular expression that may be anything": (
        None,
        "",
        "Listen 80\nWSGIScriptAliasMatch (?i)^/.+/(one|two).xml {0}/app.wsgi",
    ),
    "regular expression without its group": (
        None,
        "",
        "Listen 80\nWSGIScriptAliasMatch ^/x {0}/$1.wsgi",
    ),
    "no Listen": (None, "", ALIAS),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_address(shape: str, tmp_path: Path) -> None:
    """The address is that of the port, the virtual host and the prefix; None if it is unknown."""
    url, host, text = SHAPES[shape]
    for name in ("app", "other"):
        (tmp_path / f"{name}.wsgi").write_text("application = None\n")
    conf = tmp_path / "httpd.conf"
    conf.write_text(f"{text.replace('{0}', str(tmp_path))}\n")
    every = list(Files(Dump("", frozenset(), {}, {}, {("", 0): [str(conf)]}), {}))
    script = str(tmp_path / "app.wsgi")
    found = [each.address for each in sites.of_script(script, sites.find(every, script))]
    if url is None:
        assert found in ([None], [])
    else:
        [address] = found
        assert address is not None
        assert (address.url, address.host) == (url, host)


class Counting(list[Directive]):
    """Directives that count how often they are read from the first to the last."""

    passes = 0

    def __iter__(self) -> Iterator[Directive]:
        self.passes += 1
        return super().__iter__()


def test_many_virtual_hosts(tmp_path: Path) -> None:
    """How often the configuration is read for one of them does not depend on their number."""
    passes = []
    for count in (3, 30):
        conf = tmp_path / "httpd.conf"
        lines = (
            f"<VirtualHost *:80>\nServerName {one}.org\n</VirtualHost>\n" for one in range(count)
        )
        conf.write_text("".join(lines))
        every = Counting(Files(Dump("", frozenset(), {}, {}, {("", 0): [str(conf)]}), {}))
        assert addresses.earlier(count, every) is None
        passes.append(every.passes)
    assert passes[0] == passes[1]
