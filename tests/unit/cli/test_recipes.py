"""How applications start wsgireload, in every way that people write it, and what they mistype."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.sites import Site
from wsgireload.cli.doctor import starts
from wsgireload.cli.doctor.finding import Finding

LINE = "reload_required = wsgireload.reload_required\n"
APPLICATION = "def application(environ, start_response): ...\n"
DJANGO = f"""\
import os
import wsgireload
from django.core.wsgi import get_wsgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
application = get_wsgi_application()
{LINE}"""
SPLIT = DJANGO.replace("mysite.settings", "mysite.settings.dev")
FLASK = f"import wsgireload\nfrom mysite import app as application\n{LINE}"

Files = dict[str, str]


def script(lines: str) -> Files:
    """An application in its script alone."""
    return {"app.wsgi": f"{lines}\n{APPLICATION}"}


def start(settings: str, before: str = "") -> Files:
    """An application that starts with these settings."""
    return script(f"import wsgireload\n{before}\nwsgireload.start({settings})\n{LINE}")


def django(settings: str) -> Files:
    """A project with these settings."""
    return {"app.wsgi": DJANGO, "mysite/__init__.py": "", "mysite/settings.py": settings}


def split(base: str, dev: str) -> Files:
    """A project whose settings are two modules."""
    dev = f"from .base import *\n{dev}"
    return {"app.wsgi": SPLIT, "mysite/settings/base.py": base, "mysite/settings/dev.py": dev}


def flask(lines: str) -> Files:
    """An application in a module."""
    return {"app.wsgi": FLASK, "mysite.py": lines}


HERE = "from pathlib import Path\nHERE = Path(__file__).resolve().parent"
APP = 'INSTALLED_APPS = ["wsgireload.django"]\n'
WORKS: dict[str, Files] = {
    "README's lines": start(""),
    "another name": script(
        "import wsgireload as w\nw.start()\nreload_required = w.reload_required"
    ),
    "single names": script("from wsgireload import start, reload_required\nstart()"),
    "all names": script("from wsgireload import *\nstart()"),
    "where it is installed": script(
        "try:\n    import wsgireload\nexcept ImportError:\n    pass\nelse:\n"
        f"    wsgireload.start()\n    {LINE}"
    ),
    "a function of its own": script(
        "import wsgireload\nwsgireload.start()\n"
        "def reload_required(name): return wsgireload.reload_required(name)"
    ),
    "annotated": script(
        "import wsgireload as w\nw.start()\nreload_required: object = w.reload_required"
    ),
    "settings from elsewhere": start("**OPTIONS", "from conf import OPTIONS"),
    "a byte order mark": script(f"\ufeffimport wsgireload\nwsgireload.start()\n{LINE}"),
    "a middleware beside it": {
        "app.wsgi": f"import wsgireload\nwsgireload.start()\n{LINE}{APPLICATION}"
        "from wsgireload.web import middleware\n"
        "application = middleware(application, live=True)\n"
    },
    "a helper": {
        **script(f"import wsgireload\nfrom lib.reloads import begin\nbegin()\n{LINE}"),
        "lib/reloads.py": "import wsgireload\ndef begin(): wsgireload.start(interval=2)\n",
    },
    "tracked paths": start(
        "track=[HERE / 'templates', str(HERE) + '/.env', f'{HERE}/.env', HERE / '*.nothing*']",
        HERE,
    )
    | {"templates/x": "", ".env": "", "a.nothing": ""},
    "a tracked path by os.path": start(
        "track=os.path.join(HERE, '.env')",
        "import os\nHERE = os.path.dirname(os.path.abspath(__file__))",
    )
    | {".env": ""},
    "tracked paths from elsewhere": start("track=[os.environ['X'], OTHER]", "import os"),
    "Django": django(APP),
    "Django, appended": django(
        "INSTALLED_APPS = []\nINSTALLED_APPS.append('wsgireload.django')\n"
        "LOGGING = {'loggers': {'wsgireload': {}}}\n"
    ),
    "Django, two modules": split(APP, "WSGIRELOAD = {'interval': 0.5}\n"),
    "Flask": flask("from wsgireload.flask import init_app\napp = object()\ninit_app(app)\n"),
    "Flask, qualified": flask("import wsgireload.flask\nwsgireload.flask.init_app(object())\n"),
    "Flask, a factory": {
        "app.wsgi": FLASK,
        "mysite/__init__.py": "from .ext import reloads\ndef make(app): reloads.init_app(app)\n",
        "mysite/ext.py": "import wsgireload.flask as reloads\n",
    },
}
SETTLE, TEMPLATES = "write settle", "write @/templates"
NOT_STARTED = "wsgireload.start()"
MISTAKES: dict[str, tuple[Files, str, str, str]] = {
    # files; the finding, a part of its text, and one of its cure
    "a comment": (
        script(f"import wsgireload\n# wsgireload.start()\n{LINE}"),
        *("WSGI script", "does not call wsgireload.start()", NOT_STARTED),
    ),
    "no parentheses": (
        script(f"import wsgireload\nwsgireload.start\n{LINE}"),
        *("WSGI script", "does not call wsgireload.start()", NOT_STARTED),
    ),
    "another start": (
        script("import lib\nlib.start()") | {"lib.py": "def start(): ...\n"},
        *("WSGI script", "does not call wsgireload.start()", NOT_STARTED),
    ),
    "a middleware alone": (
        {
            "app.wsgi": f"import wsgireload\n{APPLICATION}from wsgireload.web import middleware\n"
            f"application = middleware(application, live=True)\n{LINE}"
        },
        *("WSGI script", "does not call wsgireload.start()", NOT_STARTED),
    ),
    "only tests start": (
        script("") | {"tests/test_x.py": "import wsgireload\nwsgireload.start()\n"},
        *("WSGI script", "does not call wsgireload.start()", NOT_STARTED),
    ),
    "no reload_required": (
        script("import wsgireload\nwsgireload.start(when='next-request')"),
        *("reload_required", "has no reload_required", LINE.strip()),
    ),
    "a mistyped setting": (start("setle=0.1"), "settings", "no setting 'setle'", SETTLE),
    "a wrong value": (start("watch='pol'"), "settings", "'pol'", "correct that line"),
    "Flask, a mistyped setting": (
        flask("from wsgireload.flask import init_app\ninit_app(object(), setle=1)\n"),
        *("settings", "@/mysite.py, line 2", SETTLE),
    ),
    "Django, a mistyped setting": (
        django(f"{APP}WSGIRELOAD = {{'setle': 1}}\n"),
        *("settings", "@/mysite/settings.py, line 2", SETTLE),
    ),
    "Django, a mistyped setting in dict()": (
        django(f"{APP}WSGIRELOAD = dict(setle=1)\n"),
        *("settings", "@/mysite/settings.py, line 2", SETTLE),
    ),
    "Django, a mistyped setting in another module": (
        split(APP, "WSGIRELOAD = {'setle': 1}\n"),
        *("settings", "@/mysite/settings/dev.py, line 2", SETTLE),
    ),
    "a mistyped path": (
        start("track=['@/temlates']") | {"templates/x": ""},
        *("track", "@/temlates", TEMPLATES),
    ),
    "a mistyped path beside an unknown one": (
        start("track=[os.environ['X'], '@/temlates']", "import os") | {"templates/x": ""},
        *("track", "@/temlates", TEMPLATES),
    ),
    "a mistyped path in an f-string": (
        start("track=f'{HERE}/temlates'", HERE) | {"templates/x": ""},
        *("track", "@/temlates", TEMPLATES),
    ),
    "a mistyped path of track()": (
        start("")
        | {"more.py": ""}
        | script(f"import wsgireload\nwsgireload.start()\nwsgireload.track('@/temlates')\n{LINE}")
        | {"templates/x": ""},
        *("track", "@/temlates", TEMPLATES),
    ),
    "Django, a mistyped path": (
        split(APP, "WSGIRELOAD = {'track': ['@/temlates']}\n") | {"templates/x": ""},
        *("track", "@/temlates", TEMPLATES),
    ),
    "Django, the wrong app": (
        django("INSTALLED_APPS = ['wsgireload']\n"),
        *("WSGI script", "INSTALLED_APPS has 'wsgireload'", "'wsgireload.django'"),
    ),
    "Django, the wrong app in a list of its own": (
        django("THIRD_PARTY_APPS = ['wsgireload']\nINSTALLED_APPS = [*THIRD_PARTY_APPS]\n"),
        *("WSGI script", "INSTALLED_APPS has 'wsgireload'", "'wsgireload.django'"),
    ),
}


def examine(root: Path, files: Files) -> list[Finding]:
    """The findings of an application in this folder, which the files may call @."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("@", str(root)), "utf-8")
    app = str(root / "app.wsgi")
    daemon = Directive("wsgidaemonprocess", ("site", f"python-path={root}"))
    alias = Directive("wsgiscriptalias", ("/", app))
    site = Site(app, "/", alias, "site", "%{GLOBAL}", daemon)
    return list(starts.examine(site, "/", windows=False, is_started=False))


@pytest.mark.parametrize("name", WORKS)
def test_works(tmp_path: Path, name: str) -> None:
    """What starts wsgireload is found, and nothing is wrong with it."""
    assert [each for each in examine(tmp_path, WORKS[name]) if each.level != "ok"] == []


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(tmp_path: Path, name: str) -> None:
    """The mistake alone is found, with its cure."""
    files, what, text, cure = MISTAKES[name]
    [found] = [each for each in examine(tmp_path, files) if each.level != "ok"]
    assert found.what == what
    assert text.replace("@", str(tmp_path)) in found.text
    assert cure.replace("@", str(tmp_path)) in found.cure
