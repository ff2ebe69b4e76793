"""Apache's own language: definitions, macros, variables, included files."""

from __future__ import annotations

from support.shapes.shape import SCRIPT, Shape

SHAPES = {
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
}
