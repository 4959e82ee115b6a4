"""A document as its XML says it: the tree that readers turn into a model, and that the rules of the standard check.

Data only: how bytes become a tree is `parse.xml`, what the elements mean is not known here.
"""

from __future__ import annotations

from typing import Final, final

import msgspec

XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
XSI_TYPE: Final = f"{XSI} type"


@final
class Prefixes:
    """Namespace declarations: an element's own, and those around it. Linked, because copies could cost gigabytes."""

    __slots__ = ("_outer", "_own")

    def __init__(self, own: dict[str, str], outer: Prefixes | None) -> None:
        self._own = own
        self._outer = outer

    def namespace(self, prefix: str) -> str | None:
        """The namespace of a prefix ('' for the default one), or None where it is not declared."""
        scope: Prefixes | None = self
        while scope is not None:
            if prefix in scope._own:
                return scope._own[prefix]
            scope = scope._outer
        return None

    def declares(self, namespace: str) -> bool:
        """Whether this very element declares a namespace."""
        return namespace in self._own.values()


@final
class XmlElement(msgspec.Struct, eq=False, gc=False):
    """An element. Keys of `attributes` are local names, or `namespace local` for a name with a prefix.

    `text` joins all character data directly inside; `line` and `column` count from 1 and name its `<`;
    `prefixes` are the namespace declarations in force, shared between elements and never changed.
    Nothing in it points upward, so the collector need not look for cycles in it.
    """

    namespace: str
    name: str
    attributes: dict[str, str]
    line: int
    column: int
    prefixes: Prefixes
    children: list[XmlElement] = []
    text: str = ""


def local_name(value: str) -> str:
    """The local part of a QName, as references are written: `tns:Task_1` gives `Task_1`."""
    value = value.strip()
    if ":" not in value:
        return value
    prefix, _, name = value.partition(":")
    return name if prefix and name else value
