"""Virtual hosts, and what they share with others and with the main server."""

from __future__ import annotations

from support.shapes.shape import SCRIPT, Shape

SHAPES = {
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
}
