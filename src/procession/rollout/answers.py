"""Answers: what the outside told an instance, turned back out of the facts of its steps.

A step answers one event. Which one, its first facts say; what came with it is among those that follow, and where that
is not clear, what fits is tried: it is decided again on the state before, and what gives the same facts was it.
What an instance does by itself, or because another one of its tree did something, is not told again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias, cast, final

import msgspec

from procession.base.decoding import known
from procession.base.values import Json
from procession.core import events as e
from procession.core import facts as f
from procession.core import operations as op
from procession.core.events import AnyEvent, Choice
from procession.core.facts import AnyFact
from procession.core.instructions import Activate, Instruction
from procession.core.linked import Linked
from procession.core.plans import MigrationPlan
from procession.core.state import Stage, State
from procession.rollout.payloads import payloads
from procession.runtime.rows import FactRow
from procession.services.rereading import EVENTS, decided_again

Facts: TypeAlias = Sequence[AnyFact]
Candidates: TypeAlias = Iterable[AnyEvent]


@final
class Step:
    """One stored step, with what it was decided on."""

    __slots__ = ("facts", "linked", "programs", "row", "state")

    def __init__(
        self, row: FactRow, facts: list[AnyFact], state: State, linked: Linked, programs: Callable[[str], Linked]
    ) -> None:
        self.row = row
        self.facts = facts
        self.state = state
        self.linked = linked
        self.programs = programs

    def behind(self, *skipped: type[Any]) -> Facts:
        """The facts from the first on that is none of these types."""
        at = next((n for n, fact in enumerate(self.facts) if not isinstance(fact, skipped)), len(self.facts))
        return self.facts[at:]


@final
class Told(msgspec.Struct, frozen=True):
    """What happened. `event` is None for what follows by itself, and for what the facts do not tell, as `untold` says.
    `otherwise` says that this version would have decided otherwise."""

    event: AnyEvent | None = None
    untold: str = ""
    otherwise: str = ""


def told(step: Step) -> Told:
    """What a step answers: what gives its very facts, else what gives most of them."""
    first = step.facts[0]
    row = ANSWERS.get(type(first))
    candidates = row(step) if row is not None else _unnamed(step)
    if candidates is None:
        return Told()
    best: AnyEvent | None = None
    most = -1
    for event in candidates:
        alike = _alike(step, event)
        if alike == len(step.facts):
            return Told(event)
        if alike > most:
            best, most = event, alike
    what = f"step {step.row.seq} ({first.__struct_config__.tag})"
    if best is None:
        return Told(untold=f"{what} does not tell what it answers")
    return Told(best, otherwise=f"{what}: this version takes {type(best).__name__} otherwise, from fact {most + 1} on")


def _alike(step: Step, event: AnyEvent) -> int:
    """How many facts an event gives again, from the first on; -1 for one that is none for this state."""
    target = step.programs(event.program) if isinstance(event, e.Migrate) else None
    try:
        made = decided_again(step.linked, step.state, event, step.row, step.facts, target=target)
    except (AssertionError, KeyError, TypeError):
        return -1
    count = next((n for n, (a, b) in enumerate(zip(step.facts, made, strict=False)) if a != b), None)
    if count is None:
        count = min(len(step.facts), len(made))
        return count if len(step.facts) == len(made) else max(0, count - 1)
    return count


def _start(step: Step) -> Candidates | None:
    first = cast("f.InstanceStarted", step.facts[0])
    if first.parent_instance:
        return None
    event = cast("e.Start", EVENTS[f.InstanceStarted](step.facts))
    for fact in step.facts[1:4]:
        if isinstance(fact, f.TimerSkipped):
            event = msgspec.structs.replace(event, timer=fact.timer, skipped=fact.skipped)
        elif isinstance(fact, f.InstanceRestarted):
            event = msgspec.structs.replace(event, source=fact.source, begin=_begun(step))
    return [event]


def _begun(step: Step) -> tuple[Activate, ...]:
    """At which elements a start begins, from what its process scope holds for that."""
    found: list[Activate] = []

    def inside(contents: Json) -> None:
        for node, variables, below in cast("list[tuple[int, dict[str, Json], list[Json]]]", contents):
            if below:
                inside(cast("Json", below))
            else:
                found.append(Activate(step.linked.nodes[node].id, 0, variables or {}))

    for fact in step.facts:
        if isinstance(fact, f.TransitionHeld) and isinstance(fact.held, list) and fact.held[0] == op.MODIFIED:
            inside(fact.held[1])
            break
    return tuple(found)


def _job(step: Step) -> Candidates:
    """A job's answer: its incidents vanish with it, so they may stand first."""
    facts = step.behind(f.IncidentResolved)
    match facts[0] if facts else None:
        case f.JobCompleted(job=job):
            return _completed(step, job, facts[1:])
        case f.JobDenied(job=job, reason=reason):
            return [e.CompleteJob(job, {}, True, reason)]
        case f.JobThrew(job=job, code=code, message=message):
            return (e.ThrowJobError(job, code, message, each) for each in payloads(facts[1:]))
        case _:
            return _resolved(step)


