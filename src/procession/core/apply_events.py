"""The rows of `apply` for facts of joins, conditions and events with several definitions, and what others share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

from procession.base.values import Json
from procession.core import facts as f
from procession.core.state import Condition, ElementInstance, State
from procession.ir.kinds import Kind
from procession.ir.program import Program

Apply: TypeAlias = Callable[[Program, State, Any], None]

LATE_JOINS: Final = (Kind.INCLUSIVE_GATEWAY, Kind.COMPLEX_GATEWAY)
"""Joins that may have to wait until nothing else can move."""


def tokens_merged(program: Program, state: State, fact: f.TokensMerged | f.GatewayActivated | f.GatewayReset) -> None:
    scope = state.elements[fact.scope]
    arrived = scope.arrived
    assert arrived is not None
    scope.tokens -= len(fact.flows)
    for flow in fact.flows:
        arrived[flow] -= 1
        if not arrived[flow]:
            del arrived[flow]
    node = program.nodes[fact.node]
    if node.kind in LATE_JOINS and not any(flow in arrived for flow in node.incoming):
        state.joins.pop((fact.scope, fact.node), None)


def _activated(program: Program, state: State, fact: f.GatewayActivated) -> None:
    tokens_merged(program, state, fact)
    scope = state.elements[fact.scope]
    if len(fact.flows) < len(program.nodes[fact.node].incoming):
        scope.gates = {**(scope.gates or {}), fact.node: fact.flows}
        state.joins[fact.scope, fact.node] = None


def _reset(program: Program, state: State, fact: f.GatewayReset) -> None:
    scope = state.elements[fact.scope]
    assert scope.gates is not None
    del scope.gates[fact.node]
    state.joins.pop((fact.scope, fact.node), None)
    if fact.flows:
        tokens_merged(program, state, fact)
    if any(flow in (scope.arrived or {}) for flow in program.nodes[fact.node].incoming):
        state.joins[fact.scope, fact.node] = None


def _condition_opened(program: Program, state: State, fact: f.ConditionOpened) -> None:
    state.conditions[fact.condition] = Condition(fact.condition, fact.element, fact.node, names=fact.names)
    watch(state, state.conditions[fact.condition])
    wait(state, fact.element, fact.condition)


def _condition_changed(program: Program, state: State, fact: f.ConditionChanged) -> None:
    state.conditions[fact.condition].value = fact.value


def watch(state: State, condition: Condition) -> None:
    """Notes which variables a condition depends on."""
    for name in condition.names or ("",):
        state.watchers.setdefault(name, {})[condition.key] = None


def unwatch(state: State, key: int) -> Condition | None:
    condition = state.conditions.pop(key, None)
    if condition is not None:
        for name in condition.names or ("",):
            state.watchers[name].pop(key)
            if not state.watchers[name]:
                del state.watchers[name]
    return condition


def _trigger_happened(program: Program, state: State, fact: f.TriggerHappened) -> None:
    element = state.elements[fact.element]
    event = program.nodes[fact.node].attached
    happened = element.happened or {}
    element.happened = {**happened, event: {**happened.get(event, {}), fact.node: cast("Json", fact.variables)}}


def _triggers_complete(program: Program, state: State, fact: f.TriggersComplete) -> None:
    element = state.elements[fact.element]
    assert element.happened is not None
    del element.happened[fact.event]


def wait(state: State, element: int, key: int) -> ElementInstance:
    owner = state.elements[element]
    if owner.waits is None:
        owner.waits = {}
    owner.waits[key] = None
    state.last_key = max(state.last_key, key)
    return owner


EVENTS: Final[dict[type[Any], Apply]] = {
    f.ConditionOpened: _condition_opened,
    f.ConditionChanged: _condition_changed,
    f.TriggerHappened: _trigger_happened,
    f.TriggersComplete: _triggers_complete,
    f.GatewayActivated: _activated,
    f.GatewayReset: _reset,
}
