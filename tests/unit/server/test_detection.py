"""Detection: which server this process belongs to, and whether it may be restarted there."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from wsgireload.server import detection as server
from wsgireload.server.detection import Server, detect, mod_wsgi, native

MISSING = "the native module does not load: ImportError: no such file"


def inside(group: str = "site", **more: object) -> ModuleType:
    """The module that mod_wsgi makes inside Apache, for a process of this group."""
    module = ModuleType("mod_wsgi")
    told = {"version": (6, 1, 1), "process_group": group, "application_group": "host|/app"}
    vars(module).update(told, maximum_processes=3, **more)
    return module


@pytest.fixture(autouse=True)
def apache(monkeypatch: pytest.MonkeyPatch) -> None:
    """A native module that loads and reports an Apache; no mod_wsgi yet."""
    monkeypatch.delitem(sys.modules, "mod_wsgi", raising=False)
    monkeypatch.setattr(native, "unavailable", lambda: None)
    monkeypatch.setattr(native, "apache", native.Apache)


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A daemon process of mod_wsgi's."""
    module = inside()
    monkeypatch.setitem(sys.modules, "mod_wsgi", module)
    return module


def test_a_daemon_process(daemon: ModuleType) -> None:
    """In daemon mode a restart may be requested; groups and number of processes are known."""
    assert detect() == Server("daemon", None, "site", "host|/app", 3, daemon, os.getppid())
    assert mod_wsgi() is daemon


@pytest.mark.parametrize(("threads", "is_service"), [(0, True), (1, False), (None, False)])
def test_a_service_script(daemon: ModuleType, threads: object, is_service: bool) -> None:
    """A daemon process without threads for requests runs a service script."""
    vars(daemon)["threads_per_process"] = threads
    assert detect().is_service is is_service


@pytest.mark.parametrize(("group", "is_refused"), [("", False), ("host|/app", True)])
def test_a_service_script_of_a_sub_interpreter(
    daemon: ModuleType, group: str, is_refused: bool
) -> None:
    """No signal ends a service script of a sub-interpreter; the refusal names what to change."""
    vars(daemon).update(threads_per_process=0, application_group=group)
    assert ("application-group=%{GLOBAL}" in str(detect().refusal)) is is_refused


def test_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a process group mod_wsgi runs in Apache's own children: a restart is refused."""
    monkeypatch.setitem(sys.modules, "mod_wsgi", inside(group=""))
    found = detect()
    assert found.kind == "embedded"
    assert "WSGIDaemonProcess" in str(found.refusal)


def test_embedded_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The debug mode of mod_wsgi-express is that: a daemon process would not help."""
    monkeypatch.setitem(sys.modules, "mod_wsgi", inside(group=""))
    alone = native.Apache(refusal="this Apache is one process")
    monkeypatch.setattr(native, "apache", lambda: alone)
    assert detect().refusal == "this Apache is one process"


def test_no_server() -> None:
    """A process without mod_wsgi is no server of ours."""
    found = detect()
    assert (found.kind, found.mod_wsgi, found.processes) == ("none", None, 1)
    assert found.refusal is not None


@pytest.mark.parametrize("version", [None, "6.1.1", 6])
def test_the_package_of_the_same_name(version: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package that starts Apache is called mod_wsgi too; it is not the one inside."""
    package = ModuleType("mod_wsgi")
    if version is not None:
        vars(package)["version"] = version
    monkeypatch.setitem(sys.modules, "mod_wsgi", package)
    assert mod_wsgi() is None
    assert detect().kind == "none"


def test_mod_wsgi_is_not_imported() -> None:
    """The detection does not import mod_wsgi: outside Apache the name means another package."""
    detect()
    assert "mod_wsgi" not in sys.modules


