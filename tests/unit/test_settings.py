"""Settings: what makes sense is taken, what does not is refused by name."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from wsgireload.errors import SettingsError, WsgireloadError
from wsgireload.settings import CHECKS, Settings, state_folders

PATHS = "a path or several"
HUGE = 10**400  # too large to be a float
NO_NUMBERS = ["1", None, True, math.nan, math.inf, -math.inf, HUGE, [1], 1j]

GOOD = [
    ("interval", 0.01, 0.01),
    ("interval", 3600, 3600.0),
    ("settle", 0, 0.0),
    ("settle", 60.0, 60.0),
    ("watch", "auto", "auto"),
    ("watch", "poll", "poll"),
    ("watch", "events", "events"),
    ("compare", "bytes", "bytes"),
    ("compare", "code", "code"),
    ("when", "auto", "auto"),
    ("when", "now", "now"),
    ("when", "next-request", "next-request"),
    ("rolling", False, False),
    ("rolling", True, True),
    ("rolling", "redis://db:6379/site", "redis://db:6379/site"),
    ("rolling", ["lock", "site"], ("lock", "site")),
    ("preflight", None, None),
    ("preflight", "import", "import"),
    ("preflight", ["python", "-c", "import site_wsgi"], ("python", "-c", "import site_wsgi")),
    ("trigger", None, None),
    ("trigger", "/srv/deploy.txt", "/srv/deploy.txt"),
    ("budget", (1, 0.5), (1, 0.5)),
    ("budget", [3, 10], (3, 10.0)),
    ("check_config", True, True),
    ("check_config", False, False),
    ("on_event", None, None),
    ("on_event", print, print),
    ("enabled", None, None),
    ("enabled", True, True),
    ("enabled", False, False),
    *(("server", server, server) for server in (None, "windows", "daemon", "embedded", "none")),
]

BAD = [
    *(("interval", bad, "0.01 to 3600") for bad in [*NO_NUMBERS, 0, 0.009, -1, 3600.1]),
    *(("settle", bad, "0 to 60") for bad in [*NO_NUMBERS, -0.001, 60.1]),
    *(("budget", (1, bad), "above 0") for bad in [*NO_NUMBERS, 0, -5]),
    *(("budget", (bad, 60), "a whole number from 1") for bad in (True, 0, -1, 101, 1.0, "1", None)),
    *(("budget", bad, "(restarts, seconds)") for bad in (5, None, "ab", (), (1,), (1, 2, 3))),
    *(("watch", bad, "'poll'") for bad in ("inotify", "", None, b"auto", "AUTO", ["auto"])),
    *(("compare", bad, "'bytes'") for bad in ("ast", None, 1)),
    *(("when", bad, "'now'") for bad in ("later", None, True)),
    *(("rolling", bad, "a command: a list of str") for bad in (0, 1, None, "no", "redis://db", [])),
    *(("preflight", bad, "list") for bad in ("true", [], [""], [1], ["a\0b"], False)),
    *(("trigger", bad, "path") for bad in ("", False, ["a.txt"], "a\0b")),
    *(("check_config", bad, "True or False") for bad in (1, 0, None, "yes")),
    *(("enabled", bad, "None or True or False") for bad in (1, 0, "off")),
    *(("on_event", bad, "a function of one argument") for bad in ("print", 1, [])),
    *(("server", bad, "'daemon'") for bad in ("apache", "", True, b"daemon")),
    *(
        (setting, bad, PATHS)
        for setting in ("track", "ignore")
        for bad in (5, None, True, "", b"", [""], "a\0b", ["ok", None], [["nested"]], [1.5])
    ),
]


class Mute:
    """A value whose truth, repr and path all raise, as those of arrays and proxies may."""

    def _refuse(self) -> str:
        raise RuntimeError("no")

    __bool__ = __repr__ = __fspath__ = _refuse


@pytest.mark.parametrize("got", [Mute(), [Mute()], 10**5000], ids=["mute", "in a list", "huge"])
@pytest.mark.parametrize("setting", [*CHECKS])
def test_what_cannot_even_be_shown(setting: str, got: object) -> None:
    """A value that raises whatever is done with it is refused like any other."""
    with pytest.raises(SettingsError, match=f"^wsgireload: {setting} is a .* that has no repr; it"):
        Settings.of(**{setting: got})


def test_any_name(tmp_path: Path) -> None:
    """A name that Python's own calls know is no setting either."""
    for name in ("cls", "self", "asked", ""):
        with pytest.raises(SettingsError, match=f"{name} is 1; it takes no value"):
            Settings.of(**{name: 1})