def _completed(step: Step, job: int, rest: Facts) -> Iterator[AnyEvent]:
    open_ = step.state.jobs.get(job)
    element = step.state.elements.get(open_.element) if open_ is not None else None
    choices: list[Choice | None] = [None]
    if element is not None and element.activations is not None and open_ is not None and open_.listener < 0:
        choices = _choices(step, element.key, rest)
    for variables in payloads(rest):
        yield from (e.CompleteJob(job, variables, choice=choice) for choice in choices)


def _choices(step: Step, element: int, rest: Facts) -> list[Choice | None]:
    chosen: list[tuple[str, dict[str, Json]]] = []
    for fact in rest:
        if isinstance(fact, f.ActivitiesChosen) and fact.element == element:
            chosen = _chosen(step, fact)
            break
    if chosen:
        return [Choice(chosen), Choice(chosen, cancel_remaining=True)]
    return [None, Choice(), Choice(done=True), Choice(done=True, cancel_remaining=True), Choice(cancel_remaining=True)]


def _chosen(step: Step, fact: f.ActivitiesChosen) -> list[tuple[str, dict[str, Json]]]:
    entries = cast("list[tuple[list[int], dict[str, Json]]]", fact.chosen)
    return [(step.linked.nodes[nodes[0]].id, variables) for nodes, variables in entries]


def _resolved(step: Step) -> Candidates:
    incident = cast("f.IncidentResolved", step.facts[0]).incident
    retried = next((fact for fact in step.facts if isinstance(fact, f.JobRetried)), None)
    return [e.ResolveIncident(incident, retried.retries if retried is not None else 1)]


def _correlated(step: Step) -> Candidates:
    fact = cast("f.MessageCorrelated", step.facts[0])
    for variables in payloads(step.facts[1:]):
        if fact.message:
            yield e.OfferMessage(fact.subscription, fact.message, variables)
        else:
            yield e.ReceiveSignal(fact.subscription, variables)


def _held(step: Step) -> Candidates | None:
    fact = cast("f.TransitionHeld", step.facts[0])
    element = step.state.elements.get(fact.element)
    if element is not None and isinstance(element.held, list) and element.held[0] == "threw":
        return None  # nobody up there caught what it threw
    match fact.held:
        case ["completing", dict() as variables]:
            return [e.CompleteTask(fact.element, variables)]
        case ["assigning", dict() as changes]:
            return [e.AssignTask(fact.element, str(changes.get("assignee") or ""))]
        case ["updating", dict() as changes]:
            return [e.UpdateTask(fact.element, changes)]
        case None:
            return None
        case _:
            return []


def _changed(step: Step) -> Candidates:
    fact = cast("f.TaskChanged", step.facts[0])
    if list(fact.changes) == ["assignee"]:
        return [e.AssignTask(fact.element, str(fact.changes["assignee"] or ""))]
    return [e.UpdateTask(fact.element, fact.changes)]


def _unnamed(step: Step) -> Candidates | None:
    """What begins with the facts of its consequences: a task that is completed, variables that are set, a cancel."""
    rest = step.behind(f.VariableSet)
    first = rest[0] if rest else None
    if isinstance(first, f.ChildStarted) and not first.child:
        return None
    if isinstance(step.facts[0], f.IncidentRaised) and not _tasks(step):
        return None
    return _found(step)


def _found(step: Step) -> Iterator[AnyEvent]:
    for task in _tasks(step):
        yield from (e.CompleteTask(task, each) for each in payloads(step.facts))
    yield from _cancelled(step)
    yield from _sets(step)


