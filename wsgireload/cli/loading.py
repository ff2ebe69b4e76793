"""Load a WSGI script as mod_wsgi does, and print as JSON which files it consists of.

A program of its own, run by its path: modules that it imports before the script would be listed.
"""

import faulthandler
import os
import site
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgireload.settings import Settings

LONGEST = 45.0  # seconds to load the script: less than the program that runs this one waits


def main(script: str, folders: list[str]) -> None:
    """Print the sources, and what a monitor tracks. The script's own output goes to stderr."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # programs that the script starts print there
    sys.stdout = sys.stderr
    faulthandler.dump_traceback_later(LONGEST, exit=True)  # shows where a script hangs
    known = set(sys.path)
    for folder in folders:  # as mod_wsgi does: with the .pth files in it, and in front of the rest
        site.addsitedir(folder)
    sys.path.sort(key=lambda path: path in known)
    chosen, tracked = _record()
    name = f"_mod_wsgi_{os.path.basename(script)}"
    spec = spec_from_file_location(name, script, loader=SourceFileLoader(name, script))
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
    faulthandler.cancel_dump_traceback_later()
    import json

    result = {"sources": _sources(), **_tracked(chosen, tracked)}
    with out:
        json.dump(result, out)


def _record() -> tuple[list["Settings"], list[str]]:
    """Return lists that get the settings of a monitor that starts, and what it tracks beside."""
    import wsgireload
    from wsgireload import Monitor
    from wsgireload.settings import checked

    chosen: list[Settings] = []
    tracked: list[str] = []

    def start(self: Monitor) -> None:
        chosen.append(self._settings)

    def track(_self: Monitor, *paths: str) -> None:
        tracked.extend(checked("track", paths))

    Monitor.start, Monitor.track = start, track  # type: ignore[method-assign, assignment]
    status = wsgireload.status  # those for Django and Flask track beside an active monitor only
    wsgireload.status = lambda: status()._replace(active=True)
    return chosen, tracked


def _sources() -> list[str]:
    from wsgireload.detect.modules import Modules

    modules = {name: module for name, module in sys.modules.items() if name != "__main__"}
    return sorted({source.path for source in Modules(modules).new()})


def _tracked(chosen: list["Settings"], more: list[str]) -> dict[str, object]:
    from wsgireload.detect.folders import Folders
    from wsgireload.detect.globs import Ignored
    from wsgireload.detect.tracked import Tracked, path_files
    from wsgireload.log import Log
    from wsgireload.settings import Settings

    settings = chosen[0] if chosen else Settings()
    folders = Folders(lambda _folder: True, Log("check"), lambda: None)
    tracked = Tracked(Ignored(settings.ignore), folders)
    trigger = [settings.trigger] if settings.trigger else []
    tracked.add([*settings.track, *trigger, *more, *path_files()])
    return {"tracked": sorted({path for path, _ in tracked.files()}), "watch": settings.watch}


def _run() -> None:
    """End the process at once: the application's threads may not end, nor its exit functions."""
    code = 0
    try:
        main(sys.argv[1], sys.argv[2:])
    except SystemExit as end:  # the script has not been loaded
        sys.stderr.write(f"{end.code}\n" if end.code else "")
        code = 1
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _run()