def test_no_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the current folder is gone, a relative path is refused and an absolute one is not."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert Settings.of(track="/srv", ignore="*.log").track == ("/srv",)
    for setting in ("track", "ignore", "trigger"):
        with pytest.raises(SettingsError, match="current folder is gone"):
            Settings.of(**{setting: "a/b"})


@pytest.mark.parametrize(("setting", "got", "taken"), GOOD)
def test_good_values_are_taken(setting: str, got: object, taken: object) -> None:
    """A value that makes sense is taken, numbers of seconds as float."""
    found = getattr(Settings.of(**{setting: got}), setting)
    assert found == taken
    assert type(found) is type(taken)


@pytest.mark.parametrize(("setting", "got", "takes"), BAD)
def test_bad_values_are_refused(setting: str, got: object, takes: str) -> None:
    """A value that makes none is refused; the error names setting, value and what it takes."""
    with pytest.raises(SettingsError) as refused:
        Settings.of(**{setting: got})
    error = refused.value
    assert (error.setting, error.got) == (setting, got) or got != got  # noqa: PLR0124 (nan)
    assert takes in error.takes
    for part in (setting, repr(got), error.takes):
        assert part in str(error)


def test_a_password_is_not_repeated() -> None:
    """A URL with a password is refused, and not shown: the error goes to a log."""
    with pytest.raises(SettingsError, match="may not hold a user or a password") as refused:
        Settings.of(rolling="redis://user:s3cret@db/site")
    assert "s3cret" not in str(refused.value)
    assert "s3cret" not in str(refused.value.got)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("intervall", "interval"),
        ("tracks", "track"),
        ("pre_flight", "preflight"),
        ("Track", "track"),
    ],
)
def test_unknown_names_are_refused(name: str, meant: str) -> None:
    """A setting that does not exist is refused; the one that was meant and all others are named."""
    with pytest.raises(SettingsError, match=rf"{name} is 3; .*'{meant}'") as refused:
        Settings.of(**{name: 3})
    assert f"there is no such setting; did you mean '{meant}'? The settings are " in str(
        refused.value
    )
    assert all(setting in refused.value.takes for setting in CHECKS)


def test_a_name_that_is_like_none() -> None:
    """Without a setting of a similar name, no setting is suggested, and all are named."""
    with pytest.raises(SettingsError, match=r"there is no such setting\. The settings are track, "):
        Settings.of(templates="/srv")


@pytest.mark.parametrize(
    ("setting", "got", "meant"),
    [
        ("watch", "pol", "poll"),
        ("watch", "polling", "poll"),
        ("watch", "EVENTS", "events"),
        ("compare", "byte", "bytes"),
        ("when", "next_request", "next-request"),
        ("server", "deamon", "daemon"),
    ],
)
def test_a_value_that_is_nearly_right(setting: str, got: str, meant: str) -> None:
    """The value that was probably meant is suggested."""
    with pytest.raises(SettingsError, match=rf"\(did you mean '{meant}'\?\)$"):
        Settings.of(**{setting: got})


@pytest.mark.parametrize(
    ("setting", "got"),
    [("watch", "inotify"), ("watch", 5), ("when", "soon"), ("preflight", "python"), ("track", "")],
)
def test_a_value_that_is_like_none(setting: str, got: object) -> None:
    """Nothing is suggested where no value is near."""
    with pytest.raises(SettingsError) as refused:
        Settings.of(**{setting: got})
    assert "did you mean" not in str(refused.value)


def test_the_error_is_ours_and_a_value_error() -> None:
    """Whoever catches ValueError, or our base, catches a wrong setting."""
    assert issubclass(SettingsError, ValueError)
    assert issubclass(SettingsError, WsgireloadError)


def test_nothing_asked_gives_the_defaults() -> None:
    """The defaults pass their own checks, and cannot be changed afterwards."""
    chosen = Settings.of()
    assert chosen == Settings()
    assert Settings.of(**chosen._asdict()) == chosen


