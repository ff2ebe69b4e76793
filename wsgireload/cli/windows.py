"""Ask Apache on Windows for a restart, from outside, once it finds its configuration good.

A restarted Apache reads all of its configuration again, and an error there ends it.
"""

from __future__ import annotations

import argparse
import ctypes
import os

from wsgireload.cli import programs
from wsgireload.cli.terminal import MisuseError, say, say_json

EVENT_MODIFY_STATE = 2


def restart(chosen: argparse.Namespace) -> int:
    """By the service's own control, or by the event that Apache's children set as well."""
    if chosen.service:
        # It looks at the configuration by itself, and reaches the service in its own session.
        words = [program_of(chosen.service, chosen.httpd), "-k", "restart", "-n", chosen.service]
        code, trouble = _run(words)
        what = f"the service {chosen.service}"
    else:
        parent = pid_in(chosen.pid_file)
        code, trouble = _run(_check(chosen))
        what = f"Apache, pid {parent}"
        if code == 0:
            code, trouble = _set_event(f"ap{parent}_restart")
    if chosen.json:
        say_json({"ok": code == 0, "asked": what, "trouble": trouble if code else ""})
    else:
        say(f"{what}: {'asked to restart' if code == 0 else f'not asked: {trouble}'}")
    return 0 if code == 0 else 1


def pid_in(path: str) -> int:
    """The pid that stands in a file such as Apache's httpd.pid."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            text = file.read(100).strip()
    except OSError as error:
        raise MisuseError(f"--pid-file is {path!r}: {error.strerror or error}") from None
    if not text.isdecimal():
        raise MisuseError(
            f"--pid-file is {path!r}, in which stands {text!r}; it takes a file with a pid"
        )
    return int(text)


def program_of(service: str, given: str | None) -> str:
    """The httpd.exe that a service runs, as the system has it."""
    if given:
        return given
    code, text, _ = programs.run(["sc", "qc", service])
    paths = [
        line.partition(":")[2].strip() for line in text.splitlines() if "BINARY_PATH_NAME" in line
    ]
    if code or not paths:
        raise MisuseError(f"--service is {service!r}; it takes a service of Windows': {text}")
    path = paths[0]
    return path[1:].partition('"')[0] if path.startswith('"') else path.partition(" -k ")[0]


def _run(words: list[str]) -> tuple[int, str]:
    """The exit code, and what was said in one line."""
    code, out, err = programs.run(words)
    return code, " ".join(f"{err} {out}".split())


def _check(chosen: argparse.Namespace) -> list[str]:
    if not chosen.httpd:
        raise MisuseError(
            "--pid-file takes --httpd as well, with which the configuration is checked"
        )
    where = ["-f", os.path.abspath(chosen.config)] if chosen.config else []
    return [chosen.httpd, *where, "-t"]


def _set_event(name: str) -> tuple[int, str]:
    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined]
    kernel32.OpenEventW.restype = ctypes.c_void_p
    event = ctypes.c_void_p(kernel32.OpenEventW(EVENT_MODIFY_STATE, False, name))
    if event.value is None:
        code = ctypes.get_last_error()  # type: ignore[attr-defined]
        return 1, f"OpenEventW {name}: {ctypes.FormatError(code)} ({code})"  # type: ignore[attr-defined]
    done = kernel32.SetEvent(event)
    code = ctypes.get_last_error()  # type: ignore[attr-defined]
    kernel32.CloseHandle(event)
    return (0, "") if done else (1, f"SetEvent {name}: {ctypes.FormatError(code)} ({code})")  # type: ignore[attr-defined]
