"""Which scripts a configuration serves, in the shapes that public configurations have."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsgireload.cli.apache import sites
from wsgireload.cli.apache.directives import Directive, Files
from wsgireload.cli.apache.httpd import Dump

GROUPS = "process-group=site application-group=%{GLOBAL}"
IN_FOLDER = "Alias /x {0}/app\nWSGIProcessGroup site\n<Directory {0}/app>\n"
SHAPES = {  # the URL of the script {0}/app/app.wsgi, and the lines beside WSGIDaemonProcess
    "alias": ("/", f"WSGIScriptAlias / {{0}}/app/app.wsgi {GROUPS}"),
    "alias to a folder": ("/apps/app.wsgi", f"WSGIScriptAlias /apps/ {{0}}/app/ {GROUPS}"),
    "alias to a folder, without slash": (
        "/web/app.wsgi",
        f'WSGIScriptAlias /web "{{0}}/app" {GROUPS}',
    ),
    "RewriteRule with the handler": (
        "/app.wsgi",
        "DocumentRoot {0}/app\nRewriteRule \\.wsgi$ - [H=wsgi-script]\nWSGIProcessGroup site",
    ),
    "RewriteRule with the handler, in a folder": (
        "/x/app.wsgi",
        IN_FOLDER + "RewriteRule ^app\\.wsgi - [NC,handler=wsgi-script]\n</Directory>",
    ),
    "RewriteRule to a file": (
        "/",
        "RewriteRule ^/(.*)$ {0}/app/app.wsgi/$1 [QSA,H=wsgi-script,L]\nWSGIProcessGroup site",
    ),
    "RewriteRule to a file, in a folder": (
        "/x/shop",
        IN_FOLDER + "RewriteRule ^shop(/.*)?$ app.wsgi$1 [H=wsgi-script]\n</Directory>",
    ),
    "AliasMatch with $1": (
        "/apps/",
        f"WSGIScriptAliasMatch ^/apps/([^/]+) {{0}}/app/$1.wsgi {GROUPS}",
    ),
    "AliasMatch with path info": (
        "/x",
        f"WSGIScriptAliasMatch ^/x(/.*) {{0}}/app/app.wsgi$1 {GROUPS}",
    ),
    "AliasMatch without $": (
        "^/(a|b)",
        f"WSGIScriptAliasMatch ^/(a|b) {{0}}/app/app.wsgi {GROUPS}",
    ),
    "AddHandler": (
        "/app.wsgi",
        (
            "WSGIProcessGroup site\nDocumentRoot {0}/app\n<Directory {0}/app>\n"
            "AddHandler wsgi-script .wsgi\n</Directory>"
        ),
    ),
    "AddHandler below the DocumentRoot": (
        "/app/app.wsgi",
        (
            "WSGIProcessGroup site\nDocumentRoot {0}\n<Directory {0}/app>\n"
            "AddHandler wsgi-script py wsgi\n</Directory>"
        ),
    ),
    "VirtualDocumentRoot": (
        "/app.wsgi",
        (
            "WSGIProcessGroup site\nVirtualDocumentRoot {0}/%2.1%-1/%p\n"
            "VirtualDocumentRoot {0}/%0\n"
            "AddHandler wsgi-script .wsgi"
        ),
    ),
    "SetHandler": (
        "/app.wsgi",
        (
            "DocumentRoot {0}/app\n<Directory {0}/app>\n<Files *.wsgi>\nSetHandler wsgi-script\n"
            "WSGIProcessGroup site\n</Files>\n</Directory>"
        ),
    ),
    "Alias and AddHandler": (
        "/eox",
        (
            "WSGIProcessGroup site\nAlias /eox {0}/app/app.wsgi\n<Directory {0}/app>\n"
            "AddHandler wsgi-script .wsgi\n</Directory>"
        ),
    ),
    "variable of a request": (
        "/",
        (
            "SetEnv PROCESS_GROUP site\nWSGIProcessGroup %{ENV:PROCESS_GROUP}\n"
            "WSGIScriptAlias / {0}/app/app.wsgi"
        ),
    ),
    "Define and Directory": (
        "/",
        (
            "Define TDIR {0}/app\nDefine TUSER site\nWSGIProcessGroup %{GLOBAL}\n<VirtualHost *>\n"
            "WSGIScriptAlias / ${TDIR}/app.wsgi\n<Directory ${TDIR}>\nWSGIProcessGroup ${TUSER}\n"
            "</Directory>\n</VirtualHost>"
        ),
    ),
    "If": (
        "/",
        (
            "WSGIScriptAlias / {0}/app/app.wsgi\n<If \"%{HTTP_HOST} == 'x'\">\n"
            "WSGIProcessGroup site\n</If>"
        ),
    ),
    "If for others": (
        "/",
        (
            "WSGIProcessGroup site\nWSGIScriptAlias / {0}/app/app.wsgi\n"
            "<If \"%{HTTP_HOST} == 'x'\">\nWSGIProcessGroup %{GLOBAL}\n</If>"
        ),
    ),
    "IfDefine": (
        "/",
        (
            "Define LIVE\n<IfDefine LIVE>\nWSGIProcessGroup site\n</IfDefine>\n<IfDefine !LIVE>\n"
            "WSGIProcessGroup other\n</IfDefine>\nWSGIScriptAlias / {0}/app/app.wsgi"
        ),
    ),
    ".htaccess": (
        "/app.wsgi",
        "DocumentRoot {0}/app\n<Directory {0}/app>\nAllowOverride FileInfo\n</Directory>",
    ),
    "before another virtual host at the same address": (
        "/",
        (
            "<VirtualHost *:80>\nWSGIScriptAlias / {0}/app/app.wsgi\nWSGIProcessGroup site\n"
            "</VirtualHost>\n<VirtualHost *:80>\nWSGIProcessGroup other\n</VirtualHost>"
        ),
    ),
    "the deepest folder, in any order": (
        "/",
        (
            "WSGIScriptAlias / {0}/app/app.wsgi\n<Directory {0}/app>\nWSGIProcessGroup site\n"
            "</Directory>\n<Directory />\nWSGIProcessGroup other\n</Directory>"
        ),
    ),
    "Directory with a regular expression": (
        "/",
        (
            'WSGIScriptAlias / {0}/app/app.wsgi\n<Directory ~ "/ap+$">\nWSGIProcessGroup other\n'
            '</Directory>\n<Directory ~ "/ap+/">\nWSGIProcessGroup site\n</Directory>\n'
            "<Directory {0}/app>\nWSGIProcessGroup third\n</Directory>"
        ),
    ),
    "a wildcard in a Directory, which is one folder": (
        "/",
        (
            "WSGIScriptAlias / {0}/app/app.wsgi\nWSGIProcessGroup site\n<Directory /*/app>\n"
            "WSGIProcessGroup other\n</Directory>"
        ),
    ),
    "group of SetEnvIf": (
        "/",
        (
            "SetEnvIf Host . NAME=site other=x\nWSGIProcessGroup %{ENV:NAME}\n"
            "WSGIScriptAlias / {0}/app/app.wsgi"
        ),
    ),
    "group of a rewriting": (
        "/",
        (
            "RewriteRule . - [L,E=NAME:site]\nWSGIProcessGroup %{ENV:NAME}\n"
            "WSGIScriptAlias / {0}/app/app.wsgi"
        ),
    ),
    "group of the server's name": (
        "/",
        (
            "ServerName site\nListen 80\nWSGIProcessGroup %{SERVER}\n"
            "WSGIScriptAlias / {0}/app/app.wsgi"
        ),
    ),
    "UserDir": (
        "/~app/app.wsgi",
        "UserDir {0}/*\n<Files *.wsgi>\nSetHandler wsgi-script\n</Files>\nWSGIProcessGroup site",
    ),
    "Alias of a path in a script": (
        "/x",
        "Alias /x {0}/app/app.wsgi/x\nAddHandler wsgi-script .wsgi\nWSGIProcessGroup site",
    ),
    "Alias in a Location": (
        "/x",
        (
            "<Location /x>\nAlias {0}/app/app.wsgi\nSetHandler wsgi-script\n</Location>\n"
            "WSGIProcessGroup site"
        ),
    ),
    "another type": (
        "/app.wsgi",
        "DocumentRoot {0}/app\nAddType application/x-httpd-wsgi .wsgi\nWSGIProcessGroup site",
    ),
    "inherited by a virtual host": (
        "/",
        (
            "Listen 80\nWSGIScriptAlias / {0}/app/app.wsgi\n<VirtualHost *:80>\n"
            "WSGIProcessGroup site\n</VirtualHost>"
        ),
    ),
    "Macro": (
        "/",
        (
            "<Macro App $name $file>\nWSGIScriptAlias / $file\nWSGIProcessGroup $name\n</Macro>\n"
            "Use app site {0}/app/app.wsgi\nUndefMacro App"
        ),
    ),
    "UnDefine": (
        "/",
        (
            "Define LIVE\nUnDefine LIVE\nWSGIProcessGroup site\n<IfDefine LIVE>\n"
            "WSGIProcessGroup other\n</IfDefine>\nWSGIScriptAlias / {0}/app/app.wsgi"
        ),
    ),
    "a regular expression that Python lacks": (
        "/",
        (
            f'<LocationMatch "^/(?>a|b)(?<c>">\nWSGIProcessGroup other\n</LocationMatch>\n'
            f"WSGIScriptAlias / {{0}}/app/app.wsgi {GROUPS}"
        ),
    ),
}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with a script, a module and a .htaccess."""
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.wsgi").write_text("application = None\n")
    (app / "words.py").write_text("")
    (app / ".htaccess").write_text("AddHandler wsgi-script .wsgi\nWSGIProcessGroup site\n")
    return app


