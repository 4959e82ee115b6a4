"""Telling: an event of one instance as the request that means the same to its shadow.

An event names keys, which another host drew; their places say what they are called there. A request is made only when
all that it names is there. What must not live here: which event a step answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar, final

import msgspec

from procession.base.values import Json
from procession.core import events as e
from procession.core.events import AnyEvent
from procession.core.instructions import Instruction
from procession.hosts.embedded.tickets import InHouse
from procession.rollout.trees import Member
from procession.runtime import requests as q

_E = TypeVar("_E")


@final
class Absent(Exception):
    """Something that an event names is not there, or not there yet. The text says what."""


@final
class Pair:
    """A member of a tree, and the one at its place on the other host, whose tenant `tenant` is."""

    __slots__ = ("one", "other", "tenant")

    def __init__(self, tenant: str, one: Member, other: Member) -> None:
        self.tenant = tenant
        self.one = one
        self.other = other

    def key(self, key: int) -> int:
        """The key there of what has this key here; 0 for 0. Raises `Absent`."""
        if not key:
            return 0
        place = self.one.places.of.get(key)
        found = self.other.places.keys.get(place) if place is not None else None
        if found is None:
            raise Absent(f"nothing is at {place}")
        return found

    def open(self, key: int, what: str) -> int:
        """The key there of a wait, which has to be open. Raises `Absent`."""
        found = self.key(key)
        if found not in getattr(self.other.state, what):
            raise Absent(f"{self.one.places.of[key]} is not open")
        return found


def request_for(pair: Pair, event: AnyEvent) -> InHouse:
    """The request. Raises `Absent`."""
    return REQUESTS[type(event)](pair, event)


def _complete_job(pair: Pair, event: e.CompleteJob) -> InHouse:
    job = pair.open(event.job, "jobs")
    return q.FinishJob(pair.tenant, job, event.variables, denied=event.denied, reason=event.reason, choice=event.choice)


def _throw(pair: Pair, event: e.ThrowJobError) -> InHouse:
    return q.ThrowJob(pair.tenant, pair.open(event.job, "jobs"), event.code, event.message, event.variables)


def _exhaust(pair: Pair, event: e.ExhaustJob) -> InHouse:
    # Attempts are telemetry of a host, and their number is all that a fact says of them.
    return _deliver(pair, msgspec.structs.replace(event, job=pair.open(event.job, "jobs")))


def _message(pair: Pair, event: e.OfferMessage) -> InHouse:
    pair.open(event.subscription, "subscriptions")
    waits = pair.one.state.subscriptions[event.subscription]
    return q.PublishMessage(pair.tenant, waits.name, waits.correlation_key, event.variables)


def _signal(pair: Pair, event: e.ReceiveSignal) -> InHouse:
    pair.open(event.subscription, "subscriptions")
    return q.BroadcastSignal(pair.tenant, pair.one.state.subscriptions[event.subscription].name, event.variables)


def _task(pair: Pair, event: e.CompleteTask | e.AssignTask | e.UpdateTask) -> InHouse:
    task = pair.open(event.element, "elements")
    if not pair.other.state.elements[task].is_open_task:
        raise Absent(f"{pair.one.places.of[event.element]} is no open user task")
    return q.TaskEvent(pair.tenant, task, msgspec.structs.replace(event, element=task))


def _element(pair: Pair, event: e.SetVariables | e.TriggerActivity) -> InHouse:
    element = pair.open(event.element, "elements") if event.element else 0
    return _deliver(pair, msgspec.structs.replace(event, element=element))


def _resolve(pair: Pair, event: e.ResolveIncident) -> InHouse:
    return q.Resolve(pair.tenant, pair.open(event.incident, "incidents"), event.retries)


def _reissue(pair: Pair, event: e.ReissueJobs) -> InHouse:
    return _deliver(pair, e.ReissueJobs(tuple(pair.open(job, "jobs") for job in event.jobs)))


def _deliver(pair: Pair, event: AnyEvent) -> InHouse:
    if not pair.other.active:
        raise Absent("the instance is not active")
    return q.Deliver(pair.tenant, pair.other.key, event)


def _modify(pair: Pair, event: e.Modify) -> InHouse:
    return _deliver(pair, e.Modify(tuple(_instruction(pair, each) for each in event.instructions)))


def _instruction(pair: Pair, given: Instruction) -> Instruction:
    keys = {name: pair.key(getattr(given, name)) for name in ("ancestor", "key") if getattr(given, name, 0)}
    return msgspec.structs.replace(given, **keys) if keys else given


def _restart(pair: Pair, event: e.Restart) -> InHouse:
    return _deliver(pair, event)


def _migrate(pair: Pair, event: e.Migrate) -> InHouse:
    linked = pair.other.programs(event.program)
    plan = msgspec.structs.replace(
        event.plan,
        to_process=linked.program.process_id,
        choices={_choice(pair, name): choice for name, choice in event.plan.choices.items()},
    )
    return q.MigrateInstance(pair.tenant, pair.other.key, plan)


def _choice(pair: Pair, name: str) -> str:
    """A choice is for an element id, or for the key of an element instance."""
    return str(pair.key(int(name))) if name.isdecimal() and int(name) in pair.one.places.of else name


def start_request(tenant: str, event: e.Start, *, definition: int, key: int) -> q.StartProcess:
    """The start of the root; `key` 0 lets the other host draw one."""
    variables: dict[str, Json] = event.variables
    return q.StartProcess(
        tenant,
        "",
        variables,
        business_key=event.business_key,
        key=key,
        definition=definition,
        node=event.start_node,
        message=event.message,
        timer=event.timer,
        skipped=event.skipped,
        begin=event.begin,
    )


Make: TypeAlias = Callable[[Pair, Any], InHouse]

REQUESTS: Final[dict[type[Any], Make]] = {
    e.CompleteJob: _complete_job,
    e.ThrowJobError: _throw,
    e.ExhaustJob: _exhaust,
    e.OfferMessage: _message,
    e.ReceiveSignal: _signal,
    e.CompleteTask: _task,
    e.AssignTask: _task,
    e.UpdateTask: _task,
    e.SetVariables: _element,
    e.TriggerActivity: _element,
    e.ResolveIncident: _resolve,
    e.ReissueJobs: _reissue,
    e.Cancel: _deliver,
    e.Suspend: _deliver,
    e.Resume: _deliver,
    e.Modify: _modify,
    e.Restart: _restart,
    e.Migrate: _migrate,
}
"""One row an event that the outside may tell."""

WAITS: Final[dict[type[Any], str]] = {
    e.CompleteJob: "job",
    e.ThrowJobError: "job",
    e.FireTimer: "timer",
    e.OfferMessage: "subscription",
    e.ReceiveSignal: "subscription",
    e.ResolveIncident: "incident",
}
"""The field that names what an event is for, of those of which it can be counted how often they happened."""
