"""Models held against the standard alone (`check --standard`): the file, and the files that it imports.

The rules are in `compile.check.standard`. What must not live here: what this engine executes.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Final

from procession.base.diagnostics import Diagnostic
from procession.compile.check.standard.checker import find_breaches
from procession.model.xml import XmlElement
from procession.parse import read_xml

IMPORTS_MAX: Final = 20
"""Most files that are looked for because a document imports them."""
_READ: Final = frozenset({"http://www.omg.org/spec/BPMN/20100524/MODEL"})
_SOUGHT: Final = _READ | {
    "http://www.w3.org/2001/XMLSchema",
    "http://www.w3.org/TR/wsdl20/",
    "http://www.w3.org/ns/wsdl",
}
"""Types of imports whose files are looked for; only BPMN is read."""


def check_standard(model: str | Path | bytes, *, name: str = "", folder: str | Path | None = None) -> list[Diagnostic]:
    """Every breach of BPMN 2.0.2 by a document, in its order, all of them errors; an empty list if it keeps to it.

    `model` is the file, or the bytes of one that is called `name`. The files that it imports are looked for in
    `folder`, by default beside the file: by relative locations inside it, never by the network. What is said to be in
    an import that is not looked for is not checked. Raises `OSError` if the file cannot be read.
    """
    if isinstance(model, bytes):
        return _checked(model, name, Path(folder) if folder is not None else None)
    path = Path(model)
    return _checked(path.read_bytes(), name or str(path), Path(folder) if folder is not None else path.parent)


def _checked(data: bytes, file: str, folder: Path | None) -> list[Diagnostic]:
    root, refusals = read_xml(data, file)
    if root is None:
        return refusals
    return find_breaches(root, file, _imports(root, folder) if folder is not None else None)


def _imports(root: XmlElement, folder: Path) -> dict[str, XmlElement | None]:
    found: dict[str, XmlElement | None] = {}
    for each in root.children:
        if len(found) == IMPORTS_MAX:
            break
        location, kind = each.attributes.get("location", ""), each.attributes.get("importType", "").strip()
        place = PurePosixPath(location)
        # A document must not make its checker read or feel for files elsewhere.
        is_inside = bool(location) and ":" not in location and not place.is_absolute() and ".." not in place.parts
        if each.name != "import" or kind not in _SOUGHT or not is_inside:
            continue
        path = folder / place
        if not path.is_file():
            found[location] = None
        elif kind in _READ:
            imported = read_xml(path.read_bytes(), str(path))[0]
            if imported is not None:
                found[location] = imported
    return found
