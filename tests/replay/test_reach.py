"""What an instance may still come to: never less than it does. Held against what every kind of instance did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from procession.core import facts as f
from procession.core.apply import apply_step
from procession.core.facts import AnyFact
from procession.core.linked import Linked, handlers_of
from procession.core.state import State, Status
from procession.runtime.elsewhere import Step
from procession.services.impact import OfJobs
from procession.services.reach import Reach
from replay.golden import FILES, facts_of, golden

ENTERED: Final = (f.ElementEntered, f.ItemEntered, f.CompensationEntered, f.ActivationEntered)
BY_HAND: Final = (f.InstanceModified, f.InstanceRestarted, f.InstanceMigrated)
"""From here on an instance goes where somebody puts it."""


def runs(path: Path) -> Iterator[tuple[str, Linked, list[tuple[Step, list[AnyFact]]]]]:
    """Each instance of a file from its start to its end, or to where somebody changed it by hand."""
    library, histories = golden(path)
    for kept in histories:
        for instance, steps in (kept.facts or {}).items():
            if not steps or steps[0].seq != 1:
                continue
            told = [(step, facts_of(step)) for step in steps]
            by_hand = next((n for n, (_, facts) in enumerate(told) if any(isinstance(x, BY_HAND) for x in facts)), None)
            first = told[0][1][0]
            assert isinstance(first, f.InstanceStarted)
            yield f"{kept.name}/{instance}", library.linked("", first.program), told[:by_hand]


def states(linked: Linked, told: list[tuple[Step, list[AnyFact]]]) -> Iterator[State]:
    """The state behind each step: one and the same, which is looked at in between."""
    state = State()
    for step, facts in told:
        apply_step(linked.program, state, facts, step.at, lambda hash: linked.program)
        yield state


def entered(linked: Linked, facts: list[AnyFact]) -> set[int]:
    """Not a scope that is opened again, so that what was done in it is undone."""
    handlers = {*linked_handlers(linked)}
    return {
        fact.node
        for fact in facts
        if isinstance(fact, ENTERED) and (not isinstance(fact, f.CompensationEntered) or fact.node in handlers)
    }


def linked_handlers(linked: Linked) -> Iterator[int]:
    handlers, starts = handlers_of(linked.program)
    yield from handlers.values()
    yield from (linked.nodes[start].scope for start in starts.values())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".json.zst"))
def test_what_an_instance_enters_and_what_jobs_it_makes_later_was_told_before(path: Path) -> None:
    missed: list[str] = []
    for name, linked, told in runs(path):
        reach = Reach(linked.program)
        nodes: dict[int, int] = {}
        for _, facts in told:
            nodes |= {fact.element: fact.node for fact in facts if isinstance(fact, ENTERED)}
        for at, state in enumerate(states(linked, told), 1):
            if state.status is not Status.ACTIVE:
                break
            later = [fact for _, facts in told[at:] for fact in facts]
            for node in entered(linked, later) - reach.ahead(state):
                missed.append(f"{name} step {at}: {linked.nodes[node].id}")
            made = [fact for fact in later if isinstance(fact, f.JobCreated)]
            for type in {fact.type for fact in made}:
                look = OfJobs([type]).look("", "", linked.program, reach)
                said = {each.element for each in look(state).reasons} if look is not None else set[str]()
                ids = {linked.nodes[nodes[each.element]].id for each in made if each.type == type}
                missed += [f"{name} step {at}: {type} at {id}" for id in ids - said]
    assert missed == []
