"""Scripts at URLs of their own, or many by one pattern: WSGIScriptAlias and -Match."""

from __future__ import annotations

from support.shapes.shape import SCRIPT, Shape

SHAPES = {
    "daemon in the main server": Shape(
        """
        WSGIDaemonProcess site $daemon
        WSGIScriptAlias / "$app/app.wsgi" process-group=site application-group=%{GLOBAL}
        """
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
