"""Where Jinja's loaders read templates; for the guests whose templates are Jinja's."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator


def places(loaders: Iterable[object], *, checked: bool) -> Iterator[str]:
    """Return the folders and archives of loaders, and of the loaders in them.

    With `checked`, Jinja checks the mtime of a template before it takes it from its cache: then
    only the places where it cannot, which are archives and compiled templates.
    """
    left, known = list(loaders), set[int]()
    while left:
        loader = left.pop(0)
        if id(loader) not in known:
            known.add(id(loader))
            with contextlib.suppress(Exception):  # a project's own may mean anything by these names
                yield from _own(loader, checked=checked)
                left += [*getattr(loader, "loaders", ()), *getattr(loader, "mapping", {}).values()]


def _own(loader: object, *, checked: bool) -> Iterator[str]:
    archive = getattr(loader, "_archive", None)  # of a PackageLoader, as is _template_root
    if archive is not None:
        yield os.fspath(archive)
    elif not checked:
        searched = getattr(loader, "searchpath", ())
        is_one = isinstance(searched, (str, os.PathLike))
        yield from map(os.fspath, [searched] if is_one else searched)
        if (root := getattr(loader, "_template_root", None)) is not None:
            yield os.fspath(root)
    yield from getattr(getattr(loader, "module", None), "__path__", ())  # of a ModuleLoader
