"""Sites in the shapes that public configurations have: each answers, and no command is alarmed.

The shapes are those of published projects, hosts and tutorials. What does not work is found.
"""

from __future__ import annotations

import getpass
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Template
from textwrap import dedent

import pytest
from support.apacheserver import ServerError, free_port
from support.commandline import CommandLine
from support.testsite import Site, Sites

from wsgireload.cli import directives, sites
from wsgireload.cli.httpd import Httpd

MODULES = ["alias", "dir", "env", "macro", "mime", "rewrite", "setenvif", "userdir", "version"]
LOAD = """\
<IfModule !{name}_module>
  LoadModule {name}_module "{folder}/mod_{name}.so"
</IfModule>
"""
COMMON = """\
WSGIRestrictEmbedded On
TypesConfig /dev/null
"""
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
ENVIRONMENT = {"WSGI_GROUP": "site", "WSGI_PREFIX": "/from/envvars"}


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


SHAPES = {
    "daemon in the main server": Shape(
        """
        WSGIDaemonProcess site $daemon
        WSGIScriptAlias / "$app/app.wsgi" process-group=site application-group=%{GLOBAL}
        """
    ),
    "virtual host, Directory": Shape(  # Flask's and many a tutorial's
        """
        <VirtualHost *:$port>
          ServerName www.example.com
          WSGIDaemonProcess site user=$user $daemon
          WSGIScriptAlias / $app/app.wsgi
          <Directory $app>
            WSGIProcessGroup site
            WSGIApplicationGroup %{GLOBAL}
            <IfVersion < 2.4>
              Order deny,allow
              Allow from all
            </IfVersion>
            <IfVersion >= 2.4>
              Require all granted
            </IfVersion>
          </Directory>
        </VirtualHost>
        """,
        name="www.example.com",
    ),
    "two virtual hosts at one port": Shape(
        """
        <VirtualHost *:$port>
          ServerName one.example.com
          WSGIDaemonProcess one $daemon
          WSGIProcessGroup one
          WSGIScriptAlias / $root/one/one.wsgi
        </VirtualHost>
        <VirtualHost *:$port>
          ServerName two.example.com
          WSGIDaemonProcess site $daemon
          WSGIProcessGroup site
          WSGIScriptAlias / $app/app.wsgi
        </VirtualHost>
        """,
        name="two.example.com",
        files={"one/one.wsgi": SCRIPT.replace("import words\n", "")},
    ),
    "folder of scripts": Shape(
        """
        WSGIDaemonProcess site $daemon
        WSGIProcessGroup site
        WSGIScriptAlias /scripts/ "$app/"
        """,
        "/scripts/app.wsgi/",
    ),
    "folder in its own Directory": Shape(
        """
        WSGIDaemonProcess site $daemon
        WSGIScriptAlias /web "$app"
        <Directory "$app">
          WSGIProcessGroup site
          WSGIApplicationGroup %{GLOBAL}
        </Directory>
        """,
        "/web/app.wsgi/",
    ),
    "AliasMatch with a group": Shape(  # mass hosting, as Lino's
        """
        WSGIDaemonProcess site $daemon
        WSGIProcessGroup site
        WSGIScriptAliasMatch ^/([^/]+) $root/$$1/app.wsgi
        """,
        "/app/",
    ),
    "AliasMatch with path info": Shape(  # circuits, hgwebdir
        """
        WSGIDaemonProcess site $daemon
        WSGIProcessGroup site
        WSGIScriptAliasMatch "^/hg(/.*)" "$app/app.wsgi$$1"
        """,
        "/hg/",
    ),
    "AliasMatch with an exception": Shape(  # a login module's URLs are left out
        """
        WSGIDaemonProcess site $daemon
        WSGIProcessGroup site
        WSGIScriptAliasMatch ^/(?!mellon) $app/app.wsgi
        """
    ),
    "AliasMatch without case": Shape(  # automx
        r"""
        WSGIDaemonProcess site $daemon
        WSGIProcessGroup site
        <IfModule mod_wsgi.c>
        WSGIScriptAliasMatch \
                   (?i)^/.+/(autodiscover|config-v1.1).xml \
                   $app/app.wsgi
        </IfModule>
        """,
        "",
        asked="/mail/Autodiscover.xml/",
    ),
    "AliasMatch beside an Alias": Shape(  # keystone with SAML
        """
        WSGIDaemonProcess site $daemon
        WSGIProcessGroup site
        WSGIScriptAlias / $app/app.wsgi
        WSGIScriptAliasMatch ^(/v3/OS-FEDERATION/.*?/auth)$$ $app/app.wsgi/$$1
        """
    ),
    "AddHandler in a Directory": Shape(
        """
        WSGIDaemonProcess site $daemon
        DocumentRoot $app
        <Directory $app>
          Options +ExecCGI
          AddHandler wsgi-script .wsgi
          WSGIProcessGroup site
        </Directory>
        """,
        "/app.wsgi/",
    ),
    "SetHandler in a Directory, at an Alias": Shape(  # FreeBSD's tutorials, PEM
        """
        WSGIDaemonProcess site $daemon
        WSGIProcessGroup site
        Alias /wsgi "$app/"
        <Directory "$app/">
          Options Indexes FollowSymLinks
          Options +ExecCGI
          SetHandler wsgi-script
        </Directory>
        """,
        "/wsgi/app.wsgi/",
    ),
    "SetHandler in a Location": Shape(  # OpenStack's placement, CATMAID
        """
        WSGIDaemonProcess site $daemon
        Alias /identity $app/app.wsgi
        <Location /identity>
          SetHandler wsgi-script
          Options +ExecCGI
          WSGIProcessGroup site
          WSGIApplicationGroup %{GLOBAL}
          WSGIPassAuthorization On
        </Location>
        """,
        "/identity/",
    ),
    "FilesMatch for all": Shape(  # skf's wsgi.conf
        r"""
        WSGIDaemonProcess site $daemon
        WSGIProcessGroup site
        <FilesMatch ".+\.wsgi$$">
          SetHandler wsgi-script
        </FilesMatch>
        DocumentRoot $root
        <Directory $root/app>
          Options ExecCGI
        </Directory>
        """,
        "/app/app.wsgi/",
    ),
    "Alias of a script, and of a path in it": Shape(  # EOxServer, webMUSHRA
        """
        WSGIDaemonProcess site $daemon
        Alias /eox/download $app/app.wsgi/download
        Alias /eox $app/app.wsgi
        <Directory "$app">
          AllowOverride None
          Options +ExecCGI -MultiViews +SymLinksIfOwnerMatch
          AddHandler wsgi-script .wsgi .py
          WSGIProcessGroup site
        </Directory>
        """,
        "/eox/",
    ),
    "SetHandler beside an Alias": Shape(  # two ways at once: one of them has no effect
        """
        WSGIDaemonProcess site $daemon
        WSGIProcessGroup site
        DocumentRoot $root/htdocs
        WSGIScriptAlias / $app/app.wsgi
        <Location "/">
          SetHandler wsgi-script
        </Location>
        """,
        files={
            "htdocs/index.html": "<p>An application of ours.\n",
            "htdocs/more.py": "application = None\n",
        },
    ),
    "AddHandler for the whole server, not used": Shape(  # a package's wsgi.conf
        """
        AddHandler wsgi-script .wsgi
        DocumentRoot $root/htdocs
        WSGIDaemonProcess site $daemon
        WSGIScriptAlias /app $app/app.wsgi process-group=site
        """,
        "/app/",
        {"htdocs/index.html": "<p>It works.\n"},
    ),
    ".htaccess with rewriting": Shape(  # shared hosts: Xserver, Hestia, cPanel
        """
        WSGIDaemonProcess site $daemon
        WSGIProcessGroup site
        DocumentRoot $app
        <Directory $app>
          AllowOverride All
        </Directory>
        """,
        "/app.wsgi/",
        {
            "app/.htaccess": "Options +ExecCGI\nAddHandler wsgi-script .wsgi\nRewriteEngine On\n"
            "RewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule ^(.*)$ /app.wsgi/$1 [QSA,PT,L]\n"
        },
        asked="/",
    ),
    ".htaccess with Files": Shape(
        """
        WSGIDaemonProcess site $daemon
        WSGIProcessGroup site
        DocumentRoot $root
        <Directory $root>
          AllowOverride FileInfo Options
        </Directory>
        """,
        "/app/app.wsgi/",
        {"app/.htaccess": "<Files app.wsgi>\nSetHandler wsgi-script\nOptions ExecCGI\n</Files>\n"},
    ),
    "UserDir": Shape(
        """
        WSGIDaemonProcess site $daemon
        WSGIProcessGroup site
        UserDir $root/home/*/public_html
        <Directory $root/home/*/public_html>
          Options +ExecCGI
          AddHandler wsgi-script .wsgi
        </Directory>
        """,
        "/~jo/app.wsgi/",
        {"home/jo/public_html/app.wsgi": SCRIPT},
        asked="/~jo/app.wsgi/",
    ),
    "handler script": Shape(
        """
        WSGIDaemonProcess site $daemon
        WSGIHandlerScript bobo-script $app/app.wsgi process-group=site application-group=%{GLOBAL}
        DocumentRoot $root/htdocs
        <Files *.bobo>
          SetHandler bobo-script
        </Files>
        """,
        "",
        {"htdocs/x.bobo": "", "app/bobo.py": ""},
        asked="/x.bobo/",
    ),
    "group of SetEnv": Shape(  # GenroPy
        """
        <VirtualHost *:$port>
          ServerName genro.example.com
          WSGIDaemonProcess gnr $daemon
          SetEnv PROCESS_GROUP gnr
          WSGIProcessGroup %{ENV:PROCESS_GROUP}
          WSGIScriptAlias / $app/app.wsgi
        </VirtualHost>
        """,
        name="genro.example.com",
    ),
    "group of SetEnvIf": Shape(
        """
        WSGIDaemonProcess site $daemon
        SetEnvIf Host "." PROCESS_GROUP=site
        WSGIProcessGroup %{ENV:PROCESS_GROUP}
        WSGIScriptAlias / $app/app.wsgi
        """
    ),
    "group of a rewriting": Shape(
        """
        WSGIDaemonProcess site:blue $daemon
        WSGIDaemonProcess site:green $daemon
        RewriteEngine On
        RewriteRule . - [E=PROCESS_GROUP:site:green]
        WSGIProcessGroup %{ENV:PROCESS_GROUP}
        WSGIScriptAlias / $app/app.wsgi
        """
    ),
    "group of the environment": Shape(
        """
        WSGIDaemonProcess site $daemon
        WSGIScriptAlias / $app/app.wsgi process-group=%{ENV:WSGI_GROUP}
        """
    ),
    "group of the server's name": Shape(
        """
        <VirtualHost *:$port>
          ServerName www.example.com
          WSGIDaemonProcess www.example.com:$port $daemon
          WSGIProcessGroup %{SERVER}
          WSGIApplicationGroup %{SERVER}
          WSGIScriptAlias / $app/app.wsgi
        </VirtualHost>
        """,
        name="www.example.com",
    ),
    "groups restricted": Shape(  # WholeCellDB
        """
        WSGIDaemonProcess whole:1 $daemon
        WSGIDaemonProcess whole:2 $daemon
        SetEnv PROCESS_GROUP default
        WSGIProcessGroup %{ENV:PROCESS_GROUP}
        Alias /projects $app/app.wsgi
        <Directory $app>
          WSGIApplicationGroup %{RESOURCE}
          WSGIRestrictProcess whole:1 whole:2
          SetEnv PROCESS_GROUP whole:1
          AddHandler wsgi-script .wsgi
          Options ExecCGI
        </Directory>
        """,
        "/projects/",
    ),
    "Define": Shape(  # Tero Karvinen's
        """
        Define TDIR $app
        Define TUSER site
        Define GONE x
        UnDefine GONE
        <VirtualHost *:$port>
          WSGIDaemonProcess $${TUSER} $daemon
          WSGIScriptAlias / $${TDIR}/app.wsgi
          <Directory $${TDIR}>
            WSGIProcessGroup $${TUSER}
            <IfDefine GONE>
              WSGIProcessGroup gone
            </IfDefine>
            <IfVersion < 2.4>
              WSGIProcessGroup old
            </IfVersion>
            WSGIApplicationGroup %{GLOBAL}
            WSGIScriptReloading On
            <Files app.wsgi>
              Require all granted
            </Files>
          </Directory>
        </VirtualHost>
        Undefine TDIR
        """
    ),
    "variable of the environment": Shape(
        """
        WSGIDaemonProcess site $daemon
        WSGIScriptAlias $${WSGI_PREFIX} $app/app.wsgi process-group=$${WSGI_GROUP}
        """,
        "/from/envvars/",
    ),
    "Macro": Shape(
        """
        <Macro Site $$name $$folder>
          <VirtualHost *:$port>
            ServerName $$name.example.com
            WSGIDaemonProcess $$name $daemon
            WSGIProcessGroup $$name
            WSGIScriptAlias / $$folder
          </VirtualHost>
        </Macro>
        Use Site one $root/one/one.wsgi
        Use Site two $app/app.wsgi
        UndefMacro Site
        """,
        name="two.example.com",
        files={"one/one.wsgi": SCRIPT.replace("import words\n", "")},
    ),
    "If": Shape(
        """
        WSGIDaemonProcess site $daemon
        WSGIScriptAlias / $app/app.wsgi
        <If "%{HTTP_HOST} =~ /127/">
          WSGIProcessGroup site
        </If>
        <Else>
          WSGIProcessGroup site
        </Else>
        """
    ),
    "Include": Shape(
        """
        IncludeOptional none/*.conf
        <VirtualHost *:$port>
          Include $root/parts/*.conf
        </VirtualHost>
        Include $root/sites
        """,
        "/site/",
        {
            "parts/1.conf": "WSGIDaemonProcess site $daemon\n",
            "parts/2.conf": "WSGIProcessGroup site\n",
            "parts/more/3.conf": "WSGIProcessGroup other\n",
            "sites/a.conf": "WSGIScriptAlias /site $app/app.wsgi\n",
        },
    ),
    "LocationMatch and DirectoryMatch": Shape(
        """
        WSGIDaemonProcess site $daemon
        WSGIDaemonProcess other
        WSGIScriptAlias /app $app/app.wsgi
        <DirectoryMatch "^/.*/app$$">
          WSGIProcessGroup other
        </DirectoryMatch>
        <LocationMatch "^/(app|web)">
          WSGIProcessGroup site
        </LocationMatch>
        <Location ~ "^/other">
          WSGIProcessGroup other
        </Location>
        """,
        "/app/",
    ),
    "deeper Directory": Shape(
        """
        WSGIDaemonProcess site $daemon
        WSGIDaemonProcess other
        WSGIScriptAlias / $app/app.wsgi
        <Directory $app>
          WSGIProcessGroup site
        </Directory>
        <Directory $root>
          WSGIProcessGroup other
        </Directory>
        """
    ),
    "daemon of a host of the same name": Shape(  # http and https, one group
        """
        <VirtualHost *:1>
          ServerName www.example.com
          WSGIDaemonProcess site $daemon
        </VirtualHost>
        <VirtualHost *:$port>
          ServerName www.example.com
          WSGIProcessGroup site
          WSGIScriptAlias / $app/app.wsgi
        </VirtualHost>
        """,
        name="www.example.com",
    ),
    "inherited by a virtual host": Shape(  # Debian's conf-enabled beside 000-default
        """
        WSGIDaemonProcess site $daemon
        WSGIProcessGroup site
        WSGIScriptAlias /app $app/app.wsgi
        <VirtualHost *:$port>
          DocumentRoot $root/htdocs
        </VirtualHost>
        """,
        "/app/",
        {"htdocs/index.html": ""},
    ),
    "another callable": Shape(
        """
        WSGIDaemonProcess site $daemon
        WSGIProcessGroup site
        WSGICallableObject app
        WSGIScriptAlias /scripts $root/apps
        """,
        "/scripts/app.wsgi/",
        {"apps/app.wsgi": SCRIPT.replace("application", "other")},
    ),
    "static files in front": Shape(  # Django's
        """
        Alias /static/ $root/htdocs/
        Alias /robots.txt $root/htdocs/robots.txt
        WSGIScriptAlias / $app/app.wsgi
        WSGIDaemonProcess site $daemon
        WSGIProcessGroup site
        """,
        files={"htdocs/robots.txt": ""},
    ),
}


