"""Modification: an instance is changed by hand (docs/design/0010). Everything is checked before the first fact.

Variables first, then terminations, tokens taken, activations, tokens put. What must not live here: how an element ends
(interrupt.py), and how it is entered (tokens.py, contents.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, cast, final

import msgspec

from procession.base.values import Json
from procession.core import events as e
from procession.core import facts as f
from procession.core import instructions as i
from procession.core import operations as op
from procession.core.catches import open_all, plan
from procession.core.contents import enter_contents
from procession.core.context import Context, Rejected
from procession.core.interrupt import cancel, interrupt, interrupt_inside
from procession.core.state import ElementInstance, Stage
from procession.core.tokens import close_wait
from procession.core.variables import merge
from procession.ir.kinds import Kind
from procession.ir.program import Node, NoneTrigger, Ref

INSTRUCTIONS_MAX: Final = 1_000
"""Most instructions of one modification."""
ACTIVATIONS_MAX: Final = 10_000
"""Most element instances that one modification begins: a move begins one for each that it ends."""

_MADE: Final = (Kind.SUB_PROCESS, Kind.EVENT_SUB_PROCESS, Kind.TRANSACTION)
"""Scopes that are made when something inside them is activated."""
_BODIES: Final = (Kind.MULTI_INSTANCE, Kind.LOOP)
_REFUSED: Final = {
    Kind.PROCESS: "it is the process itself: restart the instance",
    Kind.BOUNDARY_EVENT: "a boundary event happens to its activity: activate what follows it",
    Kind.EVENT_SUB_PROCESS: "an event sub-process begins with its event: activate an element inside it",
}
"""Why some kinds of elements are not activated by hand."""


def modify(cx: Context, event: e.Modify) -> None:
    """Changes the instance, or rejects the whole list."""
    work = _Work(cx, event.instructions)
    cx.write(f.InstanceModified([_told(each) for each in event.instructions]))
    for element, variables in work.sets:
        for name, value in variables.items():
            cx.write(f.VariableSet(element.key, name, value))
    for element in work.ended:
        scope = element.scope
        assert scope is not None
        interrupt(cx, element, (op.ABANDON, scope.key))
    for flow, scope in work.taken:
        cx.write(f.TokenTaken(flow, scope.key))
        cx.agenda.append((op.ABANDON, scope.key))
    for key, contents in work.contents.items():
        enter_contents(cx, key, contents)
    flows = cx.linked.flows
    for flow, scope in work.put:
        cx.write(f.FlowTaken(flow, scope.key))
        cx.agenda.append((op.ENTER, scope.key, flows[flow].target, 1))


def restart(cx: Context, event: e.Restart) -> None:
    """Ends all inside the process and begins at the chosen elements, under the next epoch."""
    state = cx.state
    root = state.root
    assert root is not None
    contents = beginnings(cx.nodes, event.begin)
    if not contents:
        raise Rejected("conflict", "a restart needs at least one element to begin at")
    if root.stage is not Stage.ACTIVE:
        raise Rejected("conflict", "the instance is being ended")
    cx.write(f.InstanceRestarted(state.instance, state.epoch + 1, [each.element for each in event.begin]))
    merge(cx, root, event.variables)
    for wait in list(root.waits or ()):
        close_wait(cx, wait)
        cx.write(f.WaitClosed(wait))
    if root.held is not None:
        cx.write(f.TransitionHeld(root.key, None))
    interrupt_inside(cx, root, (op.BEGIN, root.key, contents))


def begin_anew(cx: Context, root_key: int, contents: Json) -> None:
    """The process was emptied: its event sub-processes are opened again, and the chosen elements begin."""
    root = cx.element(root_key)
    open_all(cx, plan(cx, root, cx.node_of(root)))
    enter_contents(cx, root_key, cast("list[Json]", contents))


def beginnings(nodes: tuple[Node, ...], begin: Sequence[i.Activate]) -> list[Json]:
    """Contents of the process for elements to begin at; `Rejected` for one that cannot be begun."""
    if not begin:
        return []
    ids = _ids(nodes)
    tree = _Tree()
    for each in begin:
        node = _activatable(nodes, ids, each.element)
        path: list[Ref] = []
        scope = node.scope
        while scope:
            _makeable(nodes, node, scope)
            path.insert(0, scope)
            scope = nodes[scope].scope
        tree.add(0, path, [node.index, each.variables, []], shared=True)
    return tree.contents.get(0, [])


def abandon(cx: Context, scope_key: int) -> None:
    """A modification took something out of a scope: if nothing is left, it ends, and so does one around it."""
    scope = cx.state.elements.get(scope_key)
    if scope is None or scope.children or scope.tokens or scope.gates or scope.stage is not Stage.ACTIVE:
        return
    if scope.held is not None:
        return
    if any(wait in cx.state.incidents for wait in scope.waits or ()):
        return
    if scope.activations is not None:
        # It may wait for somebody to choose again.
        cx.agenda.append((op.GO_ON, scope.key))
    elif scope.scope is None:
        cancel(cx, "a modification took the last of it")
    else:
        interrupt(cx, scope, (op.ABANDON, scope.scope.key))


@final
class _Tree:
    """Contents by the scope that they begin in. Activations that need the same new scopes share them."""

    __slots__ = ("_shared", "contents")

    def __init__(self) -> None:
        self.contents: dict[int, list[Json]] = {}
        self._shared: dict[tuple[int, ...], list[Json]] = {}

    def add(self, scope: int, path: Sequence[Ref], content: list[Json], *, shared: bool) -> None:
        inside = self.contents.setdefault(scope, [])
        for depth, node in enumerate(path):
            place = (scope, *path[: depth + 1])
            found = self._shared.get(place) if shared else None
            if found is None:
                found = []
                inside.append([node, {}, found])
                if shared:
                    self._shared[place] = found
            inside = found
        inside.append(content)


@final
class _Work:
    """What a list of instructions means for one state. Making it raises `Rejected`; nothing is written."""

    def __init__(self, cx: Context, instructions: Sequence[i.Instruction]) -> None:
        if not 0 < len(instructions) <= INSTRUCTIONS_MAX:
            raise Rejected("conflict", f"a modification has 1 to {INSTRUCTIONS_MAX} instructions")
        self._nodes = cx.nodes
        self._state = cx.state
        self._flows = cx.linked.flows
        self._ids = _ids(cx.nodes)
        self._active: dict[Ref, list[ElementInstance]] = {}
        for element in cx.state.elements.values():
            self._active.setdefault(element.node, []).append(element)
        self.sets: list[tuple[ElementInstance, dict[str, Json]]] = []
        self.taken: list[tuple[Ref, ElementInstance]] = []
        self.put: list[tuple[Ref, ElementInstance]] = []
        self._tree = _Tree()
        self._doomed: set[int] = set()
        moves = [(each, self._sources(each)) for each in instructions if isinstance(each, i.Move | i.Terminate)]
        self.ended = self._outermost([element for _, found in moves for element in found])
        for each in instructions:
            self._read(each)
        for move, sources in moves:
            if isinstance(move, i.Move):
                self._move(move, sources)
        self.contents = self._tree.contents
        if sum(map(len, self.contents.values())) > ACTIVATIONS_MAX:
            raise Rejected("conflict", f"a modification begins at most {ACTIVATIONS_MAX} element instances")
        self._keep_called(cx)

    def _read(self, each: i.Instruction) -> None:
        match each:
            case i.Activate():
                self._activate(each)
            case i.SetLocal():
                found = self._named(each.element, each.key) if each.element or each.key else [self._root()]
                if len(found) > 1:
                    raise Rejected("conflict", f"{len(found)} instances of {each.element!r} are active: name one")
                self.sets.append((found[0], each.variables))
            case i.PutToken():
                self.put.append(self._flow(each.flow, each.ancestor))
            case i.TakeToken():
                flow, scope = self._flow(each.flow, each.ancestor)
                taken = sum(1 for place in self.taken if place == (flow, scope))
                if (scope.arrived or {}).get(flow, 0) <= taken:
                    raise Rejected("not-found", f"no token waits at a join on the flow {each.flow!r}")
                self.taken.append((flow, scope))
            case i.Move() | i.Terminate():
                pass

    # --- what ends

    def _sources(self, each: i.Move | i.Terminate) -> list[ElementInstance]:
        found = self._named(each.source if isinstance(each, i.Move) else each.element, each.key)
        for element in found:
            if element.scope is None:
                raise Rejected("conflict", "the process itself is not terminated by hand: cancel the instance")
            if element.stage is Stage.TERMINATING:
                raise Rejected("conflict", f"element instance {element.key} is being ended already")
            if element.undoing is not None:
                raise Rejected("conflict", f"element instance {element.key} has something undone; wait for that")
        return found

    def _outermost(self, elements: list[ElementInstance]) -> list[ElementInstance]:
        keys = {element.key for element in elements}
        top = {e.key: e for e in elements if not any(around.key in keys for around in _around(e))}
        stack = list(top.values())
        while stack:
            element = stack.pop()
            self._doomed.add(element.key)
            stack.extend((element.children or {}).values())
        return list(top.values())

    def _named(self, id: str, key: int) -> list[ElementInstance]:
        if key:
            element = self._state.elements.get(key)
            if element is None or (id and self._nodes[element.node].id != id):
                raise Rejected("not-found", f"element instance {key} is not active" + (f" at {id!r}" if id else ""))
            return [element]
        node = self._ids.get(id)
        if node is None:
            raise Rejected("not-found", f"the process has no element {id!r}")
        found = self._active.get(node, [])
        if not found:
            raise Rejected("not-found", f"no instance of element {id!r} is active")
        return found

    def _root(self) -> ElementInstance:
        root = self._state.root
        assert root is not None
        return root

    # --- what begins

    def _activate(self, each: i.Activate) -> None:
        node = _activatable(self._nodes, self._ids, each.element)
        content: list[Json] = [node.index, each.variables, []]
        if not each.ancestor:
            scope, path = self._scope(node, None)
            self._tree.add(scope.key, path, content, shared=True)
            return
        ancestor = self._state.elements.get(each.ancestor)
        if ancestor is None or ancestor.key in self._doomed or ancestor.stage is not Stage.ACTIVE:
            raise Rejected("not-found", f"element instance {each.ancestor} is not active, or is being ended")
        below: list[Ref] = []
        scope_node = node.scope
        while scope_node != ancestor.node:
            if scope_node < 0:
                raise Rejected("conflict", f"element instance {each.ancestor} is no scope around {each.element!r}")
            _makeable(self._nodes, node, scope_node)
            below.insert(0, scope_node)
            scope_node = self._nodes[scope_node].scope
        self._tree.add(ancestor.key, below, content, shared=False)

    def _move(self, move: i.Move, sources: list[ElementInstance]) -> None:
        node = _activatable(self._nodes, self._ids, move.target)
        scopes = _scopes(self._nodes, node)
        for source in sources:
            within = next(around for around in _around(source) if around.node in scopes)
            if within.key in self._doomed:
                raise Rejected("conflict", f"the scope in which {move.target!r} would begin is being ended")
            scope, path = self._scope(node, within)
            self._tree.add(scope.key, path, [node.index, move.variables, []], shared=True)

    def _scope(self, node: Node, within: ElementInstance | None) -> tuple[ElementInstance, list[Ref]]:
        """The active scope in which a node begins, and the scopes to be made in it."""
        path: list[Ref] = []
        for scope_node in _scopes(self._nodes, node):
            found = [e for e in self._active.get(scope_node, []) if self._goes_on(e, within)]
            if len(found) > 1:
                text = f"{len(found)} instances of {self._nodes[scope_node].id!r} are active: name the ancestor"
                raise Rejected("conflict", f"element {node.id!r} cannot be activated: {text}")
            if found:
                return found[0], path
            _makeable(self._nodes, node, scope_node)
            path.insert(0, scope_node)
        raise Rejected("conflict", "the instance is being ended")

    def _goes_on(self, element: ElementInstance, within: ElementInstance | None) -> bool:
        if element.key in self._doomed or element.stage is not Stage.ACTIVE:
            return False
        return within is None or element is within or any(around is within for around in _around(element))

    def _flow(self, id: str, ancestor: int) -> tuple[Ref, ElementInstance]:
        flow = next((each for each in self._flows if each.id == id), None)
        if flow is None:
            raise Rejected("not-found", f"the process has no sequence flow {id!r}")
        if self._nodes[flow.source].kind is Kind.EVENT_BASED_GATEWAY:
            raise Rejected("conflict", f"the flow {id!r} leads to what an event-based gateway waits for")
        scope_node = self._nodes[flow.target].scope
        found = [e for e in self._active.get(scope_node, []) if self._goes_on(e, None)]
        found = [e for e in found if not ancestor or ancestor in (e.key, *(around.key for around in _around(e)))]
        if len(found) != 1:
            text = f"{len(found)} instances of its scope {self._nodes[scope_node].id!r} are active"
            raise Rejected("conflict", f"the flow {id!r} is not to be found: {text}")
        return flow.index, found[0]

    # --- what is left

    def _keep_called(self, cx: Context) -> None:
        """A called instance must not be emptied: its caller would be told that it was cancelled."""
        root = self._root()
        if not cx.state.parent_instance or not (self.ended or self.taken):
            return
        taken = [scope for _, scope in self.taken]
        put = {scope.key for _, scope in self.put}

        def left(scope: ElementInstance) -> bool:
            if scope.key in self.contents or scope.key in put or scope.tokens > taken.count(scope):
                return True
            children = [child for child in (scope.children or {}).values() if child.key not in self._doomed]
            return any((not child.children and not child.tokens) or left(child) for child in children)

        if not left(root):
            raise Rejected(
                "conflict", "nothing would be left of a called instance: cancel it, or its caller's activity"
            )


def _told(instruction: i.Instruction) -> Json:
    return cast("Json", msgspec.to_builtins(instruction, builtin_types=(Decimal,)))


def _ids(nodes: tuple[Node, ...]) -> dict[str, Ref]:
    """Numbers by id; a multi-instance body comes before the activity that it repeats."""
    found: dict[str, Ref] = {}
    for node in nodes:
        found.setdefault(node.id, node.index)
    return found


def _around(element: ElementInstance) -> list[ElementInstance]:
    found: list[ElementInstance] = []
    scope = element.scope
    while scope is not None:
        found.append(scope)
        scope = scope.scope
    return found


def _scopes(nodes: tuple[Node, ...], node: Node) -> list[Ref]:
    """The scopes around a node, from the inside out."""
    found: list[Ref] = []
    while node.scope >= 0:
        found.append(node.scope)
        node = nodes[node.scope]
    return found


def _activatable(nodes: tuple[Node, ...], ids: dict[str, Ref], id: str) -> Node:
    """The node of an id; `Rejected` with the reason for one that is not activated by hand."""
    index = ids.get(id)
    if index is None:
        raise Rejected("not-found", f"the process has no element {id!r}")
    node = nodes[index]
    why = _REFUSED.get(node.kind, "")
    scope = nodes[node.scope] if node.scope >= 0 else node
    if node.kind is Kind.START_EVENT and (
        not isinstance(node.trigger, NoneTrigger) or node.parts or scope.kind is Kind.EVENT_SUB_PROCESS
    ):
        why = "a start event with a trigger happens from outside: activate what follows it"
    elif any(
        node.index in (caught, nodes[caught].attached)
        for each in nodes
        if each.kind is Kind.EVENT_BASED_GATEWAY
        for caught in each.catches
    ):
        why = "an event-based gateway waits for it: activate the gateway, or what follows the event"
    if why:
        raise Rejected("conflict", f"element {id!r} cannot be activated: {why}")
    return node


def _makeable(nodes: tuple[Node, ...], node: Node, scope: Ref) -> None:
    """`Rejected` for a scope that cannot be made for what is inside it."""
    around = nodes[scope]
    if around.kind not in _MADE or nodes[around.scope].kind in _BODIES:
        raise Rejected(
            "conflict",
            f"element {node.id!r} cannot be activated: its scope {around.id!r} is not active, and would not be made "
            "by hand; activate that instead",
        )
