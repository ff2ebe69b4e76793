"""Files that are scripts by their handler, wherever they lie, also in .htaccess."""

from __future__ import annotations

from support.shapes.shape import SCRIPT, Shape

SHAPES = {
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
}
