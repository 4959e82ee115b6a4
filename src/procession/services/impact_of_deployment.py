"""The impact of a deployment: documents are compiled against a store, and nothing of them is deployed.

An instance goes on with its own version: it is touched where it would be otherwise once it is migrated, and, without
any migration, where it calls what is bound to the latest version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias, final

from procession.base.failure import NotFound
from procession.core.mapping import default_plan
from procession.core.migration import intended
from procession.core.state import ElementInstance, State
from procession.ir.kinds import Binding
from procession.ir.program import NONE, Node, Program, Ref, Text, hash_of, to_bytes
from procession.services.alterations import alterations, text_of
from procession.services.deploy import Compiled
from procession.services.impact import Found, Look, Reason, What, way
from procession.services.reach import Reach
from procession.services.reading import Reader

Bound: TypeAlias = tuple[Text, Binding]
"""What an element calls, by id, and how the version is chosen."""


def _process(node: Node) -> Bound | None:
    return (node.call.process, node.call.binding) if node.call is not None else None


def _decision(node: Node) -> Bound | None:
    return (node.decision.decision, node.decision.binding) if node.decision is not None else None


def _form(node: Node) -> Bound | None:
    return (Text(node.task.form_id), node.task.form_binding) if node.task is not None and node.task.form_id else None


_BOUND: Final[tuple[tuple[What, str, Callable[[Node], Bound | None]], ...]] = (
    ("calls-latest", "process", _process),
    ("decides-latest", "decision", _decision),
    ("form-latest", "form", _form),
)
"""What a node may bind to the latest version, by the word for it."""


@final
class OfDeployment:
    """Which instances a deployment touches."""

    def __init__(self, reader: Reader, compiled: Compiled) -> None:
        self._reader = reader
        self._compiled = compiled
        self._programs = {draft.program.process_id: draft.program for draft in compiled.processes}
        self._new: dict[str, Mapping[str, Mapping[str, int]]] = {}

    def look(self, tenant: str, process_id: str, program: Program, reach: Reach) -> Look | None:
        """See `Question.look`."""
        new = self._programs.get(process_id) if self._versions(tenant)["process"].get(process_id) else None
        changed = alterations(program, new) if new is not None else {}
        bound = {node.index: found for node in program.nodes if (found := list(self._bound(tenant, program, node)))}
        if not changed and not bound:
            return None
        return _Look(program, reach, new, changed, bound).found

    def _bound(self, tenant: str, program: Program, node: Node) -> Iterator[tuple[What, str]]:
        for what, kind, of in _BOUND:
            found = of(node)
            versions = self._versions(tenant)[kind]
            if found is None or found[1] is not Binding.LATEST or not versions:
                continue
            if found[0].expression != NONE:
                yield what, f"the {kind} is computed ({text_of(program, found[0])}), and may be one of {_all(versions)}"
            elif found[0].literal in versions:
                yield what, f"{kind} {found[0].literal}, the latest: from then on version {versions[found[0].literal]}"

    def _versions(self, tenant: str) -> Mapping[str, Mapping[str, int]]:
        """The version that each thing would have which the deployment makes anew, by kind and id."""
        found = self._new.get(tenant)
        if found is None:
            found = self._new[tenant] = _made(self._reader, tenant, self._compiled)
        return found


def _made(reader: Reader, tenant: str, compiled: Compiled) -> Mapping[str, Mapping[str, int]]:
    catalog = reader.views.catalog
    number = reader.views.tenant_number(tenant)
    made: dict[str, dict[str, int]] = {"process": {}, "decision": {}, "form": {}}
    for draft in compiled.processes:
        try:
            process = catalog.latest(number, draft.program.process_id)
        except NotFound:
            made["process"][draft.program.process_id] = 1
            continue
        if process.program != hash_of(to_bytes(draft.program)):
            made["process"][draft.program.process_id] = process.version + 1
    for decided in compiled.decisions:
        try:
            decision = catalog.decision(number, decided.id, Binding.LATEST, "", 0)
        except NotFound:
            made["decision"][decided.id] = 1
            continue
        if decision.hash != decided.hash:
            made["decision"][decided.id] = decision.version + 1
    for drawn in compiled.forms:
        try:
            form = catalog.form(number, drawn.id, Binding.LATEST, "", 0)
        except NotFound:
            made["form"][drawn.id] = 1
            continue
        if form.digest != drawn.digest:
            made["form"][drawn.id] = form.version + 1
    return made


@final
class _Look:
    """At the instances of one program. `changed` is said by element, `bound` by node."""

    def __init__(
        self,
        program: Program,
        reach: Reach,
        new: Program | None,
        changed: Mapping[str, str],
        bound: Mapping[Ref, list[tuple[What, str]]],
    ) -> None:
        self._program = program
        self._reach = reach
        self._new = new
        self._changed = changed
        self._bound = bound
        self._plan = default_plan(program, new) if new is not None else None

    def found(self, state: State) -> Found:
        """Why an instance is touched, and whether it could be migrated."""
        ahead = self._reach.ahead(state)
        changes = list(dict.fromkeys(self._changes(state, ahead)))
        reasons = [*changes, *dict.fromkeys(self._calls(state, ahead))]
        if not changes or self._plan is None or self._new is None:
            return Found(reasons)
        problems = intended(self._program, self._new, state, self._plan).problems
        return Found(reasons, "impossible" if problems else "possible", problems)

    def _changes(self, state: State, ahead: frozenset[Ref]) -> Iterator[Reason]:
        nodes = self._program.nodes
        here = {nodes[element.node].id for element in state.elements.values()}
        for id in self._changed:
            if id in here:
                yield Reason("changed-here", id, f"it stands here, and this {self._changed[id]}")
        for node in sorted(ahead):
            said = self._changed.get(nodes[node].id)
            if said is not None and nodes[node].id not in here:
                text = f"this {said}, and {way(state, self._program, self._reach, node)}"
                yield Reason("changed-ahead", nodes[node].id, text)

    def _calls(self, state: State, ahead: frozenset[Ref]) -> Iterator[Reason]:
        for node, found in self._bound.items():
            id = self._program.nodes[node].id
            standing = [each for each in state.elements.values() if each.node == node]
            for what, said in found:
                if any(_open(what, each) for each in standing):
                    yield Reason(what, id, f"{said}, without a migration; it stands here")
                elif node in ahead:
                    yield Reason(
                        what, id, f"{said}, without a migration; {way(state, self._program, self._reach, node)}"
                    )


def _open(what: What, element: ElementInstance) -> bool:
    """Whether an active element does not know yet which version it means; a form is looked up when it is shown."""
    return element.is_open_task if what == "form-latest" else element.definition is None


def _all(versions: Mapping[str, int]) -> str:
    return ", ".join(sorted(versions))
