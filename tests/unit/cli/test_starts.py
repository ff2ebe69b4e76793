"""Whether wsgireload is started, by what the sources of an application spell out."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsgireload.cli.apache.directives import Directive
from wsgireload.cli.apache.sites import Site
from wsgireload.cli.doctor import starts
from wsgireload.cli.doctor.finding import Finding

LINE = "reload_required = wsgireload.reload_required\n"
DJANGO = f"""\
import os, wsgireload
from django.core.wsgi import get_wsgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings.local")
application = get_wsgi_application()
{LINE}"""
FLASK = f"import wsgireload\nfrom hello import app as application\n{LINE}"


def examined(root: Path, *, is_started: bool = False, **files: str) -> list[Finding]:
    """The findings about `app.wsgi` in a folder, with these files: `__` is `/`, `_` ends as .py."""
    for name, text in files.items():
        path = root / ("app.wsgi" if name == "script" else f"{name.replace('__', '/')}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    script = str(root / "app.wsgi")
    alias = Directive("wsgiscriptalias", ("/", script))
    daemon = Directive("wsgidaemonprocess", ("site", f"python-path={root}"))
    site = Site(script, "/", alias, "site", "", daemon)
    return list(starts.examine(site, "here", windows=False, is_started=is_started))


def bad(found: list[Finding]) -> dict[str, str]:
    """The levels of the findings that are not ok."""
    return {each.what: each.level for each in found if each.level != "ok"}


@pytest.mark.parametrize(
    "call",
    [
        "import wsgireload\nwsgireload.start()\n",
        "import wsgireload as w\nw.start(interval=2)\nwsgireload = w\n",
        "from wsgireload import start\nimport wsgireload\nstart()\n",
        "from wsgireload import start as begin\nimport wsgireload\nif True:\n    begin()\n",
    ],
)
def test_each_way_to_call_start(call: str, tmp_path: Path) -> None:
    """Every name of the function counts, wherever it is called."""
    assert bad(examined(tmp_path, script=call + LINE)) == {}


@pytest.mark.parametrize("text", ["application = None\n", "import wsgireload\n"])
def test_wsgireload_beside_the_application(text: str, tmp_path: Path) -> None:
    """A folder of python-path may hold wsgireload itself, whose own calls start nothing."""
    own = "from wsgireload import api\nimport wsgireload\nwsgireload.start()\n"
    (tmp_path / "wsgireload").mkdir()
    (tmp_path / "wsgireload" / "__init__.py").write_text(own)
    [found] = examined(tmp_path, script=text, wsgireload__flask=own)
    assert (found.level, "does not call" in found.text) == ("fail", True)


@pytest.mark.parametrize(
    "text",
    [
        "# wsgireload.start()\n",
        '"""wsgireload.start()"""\n',
        "import wsgireload\nprint('wsgireload.start()')\n",
        "import threading\nthreading.Thread().start()\n",
        "import wsgireload\nwsgireload.start\n",
        "import wsgireload\nif __name__ == '__main__':\n    wsgireload.start()\n",
        "import wsgireload\nif False:\n    wsgireload.start()\n",
        "import wsgireload\ndef begin():\n    wsgireload.start()\n",
        "import wsgireload\ndef x():\n  def y():\n    wsgireload.start()\n  y()\n",
    ],
)
def test_what_only_looks_like_a_call(text: str, tmp_path: Path) -> None:
    """A comment, a string, another start() or that of a program starts nothing."""
    [found] = examined(tmp_path, script=text)
    assert (found.level, "wsgireload.start()" in found.cure) == ("fail", True)
    assert bad(examined(tmp_path, script=text, is_started=True)) == {}


@pytest.mark.parametrize(
    "text",
    [
        "import wsgireload\n@hook\ndef begin():\n    wsgireload.start()\n",
        "import wsgireload\nclass App:\n    def ready(self):\n        wsgireload.start()\n",
        "import wsgireload\ndef begin():\n    wsgireload.start()\nregister('app.begin')\n",
        "import wsgireload\ndef begin():\n    wsgireload.start()\nthen(begin)\n",
        "import wsgireload\ndef wsgi(env, respond):\n    wsgireload.start()\n",
        "import wsgireload, pyramid.config\ndef includeme(config):\n    wsgireload.start()\n",
    ],
)
def test_a_function_that_may_be_called(text: str, tmp_path: Path) -> None:
    """A function counts if anything names it, or may call it without a name."""
    assert bad(examined(tmp_path, script=text + LINE)) == {}


@pytest.mark.parametrize(
    ("script", "level"),
    [
        ("from shop import application\n", "fail"),
        ("from shop import application\nfrom elsewhere import x\n", ""),
        ("from shop import application\nimport django\n", ""),
        ("from shop import application\napplication.config.from_object('boot')\n", ""),
        ("from shop import application\nimport boot\n", ""),
    ],
)
def test_a_module_that_nothing_imports(script: str, level: str, tmp_path: Path) -> None:
    """A call beside the application's modules counts if an import that is not seen may load it."""
    boot = "import wsgireload\nwsgireload.start()\n"
    found = bad(examined(tmp_path, script=script + LINE, shop="application = 1\n", boot=boot))
    assert found.get("WSGI script", "") == level


