"""The modules of an existing WSGI script: their folder, and those of Django's settings."""

from __future__ import annotations

import contextlib
import glob
import os
import re
from itertools import chain

SETTINGS = re.compile(r"DJANGO_SETTINGS_MODULE['\"]\]?\s*[,=]\s*['\"]([\w.]+)")


def root(script: str) -> str:
    """Return the folder of the modules that a script imports: for Django that of manage.py.

    It is the folder from which Django's settings can be imported, else the first above the script
    that is no package.
    """
    settings = SETTINGS.search(_read(script))
    folders = [os.path.dirname(script)]
    while (above := os.path.dirname(folders[-1])) != folders[-1]:
        folders.append(above)
    module = settings[1].replace(".", os.sep) if settings else "\0"
    of_settings = (
        each
        for each in folders
        if os.path.isfile(os.path.join(each, f"{module}.py"))
        or os.path.isdir(os.path.join(each, module))
    )
    outside = (each for each in folders if not os.path.isfile(os.path.join(each, "__init__.py")))
    return next(chain(of_settings, outside))


def sources(script: str, folder: str) -> list[str]:
    """Return the texts of a script and of Django's settings; `folder` is that of its modules."""
    texts = [_read(script)]  # OSError
    if named := SETTINGS.search(texts[0]):
        path = os.path.join(glob.escape(folder), *named[1].split("."))
        for pattern in (os.path.join(os.path.dirname(path), "*.py"), os.path.join(path, "*.py")):
            for each in glob.glob(pattern):
                with contextlib.suppress(OSError):  # a link without a target, a file with secrets
                    texts.append(_read(each))
    return texts


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
