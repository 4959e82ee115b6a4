"""Models held against the standard alone (`check --standard`): the file, and the files that it imports.

The rules are in `compile.check.standard`. What must not live here: what this engine executes.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Final

from procession.base.diagnostics import Diagnostic
from procession.compile.check.standard.checker import check_standard
from procession.model.xml import XmlElement
from procession.parse import read_xml

_READ: Final = frozenset({"http://www.omg.org/spec/BPMN/20100524/MODEL"})
_SOUGHT: Final = _READ | {
    "http://www.w3.org/2001/XMLSchema",
    "http://www.w3.org/TR/wsdl20/",
    "http://www.w3.org/ns/wsdl",
}
"""Types of imports whose files are looked for; only BPMN is read."""


def check_file(path: Path) -> list[Diagnostic]:
    """Every breach of BPMN 2.0.2 by a file, in its order, all of them errors. Raises `OSError` if it cannot be read.

    The files that it imports are looked for beside it: by relative locations inside the folder, never by the network.
    """
    return check_bytes(path.read_bytes(), str(path), folder=path.parent)


def check_bytes(data: bytes, file: str, *, folder: Path | None = None) -> list[Diagnostic]:
    """The same for a document that is given as bytes: `file` is the name that places show.

    Imports are not looked for without a `folder`; what is said to be in them is then not checked.
    """
    root, refusals = read_xml(data, file)
    if root is None:
        return refusals
    return check_standard(root, file, _imports(root, folder) if folder is not None else None)


def _imports(root: XmlElement, folder: Path) -> dict[str, XmlElement | None]:
    found: dict[str, XmlElement | None] = {}
    for each in root.children:
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
