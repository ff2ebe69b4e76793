"""The shapes of public configurations: how projects, hosts and tutorials serve WSGI scripts."""

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