@pytest.mark.parametrize(
    "base",
    [
        "INSTALLED_APPS = ['django.contrib.admin', 'wsgireload.django']\n",
        "INSTALLED_APPS = []\nINSTALLED_APPS += ['wsgireload.django']\n",
        "APPS = ('wsgireload.django',)\nINSTALLED_APPS = [*APPS]\n",
        "INSTALLED_APPS = []\nINSTALLED_APPS.append('wsgireload.django')\n",
        "INSTALLED_APPS = ['wsgireload.django.apps.WsgireloadConfig']\n",
    ],
)
def test_django(base: str, tmp_path: Path) -> None:
    """The app counts in each way to write a list, also in a package of settings."""
    files = {"mysite____init__": "", "mysite__settings____init__": ""}
    files |= {"mysite__settings__base": base, "mysite__settings__local": "from .base import *\n"}
    assert bad(examined(tmp_path, script=DJANGO, **files)) == {}


def test_django_s_wrong_name(tmp_path: Path) -> None:
    """The package alone starts nothing, and the cure is the app's name."""
    text = "INSTALLED_APPS = ['wsgireload']\n"
    [found] = examined(tmp_path, script=DJANGO, mysite__settings__local=text)
    assert found.level == "fail"
    assert found.cure == "write 'wsgireload.django' in its place"


def test_flask(tmp_path: Path) -> None:
    """init_app counts, also in a factory of a module that the application imports."""
    assert (
        bad(
            examined(
                tmp_path,
                script=FLASK,
                hello="from extensions import setup\napp = setup()\n",
                extensions="from wsgireload import flask\ndef setup():\n    flask.init_app(1)\n",
            )
        )
        == {}
    )


def test_a_module_that_is_not_found(tmp_path: Path) -> None:
    """What is loaded from elsewhere may start it: a warning at most."""
    script = f"import wsgireload\nfrom installed_project.wsgi import application\n{LINE}"
    assert bad(examined(tmp_path, script=script)) == {"WSGI script": "warn"}


def test_syntax_error(tmp_path: Path) -> None:
    """A source that does not compile is named with its line."""
    [found, *_] = examined(tmp_path, script=FLASK, hello="import wsgireload\ndef\n")
    assert (found.level, found.what) == ("fail", "source")
    assert f"{tmp_path}/hello.py, line 2" in found.text


@pytest.mark.parametrize(
    ("given", "what", "cure"),
    [
        ("setle=1", "settings", "write settle"),
        ("interval='fast'", "settings", "correct that line"),
        ("track=[os.path.join(HERE, 'tempaltes')]", "track", "/templates"),
        ("track=str(Path(__file__).resolve().parent / 'tempaltes')", "track", "/templates"),
        ("track='tempaltes'", "track", "relative ones start from"),
        ("track=[HERE + '/templates'], interval=2", "", ""),
        ("track=[HERE + '/*.html', HERE + '/templates/**/*.html'][1:]", "", ""),
        ("track=find(), interval=unknown", "", ""),
        ("**settings", "", ""),
    ],
)
def test_settings(given: str, what: str, cure: str, tmp_path: Path) -> None:
    """Wrong settings are found as far as they are spelled out, and nothing is guessed."""
    (tmp_path / "templates").mkdir()
    script = "import os, wsgireload\nfrom pathlib import Path\nHERE = os.path.dirname(__file__)\n"
    found = examined(tmp_path, script=f"{script}wsgireload.start({given})\n{LINE}")
    problems = [each for each in found if each.level != "ok"]
    assert [each.what for each in problems] == ([what] if what else [])
    assert all(cure in each.cure for each in problems)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("trigger='/srv/deployed'", ["nothing restarts until /srv/deployed changes"]),
        ("ignore=['*.tmp', 'gen.py']", ["changes of *.tmp do not", "changes of gen.py do not"]),
        ("ignore=[], trigger=None", []),
    ],
)
def test_what_makes_a_save_have_no_effect(given: str, said: list[str], tmp_path: Path) -> None:
    """A trigger and what is ignored are named: they are why a saved file does nothing."""
    found = examined(tmp_path, script=f"import wsgireload\nwsgireload.start({given})\n{LINE}")
    named = [each for each in found if each.what in ("trigger", "ignore")]
    assert {each.level for each in named} <= {"ok"}
    assert [text in each.text for text, each in zip(said, named, strict=True)] == [True] * len(said)


@pytest.mark.parametrize(
    ("given", "level"), [("", "ok"), ("when='now'", "ok"), ("when='next-request'", "warn")]
)
def test_no_reload_required(given: str, level: str, tmp_path: Path) -> None:
    """The line is needed where requests trigger the restart; for one process it is a hint."""
    found = examined(tmp_path, script=f"import wsgireload\nwsgireload.start({given})\n")
    hints = [each for each in found if each.what == "reload_required"]
    assert bool(hints) == (given != "when='now'")
    assert all(each.level == level and LINE.strip() in each.cure for each in hints)


@pytest.mark.parametrize(
    ("is_late", "files"),
    [
        (False, {"script": f"import wsgireload\nwsgireload.start()\nimport hello\n{LINE}"}),
        (True, {"script": f"import hello, wsgireload\nwsgireload.start()\n{LINE}"}),
        (False, {"script": f"import json, wsgireload\nwsgireload.start()\n{LINE}"}),
        (True, {"script": FLASK, "hello": "import wsgireload.flask as w\nw.init_app(app)\n"}),
        (False, {"script": DJANGO, "mysite__settings__local": f"INSTALLED_APPS = {[starts.APP]}"}),
    ],
)
def test_imports_above_the_start(is_late: bool, files: dict[str, str], tmp_path: Path) -> None:
    """If one fails, nothing would notice its repair: it is no problem, but a hint."""
    found = examined(tmp_path, **{"hello": "app = None\n", **files})
    assert bad(found) == {}
    [seen] = [each for each in found if each.what == "WSGI script"]
    assert seen.cure == (starts.FIRST if is_late else "")
    assert ("its repair goes unnoticed" in seen.text) is is_late