REFUSED = {  # and the finding that fails, with a part of its text
    "AddHandler without ExecCGI": (
        Shape(
            """
            WSGIDaemonProcess site $daemon
            WSGIProcessGroup site
            DocumentRoot $app
            <Directory $root>
              Options +ExecCGI
            </Directory>
            <Directory $app>
              Options FollowSymLinks
              AddHandler wsgi-script .wsgi
            </Directory>
            """,
            "/app.wsgi/",
        ),
        {"Options": "no ExecCGI"},
        403,
    ),
    "a group of another virtual host": (
        Shape(
            """
            <VirtualHost *:1>
              ServerName one.example.com
              WSGIDaemonProcess site $daemon
            </VirtualHost>
            <VirtualHost *:$port>
              ServerName two.example.com
              WSGIProcessGroup site
              WSGIScriptAlias / $app/app.wsgi
            </VirtualHost>
            """
        ),
        {"WSGIDaemonProcess": "another virtual host"},
        500,
    ),
    "a group that is not allowed": (
        Shape(
            """
            WSGIDaemonProcess site $daemon
            WSGIProcessGroup site
            WSGIScriptAlias / $app/app.wsgi
            <Directory $app>
              WSGIRestrictProcess blue green
            </Directory>
            """
        ),
        {"WSGIRestrictProcess": "does not allow 'site'"},
        500,
    ),
    "a mistyped group": (
        Shape(
            """
            WSGIDaemonProcess site $daemon
            WSGIScriptAlias / $app/app.wsgi process-group=stie
            """
        ),
        {"process": "'stie'; defined are: site"},
        500,
    ),
    "a mistyped variable": (
        Shape(
            """
            WSGIDaemonProcess site $daemon
            SetEnv PROCESS_GROUP stie
            WSGIProcessGroup %{ENV:PROCESS_GROUP}
            WSGIScriptAlias / $app/app.wsgi
            """
        ),
        {"process": "'stie'; defined are: site"},
        500,
    ),
    "a group in another folder": (
        Shape(
            """
            WSGIDaemonProcess site $daemon
            WSGIScriptAlias / $app/app.wsgi
            <Directory $root/ap>
              WSGIProcessGroup site
            </Directory>
            """
        ),
        {"process": "embedded mode"},
        500,  # because of WSGIRestrictEmbedded
    ),
}


