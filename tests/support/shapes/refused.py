"""Configurations that do not work, and what is found."""

from __future__ import annotations

from support.shapes.shape import Shape

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
