"""Apply: the only place that changes a `State`, one row per fact type. It decides nothing and cannot fail.

Replaying the stored facts through this table gives the identical state (asserted by every test of the interpreter).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias, cast

from procession.core import facts as f
from procession.core.apply_events import EVENTS, LATE_JOINS, Apply, tokens_merged, unwatch, wait
from procession.core.apply_scopes import SCOPES
from procession.core.renumber import renumber
from procession.core.state import (
    AWAITS_DATA,
    STORES_READ,
    ElementInstance,
    Incident,
    Job,
    LoopState,
    Operation,
    Stage,
    State,
    Status,
    Subscription,
    Timer,
)
from procession.ir.kinds import Kind
from procession.ir.program import Program

_JOINS: Final = (Kind.PARALLEL_GATEWAY, Kind.INCLUSIVE_GATEWAY, Kind.COMPLEX_GATEWAY)


def apply(program: Program, state: State, fact: f.AnyFact) -> None:
    """Changes the state by one fact."""
    APPLY[type(fact)](program, state, fact)


Programs: TypeAlias = Callable[[str], Program]
"""A program by its hash."""


def apply_step(
    program: Program, state: State, facts: Iterable[f.AnyFact], at: int, programs: Programs | None = None
) -> Program:
    """Replays one step: its facts in order, at its time. What is true after `step` is true after this.

    Gives the program that the instance runs afterwards: a migration changes it, to one that `programs` knows.
    """
    last: f.AnyFact | None = None
    for last in facts:
        APPLY[type(last)](program, state, last)
        if type(last) is f.InstanceMigrated:
            assert programs is not None, "facts with a migration need the programs that they name"
            program = programs(last.program)
    state.seq += 1
    state.at = at
    if not isinstance(last, f.Yielded):
        state.yields = 0
    return program


def _started(program: Program, state: State, fact: f.InstanceStarted) -> None:
    state.instance = fact.instance
    state.tenant = fact.tenant
    state.program = fact.program
    state.version = fact.version
    state.start_node = fact.start_node
    state.business_key = fact.business_key
    state.parent_instance = fact.parent_instance
    state.parent_element = fact.parent_element
    state.root_instance = fact.root_instance
    state.zone = fact.zone
    state.tz_release = fact.tz_release
    state.seed = fact.seed
    state.epoch = fact.epoch
    state.depth = fact.depth
    state.flags = fact.flags
    state.message = fact.message
    state.last_key = fact.root
    root = ElementInstance(fact.root, 0, None)
    root.variables = dict(fact.variables)
    state.root = root
    state.elements[fact.root] = root


def _completed(program: Program, state: State, fact: f.InstanceCompleted) -> None:
    state.status = Status.COMPLETED


def _terminated(program: Program, state: State, fact: f.InstanceTerminated) -> None:
    state.status = Status.TERMINATED


def _element_entered(program: Program, state: State, fact: f.ElementEntered) -> None:
    scope = state.elements[fact.scope]
    key = fact.element
    element = ElementInstance(key, fact.node, scope)
    if scope.children is None:
        scope.children = {}
    scope.children[key] = element
    state.elements[key] = element
    state.last_key = key
    if fact.token:
        scope.tokens -= 1


def _item_entered(program: Program, state: State, fact: f.ItemEntered) -> None:
    body = state.elements[fact.scope]
    key = fact.element
    element = ElementInstance(key, fact.node, body)
    if body.children is None:
        body.children = {}
    body.children[key] = element
    state.elements[key] = element
    state.last_key = key
    loop = body.loop
    assert loop is not None
    loop.started += 1
    element.index = fact.index
    element.variables = {"loopCounter": fact.index}
    spec = program.nodes[body.node].loop
    assert spec is not None
    if loop.items is not None and spec.item_name:
        element.variables[spec.item_name] = loop.items[fact.index - 1]
    if spec.output_local:
        element.variables.setdefault(spec.output_local, None)


def _element_completing(program: Program, state: State, fact: f.ElementCompleting) -> None:
    state.elements[fact.element].stage = Stage.COMPLETING


def _element_done(program: Program, state: State, fact: f.ElementCompleted) -> None:
    scope = _remove(state, fact.element)
    if scope is not None and scope.loop is not None:
        scope.loop.completed += 1


def _element_terminated(program: Program, state: State, fact: f.ElementTerminated) -> None:
    scope = _remove(state, fact.element)
    if scope is not None and scope.loop is not None:
        scope.loop.terminated += 1


def _element_terminating(program: Program, state: State, fact: f.ElementTerminating) -> None:
    element = state.elements[fact.element]
    element.stage = Stage.TERMINATING
    _let_go(state, element)
    element.waits = None
    element.attributes = None
    element.held = None
    if element.extras is not None:
        element.extras.undoing = None
    element.tokens = 0
    element.arrived = None
    element.gates = None


def _interruption_held(program: Program, state: State, fact: f.InterruptionHeld) -> None:
    then = fact.then
    state.elements[fact.element].then = tuple(then) if isinstance(then, list) else None


def _remove(state: State, key: int) -> ElementInstance | None:
    element = state.elements.pop(key)
    _let_go(state, element)
    scope = element.scope
    if scope is not None and scope.children is not None:
        scope.children.pop(key, None)
    return scope


def _let_go(state: State, element: ElementInstance) -> None:
    if state.awaiting:
        state.awaiting.pop(element.key, None)
    if element.waits:
        for wait in element.waits:
            _drop_wait(state, wait)
    if (element.arrived or element.gates) and state.joins:
        for join in [j for j in state.joins if j[0] == element.key]:
            del state.joins[join]


def _drop_wait(state: State, key: int) -> None:
    if state.jobs.pop(key, None) is not None:
        return
    if state.timers.pop(key, None) is not None:
        return
    if state.subscriptions.pop(key, None) is not None:
        return
    if state.incidents.pop(key, None) is None:
        unwatch(state, key)


def _flow_taken(program: Program, state: State, fact: f.FlowTaken) -> None:
    scope = state.elements[fact.scope]
    scope.tokens += 1
    target = program.nodes[program.flows[fact.flow].target]
    if target.start_quantity > 1 or (target.kind in _JOINS and len(target.incoming) > 1):
        if scope.arrived is None:
            scope.arrived = {}
        scope.arrived[fact.flow] = scope.arrived.get(fact.flow, 0) + 1
        if target.kind in LATE_JOINS:
            state.joins[fact.scope, target.index] = None


def _scope_interrupted(program: Program, state: State, fact: f.ScopeInterrupted) -> None:
    scope = state.elements[fact.scope]
    scope.tokens = 0
    scope.arrived = None
    scope.gates = None
    for join in [j for j in state.joins if j[0] == fact.scope]:
        del state.joins[join]


def _wait_closed(program: Program, state: State, fact: f.WaitClosed) -> None:
    _forget(state, fact.wait)


def _forget(state: State, key: int) -> None:
    """Drops one wait from the instance and from its element."""
    wait = (
        state.jobs.pop(key, None)
        or state.timers.pop(key, None)
        or state.subscriptions.pop(key, None)
        or state.incidents.pop(key, None)
        or unwatch(state, key)
    )
    if wait is None:
        return
    element = state.elements.get(wait.element)
    if element is not None and element.waits is not None:
        element.waits.pop(key, None)


def _variable_set(program: Program, state: State, fact: f.VariableSet) -> None:
    scope = state.elements[fact.scope]
    if scope.variables is None:
        scope.variables = {}
    scope.variables[fact.name] = fact.value


def _job_created(program: Program, state: State, fact: f.JobCreated) -> None:
    job = Job(fact.job, fact.element, type=fact.type, retries=fact.retries, group=fact.group)
    job.listener = fact.listener
    job.priority = fact.priority
    state.jobs[fact.job] = job
    owner = wait(state, fact.element, fact.job)
    owner.groups = max(owner.groups, fact.group + 1)


def _job_over(program: Program, state: State, fact: f.JobCompleted | f.JobDenied | f.JobThrew) -> None:
    job = state.jobs.pop(fact.job)
    owner = state.elements.get(job.element)
    if owner is not None and owner.waits is not None:
        owner.waits.pop(fact.job, None)


def _job_exhausted(program: Program, state: State, fact: f.JobExhausted) -> None:
    job = state.jobs[fact.job]
    job.held = True
    job.retries = 0


def _job_retried(program: Program, state: State, fact: f.JobRetried) -> None:
    job = state.jobs[fact.job]
    job.held = False
    job.retries = fact.retries


def _job_reissued(program: Program, state: State, fact: f.JobReissued) -> None:
    before = state.jobs.pop(fact.job)
    element = state.elements[before.element]
    if element.waits is not None:
        element.waits.pop(fact.job, None)
    job = Job(fact.again, before.element, type=before.type, retries=before.retries, group=fact.group)
    job.listener = before.listener
    job.priority = before.priority
    state.jobs[fact.again] = job
    wait(state, before.element, fact.again)
    element.groups = max(element.groups, fact.group + 1)
    if job.listener < 0:
        element.anew = fact.group


def _timer_created(program: Program, state: State, fact: f.TimerCreated) -> None:
    state.timers[fact.timer] = Timer(
        fact.timer, fact.element, fact.node, due=fact.due, cycle=fact.cycle, left=fact.left
    )
    wait(state, fact.element, fact.timer)


def _timer_fired(program: Program, state: State, fact: f.TimerFired) -> None:
    _forget(state, fact.timer)


def _subscription_opened(program: Program, state: State, fact: f.SubscriptionOpened) -> None:
    key = fact.subscription
    state.subscriptions[key] = Subscription(
        key, fact.element, fact.node, name=fact.name, correlation_key=fact.key, signal=fact.signal
    )
    wait(state, fact.element, key)


def _published(program: Program, state: State, fact: f.MessagePublished) -> None:
    state.last_key = max(state.last_key, fact.message)


def _task_created(program: Program, state: State, fact: f.TaskCreated) -> None:
    state.elements[fact.element].attributes = dict(fact.attributes)


def _task_changed(program: Program, state: State, fact: f.TaskChanged) -> None:
    element = state.elements[fact.element]
    element.attributes = {**(element.attributes or {}), **fact.changes}


def _held(program: Program, state: State, fact: f.TransitionHeld) -> None:
    state.elements[fact.element].held = fact.held


def _loop_started(program: Program, state: State, fact: f.LoopStarted) -> None:
    state.elements[fact.element].loop = LoopState(fact.items, fact.count)


def _collected(program: Program, state: State, fact: f.ItemCollected) -> None:
    loop = state.elements[fact.element].loop
    assert loop is not None
    outputs = loop.outputs
    # Filled up to the index only: a 10,000-item loop must not pay for all items at its first one.
    while len(outputs) < fact.index:
        outputs.append(None)
    outputs[fact.index - 1] = fact.value


def _collection_closed(program: Program, state: State, fact: f.CollectionClosed) -> None:
    loop = state.elements[fact.element].loop
    assert loop is not None
    scope = state.elements[fact.scope]
    if scope.variables is None:
        scope.variables = {}
    outputs = loop.outputs
    outputs.extend([None] * (loop.count - len(outputs)))
    scope.variables[fact.name] = cast("Any", outputs)
    loop.outputs = []


def _resolved(program: Program, state: State, fact: f.DefinitionResolved) -> None:
    state.elements[fact.element].definition = (fact.hash, fact.version)


def _child_started(program: Program, state: State, fact: f.ChildStarted) -> None:
    state.elements[fact.element].child = fact.child
    state.last_key = max(state.last_key, fact.child)


def _incident_raised(program: Program, state: State, fact: f.IncidentRaised) -> None:
    operation = tuple(cast("list[Any]", fact.operation or []))
    state.incidents[fact.incident] = Incident(
        fact.incident, fact.element, code=fact.code, message=fact.message, operation=operation, job=fact.job
    )
    wait(state, fact.element, fact.incident)


def _incident_resolved(program: Program, state: State, fact: f.IncidentResolved) -> None:
    _forget(state, fact.incident)


def _data_awaited(program: Program, state: State, fact: f.DataAwaited) -> None:
    state.elements[fact.element].held = [AWAITS_DATA, *fact.names]
    state.awaiting[fact.element] = None


def _data_arrived(program: Program, state: State, fact: f.DataArrived) -> None:
    state.elements[fact.element].held = None
    del state.awaiting[fact.element]


def _stores_read(program: Program, state: State, fact: f.StoresRead) -> None:
    state.elements[fact.element].held = [STORES_READ, fact.values]


def _joined(program: Program, state: State, fact: f.ConversationJoined) -> None:
    state.conversations[fact.key] = fact.value


def _drew(program: Program, state: State, fact: f.Drew) -> None:
    state.draws += fact.count


def _yielded(program: Program, state: State, fact: f.Yielded) -> None:
    state.agenda = [cast("Operation", tuple(cast("list[Any]", entry))) for entry in fact.agenda]
    state.yields += 1


def _resumed(program: Program, state: State, fact: f.Resumed) -> None:
    state.agenda = []


def _token_taken(program: Program, state: State, fact: f.TokenTaken) -> None:
    scope = state.elements[fact.scope]
    arrived = scope.arrived
    assert arrived is not None
    scope.tokens -= 1
    arrived[fact.flow] -= 1
    if not arrived[fact.flow]:
        del arrived[fact.flow]
    join = program.nodes[program.flows[fact.flow].target]
    if not any(flow in arrived for flow in join.incoming):
        state.joins.pop((fact.scope, join.index), None)


def _restarted(program: Program, state: State, fact: f.InstanceRestarted) -> None:
    state.epoch = fact.epoch


def _suspended(program: Program, state: State, fact: f.InstanceSuspended) -> None:
    state.suspended = True


def _continued(program: Program, state: State, fact: f.InstanceResumed) -> None:
    state.suspended = False


def _nothing(program: Program, state: State, fact: f.Fact) -> None:
    """A fact that is history only."""


APPLY: Final[dict[type[Any], Apply]] = {
    f.InstanceStarted: _started,
    f.InstanceCompleted: _completed,
    f.InstanceTerminated: _terminated,
    f.ElementEntered: _element_entered,
    f.ItemEntered: _item_entered,
    f.ElementCompleting: _element_completing,
    f.ElementCompleted: _element_done,
    f.ElementTerminated: _element_terminated,
    f.ElementTerminating: _element_terminating,
    f.InterruptionHeld: _interruption_held,
    f.FlowTaken: _flow_taken,
    f.TokensMerged: tokens_merged,
    **EVENTS,
    f.ScopeInterrupted: _scope_interrupted,
    f.WaitClosed: _wait_closed,
    f.VariableSet: _variable_set,
    f.ImplicitThrown: _nothing,
    f.JobCreated: _job_created,
    f.JobCompleted: _job_over,
    f.JobDenied: _job_over,
    f.JobExhausted: _job_exhausted,
    f.JobRetried: _job_retried,
    f.JobThrew: _job_over,
    f.JobReissued: _job_reissued,
    f.TimerCreated: _timer_created,
    f.TimerFired: _timer_fired,
    f.TimerSkipped: _nothing,
    f.SubscriptionOpened: _subscription_opened,
    f.MessageCorrelated: _nothing,
    f.MessagePublished: _published,
    f.SignalBroadcast: _nothing,
    f.TaskCreated: _task_created,
    f.TaskChanged: _task_changed,
    f.TransitionHeld: _held,
    f.LoopStarted: _loop_started,
    f.ItemCollected: _collected,
    f.CollectionClosed: _collection_closed,
    f.DefinitionResolved: _resolved,
    f.ChildStarted: _child_started,
    f.ErrorThrown: _nothing,
    f.EscalationThrown: _nothing,
    f.IncidentRaised: _incident_raised,
    f.IncidentResolved: _incident_resolved,
    f.Warned: _nothing,
    f.DecisionEvaluated: _nothing,
    f.DecisionFailed: _nothing,
    f.Drew: _drew,
    f.Yielded: _yielded,
    f.Resumed: _resumed,
    f.InstanceModified: _nothing,
    f.TokenTaken: _token_taken,
    f.InstanceRestarted: _restarted,
    f.InstanceSuspended: _suspended,
    f.InstanceResumed: _continued,
    f.InstanceMigrated: renumber,
    f.DataAwaited: _data_awaited,
    f.DataArrived: _data_arrived,
    f.StoresRead: _stores_read,
    f.StoreWritten: _nothing,
    f.ConversationJoined: _joined,
    **SCOPES,
}