@pytest.fixture(scope="module")
def command() -> Iterator[CommandLine]:
    """The command line, where www-data can read it."""
    folder = Path(tempfile.mkdtemp(prefix="shapes-"))
    folder.chmod(0o755)
    yield CommandLine.make(folder / "venv")
    shutil.rmtree(folder)


@pytest.fixture
def laid_out(
    new_site: Sites, command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Shape], Site]:
    """Makes the site of a shape, not started."""

    def make(shape: Shape) -> Site:
        site = new_site(daemon=None, python_path=[], scripts={})
        port = free_port()
        monkeypatch.setattr("support.apacheserver.free_port", lambda: port)
        daemon = f"threads=5 python-home={command.home} python-path={site.app}"
        values = {"app": site.app, "root": site.root, "port": port, "daemon": daemon}
        values["user"] = site.user or getpass.getuser()
        files = {"app/app.wsgi": SCRIPT, "envvars": "", **shape.files}
        for name, text in files.items():
            path = site.root / name
            site.folder(str(path.parent.relative_to(site.root)))
            path.write_text(Template(text).safe_substitute(values))
        exports = (f"export {name}={value}\n" for name, value in ENVIRONMENT.items())
        (site.root / "envvars").write_text("".join(exports))
        folder = site.apache.modules
        loads = (LOAD.format(name=name, folder=folder) for name in MODULES)
        lines = Template(dedent(shape.lines)).substitute(values)
        site.served = replace(
            site.served, directives="".join([*loads, COMMON, lines]), environment=ENVIRONMENT
        )
        return site

    return make


