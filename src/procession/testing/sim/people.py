"""Everybody outside of the engines: who starts, publishes, completes tasks, resolves incidents, and does the jobs.

They act on what is durable (the ledger), so what gets lost on its way is asked for again. What must not live here:
how a letter travels, and whether its answer is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, cast

from procession.base.job import BpmnError, Job
from procession.base.values import Json
from procession.core.events import Cancel, CompleteTask, FireTimer, Modify, Resume, SetVariables, Suspend
from procession.core.instructions import Move
from procession.core.plans import MigrationPlan
from procession.core.state import State
from procession.hosts.embedded.mailbox import CLIENT_SHARD
from procession.hosts.embedded.workers import Work, Worker
from procession.ir.kinds import Kind
from procession.runtime.batches import Filter, ModifyEach
from procession.runtime.requests import (
    ActivateJobs,
    BroadcastSignal,
    Deliver,
    FailJob,
    MigrateInstance,
    PublishMessage,
    Resolve,
    StartBatch,
    StartProcess,
    TaskEvent,
)
from procession.testing.sim.ledger import NOBODY, Case, check
from procession.testing.sim.plans import Plan
from procession.testing.sim.run import About, Letter, Run

TYPES: Final = ("work", "listen")
"""The job types of all plans."""
LEASE_S: Final = 60.0
TTL_MS: Final = 10 * 365 * 86_400_000
_RESERVED: Final = CLIENT_SHARD << 53
"""Keys from here on are not given by engines."""


def write_letters(run: Run) -> None:
    """Everybody looks at what is there and asks for what comes next."""
    asked = run.under_way()
    quiet = not run.ledger.waiting()
    for tenant, plan in run.plans.items():
        if tenant not in run.deployed:
            continue
        for letter in _once(run, tenant, plan, quiet):
            _ask(run, asked, letter)
    for case in list(run.ledger.cases.values()):
        if case.active:
            for letter in _of(run, case):
                _ask(run, asked, letter)
    _meddle(run)


def _ask(run: Run, asked: set[About], letter: Letter) -> None:
    if letter.about not in asked:
        asked.add(letter.about)
        run.letters.append(letter)


def _once(run: Run, tenant: str, plan: Plan, quiet: bool) -> Iterator[Letter]:
    """Starts and messages. While requests wait in the inbox, nobody knows which of them are there already."""
    number = run.ledger.catalog.tenants.get(tenant)
    known = {case.label for case in run.ledger.cases.values() if case.tenant == number}
    for place, planned in enumerate(plan.starts):
        if planned.label not in known and quiet:
            # With a key of the caller's it may be asked for twice; without one, only when it is not there.
            key = _RESERVED + run.number() if run.dice.chance(2) else 0
            start = StartProcess(
                tenant, planned.process_id, dict(planned.variables), business_key=planned.label, key=key
            )
            yield Letter(("start", tenant, place), start, planned.label)
    for place, message in enumerate(plan.messages):
        if (tenant, place) in run.published or not (quiet or message.twice):
            continue
        key = run.message_keys.get((tenant, place), 0)
        if key and _arrived(run, tenant, plan, place, key):
            run.published.add((tenant, place))
            continue
        if not message.twice:
            key = run.message_keys[tenant, place] = key or _RESERVED + run.number()
        name = f"{tenant}{place}" if message.twice else ""
        variables = dict(message.variables)
        request = PublishMessage(tenant, message.name, message.correlation, variables, TTL_MS, name, key)
        yield Letter(("publish", tenant, place), request)


def _arrived(run: Run, tenant: str, plan: Plan, place: int, key: int) -> bool:
    message = plan.messages[place]
    number = run.ledger.catalog.tenants[tenant]
    if any(taken == key for taken, _ in run.ledger.consumed):
        return True
    return key in run.ledger.buffered(number, message.name, message.correlation)


def _changed(run: Run, case: Case) -> Iterator[Letter]:
    """What is done to an instance from outside: it is moved on, goes over, or may go on after a suspension."""
    tenant = run.tenant(case)
    plan = run.plans[tenant]
    state = case.state
    if state.suspended and (not run.unsafe or run.dice.chance(3)):
        yield Letter(("resume", tenant, case.key), Deliver(tenant, case.key, Resume()))
    for key in state.elements:
        place = case.node_id(key)
        target = plan.moves.get(place)
        if target is not None and run.dice.chance(2):
            every = StartBatch(tenant, Filter(element=place), ModifyEach((Move(place, target),)))
            yield Letter(("batch", tenant, 0), every)
        elif target is not None:
            move = Modify((Move(place, target, key),))
            yield Letter(("move", tenant, key), Deliver(tenant, case.key, move), str(case.key))
        going = plan.migrations.get(place)
        if going is not None:
            over = MigrationPlan(to_process=going[0], elements=dict(going[1]))
            yield Letter(("migrate", tenant, case.key), MigrateInstance(tenant, case.key, over), case.process_id)


def _of(run: Run, case: Case) -> Iterator[Letter]:
    tenant = run.tenant(case)
    plan = run.plans[tenant]
    state = case.state
    yield from _changed(run, case)
    if state.suspended and not run.unsafe:
        # It would refuse for ever, and the clock would not move on to when somebody resumes it.
        return
    for key, element in state.elements.items():
        if case.linked.nodes[element.node].kind is Kind.USER_TASK and key in case.open.get("task", ()):
            # While listeners of the task run, nobody can complete it.
            gate = plan.gates.get(case.node_id(key))
            if element.held is None and (gate is None or case.path[gate]):
                yield Letter(("task", tenant, key), TaskEvent(tenant, key, CompleteTask(key)))
    for incident in state.incidents.values():
        repair = plan.repairs.get(case.node_id(incident.element), {})
        if any(name not in case.names for name in repair):
            event = SetVariables(0, dict(repair))
            yield Letter(("repair", tenant, incident.key), Deliver(tenant, case.key, event))
        else:
            yield Letter(("resolve", tenant, incident.key), Resolve(tenant, incident.key, 3))
    for subscription in state.subscriptions.values():
        if subscription.signal and subscription.name in plan.signals:
            place = plan.signals.index(subscription.name)
            yield Letter(("signal", tenant, place), BroadcastSignal(tenant, subscription.name, {}))


def _meddle(run: Run) -> None:
    """What nobody has to do: set variables, cancel, fire timers."""
    active = [case for case in run.ledger.cases.values() if case.active]
    if not active:
        return
    if run.on("set-variables", 4):
        case = run.dice.pick(active)
        number = run.number()
        event = SetVariables(0, {f"{NOBODY}{number}": number})
        run.letters.append(Letter(("set", run.tenant(case), number), Deliver(run.tenant(case), case.key, event)))
    roots = [case for case in active if not case.state.parent_instance and run.plan(case).cancellable]
    if roots and run.on("cancel", 12):
        case = run.dice.pick(roots)
        run.cancelled.add(case.key)
        run.letters.append(
            Letter(("cancel", run.tenant(case), case.key), Deliver(run.tenant(case), case.key, Cancel("simulated")))
        )
    if run.on("suspend", 8):
        case = run.dice.pick(active)
        letter = Letter(("suspend", run.tenant(case), case.key), Deliver(run.tenant(case), case.key, Suspend()))
        run.letters.append(letter)
    timers = [(case, key) for case in active for key in _timers(case.state, run)]
    if timers and run.on("spurious-timer", 3):
        case, key = run.dice.pick(timers)
        # To the instance itself: the host would have looked at the row first.
        request = Deliver(run.tenant(case), case.key, FireTimer(key), True)
        run.letters.append(Letter(("timer", run.tenant(case), run.number()), request))


def _timers(state: State, run: Run) -> list[int]:
    gone = [key for key, what in run.ledger.keys.items() if what == f"a timer of {state.instance}"][:3]
    return [*state.timers, *gone]


def workers(run: Run) -> dict[str, Worker]:
    """The functions that do the jobs, registered like a user's."""

    def work(job: Job) -> Mapping[str, object] | None:
        _effect(run, job)
        if run.on("worker-fails", 5):
            raise RuntimeError("simulated: the worker failed")
        plan = run.plans[job.tenant]
        if job.element_id in plan.throws:
            raise BpmnError("E", "simulated")
        return plan.results.get(job.element_id)

    return {type: Worker(type, work, timeout_s=LEASE_S) for type in TYPES}


