"""A document as the rules of the standard see it: its elements, what is around each, references, flows and events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias, final

from procession.compile.check.standard.grammar import (
    BPMN,
    COLLABORATIONS,
    EVENT_DEFINITIONS,
    FLOW_NODES,
    FORMAL,
    OPEN,
    SUB_PROCESSES,
)
from procession.model.xml import XSI_TYPE, XmlElement, local_name

Imports: TypeAlias = "Mapping[str, XmlElement | None]"
"""What imports hold, by the location that they name; None for what is not there."""

Many: TypeAlias = "dict[XmlElement, list[XmlElement]]"

SCOPES: Final = frozenset({"process", *SUB_PROCESSES, *COLLABORATIONS, "subChoreography"})
"""Elements that hold flow elements."""
_NODES: Final = frozenset(FLOW_NODES)
_DEFINITIONS: Final = frozenset(EVENT_DEFINITIONS)
_TRUE: Final = frozenset({"true", "1"})


@final
class Document:
    """A tree with what the rules ask of it. Elements of other namespaces are not in `elements`.

    `imports` are the documents that this one imports, by the namespace that it gives them; what is said to be in
    one that is not known is not checked. `lost` are the imports that were looked for in vain.
    """

    __slots__ = (
        "_ids", "_lists", "_parents", "associated", "attached", "elements", "ends", "executable", "imported",
        "imports", "incoming", "links", "lost", "outgoing", "repeated", "root", "starts", "target_namespace",
    )  # fmt: skip

    def __init__(self, root: XmlElement, imports: Imports | None = None) -> None:
        self.root = root
        self.elements: list[XmlElement] = []
        """Every element of BPMN, in the order of the document."""
        self.repeated: dict[XmlElement, XmlElement] = {}
        """An element whose id is taken, and the one that has it."""
        self._ids: dict[str, XmlElement] = {}
        self._lists: dict[tuple[XmlElement, str], dict[XmlElement, None]] = {}
        self._parents: dict[XmlElement, XmlElement] = {}
        self.target_namespace = root.attributes.get("targetNamespace", "")
        own = [each for each in root.children if each.name == "import"]
        given = imports or {}
        self.imported = {each.attributes.get("namespace", "") for each in own}
        self.imports: dict[str, list[Document]] = {}
        self.lost: set[XmlElement] = set()
        for each in own:
            location = each.attributes.get("location", "")
            known = given.get(location)
            if known is not None:
                self._import(each.attributes.get("namespace", ""), known)
            elif location in given:
                self.lost.add(each)
        self._walk()
        self.incoming: dict[XmlElement, list[XmlElement]] = {}
        self.outgoing: dict[XmlElement, list[XmlElement]] = {}
        self.starts: dict[XmlElement, list[XmlElement]] = {}
        """A scope, and its start events."""
        self.ends: dict[XmlElement, list[XmlElement]] = {}
        """A scope, and its end events."""
        self.links: set[tuple[XmlElement, str, str]] = set()
        """The links of events: scope, kind of the event, name."""
        self.attached: dict[XmlElement, list[XmlElement]] = {}
        """An activity, and its boundary events."""
        self.associated: dict[XmlElement, list[XmlElement]] = {}
        """An element, and what associations connect it with, whichever way they are drawn."""
        self._connect()
        self.executable = any(flag(each, "isExecutable") for each in root.children if each.name == "process")
        """Whether any process of the document is executable."""

    def _import(self, namespace: str, root: XmlElement) -> None:
        known = self.imports.setdefault(namespace, [])
        if all(each.root is not root for each in known):
            known.append(Document(root))

    def _walk(self) -> None:
        # By a stack, because siblings and depth are the document's choice. Diagrams have ids of the same kind.
        waiting = [self.root]
        while waiting:
            element = waiting.pop()
            is_bpmn = element.namespace == BPMN
            if is_bpmn:
                self.elements.append(element)
            identity = element.attributes.get("id")
            if identity is not None and identity in self._ids:
                self.repeated[element] = self._ids[identity]
            elif identity is not None:
                self._ids[identity] = element
            if is_bpmn and element.name in OPEN:
                continue
            for child in element.children:
                self._parents[child] = element
            waiting.extend(reversed(element.children))

    def _connect(self) -> None:
        for each in self.elements:
            match each.name:
                case "sequenceFlow":
                    self._between(each, self.outgoing, self.incoming, each)
                case "association":
                    self._between(each, self.associated, self.associated, None)
                case "startEvent":
                    self.starts.setdefault(self.parent(each), []).append(each)
                case "endEvent":
                    self.ends.setdefault(self.parent(each), []).append(each)
                case "boundaryEvent":
                    host = self.named(each, "attachedToRef")
                    if host is not None:
                        self.attached.setdefault(host, []).append(each)
                case "linkEventDefinition":
                    event = self.parent(each)
                    self.links.add((self.parent(event), event.name, each.attributes.get("name", "").strip()))
                case _:
                    pass

    def _between(self, each: XmlElement, at_source: Many, at_target: Many, what: XmlElement | None) -> None:
        """Notes at both ends of a flow the flow, or, for an association, the other end."""
        source, target = self.named(each, "sourceRef"), self.named(each, "targetRef")
        if source is not None and (what or target) is not None:
            at_source.setdefault(source, []).append(what or target or each)
        if target is not None and (what or source) is not None:
            at_target.setdefault(target, []).append(what or source or each)

    # --- what is around an element ------------------------------------------------------------------------------------

    def parent(self, element: XmlElement) -> XmlElement:
        """The element around another one; the root is around itself."""
        return self._parents.get(element, self.root)

    def around(self, element: XmlElement, tags: frozenset[str]) -> XmlElement | None:
        """The nearest element around another one that is of these tags."""
        at = self._parents.get(element)
        while at is not None and at.name not in tags:
            at = self._parents.get(at)
        return at

    def scope(self, element: XmlElement) -> XmlElement | None:
        """What holds a flow element: a process, a sub-process, a choreography."""
        return self.around(element, SCOPES)

    def process(self, element: XmlElement) -> XmlElement | None:
        """The process around an element, or itself."""
        return element if element.name == "process" else self.around(element, frozenset({"process"}))

    def runs(self, element: XmlElement) -> bool:
        """Whether an element belongs to an executable process; what is outside of all does if the document has one."""
        process = self.process(element)
        return self.executable if process is None else flag(process, "isExecutable")

    # --- references ---------------------------------------------------------------------------------------------------

    def find(self, element: XmlElement, name: str) -> XmlElement | None:
        """What a reference at an element leads to: here, or in a document that is imported and known."""
        prefix, colon, local = name.strip().partition(":")
        if not colon:
            return self._ids.get(prefix)
        namespace = element.prefixes.namespace(prefix)
        for known in self.imports.get(namespace or "", ()):
            if local in known._ids:
                return known._ids[local]
        if namespace in self.imported and namespace != self.target_namespace:
            return None
        return self._ids.get(local)

    def named(self, element: XmlElement, attribute: str) -> XmlElement | None:
        """What the attribute of an element refers to."""
        value = element.attributes.get(attribute)
        return self.find(element, value) if value else None

    def listed(self, element: XmlElement, tag: str) -> list[XmlElement]:
        """What the children of a tag refer to, each once; those that lead nowhere are left out."""
        return list(self._named(element, tag))

    def lists(self, element: XmlElement, tag: str, other: XmlElement) -> bool:
        """Whether a child of a tag refers to another element."""
        return other in self._named(element, tag)

    def _named(self, element: XmlElement, tag: str) -> dict[XmlElement, None]:
        known = self._lists.get((element, tag))
        if known is None:
            found = [self.find(child, child.text) for child in children(element, tag)]
            known = self._lists[element, tag] = dict.fromkeys([each for each in found if each is not None])
        return known

    # --- flows and events ---------------------------------------------------------------------------------------------

    def flows_in(self, node: XmlElement) -> list[XmlElement]:
        """The sequence flows that lead to a node."""
        return self.incoming.get(node, [])

    def flows_out(self, node: XmlElement) -> list[XmlElement]:
        """The sequence flows that leave a node."""
        return self.outgoing.get(node, [])

    def nodes(self, scope: XmlElement) -> Iterator[XmlElement]:
        """The flow nodes directly in a scope."""
        return (each for each in scope.children if each.name in _NODES and each.namespace == BPMN)

    def definitions(self, event: XmlElement) -> list[XmlElement]:
        """The event definitions of an event: its own, and those that it refers to."""
        own = [each for each in event.children if each.name in _DEFINITIONS and each.namespace == BPMN]
        return own + [each for each in self.listed(event, "eventDefinitionRef") if each.name in _DEFINITIONS]

    def triggers(self, event: XmlElement) -> list[str]:
        """The kinds of an event's definitions: `message`, `timer` and so on."""
        return [trigger_of(each) for each in self.definitions(event)]