@pytest.mark.parametrize("apache", ["6.1.1"], indirect=True)
@pytest.mark.parametrize("name", SHAPES)
def test_shape(name: str, laid_out: Callable[[Shape], Site], command: CommandLine) -> None:
    """The site answers in its daemon process; no command finds anything wrong."""
    shape = SHAPES[name]
    site = laid_out(shape)
    others = (each for each in shape.files if each.endswith("/app.wsgi"))
    script = str(site.root / next(others, "app/app.wsgi"))
    site.start()
    asked = shape.asked or shape.path
    group = site.get(asked, Host=f"{shape.name}:{site.port}")
    assert group
    where = ("--httpd", site.apache.httpd, "--config", site.root / "httpd.conf")
    for words in ((), (script,)):
        done = command("doctor", *where, "--json", *words)
        findings = done.json["findings"]
        assert [each["text"] for each in findings if each["level"] != "ok"] == [], words
        scripts = [each["text"] for each in findings if each["what"] == "WSGI script"]
        assert any(f"-> {script}" in each for each in scripts), scripts
    done = command("config", script, "--check", *where)
    assert (done.code, done.err) == (0, ""), done.out
    done = command("files", script, *where)
    assert (done.code, done.err) == (0, ""), done.out
    assert f"{site.app}: " in done.out
    done = command("status", environment={"TMPDIR": str(site.temporary)})
    assert (done.code, done.err) == (0, ""), done.out
    served_as_configured(shape, site, script, group)