@pytest.mark.parametrize("told", [None, 5, b"site", ["site"]])
def test_a_group_that_is_no_text(told: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group that mod_wsgi does not give as text counts as unknown."""
    module = inside()
    vars(module).update(process_group=told, application_group=told, maximum_processes=told)
    monkeypatch.setitem(sys.modules, "mod_wsgi", module)
    found = detect()
    assert (found.kind, found.process_group, found.application) == ("embedded", "", "")
    assert found.processes == (5 if told == 5 else 1)


@pytest.mark.parametrize("count", [0, -1, "3", None])
def test_a_group_has_one_process_at_least(count: object, daemon: ModuleType) -> None:
    """A number of processes that makes no sense counts as one."""
    vars(daemon)["maximum_processes"] = count
    assert detect().processes == 1


@pytest.mark.parametrize("kind", ["daemon", "embedded", "windows", "none"])
@pytest.mark.parametrize("native_says", ["apache", "not apache", "nothing"])
@pytest.mark.parametrize("within", [True, False])
def test_the_users_word_is_believed(
    kind: str, native_says: str, within: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that the user forces is believed; only a daemon may be restarted then."""
    if within:
        monkeypatch.setitem(sys.modules, "mod_wsgi", inside())
    if native_says != "apache":
        monkeypatch.setattr(native, "apache", lambda: None)
    if native_says == "nothing":
        monkeypatch.setattr(native, "unavailable", lambda: MISSING)
    found = detect(kind)
    assert found.kind == kind
    assert (found.refusal is None) is (kind == "daemon" and native_says != "nothing")


def test_forced_embedded_is_refused_without_mod_wsgi() -> None:
    """No setting makes an embedded Apache restart."""
    assert detect("embedded").refusal is not None


def test_a_native_module_that_does_not_load(
    daemon: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the native module there is no restart; the refusal has its error, once."""
    monkeypatch.setattr(native, "unavailable", lambda: MISSING)
    assert detect().refusal == MISSING


def test_a_process_that_is_not_apache(daemon: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is not Apache is never signalled, even if it has a module mod_wsgi."""
    monkeypatch.setattr(native, "apache", lambda: None)
    assert "not Apache" in str(detect().refusal)


def test_windows_elsewhere(daemon: ModuleType) -> None:
    """A server forced to "windows" is refused on another system."""
    assert "Windows" in str(detect("windows").refusal)


@pytest.mark.parametrize(
    ("apache", "refusal"),
    [
        (native.Apache(7, 0), None),
        (native.Apache(refusal="one process"), "one process"),
        (None, "mod_wsgi is here, but this process is not Apache's"),
    ],
)
def test_windows(
    daemon: ModuleType,
    apache: native.Apache | None,
    refusal: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On Windows the server's state decides whether a restart can be requested, now or ever."""
    monkeypatch.setattr(server, "WINDOWS", True)
    monkeypatch.setattr(native, "apache", lambda: apache)
    found = detect()
    assert (found.kind, found.refusal) == ("windows", refusal)


@pytest.mark.parametrize("within", [True, False])
@pytest.mark.parametrize("kind", [None, "none", "embedded", "windows", "daemon"])
def test_each_refusal_is_one_sentence(
    kind: str | None, within: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal is one short sentence that fits a log line."""
    if within:
        monkeypatch.setitem(sys.modules, "mod_wsgi", inside())
    monkeypatch.setattr(native, "apache", lambda: None)
    refusal = detect(kind).refusal
    if kind != "daemon":
        assert refusal is not None
        assert refusal.isprintable()
        assert ". " not in refusal
        assert not refusal.endswith(".")
        assert len(refusal.split()) >= 5


class Handler:
    """As mod_wsgi-express has one, whose script takes its `reload_required` from it."""

    def reload_required(self, filename: str) -> bool:
        return bool(filename)


@pytest.mark.parametrize(
    ("line", "hook"),
    [
        ("", None),
        ("from wsgireload import reload_required", True),
        ("import wsgireload\nreload_required = wsgireload.reload_required", True),
        ("def reload_required(filename): return False", True),
        ("reload_required = lambda filename: False", True),
        ("reload_required = handler.reload_required", False),
    ],
)
def test_whose_hook_it_is(line: str, hook: bool | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script has our reload_required, or its own that may call ours, or another's, or none."""
    script = ModuleType("_mod_wsgi_1234")
    script.handler = Handler()  # type: ignore[attr-defined]
    exec(line, vars(script))
    monkeypatch.setitem(sys.modules, script.__name__, script)
    assert server.reload_hook() is hook


def test_a_script_that_is_only_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of WSGIImportScript needs no line: no request is for it. The one that serves does."""
    for name, line in (("_mod_wsgi_1", ""), ("_mod_wsgi_2", "application = print")):
        script = ModuleType(name)
        exec(line, vars(script))
        monkeypatch.setitem(sys.modules, name, script)
    assert server.reload_hook() is None
    exec("from wsgireload import reload_required", vars(script))
    assert server.reload_hook() is True


def test_keys_that_are_no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code may put anything into sys.modules; import goes on without a look at it."""
    monkeypatch.setitem(sys.modules, 42, None)
    assert server.scripts_loaded() is False
    script = ModuleType("_mod_wsgi_1234")
    script.__file__ = "/srv/app/app.wsgi"
    monkeypatch.setitem(sys.modules, script.__name__, script)
    assert server.script_paths() == ["/srv/app/app.wsgi"]


def express(monkeypatch: pytest.MonkeyPatch, entry_point: str, application_type: str) -> ModuleType:
    """The script of mod_wsgi-express, while it loads that of the user."""
    script = ModuleType("_mod_wsgi_1234")
    script.__file__ = "/tmp/mod_wsgi-localhost:8000:0/handler.wsgi"
    told = {"entry_point": entry_point, "application_type": application_type}
    vars(script).update(told, callable_object="application", mount_point="/")
    monkeypatch.setitem(sys.modules, script.__name__, script)
    return script


def test_the_script_of_mod_wsgi_express(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's script is the script, and its folder the application's."""
    express(monkeypatch, "/srv/app/site.wsgi", "script")
    assert server.script_paths() == ["/srv/app/site.wsgi"]
    assert server.script_folder() == "/srv/app"


def test_the_module_of_mod_wsgi_express(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Express serves a module from the working directory, without a script."""
    express(monkeypatch, "mysite.wsgi", "module")
    monkeypatch.chdir(tmp_path)
    assert server.script_paths() == []
    assert server.script_folder() == str(tmp_path)


def test_express_without_its_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --disable-reloading express has none, and the user's is not called either."""
    express(monkeypatch, "/srv/app/site.wsgi", "script")
    assert server.reload_hook() is False


def test_without_a_script_there_is_no_hook() -> None:
    """An interpreter without a WSGI script has nothing for mod_wsgi to call."""
    assert server.reload_hook() is None


@pytest.mark.parametrize(
    ("windows", "generation", "first"), [(True, 0, True), (True, 1, False), (False, -1, False)]
)
def test_the_first_process_of_an_apache(
    monkeypatch: pytest.MonkeyPatch, windows: bool, generation: int, first: bool
) -> None:
    """On Windows Apache counts its restarts; elsewhere that is not known."""
    monkeypatch.setattr(server, "WINDOWS", windows)
    found = native.Apache(generation=generation)
    monkeypatch.setattr(native, "apache", lambda: found)
    monkeypatch.setattr(native, "unavailable", lambda: None)
    assert server.is_first_child() is first
