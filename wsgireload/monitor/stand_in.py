"""What answers for a WSGI script that could not be loaded: for this machine a page with the reason.

mod_wsgi looks for the script's module in sys.modules before it loads the script, once more at each
request. After a failure a module of ours is there under that name, until the script is loaded.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from wsgireload.report import Failed
from wsgireload.server.detection import STAND_IN
from wsgireload.server.load_failure import failed, since_script
from wsgireload.threads import allocate_lock, time

if TYPE_CHECKING:
    from wsgireload.web.failure import FailurePage

KNOWN_MTIME = sys.platform != "darwin"  # where APR may be built without fractions of a second
ALL = ("*",)  # among the constants of code that imports all of a module
STARRED = re.compile(rb"^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]*\*", re.MULTILINE)
PATIENCE = 15.0  # seconds until another process may have better luck, as mod_wsgi-express has it


class StandIn:
    """Answers in place of one script. As mod_wsgi does, each request loads the script once more.

    If that succeeds, the script's own module takes its place for good. If it fails, this machine
    gets a page, and all others the exception: mod_wsgi logs it, and answers 500.
    """

    def __init__(self, script: ModuleType, restart: Callable[[], object]) -> None:
        """`script` is being loaded. `restart` has the process replaced, which heals what can't.

        mod_wsgi's startup-timeout does that for a script that is not loaded. It ends with the first
        request that finds a module, and this is one.
        """
        self._name, self._path = script.__name__, str(script.__file__)
        self._mtime = self._modified()
        self._restart = restart
        self._lock = allocate_lock()  # as mod_wsgi's own: one thread at a time loads
        self._module: ModuleType | None = None
        self._page: FailurePage | None = None
        self._failed: Failed | None = None
        self._since = 0.0

    def begin(self, why: Failed) -> None:
        """Take the script's place, in the thread in which loading it has just failed.

        Any exception leaves that place empty: mod_wsgi loads the script at the next request.
        """
        if self._name in sys.modules or not KNOWN_MTIME or self._modified() != self._mtime:
            return  # mod_wsgi would have the process replaced for a script of another mtime
        from wsgireload.web.failure import FailurePage  # no other process needs it

        self._page, self._failed, self._since = FailurePage(), why, time.monotonic()
        self._module = module = ModuleType(self._name)
        names = _names(self._path)
        for name in names:
            if not name.startswith("__"):
                setattr(module, name, self._answer)
        more = {"__file__": self._path, "__mtime__": self._mtime, STAND_IN: True}
        vars(module).update(more)
        if "reload_required" in names:
            from wsgireload.api import reload_required

            vars(module)["reload_required"] = reload_required
        sys.modules[self._name] = module

    def end(self) -> None:
        """Leave the place: from now on mod_wsgi loads the script."""
        if self._module is not None and sys.modules.get(self._name) is self._module:
            del sys.modules[self._name]

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        assert self._page is not None
        is_shown = self._page.may_be_shown(environ)
        if is_shown and self._page.is_poll(environ):
            return self._page.poll(environ, start_response)
        try:
            module = self._loaded()
        except Exception as error:
            self._heal()
            if not is_shown:
                raise
            return self._page.show(self._first(error), environ, start_response)
        application = getattr(module, environ.get("mod_wsgi.callable_object", "application"))
        return application(environ, start_response)  # type: ignore[no-any-return]

    def _first(self, error: Exception) -> Failed:
        """Return the first failure: later ones in the same process, as `error`, may follow from it.

        Where mod_wsgi kept no traceback of the first, `error` is described.
        """
        if self._failed is not None and self._failed.path is not None:
            return self._failed
        return failed(error, since_script(error.__traceback__, [self._path]))

    def _loaded(self) -> ModuleType:
        """Load the script as mod_wsgi does. Its module is not in sys.modules before that is done:

        mod_wsgi would take it for complete.
        """
        with self._lock:
            current = sys.modules.get(self._name)
            if current is not None and current is not self._module:
                return current
            mtime, loader = self._modified(), _Script(self._name, self._path)
            spec = spec_from_file_location(self._name, self._path, loader=loader)
            assert spec is not None
            module = module_from_spec(spec)
            loader.exec_module(module)
            vars(module)["__mtime__"] = mtime
            sys.modules[self._name] = module
            return module

    def _modified(self) -> int:
        """The script's mtime as mod_wsgi has it: in microseconds."""
        return os.stat(self._path).st_mtime_ns // 1000

    def _heal(self) -> None:
        if time.monotonic() - self._since > PATIENCE:
            self._since = time.monotonic()
            self._restart()


def _names(path: str) -> set[str]:
    """The names under which a script may have its application.

    They may come from a module of which it imports all. LookupError if they are not known: mod_wsgi
    would find a module without the application, and load the script no more.
    """
    script = _Script("", path)
    code = script.get_code("")
    names, starred = {*code.co_names}, STARRED.findall(script.get_data(path))
    is_known = bool(starred) or ALL not in code.co_consts
    for found in starred:
        module = _code_of(found.decode())
        is_known = is_known and module is not None and ALL not in module.co_consts
        names.update(module.co_names if module else ())
    if not is_known and "application" not in names:
        raise LookupError("the names that a script imports by a star")
    return {*names, "application"}  # WSGICallableObject is one of them


def _code_of(module: str) -> CodeType | None:
    """The code of a module; None if it is missing or broken, or in a package that is not loaded."""
    try:
        # To find a submodule runs the code of its package, unless that is loaded.
        spec = find_spec(module) if module.rpartition(".")[0] in ("", *sys.modules) else None
        return _Script("", str(spec and spec.origin)).get_code("")
    except Exception:
        return None


class _Script(SourceFileLoader):
    """Loads a script without bytecode, which mod_wsgi does not use either."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code
