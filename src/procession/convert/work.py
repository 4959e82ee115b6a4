"""The document under conversion: where native extensions are written, and what is reported. It knows no dialect."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias, final

import msgspec

from procession.convert.javascript import ReadUses
from procession.convert.juel_feel import Place
from procession.convert.report import Entry, Outcome
from procession.convert.translation import Translation
from procession.convert.tree import Document, Element, insert, make, remove
from procession.model.xml import Prefixes
from procession.parse.dialects.zeebe import MODELER, PROCESSION, ZEEBE
from procession.parse.grammar import BPMN, NODES

VALUE_MAX: Final = 400
"""Longest value that a report shows, in characters."""
JOB_TASKS: Final = frozenset("serviceTask sendTask scriptTask businessRuleTask".split())
"""Activities that a worker can do."""
OWNERS: Final = NODES | frozenset(
    "process sequenceFlow participant lane message error signal escalation correlationProperty".split()
)
"""Elements that a report names by their ids."""

_WEIGHT: Final[dict[Outcome, int]] = {"mapped": 0, "changed": 1, "dropped": 2, "needs-work": 3}
_PREFIX: Final = {ZEEBE: "zeebe", PROCESSION: "procession", MODELER: "modeler"}
_NAME: Final = re.compile(r"[^\W\d]\w*")

Translate: TypeAlias = Callable[[str, Place], Translation]


@final
class Work:
    """One document that is being converted: it alone changes the tree and collects the entries."""

    __slots__ = (
        "_file", "_prefixes", "document", "drawn", "entries", "ids", "loop_counter_from", "loop_data", "results",
        "translate", "uses",
    )  # fmt: skip

    def __init__(self, document: Document, file: str, translate: Translate, uses: ReadUses | None = None) -> None:
        self.document = document
        self.uses = uses
        self.entries: list[Entry] = []
        self.translate = translate
        self.loop_counter_from = 0
        self.loop_data: set[str] = set()
        """The ids of data inputs and outputs that are the collections of multi-instances."""
        self.results: dict[int, tuple[str, str]] = {}
        """By script task: how its result's variable is written, and its name."""
        elements = list(document.root.walk())
        self.ids: dict[str, Element] = {e.attributes["id"]: e for e in elements if "id" in e.attributes}
        self.drawn: frozenset[str] = frozenset(
            e.attributes["bpmnElement"].rpartition(":")[2] for e in elements if "bpmnElement" in e.attributes
        )
        """The ids that the diagram draws."""
        self._file = file
        self._prefixes: dict[str, str] = {}

    # --- what is reported

    def tell(
        self, at: Element, attribute: str, value: str, outcome: Outcome, *, target: str = "", note: str = ""
    ) -> None:
        """Writes an entry."""
        named, line = at, at.line
        while named.parent is not None and (named.name not in OWNERS or "id" not in named.attributes):
            named = named.parent
            line = line or named.line
        shown = " ".join(value.split())
        self.entries.append(
            Entry(
                file=self._file,
                element=named.attributes.get("id", ""),
                line=line,
                attribute=attribute,
                value=shown if len(shown) <= VALUE_MAX else f"{shown[: VALUE_MAX - 1]}…",
                outcome=outcome,
                target=target,
                note=note,
            )
        )

    def feel(self, text: str, at: Element) -> Translation:
        """An expression of the document's own language in FEEL."""
        return self.translate(text, place_of(at, self.loop_counter_from))

    # --- what is written

    def put(self, owner: Element, name: str, attributes: dict[str, str], namespace: str = ZEEBE) -> Element:
        """Gives an element one extension with these attributes; those that it has already are kept."""
        holder = self._extensions(owner)
        found = holder.of_name(namespace, name)
        if not found:
            found = [make(holder, self._prefix(namespace), name, namespace)]
            insert(holder, found[0])
        for key, value in attributes.items():
            found[0].attributes.setdefault(key, value)
        return found[0]

    def set(self, owner: Element, name: str, attributes: dict[str, str], namespace: str = ZEEBE) -> Element:
        """As `put`, but the new attributes win."""
        element = self.put(owner, name, {}, namespace)
        element.attributes.update(attributes)
        return element

    def has(self, owner: Element, name: str, namespace: str = ZEEBE) -> bool:
        """Whether an element has that extension."""
        holder = owner.child("extensionElements")
        return holder is not None and bool(holder.of_name(namespace, name))

    def add(self, owner: Element, wrapper: str, name: str, attributes: dict[str, str]) -> Element:
        """Gives an element one more entry of a wrapped list."""
        holder = self.put(owner, wrapper, {})
        child = make(holder, self._prefix(ZEEBE), name, ZEEBE, attributes)
        insert(holder, child)
        return child

    def entry(self, owner: Element, wrapper: str, name: str, key: tuple[str, str]) -> bool:
        """Whether a wrapped list has an entry whose attribute is that value."""
        holder = owner.child("extensionElements")
        wrappers = holder.of_name(ZEEBE, wrapper) if holder is not None else []
        return any(e.attributes.get(key[0]) == key[1] for w in wrappers for e in w.of_name(ZEEBE, name))

    def header(self, owner: Element, key: str, value: str) -> None:
        """A header of the job; one that is there already stays."""
        if not self.entry(owner, "taskHeaders", "header", ("key", key)):
            self.add(owner, "taskHeaders", "header", {"key": key, "value": value})

    def input(self, owner: Element, source: str, target: str) -> None:
        """An input mapping."""
        self.add(owner, "ioMapping", "input", {"source": source, "target": target})

    def output(self, owner: Element, source: str, target: str) -> None:
        """An output mapping."""
        self.add(owner, "ioMapping", "output", {"source": source, "target": target})

    def attribute(self, owner: Element, name: str, value: str, namespace: str = ZEEBE) -> None:
        """An attribute of a namespace of ours on an element of the standard."""
        owner.attributes.setdefault(f"{self._prefix(namespace)}:{name}", value)

    def rename(self, element: Element, name: str) -> None:
        """Makes an element one of another kind."""
        prefix, colon, _ = element.tag.rpartition(":")
        element.tag = f"{prefix}{colon}{name}"
        element.name = name

    def discard(self, child: Element) -> None:
        """Takes an extension element out, and the `extensionElements` around it if nothing is left."""
        holder = child.parent
        remove(child)
        if holder is not None and holder.name == "extensionElements" and not holder.children:
            remove(holder)

    @property
    def is_native(self) -> bool:
        """Whether the document uses the native namespace by now."""
        return ZEEBE in self._prefixes or self.document.root.prefixes.declares(ZEEBE)

    def _extensions(self, owner: Element) -> Element:
        found = owner.child("extensionElements")
        if found is None:
            prefix = owner.tag.rpartition(":")[0]
            found = make(owner, prefix, "extensionElements", BPMN)
            # The schema wants documentation first, then extensions.
            places = [number for number, child in enumerate(owner.children) if _is_documentation(child)]
            insert(owner, found, places[-1] + 1 if places else 0)
        return found

    def _prefix(self, namespace: str) -> str:
        known = self._prefixes.get(namespace)
        if known is not None:
            return known
        root = self.document.root
        for name, value in root.attributes.items():
            if value == namespace and name.startswith("xmlns:"):
                self._prefixes[namespace] = name[6:]
                return name[6:]
        prefix = _PREFIX[namespace]
        while root.prefixes.namespace(prefix) is not None:
            prefix += "1"
        root.attributes[f"xmlns:{prefix}"] = namespace
        declare(root, prefix, namespace)
        self._prefixes[namespace] = prefix
        return prefix