def parse(text: str, folder: Path) -> list[Directive]:
    """The directives of a configuration, of which the paths are in a folder."""
    conf = folder / "httpd.conf"
    conf.write_text(f"WSGIDaemonProcess site\n{text.replace('{0}', str(folder))}\n")
    return list(Files(Dump("", frozenset(), {}, {}, {("", 0): [str(conf)]}), {}))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("is_named", [True, False])
def test_shape(shape: str, is_named: bool, app: Path) -> None:
    """The script is found, with its URL and its daemon process group, named or not."""
    url, text = SHAPES[shape]
    script = str(app / "app.wsgi")
    [site] = sites.find(parse(text, app.parent), script if is_named else None)
    assert (site.script, site.url, site.group) == (script, url, "site")
    assert site.daemon is not None


def test_htaccess_that_apache_does_not_read(app: Path) -> None:
    """With AllowOverride None, which is the default, .htaccess has no effect."""
    for lines in ("", "\n<Directory />\nAllowOverride None\n</Directory>"):
        assert sites.find(parse(f"DocumentRoot {app}{lines}", app.parent), None) == []


@pytest.mark.parametrize(
    "lines",
    [
        "<VirtualHost *:80>\n{}AllowOverride All\n</Directory>\n</VirtualHost>",
        "{}AllowOverride None\nAllowOverrideList AddHandler\n</Directory>",
        "AccessFileName .acl .other\n{}AllowOverride All\n</Directory>",
    ],
)
@pytest.mark.parametrize("is_named", [True, False])
def test_htaccess_that_apache_reads(lines: str, is_named: bool, app: Path) -> None:
    """Its name, and whether it is read, may be said anywhere and in each way."""
    (app / ".other").write_text("AddHandler wsgi-script .wsgi\nWSGIProcessGroup site\n")
    script = str(app / "app.wsgi")
    text = lines.replace("{}", f"DocumentRoot {app}\n<Directory {app}>\n")
    [site] = sites.find(parse(text, app.parent), script if is_named else None)
    assert (site.url, site.group) == ("/app.wsgi", "site")


