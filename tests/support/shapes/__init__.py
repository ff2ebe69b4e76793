"""The shapes of public configurations: how projects, hosts and tutorials serve WSGI scripts."""

from __future__ import annotations

from support.shapes import aliases, groups, handlers, hosts, language
from support.shapes.refused import REFUSED
from support.shapes.shape import SCRIPT, Shape

__all__ = ["REFUSED", "SCRIPT", "SHAPES", "Shape"]

SHAPES = {
    **aliases.SHAPES,
    **handlers.SHAPES,
    **groups.SHAPES,
    **hosts.SHAPES,
    **language.SHAPES,
}
