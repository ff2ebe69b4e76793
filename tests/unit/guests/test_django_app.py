"""The Django app: when it starts, what it tracks, what its checks report."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import django
import pytest
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, run_checks
from django.core.management import call_command
from django.core.signals import request_finished
from django.template import engines
from django.test import override_settings
from jinja2 import ChoiceLoader, FileSystemLoader
from support.examplesite import copy_example

import wsgireload

ENGINES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["/srv/look", ""]},
    {"BACKEND": "django.template.backends.jinja2.Jinja2"},
]
LINE = "\nreload_required = wsgireload.reload_required\n"


@pytest.fixture(scope="module", autouse=True)
def project() -> Iterator[None]:
    """A project with our app and one of Django's own, set up once."""
    settings.configure(INSTALLED_APPS=["wsgireload.django", "django.contrib.messages"])
    django.setup()
    yield
    apps.set_installed_apps([])


def ready() -> None:
    """Call what Django calls at its start."""
    apps.get_app_config("wsgireload").ready()


@pytest.mark.usefixtures("in_apache")
def test_it_starts_in_apache(calls: list[tuple[str, Any]]) -> None:
    """Under mod_wsgi it tracks first and then starts, with WSGIRELOAD of the settings."""
    with override_settings(WSGIRELOAD={"interval": 2}):
        ready()
    assert [what for what, _ in calls] == ["track", "start"]
    assert calls[1] == ("start", {"interval": 2})


def create() -> None:
    """Have the app created, as Django does before it imports the models of any app."""
    known = apps.get_app_config("wsgireload")
    type(known)(known.name, known.module)


@pytest.mark.usefixtures("in_apache")
def test_it_starts_before_any_models(calls: list[tuple[str, Any]]) -> None:
    """It starts as soon as Django knows the app: models that raise are noticed once repaired."""
    with override_settings(WSGIRELOAD={"interval": 2}):
        create()
    assert calls == [("start", {"interval": 2})]


@pytest.mark.usefixtures("in_apache")
def test_invalid_settings_are_noticed_once_repaired(
    monkeypatch: pytest.MonkeyPatch, calls: list[tuple[str, Any]]
) -> None:
    """With a WSGIRELOAD that is invalid it starts by the defaults; `ready` raises the error."""

    def start(**chosen: Any) -> None:
        calls.append(("start", chosen))
        if chosen:
            raise wsgireload.SettingsError("interval", "fast", "a number")

    monkeypatch.setattr(wsgireload, "start", start)
    with override_settings(WSGIRELOAD={"interval": "fast"}):
        create()
        assert calls[-1] == ("start", {})
        with pytest.raises(wsgireload.SettingsError):
            ready()


def test_it_is_created_elsewhere(calls: list[tuple[str, Any]]) -> None:
    """Without mod_wsgi, as under manage.py, creating the app starts nothing."""
    create()
    assert calls == []


@pytest.mark.usefixtures("in_apache")
def test_no_settings_are_needed(calls: list[tuple[str, Any]]) -> None:
    """Without WSGIRELOAD the defaults apply."""
    ready()
    assert calls[-1] == ("start", {})


@pytest.mark.usefixtures("in_apache")
@pytest.mark.parametrize("got", ["interval=2", None, {1: 2}])
def test_settings_of_another_kind(got: object) -> None:
    """A WSGIRELOAD that is no dict of keywords is an error that names it."""
    with (
        override_settings(WSGIRELOAD=got),
        pytest.raises(wsgireload.SettingsError, match=r"WSGIRELOAD is .* it takes a dict"),
    ):
        ready()