def test_a_document_root_that_is_the_root(app: Path) -> None:
    """The folders above a script end at the root, also where all of them are served."""
    text = "DocumentRoot /\n<Directory />\nAllowOverride All\n</Directory>"
    [site] = sites.find(parse(text, app.parent), str(app / "app.wsgi"))
    assert (site.url, site.group) == (str(app / "app.wsgi"), "site")


def test_another_script_beside_it(app: Path) -> None:
    """A script outside of an alias's folder, or that no handler serves, is not found."""
    (app / "other").mkdir()
    for name in ("words.py", "other/app.wsgi"):
        for shape in ("AliasMatch with $1", "SetHandler", "Alias and AddHandler"):
            found = sites.find(parse(SHAPES[shape][1], app.parent), str(app / name))
            assert not sites.of_script(str(app / name), found) or name == "other/app.wsgi"


@pytest.mark.parametrize(
    "text",
    [
        "WSGIScriptAlias /x {0}/app",
        "Alias /x {0}/app\n<Location /x>\nSetHandler wsgi-script\n</Location>",
    ],
)
def test_a_module_beside_a_script(app: Path, text: str) -> None:
    """In a folder of scripts a module with an application is one too, if no name ends in .wsgi."""
    (app / "real.py").write_text("def application(environ, start_response): ...\n")
    assert [site.url for site in sites.find(parse(text, app.parent))] == ["/x/app.wsgi"]
    (app / "app.wsgi").rename(app / "app.py")
    assert [site.url for site in sites.find(parse(text, app.parent))] == ["/x/app.py", "/x/real.py"]


