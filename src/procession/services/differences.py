"""What a deployment would change: each process and decision of documents against the latest version that is there.

Elements are compared as their XML says them, so that a reordered or reindented document is the same. Nothing is stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.base.failure import Unreadable
from procession.core.mapping import default_plan
from procession.core.plans import Proposal
from procession.ir.program import Program
from procession.model.xml import XmlElement
from procession.parse import read_xml
from procession.services.deploy import Compiled, DecisionDraft, Draft
from procession.services.deploy_forms import FormDraft
from procession.services.deployed import Which
from procession.services.reading import Reader

Change: TypeAlias = Literal["new", "changed", "same"]

_SILENT: Final = frozenset({"incoming", "outgoing", "flowNodeRef"})
"""Children that repeat what sequence flows and elements say."""
_Signature: TypeAlias = tuple[object, ...]


@final
class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What a document would make of a process or decision, `id`.

    `version` is the one that it would have, or has where it stays the same. `added`, `removed` and `changed` are ids of
    elements, against the latest version. `unmapped` are elements of that whose instances would have no place in the new
    version by a plan made of equal ids; `proposals` say which may have got another id.
    """

    id: str
    resource: str
    change: Change
    version: int
    added: list[str] = []
    removed: list[str] = []
    changed: list[str] = []
    unmapped: list[str] = []
    proposals: list[Proposal] = []


@final
class Differences(msgspec.Struct, frozen=True):
    """What a deployment would change."""

    processes: list[Difference]
    decisions: list[Difference]
    forms: list[Difference] = []


def differences(reader: Reader, tenant: str, compiled: Compiled) -> Differences:
    """Compiled documents against what is the latest of a tenant."""
    # By digest: two documents of one deployment may have the same name.
    digests = [*(each.digest for each in compiled.processes), *(each.digest for each in compiled.decisions)]
    trees = {digest: _tree(compiled, digest) for digest in digests}
    return Differences(
        [_process(reader, tenant, draft, trees[draft.digest]) for draft in compiled.processes],
        [_decision(reader, tenant, draft, trees[draft.digest]) for draft in compiled.decisions],
        [_form(reader, tenant, draft) for draft in compiled.forms],
    )


def _form(reader: Reader, tenant: str, draft: FormDraft) -> Difference:
    latest = reader.forms.forms(tenant, Which(draft.id, latest=True))
    if not latest:
        return Difference(id=draft.id, resource=draft.resource, change="new", version=1)
    same = latest[0].digest == draft.digest
    version = latest[0].version + (not same)
    return Difference(id=draft.id, resource=draft.resource, change="same" if same else "changed", version=version)


def _process(reader: Reader, tenant: str, draft: Draft, tree: XmlElement) -> Difference:
    process_id = draft.program.process_id
    latest = reader.deployed.latest(tenant, process_id)
    if latest is None:
        return Difference(id=process_id, resource=draft.resource, change="new", version=1, added=_ids(draft.program))
    if latest.digest == draft.digest:
        return Difference(id=process_id, resource=draft.resource, change="same", version=latest.version)
    there = reader.views.program(tenant, latest.program)
    known = {*_ids(there), *_ids(draft.program), process_id}
    old = dict(_elements(_read(reader.deployed.source(tenant, latest)), known, process_id))
    new = dict(_elements(tree, known, process_id))
    added, removed, changed = _compared(old, new)
    plan = default_plan(there, draft.program)
    return Difference(
        id=process_id,
        resource=draft.resource,
        change="changed",
        version=latest.version + 1,
        added=added,
        removed=removed,
        changed=changed,
        unmapped=[each for each in dict.fromkeys(node.id for node in there.nodes[1:]) if each not in plan.elements],
        proposals=list(plan.proposals),
    )


def _decision(reader: Reader, tenant: str, draft: DecisionDraft, tree: XmlElement) -> Difference:
    latest = reader.deployed.latest_decision(tenant, draft.id)
    if latest is None:
        return Difference(id=draft.id, resource=draft.resource, change="new", version=1)
    if latest.hash == draft.hash:
        return Difference(id=draft.id, resource=draft.resource, change="same", version=latest.version)
    before = _read(reader.deployed.source(tenant, latest))
    known = {each.attributes["id"] for root in (before, tree) for each in root.children if "id" in each.attributes}
    added, removed, changed = _compared(dict(_elements(before, known)), dict(_elements(tree, known)))
    return Difference(
        id=draft.id,
        resource=draft.resource,
        change="changed",
        version=latest.version + 1,
        added=added,
        removed=removed,
        changed=changed,
    )


def _ids(program: Program) -> list[str]:
    """Ids of the elements and flows of a program, each once; the process itself left out."""
    return list(dict.fromkeys([*(node.id for node in program.nodes[1:]), *(flow.id for flow in program.flows)]))


def _compared(old: dict[str, _Signature], new: dict[str, _Signature]) -> tuple[list[str], list[str], list[str]]:
    """What was added, removed and changed."""
    return (
        [each for each in new if each not in old],
        [each for each in old if each not in new],
        [each for each in new if each in old and old[each] != new[each]],
    )


def _tree(compiled: Compiled, digest: str) -> XmlElement:
    for _, data in compiled.resources:
        if hashlib.sha256(data).hexdigest() == digest:
            return _read(data)
    raise AssertionError("a draft comes from one of the documents")


def _read(data: bytes) -> XmlElement:
    tree, found = read_xml(data, "")
    if tree is None:
        raise Unreadable(f"a deployed document cannot be read any more: {found[0] if found else ''}")
    return tree


def _elements(root: XmlElement, known: set[str], inside: str = "") -> Iterator[tuple[str, _Signature]]:
    """(id, what its XML says) of elements that are known; only those `inside` the element with this id, "" for all."""
    waiting: list[tuple[XmlElement, bool]] = [(root, not inside)]
    while waiting:
        element, within = waiting.pop()
        id = element.attributes.get("id", "")
        within = within or id == inside
        if within and id in known:
            yield id, _signature(element, known)
        waiting.extend((child, within) for child in reversed(element.children))


def _signature(element: XmlElement, known: set[str]) -> _Signature:
    children = (child for child in element.children if child.attributes.get("id", "") not in known)
    return (
        element.namespace,
        element.name,
        tuple(sorted(element.attributes.items())),
        element.text.strip(),
        tuple(_signature(child, known) for child in _spoken(children)),
    )


def _spoken(children: Iterable[XmlElement]) -> Iterator[XmlElement]:
    return (child for child in children if child.name not in _SILENT)
