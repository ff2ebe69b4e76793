"""Restart Apache on Windows from outside, if it accepts its own configuration.

A restarted Apache reads its whole configuration again, and an error in it ends Apache.
"""

from __future__ import annotations

import argparse
import ctypes
import os

from wsgireload.cli import programs
from wsgireload.cli.terminal import UsageError, print_json, print_text

EVENT_MODIFY_STATE = 2


def restart(options: argparse.Namespace) -> int:
    """Restart a service by its own control, or an Apache by the event that its children use."""
    if options.name:
        option = "--service" if options.service else "--pid-file"
        raise UsageError(f"{option} restarts Apache itself: leave out NAME")
    if options.service:
        # httpd.exe checks the configuration itself, and reaches a service in another session.
        program = service_program(options.service, options.httpd)
        code, error = _run([program, "-k", "restart", "-n", options.service])
        target = f"service {options.service}"
    else:
        parent = read_pid(options.pid_file)
        code, error = _run(_check(options))
        target = f"Apache, pid {parent}"
        if code == 0:
            code, error = _set_event(f"ap{parent}_restart")
    if options.json:
        print_json({"ok": code == 0, "asked": target, "trouble": error if code else ""})
    else:
        print_text(f"{target}: {f'not restarted: {error}' if code else 'restart requested'}")
    return 1 if code else 0


def read_pid(path: str) -> int:
    """Return the pid in a file such as Apache's httpd.pid."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            text = file.read(100).strip()
    except OSError as error:
        raise UsageError(f"--pid-file is {path!r}: {error.strerror or error}") from None
    if not text.isdecimal():
        raise UsageError(f"--pid-file is {path!r}; it takes a file with a pid, not {text!r}")
    return int(text)


def service_program(service: str, given: str | None) -> str:
    """Return the httpd.exe that a service runs, by default as Windows knows it."""
    if given:
        return given
    code, text, _ = programs.run(["sc", "qc", service])
    values = (line.partition(":")[2].strip() for line in text.splitlines())
    paths = [each for each in values if ".exe" in each.lower()]  # the names are in any language
    if code or not paths:
        raise UsageError(f"--service is {service!r}; it takes the name of a service: {text}")
    path = paths[0]
    return path[1:].partition('"')[0] if path.startswith('"') else path.partition(" -k ")[0]


def _run(words: list[str]) -> tuple[int, str]:
    code, out, error = programs.run(words)
    return code, " ".join(f"{error} {out}".split())


def _check(options: argparse.Namespace) -> list[str]:
    if not options.httpd:
        raise UsageError("--pid-file needs --httpd, the program that checks the configuration")
    where = ["-f", os.path.abspath(options.config)] if options.config else []
    return [options.httpd, *where, "-t"]


def _set_event(name: str) -> tuple[int, str]:
    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined]
    kernel32.OpenEventW.restype = ctypes.c_void_p
    event = ctypes.c_void_p(kernel32.OpenEventW(EVENT_MODIFY_STATE, False, name))
    if event.value is None:
        return 1, f"OpenEventW {name}: {_last_error()}"
    done = kernel32.SetEvent(event)
    error = _last_error()
    kernel32.CloseHandle(event)
    return (0, "") if done else (1, f"SetEvent {name}: {error}")


def _last_error() -> str:
    code = ctypes.get_last_error()  # type: ignore[attr-defined]
    return f"{ctypes.FormatError(code)} ({code})"  # type: ignore[attr-defined]
