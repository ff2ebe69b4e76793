"""Links that open a place in the editor of the person in front of this machine."""

from __future__ import annotations

import re
from urllib.parse import quote

EDITORS = {
    "cursor": "cursor://file{path}:{line}:{column}",
    "idea": "idea://open?file={path}&line={line}&column={column}",
    "pycharm": "pycharm://open?file={path}&line={line}&column={column}",
    "sublime": "subl://open?url=file://{path}&line={line}&column={column}",
    "textmate": "txmt://open?url=file://{path}&line={line}&column={column}",
    "vscode": "vscode://file{path}:{line}:{column}",
    "vscodium": "vscodium://file{path}:{line}:{column}",
    "windsurf": "windsurf://file{path}:{line}:{column}",
    "zed": "zed://file{path}:{line}:{column}",
}
SCRIPTS = ("javascript:", "data:", "vbscript:", "blob:")  # a browser would run these itself
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:[!-~]*", re.IGNORECASE)
FIELD = re.compile(r"\{(path|line|column)\}")
DRIVE = re.compile(r"[a-z]:[\\/]", re.IGNORECASE)


def template(editor: str) -> str | None:
    """Return the template of an editor's name, or one that was given; None if it is neither."""
    found = EDITORS.get(editor, editor)
    is_safe = SCHEME.fullmatch(found) and not found.lower().startswith(SCRIPTS)
    return found if is_safe and "{path}" in found and "{line}" in found else None


def link(found: str, path: str, line: int | None, column: int | None) -> str:
    """Return the URL of a place. Only what is between the fields of the template is not quoted."""
    if DRIVE.match(path):
        path = "/" + path.replace("\\", "/")
    values = {
        "path": quote(path, "/:" if path[2:3] == ":" else "/", "utf-8", "surrogateescape"),
        "line": str(line or 1),
        "column": str(column or 1),
    }
    return FIELD.sub(lambda field: values[field[1]], found)