def _effect(run: Run, job: Job) -> None:
    """The worker acts on the world, under the key that must be the same whenever it does so again."""
    # Listeners are several jobs of one element; the jobs of the elements themselves are one each.
    place = (job.element, job.type) if job.type == "work" else (job.key, job.type)
    key = run.effects.setdefault(place, job.idempotency_key)
    check(key == job.idempotency_key, f"element {job.element} acted as {key} and as {job.idempotency_key}")
    case = run.ledger.cases.get(job.instance)
    check(case is not None, f"job {job.key} was given out before its instance {job.instance} was stored")
    if case is not None:
        check(case.done[job.key] == 0, f"job {job.key} was given out although it is done")


def do_job(run: Run, worker: Worker, work: Work, engine: int) -> None:
    """A worker does a job that was leased to it; its answer is a letter."""
    job = cast("Job", work.arguments["job"])
    run.tokens[work.key] = work.token
    run.leased_by[work.key] = engine
    answer = worker.call(work)
    if run.on("exhaust", 6):
        answer = FailJob(work.tenant, work.key, "simulated: given up", work.token, retries=0)
    letter = Letter(("job", work.tenant, work.key), answer, job.element_id)
    letter.engine = engine
    letter.deadline = run.now + worker.timeout_ms
    run.letters.append(letter)


def lease_letter(run: Run, tenant: str) -> Letter:
    """A worker elsewhere asks for jobs."""
    type = run.dice.pick(TYPES)
    request = ActivateJobs(tenant, type, run.dice.choose(1, 3), "elsewhere", int(LEASE_S * 1000))
    return Letter(("lease", tenant, run.number()), request, type)


def do_leased(run: Run, letter: Letter, answer: object, engine: int) -> None:
    """The jobs that a worker elsewhere got."""
    worker = workers(run)[letter.label]
    for each in cast("list[dict[str, Json]]", answer):
        do_job(run, worker, worker.outside_work(each, letter.about[1]), engine)