def declare(root: Element, prefix: str, namespace: str) -> None:
    """Makes a prefix known to the root and to all that shares its declarations."""
    old = root.prefixes
    new = Prefixes({prefix: namespace}, old)
    for element in root.walk():
        if element.prefixes is old:
            element.prefixes = new


def place_of(element: Element, loop_counter_from: int) -> Place:
    """Where an expression of an element stands."""
    owner = owner_of(element)
    return Place(owner.attributes.get("id", ""), owner.attributes.get("name", ""), loop_counter_from)


def owner_of(element: Element) -> Element:
    """The flow node, process or flow that an element is a part of; itself if it is one."""
    found = element
    while found.parent is not None and found.name not in OWNERS:
        found = found.parent
    return found


def worst(first: Outcome, second: Outcome) -> Outcome:
    """The heavier of two outcomes."""
    return first if _WEIGHT[first] >= _WEIGHT[second] else second


def is_plain_name(text: str) -> bool:
    """Whether a mapping can write a variable of this name."""
    return _NAME.fullmatch(text) is not None


def _is_documentation(child: object) -> bool:
    return isinstance(child, Element) and child.name == "documentation" and child.namespace == BPMN


@final
class Step(msgspec.Struct, frozen=True):
    """One attribute or extension element that a row of a table is asked about.

    `label` is how the report writes it; `value` the attribute's text, or that of the element; `node` is None for an
    attribute.
    """

    work: Work
    element: Element
    name: str
    label: str
    value: str
    node: Element | None = None

    @property
    def owner(self) -> Element:
        """The flow node or process that it belongs to."""
        return owner_of(self.element)

    def tell(self, outcome: Outcome, target: str = "", note: str = "") -> None:
        """Writes the entry of this step."""
        at = self.element if self.node is None else self.node
        value = self.value
        if self.node is not None and not value:
            words = [f'{name}="{text}"' for name, text in self.node.attributes.items()]
            value = " ".join([*words, *(each.text.strip() for each in self.node.walk())])
        self.work.tell(at, self.label, value, outcome, target=target, note=note)

    def told(self, done: Translation, target: str, note: str = "", outcome: Outcome = "mapped") -> bool:
        """Writes the entry of a translated expression; whether there is one."""
        notes = "; ".join(part for part in (note, done.note) if part)
        self.tell(worst(done.outcome, outcome), target, notes)
        return done.feel is not None

    def feel(self, text: str) -> Translation:
        """A text of this element in FEEL."""
        return self.work.feel(text, self.element)


Action: TypeAlias = Callable[[Step], bool]
"""Writes what a step becomes, and its entry. Whether the original goes: what needs work stays where it was."""


@final
class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a dialect's table: what becomes of an attribute (`@name`) or an extension element (`name`).

    `on` are the BPMN elements that the row is for, empty for any. A row without an `action` has an `outcome`, and
    `says` is its note. `target` and `says` are shown in the reference, too.
    """

    name: str
    action: Action | None = None
    outcome: Outcome = "mapped"
    on: frozenset[str] = frozenset()
    target: str = ""
    says: str = ""

    def apply(self, step: Step) -> bool:
        """Does what the row says; whether the original goes: what needs work stays where it was."""
        if self.action is not None:
            return self.action(step)
        step.tell(self.outcome, "", self.says)
        return self.outcome != "needs-work"