@pytest.mark.parametrize(
    ("chosen", "alone"), [({}, 0.01), ({"settle": 0.5}, 0.5), ({"settle": 0.02}, 0.02)]
)
def test_how_long_a_complete_save_settles(chosen: dict[str, float], alone: float) -> None:
    """A short time, unless another one than the default was set: that holds."""
    assert Settings.of(**chosen).settle_alone == alone


def test_settings_are_frozen() -> None:
    """Settings that are passed down cannot be changed on the way."""
    with pytest.raises(AttributeError):
        Settings.of().interval = 5.0  # type: ignore[misc]


@pytest.mark.parametrize("setting", ["track", "ignore"])
@pytest.mark.parametrize(
    ("got", "names"),
    [
        ("app/x", ["app/x"]),
        (b"app/x", ["app/x"]),
        (Path("app/x"), ["app/x"]),
        (["app/a", Path("app/b"), b"app/c"], ["app/a", "app/b", "app/c"]),
        (dict.fromkeys(("app/a", "app/b")).keys(), ["app/a", "app/b"]),
        ((), []),
        ("app/../app/x/", ["app/x"]),
        (b"app/\xff", ["app/\udcff"]),
        ("app/new\nline", ["app/new\nline"]),
    ],
    ids=repr,
)
def test_paths_become_absolute(
    setting: str, got: object, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths of any kind become absolute str, from the current folder, which may change later."""
    monkeypatch.chdir(tmp_path)
    found = getattr(Settings.of(**{setting: got}), setting)
    assert list(found) == [f"{tmp_path}/{name}" for name in names]


def test_a_generator_of_paths_is_read() -> None:
    """Any iterable of paths will do, also one that can be read only once."""
    assert Settings.of(track=(f"/srv/{name}" for name in "ab")).track == ("/srv/a", "/srv/b")


def test_a_bare_name_to_ignore_stays_one() -> None:
    """A name without a folder means that name anywhere; it is not tied to the current folder."""
    asked = ["*.log", "cache", "/srv/app/"]
    assert Settings.of(ignore=asked).ignore == ("*.log", "cache", "/srv/app")


@pytest.mark.parametrize("word", ["off", "OFF", "0", "no", "False", " off "])
def test_the_environment_switches_off(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each word for off switches off, and the reason names the variable."""
    monkeypatch.setenv("WSGIRELOAD", word)
    reason = Settings.of(enabled=True).off
    assert reason is not None
    assert f"WSGIRELOAD={word.strip()}" in reason


@pytest.mark.parametrize("word", [None, "", "on", "On", "1", "yes", "TRUE", "\ttrue"])
def test_the_environment_leaves_on(word: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No word, and each word for on, leave wsgireload on."""
    monkeypatch.delenv("WSGIRELOAD", raising=False)
    if word is not None:
        monkeypatch.setenv("WSGIRELOAD", word)
    assert Settings.of().off is None


@pytest.mark.parametrize("word", ["offf", "2", "none", "\udcff", "a\nb"])
def test_nonsense_in_the_environment_is_a_reason(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word that is neither never raises: it is a reason to be off, on one printable line."""
    monkeypatch.setenv("WSGIRELOAD", word)
    reason = Settings.of().off
    assert reason is not None
    assert repr(word) in reason
    assert "on or off" in reason
    assert reason.isprintable()


def test_start_itself_can_switch_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """enabled=False switches off, whatever the environment has."""
    monkeypatch.setenv("WSGIRELOAD", "on")
    assert "enabled=False" in str(Settings.of(enabled=False).off)


def test_the_state_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_STATE_HOME comes first, then temporary folders under a name of this user's own."""
    monkeypatch.setenv("XDG_STATE_HOME", "/home/me/.state")
    monkeypatch.setenv("TMPDIR", "/scratch")
    first, *shared = state_folders()
    assert first == "/home/me/.state/wsgireload"
    own = f"wsgireload-{os.getuid()}"
    assert shared == [f"/scratch/{own}", f"/tmp/{own}", f"/var/tmp/{own}"]


@pytest.mark.parametrize("word", ["", "relative/path"])
def test_a_state_folder_is_absolute(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path in the environment is left out: where it leads is chance."""
    monkeypatch.setenv("XDG_STATE_HOME", word)
    monkeypatch.setenv("TMPDIR", word)
    found = state_folders()
    assert found
    assert all(Path(folder).is_absolute() for folder in found)
    assert len(found) == 2
