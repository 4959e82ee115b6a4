"""The document of one process while it is drawn: ids, variables that nobody else has, flows, elements of `zeebe`.

What must not live here: what a canvas means (`bpmn.py`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Final, final

from procession.convert.tree import Element, insert, make, read_document, set_text, write_document
from procession.parse.dialects.zeebe import ZEEBE
from procession.parse.grammar import BPMN

RESULT: Final = "result"
"""The variable that holds the result of a canvas at its end, and of a task while it is one."""
_OPENING: Final = f"""<definitions xmlns="{BPMN}" xmlns:zeebe="{ZEEBE}" id="document" targetNamespace="urn:celery">
  <process isExecutable="true">
  </process>
</definitions>"""
_OUTSIDE: Final = re.compile(r"[^A-Za-z0-9_.-]+")


def ncname(text: str) -> str:
    """A text as an id of XML."""
    found = _OUTSIDE.sub("_", text)
    return found if re.match(r"[A-Za-z_]", found) else f"_{found}"


@final
class Drawing:
    """One process. Elements go to where the pen is: into the process, or into the sub-process that is open."""

    __slots__ = ("_document", "_flows", "_ids", "_outputs", "_read", "_scope", "_taken", "declared")

    def __init__(self, name: str, taken: Collection[str]) -> None:
        """`taken` are names that no variable for a result may have."""
        self._document = read_document(_OPENING.encode(), name)
        [self._scope] = self._document.root.elements
        self._scope.attributes.update({"id": ncname(name), "name": name})
        self._document.root.attributes["id"] = f"document_of_{ncname(name)}"
        self._ids = {f"document_of_{ncname(name)}", ncname(name)}
        self._taken = {RESULT, *taken}
        self._flows = 0
        self._read: set[str] = set()
        self._outputs: dict[str, tuple[Element, str]] = {}
        self.declared: list[str] = []
        """The variables for results that were made so far."""

    def element(self, kind: str, id: str, name: str = "") -> Element:
        """An element of BPMN, with an id made of `id` that no other has."""
        found = make(self._scope, "", kind, BPMN, {"id": self._id(id)} | ({"name": name} if name else {}))
        insert(self._scope, found)
        return found

    def flow(self, source: str, target: str) -> None:
        """A sequence flow."""
        self._flows += 1
        ends = {"id": self._id(f"flow_{self._flows}"), "sourceRef": source, "targetRef": target}
        insert(self._scope, make(self._scope, "", "sequenceFlow", BPMN, ends))

    def after(self, before: str, kind: str, id: str, name: str = "") -> Element:
        """An element, and the flow to it."""
        found = self.element(kind, id, name)
        self.flow(before, found.attributes["id"])
        return found

    @contextmanager
    def inside(self, sub_process: Element) -> Generator[None]:
        """What is drawn meanwhile stands in a sub-process."""
        outer, self._scope = self._scope, sub_process
        try:
            yield
        finally:
            self._scope = outer

    def fresh(self, name: str) -> str:
        """A variable that nothing else is called: the name, or that with a number behind it."""
        number, found = 1, name
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found

    def result(self, place: Element, attribute: str) -> str:
        """A variable that takes a result: `attribute` of `place` names it."""
        number = len(self.declared) + 1
        while f"r{number}" in self._taken:
            number += 1
        name = f"r{number}"
        self._taken.add(name)
        self.declared.append(name)
        self._outputs[name] = (place, attribute)
        place.attributes[attribute] = name
        return name

    def reads(self, names: Iterable[str]) -> None:
        """Notes that variables are read."""
        self._read.update(names)

    def rename_last(self, variable: str) -> bool:
        """Makes a variable the result of the process; False where it is read, or is no result of an element."""
        if variable in self._read or variable not in self._outputs:
            return False
        place, attribute = self._outputs[variable]
        place.attributes[attribute] = RESULT
        return True

    def document(self) -> bytes:
        """The document as it is now."""
        return write_document(self._document)

    def _id(self, wanted: str) -> str:
        base = ncname(wanted)
        number, found = 1, base
        while found in self._ids:
            number += 1
            found = f"{base}_{number}"
        self._ids.add(found)
        return found


def task_definition(element: Element, type: str, headers: Mapping[str, str]) -> None:
    """What a job of a task is. One attempt: a Celery task that is to be tried again says so in its code."""
    extension(element, "taskDefinition", {"type": type, "retries": "1"})
    holder = extension(element, "taskHeaders", {})
    for key, value in headers.items():
        insert(holder, make(holder, "zeebe", "header", ZEEBE, {"key": key, "value": value}))


def mapping(element: Element, kind: str, source: str, target: str) -> Element:
    """A mapping of variables; `kind` is `input` or `output`, `source` FEEL without its equals sign."""
    holder = extension(element, "ioMapping", {})
    found = make(holder, "zeebe", kind, ZEEBE, {"source": f"={source}", "target": target})
    insert(holder, found)
    return found


def extension(element: Element, name: str, attributes: Mapping[str, str]) -> Element:
    """An element of `zeebe` in the extensions of another: the one that is there, else a new one."""
    extensions = child(element, "extensionElements", first=True)
    found = next(iter(extensions.of_name(ZEEBE, name)), None)
    if found is None:
        found = make(extensions, "zeebe", name, ZEEBE, dict(attributes))
        insert(extensions, found)
    return found


def child(element: Element, name: str, *, text: str = "", first: bool = False) -> Element:
    """The child of BPMN of a name: the one that is there, else a new one, the first of all where that is wanted."""
    found = element.child(name)
    if found is None:
        found = make(element, "", name, BPMN)
        insert(element, found, 0 if first else None)
    if text:
        set_text(found, text)
    return found
