"""How far an instance is, element by element: what a picture of it shows, from its state and its facts.

Counting follows the facts, so it costs as much as the instance did. What must not live here: drawing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeAlias, final

import msgspec

from procession.base.failure import StoreError
from procession.core.facts import (
    AnyFact,
    CompensationEntered,
    ElementCompleted,
    ElementEntered,
    FlowTaken,
    InstanceMigrated,
    ItemEntered,
)
from procession.core.state import Condition, ElementInstance, Incident, Job, State, Subscription, Timer
from procession.ir.program import ConditionalTrigger, Program
from procession.model.bpmn import Definitions
from procession.parse import parse_bpmn
from procession.services.diagram.marks import Marks
from procession.services.histories import WarningView, first_hash, warnings_in
from procession.services.views import JobView, Views

_Wait: TypeAlias = Incident | Job | Timer | Subscription | Condition

JOBS_MAX: Final = 1_000
"""Jobs whose attempts are read."""
NOTES_MAX: Final = 5
"""Lines about one element; ten thousand items of a multi-instance must not fill a terminal."""


@final
class Progress(msgspec.Struct, frozen=True):
    """An instance on its model. `waits` are (element id, a line about what is waited for); `warnings` are what its
    expressions had to say."""

    definitions: Definitions
    process_id: str
    marks: Marks
    waits: list[tuple[str, str]]
    warnings: list[WarningView] = []


def progress_of(views: Views, tenant: str, instance: int) -> Progress:
    """Where an instance is, on the document that it was deployed with; raises `NotFound`."""
    info = views.instance(tenant, instance)
    loaded = views.load(tenant, instance)
    number = views.tenant(tenant)
    assert number is not None
    definition = views.catalog.version(number, info.process_id, info.version)
    document = views.source(tenant, definition.key)
    definitions, _ = parse_bpmn(document, info.process_id)
    if definitions is None:
        raise StoreError(f"the document of process {info.process_id!r} version {info.version} cannot be read any more")
    program = loaded.linked.program
    jobs = {job.key: job for job in views.jobs(tenant, instance=instance, limit=JOBS_MAX)}
    lines = waits(program, loaded.state, jobs)
    entries = views.history(tenant, instance)
    facts = [entry.fact for entry in entries]
    programs = partial(views.program, tenant)
    first = first_hash(facts) or loaded.state.program
    marks = progress(programs(first), loaded.state, facts, lines, programs=programs)
    return Progress(definitions, info.process_id, marks, lines, warnings_in(entries, first, programs))


def progress(
    program: Program,
    state: State,
    facts: Iterable[AnyFact],
    lines: Iterable[tuple[str, str]] = (),
    *,
    programs: Callable[[str], Program] | None = None,
) -> Marks:
    """Where tokens are (waiting at joins too), what was completed and taken how often; `lines` become notes.

    `program` is the one of the first fact; a migration goes on with another of `programs`. Of a repeated activity its
    repetitions are counted; of one that repeats nothing right now, the activity.
    """
    nodes: dict[int, int] = {}
    completed: dict[int, int] = {}
    taken: dict[str, int] = {}
    before: Counter[str] = Counter()
    for fact in facts:
        match fact:
            case ElementEntered() | ItemEntered():
                nodes[fact.element] = fact.node
            case CompensationEntered():
                # A completed scope that is opened again was counted when it completed.
                if nodes.get(fact.completed) != fact.node:
                    nodes[fact.element] = fact.node
            case ElementCompleted():
                node = nodes.get(fact.element)
                if node is not None:
                    completed[node] = completed.get(node, 0) + 1
            case FlowTaken():
                flow = program.flows[fact.flow].id
                taken[flow] = taken.get(flow, 0) + 1
            case InstanceMigrated():
                assert programs is not None, "facts with a migration need the programs that they name"
                before.update(_by_id(program, completed))
                completed = {}
                numbers = dict(fact.nodes)
                nodes = {element: numbers[node] for element, node in nodes.items() if node in numbers}
                program = programs(fact.program)
            case _:
                continue
    before.update(_by_id(program, completed))
    active: dict[int, int] = {}
    for element in state.elements.values():
        active[element.node] = active.get(element.node, 0) + (element is not state.root)
        for arrived, count in (element.arrived or {}).items():
            target = program.flows[arrived].target
            active[target] = active.get(target, 0) + count
    return Marks(
        active=_by_id(program, active),
        completed=dict(before),
        incidents=_incidents(program, state),
        taken=taken,
        notes=_notes(lines),
    )


def waits(program: Program, state: State, jobs: Mapping[int, JobView]) -> list[tuple[str, str]]:
    """What the instance waits for: (element id, a line about it), incidents first, otherwise by age.

    `jobs` by key tell of attempts, which are no part of the state.
    """
    others: list[_Wait] = [
        *state.jobs.values(),
        *state.timers.values(),
        *state.subscriptions.values(),
        *state.conditions.values(),
    ]
    open_waits: list[_Wait] = [*state.incidents.values(), *sorted(others, key=lambda wait: wait.key)]
    lines = [(_id(program, state.elements.get(wait.element), wait), _line(program, wait, jobs)) for wait in open_waits]
    for element in state.elements.values():
        if element.is_open_task:
            assignee = (element.attributes or {}).get("assignee")
            text = f"user task {element.key}{f' of {assignee}' if assignee else ''}"
            lines.append((program.nodes[element.node].id, text))
        held = element.held
        if element.key in state.awaiting and isinstance(held, list):
            names = ", ".join(str(name) for name in held[1:])
            lines.append((program.nodes[element.node].id, f"data {names}"))
        if element.child:
            lines.append((program.nodes[element.node].id, f"called instance {element.child}"))
    return lines


def _by_id(program: Program, counts: dict[int, int]) -> dict[str, int]:
    result: dict[str, int] = {}
    for node, count in counts.items():
        inner = program.nodes[node].inner
        # A repeated activity is a body and its repetitions, both under one id.
        if count and not (inner >= 0 and counts.get(inner)):
            result[program.nodes[node].id] = result.get(program.nodes[node].id, 0) + count
    return result


def _incidents(program: Program, state: State) -> dict[str, int]:
    counts: dict[str, int] = {}
    for incident in state.incidents.values():
        element = _id(program, state.elements.get(incident.element), incident)
        counts[element] = counts.get(element, 0) + 1
    return counts


def _notes(found_lines: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    lines: dict[str, list[str]] = {}
    for element, line in found_lines:
        lines.setdefault(element, []).append(line)
    return {
        element: (*found[:NOTES_MAX], f"and {len(found) - NOTES_MAX} more") if len(found) > NOTES_MAX else tuple(found)
        for element, found in lines.items()
    }


def _id(program: Program, element: ElementInstance | None, wait: _Wait) -> str:
    if isinstance(wait, Timer | Subscription | Condition):
        return program.nodes[wait.node].id
    return program.nodes[element.node].id if element is not None else program.process_id


def _line(program: Program, wait: _Wait, jobs: Mapping[int, JobView]) -> str:
    match wait:
        case Incident():
            return f"incident {wait.key} {wait.code}: {wait.message}"
        case Job():
            return f"job {wait.key} {wait.type}, {_attempts(wait, jobs.get(wait.key))}"
        case Timer():
            return f"timer {wait.key} due {_moment(wait.due)}"
        case Subscription():
            if wait.signal:
                return f"signal {wait.name}"
            return f"message {wait.name}{f' key {wait.correlation_key}' if wait.correlation_key else ''}"
        case Condition():
            trigger = program.nodes[wait.node].trigger
            text = program.expressions[trigger.condition].text if isinstance(trigger, ConditionalTrigger) else ""
            return f"condition {text}"


def _attempts(job: Job, view: JobView | None) -> str:
    if job.held:
        return "out of retries"
    if view is None:
        return f"{job.retries} retries left"
    again = f", again after {_moment(view.due)}" if view.error and view.due else ""
    failed = f", attempt {view.attempt} failed: {view.error}" if view.error else ""
    return f"{view.retries} retries left{again}{failed}"


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S}Z"
