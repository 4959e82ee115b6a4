"""Apply, of the facts of compensation, transactions and ad-hoc sub-processes; `core.apply` says what holds here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from procession.base.values import Json
from procession.core import facts as f
from procession.core.state import Activations, Completion, ElementInstance, Extras, Stage, State, Undoing
from procession.ir.kinds import Kind
from procession.ir.program import Program

SNAPSHOTS: Final = (Kind.SUB_PROCESS, Kind.EVENT_SUB_PROCESS, Kind.TRANSACTION, Kind.AD_HOC_SUB_PROCESS)
"""Scopes whose variables a handler sees as they were at the end; of tasks, only instances of a loop have any."""


def _completion_kept(program: Program, state: State, fact: f.CompletionKept) -> None:
    element = state.elements[fact.element]
    scope = element.scope
    assert scope is not None
    kept = _extras(scope).completions
    node = program.nodes[element.node]
    inside = element.completions
    if node.kind in {Kind.MULTI_INSTANCE, Kind.LOOP}:
        kept.update(inside)
    elif node.kind is Kind.AD_HOC_ACTIVATION:
        for completion in inside.values():
            completion.variables = {**(element.variables or {}), **(completion.variables or {})}
        kept.update(inside)
    else:
        snapshot = element.variables if node.kind in SNAPSHOTS or element.index else None
        kept[element.key] = Completion(element.node, snapshot, inside)


def _extras(element: ElementInstance) -> Extras:
    if element.extras is None:
        element.extras = Extras()
    return element.extras


def _child(state: State, key: int, node: int, scope: ElementInstance) -> ElementInstance:
    element = ElementInstance(key, node, scope)
    if scope.children is None:
        scope.children = {}
    scope.children[key] = element
    state.elements[key] = element
    state.last_key = key
    return element


def _compensation_opened(program: Program, state: State, fact: f.CompensationOpened) -> None:
    _child(state, fact.element, fact.node, state.elements[fact.scope]).stage = Stage.COMPENSATING


def _compensation_started(program: Program, state: State, fact: f.CompensationStarted) -> None:
    _extras(state.elements[fact.element]).undoing = Undoing(list(fact.entries))
    for scope, key in fact.entries:
        if scope:
            state.elements[scope].completions[key].claimed = fact.element


def _compensation_entered(program: Program, state: State, fact: f.CompensationEntered) -> None:
    scope = state.elements[fact.scope]
    element = _child(state, fact.element, fact.node, scope)
    extras = _extras(element)
    extras.compensates = fact.coordinator
    undoing = state.elements[fact.coordinator].undoing
    assert undoing is not None
    undoing.entries.pop()
    undoing.handler = fact.element
    if not fact.completed:
        return
    completion = scope.completions.pop(fact.completed)
    element.variables = dict(completion.variables) if completion.variables is not None else None
    if completion.node == fact.node:
        element.stage = Stage.COMPENSATING
        extras.completions = completion.inside


def _transaction_cancelled(program: Program, state: State, fact: f.TransactionCancelled) -> None:
    state.elements[fact.element].stage = Stage.CANCELLED


def _activities_chosen(program: Program, state: State, fact: f.ActivitiesChosen) -> None:
    extras = _extras(state.elements[fact.element])
    if extras.activations is None:
        extras.activations = Activations()
    extras.activations.waiting.extend(fact.chosen)


def _activation_entered(program: Program, state: State, fact: f.ActivationEntered) -> None:
    scope = state.elements[fact.scope]
    activations = scope.activations
    assert activations is not None
    _, variables = cast("tuple[Json, dict[str, Json]]", activations.waiting.popleft())
    activations.started += 1
    element = _child(state, fact.element, fact.node, scope)
    element.variables = dict(variables)
    spec = program.nodes[scope.node].ad_hoc
    assert spec is not None
    _extras(element).keeps = not spec.automatic
    if spec.output_local:
        element.variables.setdefault(spec.output_local, None)


def _activations_closed(program: Program, state: State, fact: f.ActivationsClosed) -> None:
    activations = state.elements[fact.element].activations
    assert activations is not None
    activations.closed = True
    activations.waiting.clear()


def _output_appended(program: Program, state: State, fact: f.OutputAppended) -> None:
    variables = state.elements[fact.element].variables
    assert variables is not None
    before = variables.get(fact.name)
    # A new list: the old one may be the value of other variables too.
    variables[fact.name] = [*before, fact.value] if isinstance(before, list) else [fact.value]


SCOPES: Final[dict[type[Any], Callable[[Program, State, Any], None]]] = {
    f.CompletionKept: _completion_kept,
    f.CompensationOpened: _compensation_opened,
    f.CompensationStarted: _compensation_started,
    f.CompensationEntered: _compensation_entered,
    f.TransactionCancelled: _transaction_cancelled,
    f.ActivitiesChosen: _activities_chosen,
    f.ActivationEntered: _activation_entered,
    f.ActivationsClosed: _activations_closed,
    f.OutputAppended: _output_appended,
}
