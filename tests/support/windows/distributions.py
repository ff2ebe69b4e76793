"""An Apache as others bring it to Windows: their folders, and configurations of their kind."""

from __future__ import annotations

import shutil
from pathlib import Path

from support.apacheserver import HOST
from support.errorlog import ErrorLog
from support.windows.testsite import WindowsSite
from support.windows.winnt import site_conf

BOTH = """\
ServerName localhost:{port}
Listen {host}:{port}
LoadModule authz_core_module modules/mod_authz_core.so
AcceptFilter http none
ThreadsPerChild 8
LogLevel info
<Directory />
  AllowOverride none
  Require all denied
</Directory>
"""
XAMPP = (
    BOTH
    + """\
Define XAMPPROOT "{root}/xampp"
ServerRoot "{root}/xampp/apache"
ErrorLog "logs/error.log"
Include conf/extra/httpd-default.conf
Include "conf/extra/httpd-xampp.conf"
"""
)
WAMPSERVER = (
    BOTH
    + """\
Define INSTALL_DIR {root}/wamp64
Define APACHE24 Apache2.4
Define SRVROOT "${{INSTALL_DIR}}/bin/apache/apache2.4.69"
ServerRoot "${{SRVROOT}}"
ErrorLog "${{INSTALL_DIR}}/logs/apache_error.log"
IncludeOptional "${{INSTALL_DIR}}/alias/*"
Include conf/extra/httpd-vhosts.conf
"""
)


class Distribution(WindowsSite):
    """Started as their control panels do: by the program alone, which knows where it is."""

    main = ""
    error_log = ""
    extra: dict[str, str] = {}  # noqa: RUF012
    """The files that the main one includes; `{site}` in them is what a person has added."""

    @property
    def folder_of_apache(self) -> Path:
        return self.root / self.home

    @property
    def config(self) -> Path:
        return self.folder_of_apache / "conf" / "httpd.conf"

    @property
    def pid_file(self) -> Path:
        return self.folder_of_apache / "logs" / "httpd.pid"

    def _configure(self) -> None:
        self.log = ErrorLog(self.root / self.error_log)
        for path in (self.config, self.pid_file, self.log.path):
            path.parent.mkdir(parents=True, exist_ok=True)
        modules = self.folder_of_apache / "modules"
        shutil.copytree(self.apache.modules, modules, copy_function=shutil.copyfile)
        known = {
            "root": self.root.as_posix(),
            "host": HOST,
            "port": self.port,
            "site": site_conf(self.apache, self.served, self.root),
        }
        self.config.write_text(self.main.format(**known))
        for name, text in self.extra.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(**known))

    def _launch(self) -> None:
        self._begin()


class Xampp(Distribution):
    """C:\\xampp, whose Timeout is 300."""

    home, error_log, main = "xampp/apache", "xampp/apache/logs/error.log", XAMPP
    extra = {  # noqa: RUF012
        "xampp/apache/conf/extra/httpd-default.conf": "Timeout 300\nKeepAliveTimeout 5\n",
        "xampp/apache/conf/extra/httpd-xampp.conf": "{site}",
    }


class WampServer(Distribution):
    """C:\\wamp64, whose sites are virtual hosts, and whose log is not Apache's own."""

    home, error_log = "wamp64/bin/apache/apache2.4.69", "wamp64/logs/apache_error.log"
    main = WAMPSERVER
    extra = {  # noqa: RUF012
        "wamp64/alias/empty.conf": "",
        "wamp64/bin/apache/apache2.4.69/conf/extra/httpd-vhosts.conf": "{site}",
    }
