"""The environment variables that override settings: for whoever runs the site, not its code."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from wsgireload.errors import SettingsError
from wsgireload.settings import CHECKS, Settings, checked, similar

VARIABLES = {
    setting: f"WSGIRELOAD_{setting.upper()}" for setting in ("watch", "interval", "settle")
}


class Overridden(NamedTuple):
    """Settings as the environment changes them; the variables that do; what is wrong with others.

    `changed` are as in a shell (`NAME=value`), `wrong` are sentences.
    """

    settings: Settings
    changed: tuple[str, ...]
    wrong: tuple[str, ...]


def overridden(chosen: Settings, environment: Mapping[str, str]) -> Overridden:
    """Apply the variables. A wrong one has no effect: the site has to start in spite of it."""
    changed, wrong, settings = [], list(_misspelt(environment)), chosen
    for setting, name in VARIABLES.items():
        if text := environment.get(name, "").strip():
            own = getattr(chosen, setting)
            try:
                value = checked(setting, _number(text) if type(own) is float else text.lower())
            except SettingsError as error:
                wrong.append(f"{name} is {text!r}; it takes {error.takes}; {own!r} applies")
            else:
                settings = settings._replace(**{setting: value})
                changed.append(f"{name}={text}")
    return Overridden(settings, tuple(changed), tuple(wrong))


def _number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _misspelt(environment: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with variables that are meant for us; an application may have its own."""
    for name in sorted(environment):
        prefix, _, setting = name.lower().partition("_")
        if prefix == "wsgireload" and name not in VARIABLES.values():
            if meant := similar(setting, VARIABLES, 0.8):
                yield f"{name!a} has no effect; did you mean {VARIABLES[meant[0]]}?"
            elif setting in CHECKS:
                known = ", ".join(("WSGIRELOAD", *VARIABLES.values()))
                yield f"{name} has no effect; the variables are {known}"