def served_as_configured(shape: Shape, site: Site, script: str, group: str) -> None:
    """The group and the URL are those of the configuration, printed or read from its files."""
    httpd = Httpd(str(site.apache.httpd), str(site.root / "httpd.conf"))
    printed, is_printed = directives.read(httpd)
    assert is_printed
    for every in (printed, list(directives.Files(httpd.dump, httpd.environment))):
        found = sites.of_script(script, sites.find(every, script))
        assert group in [each.group for each in found] or all("%{" in each.group for each in found)
        known = {each.address for each in found if each.address}
        assert shape.path in [each.path for each in known] or not shape.path
        for each in known:
            assert site.get(each.path, Host=each.host) == group


@pytest.mark.parametrize("apache", ["6.1.1"], indirect=True)
@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, laid_out: Callable[[Shape], Site], command: CommandLine) -> None:
    """What mod_wsgi refuses is found, with the one cause."""
    shape, wanted, status = REFUSED[name]
    site = laid_out(shape)
    site.start()
    with pytest.raises(ServerError, match=f": {status}"):
        site.get(shape.path)
    where = ("--httpd", site.apache.httpd, "--config", site.root / "httpd.conf")
    findings = command("doctor", *where, "--json").json["findings"]
    failed = {each["what"]: each["text"] for each in findings if each["level"] != "ok"}
    assert failed.keys() == wanted.keys()
    assert all(text in failed[what] for what, text in wanted.items()), failed