@pytest.mark.parametrize(
    ("text", "is_script"),
    [
        ("from real import (\n    app as application,\n)\n", True),
        ("from real import other, application\n", True),
        ("from real import *\n", True),
        ("from real import (\n    other,\n)\n# application\n", False),
    ],
)
def test_an_application_that_is_imported(app: Path, text: str, is_script: bool) -> None:
    """An import defines an application too, also one of several lines."""
    (app / "app.wsgi").write_text(text)
    assert len(sites.find(parse("WSGIScriptAlias /x {0}/app", app.parent))) == is_script


def test_a_group_that_only_the_request_knows(app: Path) -> None:
    """A variable without SetEnv stays what it is."""
    text = "WSGIProcessGroup %{ENV:GROUP}\nWSGIScriptAlias / {0}/app/app.wsgi"
    [site] = sites.find(parse(text, app.parent))
    assert site.group == "%{ENV:GROUP}"


def test_a_dispatch_script(app: Path) -> None:
    """Only if it chooses process groups, the request knows the group."""
    text = "WSGIScriptAlias / {0}/app/app.wsgi\nWSGIDispatchScript {0}/app/dispatch.wsgi"
    dispatch = app / "dispatch.wsgi"
    for function, group in (("process_group", sites.DISPATCHED), ("callable_object", "")):
        dispatch.write_text(f"def {function}(environ):\n    return 'site'\n")
        [site] = sites.of_script(str(app / "app.wsgi"), sites.find(parse(text, app.parent)))
        assert site.group == group
        assert (site.daemon is not None) == bool(group)


def test_a_directory_of_the_file(app: Path) -> None:
    """A Directory that names the script, and not its folder, has no effect on it."""
    for target, group in (("{0}/app/app.wsgi", ""), ("{0}/app", "site"), ("{0}/a*", "site")):
        text = f"<Directory {target}>\nWSGIProcessGroup site\n</Directory>"
        [site] = sites.find(parse(f"WSGIScriptAlias / {{0}}/app/app.wsgi\n{text}", app.parent))
        assert site.group == group


def test_the_place_of_a_macro() -> None:
    """Apache gives the line within the macro, and where that is used: only the latter helps."""
    inner = "macro 'trac' (defined on line 86 of \"/a.conf\") used on line 4 of "
    outer = 'macro \'vh\' (defined on line 97 of "/a.conf") used on line 104 of "/b.conf"'
    for file, name in ((f'{inner}"{outer}"', "trac"), (outer, "vh")):
        assert str(Directive("x", (), (), file, 2)) == f"/b.conf, line 104, macro {name}"
    assert str(Directive("x", (), (), "/a.conf", 2)) == "/a.conf, line 2"


def test_the_path_of_a_process(app: Path) -> None:
    """A daemon process has the folders of python-path; WSGIPythonPath is for embedded mode."""
    alias = "WSGIScriptAlias / {0}/app/app.wsgi"
    text = f"WSGIDaemonProcess shop python-path=/srv/shop\nWSGIPythonPath /srv/lib:\n{alias}"
    for group, expected in (("shop", ["/srv/shop"]), ("site", []), ("%{GLOBAL}", ["/srv/lib"])):
        every = parse(f"{text} process-group={group}", app.parent)
        [site] = sites.find(every)
        assert sites.python_path(site, every) == expected


@pytest.mark.parametrize("name", ["mod_wsgi.c", "wsgi_module", "!mod_php.c"])
def test_htaccess_with_a_condition(name: str, app: Path) -> None:
    """The modules that Apache has loaded count in .htaccess as well."""
    lines = (app / ".htaccess").read_text()
    (app / ".htaccess").write_text(f"<IfModule {name}>\n{lines}</IfModule>\n")
    text = f"LoadModule wsgi_module mod_wsgi.so\nDocumentRoot {app}\n<Directory {app}>\n"
    [site] = sites.find(parse(f"{text}AllowOverride All\n</Directory>", app.parent))
    assert site.group == "site"