@pytest.mark.parametrize("package", [None, ModuleType("mod_wsgi")])
def test_it_does_not_start_elsewhere(
    package: ModuleType | None,
    calls: list[tuple[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Without mod_wsgi, or with only its package, it neither starts nor prints anything."""
    monkeypatch.setitem(sys.modules, "mod_wsgi", package)
    ready()
    assert calls == []
    assert capfd.readouterr() == ("", "")


def test_it_adds_to_a_monitor(
    calls: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the WSGI script has started a monitor, in any server, it tracks as well."""
    monkeypatch.setattr(wsgireload, "status", lambda: SimpleNamespace(active=True))
    ready()
    assert [what for what, _ in calls] == ["track", "start"]


@pytest.mark.usefixtures("in_apache")
def test_what_is_tracked(calls: list[tuple[str, Any]]) -> None:
    """The folders of the engines and of apps that are not Django's, and compiled messages."""
    own = Path(apps.get_app_config("wsgireload").path)
    with override_settings(TEMPLATES=ENGINES, LOCALE_PATHS=[Path("/srv/words[1]")]):
        ready()
    assert calls[0][1] == (
        "/srv/look",
        str(own / "templates"),
        str(own / "jinja2"),
        "/srv/words[[]1]/**/*.mo",
        str(own / "locale" / "**" / "*.mo"),
    )


@pytest.mark.usefixtures("in_apache")
def test_no_translations(calls: list[tuple[str, Any]]) -> None:
    """A project without templates and translations tracks nothing."""
    with override_settings(TEMPLATES=[], LOCALE_PATHS=["/srv/words"], USE_I18N=False):
        ready()
    assert calls[0] == ("track", ())


FILESYSTEM = "django.template.loaders.filesystem.Loader"
CACHED = "django.template.loaders.cached.Loader"
LOADERS = {
    "cached": ([(CACHED, [(FILESYSTEM, ["/srv/argument"])])], ["/srv/argument"]),
    "cached, DIRS": ([(CACHED, [FILESYSTEM])], ["/srv/look"]),
    "uncached": ([(FILESYSTEM, ["/srv/argument"])], []),
}


@pytest.mark.usefixtures("in_apache")
@pytest.mark.parametrize("loaders", LOADERS)
def test_the_loaders_of_an_engine(calls: list[tuple[str, Any]], loaders: str) -> None:
    """What an engine's loaders cache is tracked once, at the end of the request that creates it."""
    given, folders = LOADERS[loaders]
    engine = {**ENGINES[0], "NAME": "own", "OPTIONS": {"loaders": given}}
    with override_settings(TEMPLATES=[engine]):
        ready()
        calls.clear()
        request_finished.send(None)
        assert calls == []
        engines["own"]
        request_finished.send(None)
        request_finished.send(None)
    assert [paths for what, paths in calls if what == "track"] == [tuple(folders)]


@pytest.mark.usefixtures("in_apache")
@pytest.mark.parametrize("reload", [True, False])
def test_a_jinja_environment(calls: list[tuple[str, Any]], *, reload: bool) -> None:
    """The folders of Jinja's own loader are tracked, if Jinja does not check them."""
    loader = FileSystemLoader(["/srv/one", "/srv/two"])
    options = {"loader": ChoiceLoader([loader]), "auto_reload": reload}
    with override_settings(TEMPLATES=[{**ENGINES[1], "NAME": "j", "OPTIONS": options}]):
        ready()
        engines["j"]
        calls.clear()
        request_finished.send(None)
    assert calls == [("track", () if reload else ("/srv/one", "/srv/two"))]


@pytest.mark.usefixtures("in_apache")
def test_an_engine_that_cannot_be_read(
    calls: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request fails because of an engine of a kind of its own."""
    ready()
    calls.clear()
    monkeypatch.setattr(engines, "_engines", {"odd": object()})
    request_finished.send(None)
    assert calls == []


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[CheckMessage]]:
    """Run the checks for a script, here named `scriptN`, and for WSGIRELOAD."""
    monkeypatch.syspath_prepend(tmp_path)

    def check(script: str = LINE, **asked: object) -> list[CheckMessage]:
        name = f"script{len(list(tmp_path.iterdir()))}"
        (tmp_path / f"{name}.py").write_text(script)
        with override_settings(WSGI_APPLICATION=f"{name}.application", WSGIRELOAD=asked):
            return run_checks(apps.get_app_configs())

    return check


def ids(messages: list[CheckMessage]) -> list[str]:
    """The ids of messages."""
    return [message.id for message in messages]


@pytest.mark.parametrize(
    "script",
    [
        LINE,
        "from wsgireload import reload_required",
        "from mysite import required as reload_required",
        "def reload_required(filename): return False",
        "if True:\n    reload_required: object = None",
    ],
)
def test_scripts_with_the_line(checked: Callable[..., list[CheckMessage]], script: str) -> None:
    """In whatever way a script defines reload_required, there is no warning."""
    assert checked(script) == []


def test_a_script_without_the_line(checked: Callable[..., list[CheckMessage]]) -> None:
    """A script without reload_required gets a warning with its path and the line to add."""
    [warning] = checked("import wsgireload\nprint(reload_required)\n")
    assert warning.id == "wsgireload.W001"
    assert "script0.py has no reload_required" in warning.msg
    assert warning.hint.endswith(LINE.strip())


@pytest.mark.parametrize("asked", [{"when": "now"}, {"enabled": False}])
def test_who_needs_no_line(checked: Callable[..., list[CheckMessage]], asked: Any) -> None:
    """Without a use for reload_required there is no warning."""
    assert checked("", **asked) == []


@pytest.mark.parametrize("script", ["def broken(:", "\0"])
def test_scripts_that_cannot_be_read(
    checked: Callable[..., list[CheckMessage]], script: str
) -> None:
    """A script that cannot be parsed gets no warning."""
    assert checked(script) == []


@pytest.mark.parametrize("name", [None, "", "nowhere.wsgi.application", "sys.application"])
def test_scripts_that_are_not_there(name: str | None) -> None:
    """Nor does a script that is not a file."""
    with override_settings(WSGI_APPLICATION=name):
        assert run_checks() == []


def test_a_setting_that_makes_no_sense(checked: Callable[..., list[CheckMessage]]) -> None:
    """An error names the setting, its value and what it takes."""
    [error] = checked(interval="fast")
    assert (error.id, error.is_serious()) == ("wsgireload.E001", True)
    assert error.msg == "WSGIRELOAD['interval'] is 'fast'."
    assert error.hint == "It takes a number of seconds, 0.01 to 3600."


def test_no_dict() -> None:
    """So does an error about WSGIRELOAD as a whole."""
    with override_settings(WSGIRELOAD=["interval"]):
        [error] = run_checks()
    assert (error.id, error.msg) == ("wsgireload.E001", "WSGIRELOAD is ['interval'].")


def test_tracked_paths(checked: Callable[..., list[CheckMessage]], tmp_path: Path) -> None:
    """A path or glob that matches nothing gets a warning; others do not."""
    there, pattern = tmp_path / "look[1]", tmp_path / "script*.py"
    gone, unmet = tmp_path / "gone", tmp_path / "*.toml"
    there.mkdir()
    found = checked(track=[there, pattern, gone, unmet])
    assert ids(found) == ["wsgireload.W002"] * 2
    assert all(str(path) in said.msg for path, said in zip((gone, unmet), found, strict=True))


def test_two_starts(checked: Callable[..., list[CheckMessage]], tmp_path: Path) -> None:
    """Settings without effect, because the script calls start(), get a warning; `track` has one."""
    script = f"import wsgireload\nwsgireload.start(interval=3)\n{LINE}"
    assert ids(checked(script, interval=2)) == ["wsgireload.W003"]
    assert checked(script, track=[tmp_path]) == []


@pytest.fixture
def manage(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs manage.py of the example."""
    copy_example("django", tmp_path / "project")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", tmp_path / "project" / "manage.py", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_manage_check(manage: Callable[..., Any], tmp_path: Path) -> None:
    """`manage.py check` has no warning for the example until its script loses the line."""
    done = manage("check")
    assert (done.returncode, done.stderr) == (0, "")
    script = tmp_path / "project" / "mysite" / "wsgi.py"
    script.write_text(script.read_text().replace("reload_required =", "other ="))
    done = manage("check", "--fail-level", "WARNING")
    assert done.returncode == 1
    assert "wsgireload.W001" in done.stderr


def test_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """`manage.py wsgireload` passes its arguments on, and returns the exit code."""
    asked = []
    monkeypatch.setattr("wsgireload.cli.main", lambda words: asked.append(words) or 3)
    with pytest.raises(SystemExit, match="3"):
        call_command("wsgireload", "doctor", "--json")
    assert asked == [["doctor", "--json"]]


def test_manage_wsgireload(manage: Callable[..., Any]) -> None:
    """It prints what the command line prints, and nothing else."""
    assert "monitors" in json.loads(manage("wsgireload", "status", "--json").stdout)


@pytest.mark.parametrize("command", [("diffsettings",), ("shell", "-c", "pass"), ("test",)])
def test_other_commands(manage: Callable[..., Any], command: tuple[str, ...]) -> None:
    """No command of Django starts a monitor or prints anything about it."""
    done = manage(*command)
    assert done.returncode == 0, done.stderr
    assert "wsgireload: " not in done.stdout + done.stderr
