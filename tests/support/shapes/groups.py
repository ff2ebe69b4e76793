"""Which group of processes answers: by the environment, by the server's name, by a section."""

from __future__ import annotations

from support.shapes.shape import Shape

SHAPES = {
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
}
