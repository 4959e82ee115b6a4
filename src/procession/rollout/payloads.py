"""Payloads: what may have been brought along by whatever a step answers, as its facts show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, cast

from procession.base.values import Json
from procession.core import facts as f

TRIED_MAX: Final = 200
"""Variables of one step of which it is tried where those of the answer end."""

Variables = dict[str, Json]


def payloads(facts: Sequence[f.AnyFact]) -> Iterator[Variables]:
    """What an answer may have brought, the likeliest first: variables that a fact holds as a whole, those that were set
    one after the other from the first one on, none, and each shorter or longer beginning of all that was set."""
    yield from _held(facts)
    at = next((n for n, fact in enumerate(facts) if isinstance(fact, f.VariableSet)), len(facts))
    run: Variables = {}
    scope = 0
    for fact in facts[at:]:
        if not isinstance(fact, f.VariableSet) or (scope and fact.scope != scope):
            break
        scope = fact.scope
        run[fact.name] = fact.value
    yield run
    if run:
        yield {}
    sets = [fact for fact in facts if isinstance(fact, f.VariableSet)]
    for count in range(1, min(len(sets), TRIED_MAX) + 1):
        yield {fact.name: fact.value for fact in sets[:count]}


def _held(facts: Sequence[f.AnyFact]) -> Iterator[Variables]:
    for fact in facts:
        match fact:
            case f.TriggerHappened(variables=variables):
                yield variables
            case f.TransitionHeld(held=list() as held):
                yield from _contexts(held)
            case f.InterruptionHeld(then=list() as then):
                yield from _contexts(then)
            case f.IncidentRaised(operation=list() as operation):
                yield from _contexts(operation)
            case f.Yielded(agenda=agenda):
                for entry in agenda:
                    yield from _contexts(cast("list[Json]", entry))
            case _:
                pass


def _contexts(entry: list[Json]) -> Iterator[Variables]:
    yield from (each for each in entry if isinstance(each, dict))