def trigger_of(definition: XmlElement) -> str:
    """The kind of an event definition: `message` for a `messageEventDefinition`."""
    return definition.name.removesuffix("EventDefinition")


def children(element: XmlElement, *tags: str) -> list[XmlElement]:
    """The children of some tags, in their order."""
    return [each for each in element.children if each.name in tags and each.namespace == BPMN]


def child(element: XmlElement, tag: str) -> XmlElement | None:
    """The first child of a tag."""
    return next((each for each in element.children if each.name == tag and each.namespace == BPMN), None)


def flag(element: XmlElement, name: str, default: bool = False) -> bool:
    """An attribute of type xsd:boolean."""
    value = element.attributes.get(name)
    return default if value is None else value.strip() in _TRUE


def number(element: XmlElement, name: str, default: int) -> int:
    """An attribute that is a whole number; one that is none counts as absent, for the schema tells of it."""
    try:
        return int(element.attributes.get(name, default))
    except ValueError:
        return default


def is_formal(document: Document, element: XmlElement) -> bool:
    """Whether an expression is a formal one: by its place, or because `xsi:type` says so."""
    if element.name in FORMAL or (
        element.name == "condition" and document.parent(element).name == "complexBehaviorDefinition"
    ):
        return True
    return local_name(element.attributes.get(XSI_TYPE, "")) == "tFormalExpression"


def identity(element: XmlElement) -> str:
    """How an element is called in a text: by its id, else by its place."""
    return element.attributes.get("id") or f"in line {element.line}"