def _tasks(step: Step) -> list[int]:
    """The open user tasks that a person may have completed in a step."""
    named = {getattr(fact, "element", 0) for fact in step.facts}
    elements = step.state.elements.values()
    return [
        each.key
        for each in elements
        if each.key in named and each.is_open_task and each.held is None and each.stage is Stage.ACTIVE
    ]


def _cancelled(step: Step) -> Iterator[AnyEvent]:
    root = step.state.root
    for fact in step.facts:
        match fact:
            case f.InstanceTerminated(reason=reason):
                yield e.Cancel(reason)
                return
            case f.InterruptionHeld(element=element, then=list() as then) if root is not None and element == root.key:
                yield e.Cancel(str(then[-1]))
                return
            case _:
                pass


def _sets(step: Step) -> Iterator[AnyEvent]:
    sets = [fact for fact in step.facts if isinstance(fact, f.VariableSet)]
    if not sets or not isinstance(step.facts[0], f.VariableSet):
        return
    scopes = list(dict.fromkeys(fact.scope for fact in sets))
    for variables in payloads(step.facts):
        if variables:
            yield e.SetVariables(scopes[0], variables, local=True)
            yield from (e.SetVariables(scope, variables) for scope in scopes)
            yield from (e.SetVariables(key, variables) for key in step.state.elements if key not in scopes)


def _triggered(step: Step) -> Candidates:
    fact = cast("f.ActivitiesChosen", step.facts[0])
    chosen = _chosen(step, fact)
    return [e.TriggerActivity(fact.element, [name for name, _ in chosen], dict(chosen[0][1]))]


def _modified(step: Step) -> Candidates:
    given = cast("f.InstanceModified", step.facts[0]).instructions
    return [e.Modify(tuple(msgspec.convert(each, known(Instruction)) for each in given))]


def _restarted(step: Step) -> Iterator[AnyEvent]:
    """A restart names its elements; what they were given of their own is set inside of them."""
    elements = cast("f.InstanceRestarted", step.facts[0]).elements
    entered = {fact.element: fact.node for fact in step.facts if isinstance(fact, f.ElementEntered)}
    own: dict[str, dict[str, Json]] = {}
    for fact in step.facts:
        if isinstance(fact, f.VariableSet) and fact.scope in entered:
            own.setdefault(step.linked.nodes[entered[fact.scope]].id, {})[fact.name] = fact.value
    for begin in (
        tuple(Activate(each) for each in elements),
        tuple(Activate(each, 0, own.get(each, {})) for each in elements),
    ):
        yield from (e.Restart(begin, each) for each in payloads(step.facts[1:]))


def _migrated(step: Step) -> Candidates:
    fact = cast("f.InstanceMigrated", step.facts[0])
    plan = msgspec.convert(fact.plan, known(MigrationPlan))
    return [e.Migrate(fact.program, fact.version, msgspec.structs.replace(plan, to_version=fact.version))]


def _by_itself(_: Step) -> None:
    return None


ANSWERS: Final[dict[type[AnyFact], Callable[[Step], Candidates | None]]] = {
    f.InstanceStarted: _start,
    f.IncidentResolved: _job,
    f.JobCompleted: _job,
    f.JobDenied: _job,
    f.JobThrew: _job,
    f.JobExhausted: lambda step: [EVENTS[f.JobExhausted](step.facts)],
    f.JobReissued: lambda step: [EVENTS[f.JobReissued](step.facts)],
    f.TimerFired: lambda step: [EVENTS[f.TimerFired](step.facts)],
    f.MessageCorrelated: _correlated,
    f.TransitionHeld: _held,
    f.TaskChanged: _changed,
    f.ActivitiesChosen: _triggered,
    f.InstanceModified: _modified,
    f.InstanceRestarted: _restarted,
    f.InstanceSuspended: lambda step: [e.Suspend(cast("f.InstanceSuspended", step.facts[0]).reason)],
    f.InstanceResumed: lambda step: [e.Resume()],
    f.InstanceMigrated: _migrated,
    f.ChildStarted: _by_itself,
    f.ErrorThrown: _by_itself,
    f.EscalationThrown: _by_itself,
    f.DefinitionResolved: _by_itself,
    f.StoresRead: _by_itself,
    f.Resumed: _by_itself,
}
"""What a step may answer, by its first fact; None is what follows by itself."""
