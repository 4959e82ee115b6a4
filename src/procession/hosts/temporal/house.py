"""The house: the instances that live in one workflow, and the one way to step them. It knows no SDK.

An instance and, in the same state, those that it called. What a step means for the world is asked of a `Port`; what it
means for the engine that keeps the books goes into reports. Deterministic: what it is told is all that it depends on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeAlias, cast, final

import msgspec

from procession.base.failure import Unreadable
from procession.core import commands as c
from procession.core import events as e
from procession.core.events import AnyEvent
from procession.core.flags import refusal
from procession.core.jobs import command_of
from procession.core.linked import Linked
from procession.core.outcome import Outcome
from procession.core.pending import pending
from procession.core.snapshot import dump, load
from procession.core.state import State, Status
from procession.core.step import step
from procession.runtime import codec
from procession.runtime.elsewhere import Delivery, Refusal, Shown, Step, Treated
from procession.runtime.requests import Report

TURNS_MAX: Final = 4
"""Times in a row that an instance that yielded goes on before the task takes breath."""
KEYS_LOW: Final = 4_096
"""Keys left below which more are asked for: more than one step takes."""
CHILD_KEYS: Final = 8_192
"""Keys that a called process has from its start."""
KEY_BLOCKS: Final = 16
"""Blocks of 4,096 keys that are asked for then."""

DURABLE: Final = frozenset(
    {
        c.Subscribe,
        c.Unsubscribe,
        c.Consume,
        c.Publish,
        c.Broadcast,
        c.WriteStore,
        # From here on nobody else would have the workflow tell again: what goes on from there comes by the book.
        c.OpenTask,
        c.OpenIncident,
    }
)
"""Commands that must not be lost: their report is stored before the task is committed."""


class Port(Protocol):
    """What the workflow does for its instances."""

    async def ask(self, body: Body, asked: list[c.Resolve | c.ReadStores], blocks: int) -> list[AnyEvent]:
        """Answers, in order; `blocks` of keys are put into the house."""
        ...

    async def breathe(self) -> None:
        """Lets others have their turn."""
        ...

    def start_job(self, body: Body, job: c.CreateJob) -> None: ...

    def stop_job(self, job: int) -> None: ...

    def set_timer(self, body: Body, timer: c.SetTimer) -> None: ...

    def clear_timer(self, timer: int) -> None: ...

    @property
    def apart(self) -> bool:
        """Whether a called process gets a workflow of its own."""
        ...

    def start_apart(self, start: e.Start, process_id: str, first: int, last: int) -> None:
        """Starts a called process in a workflow of its own, with keys from `first` up to `last`."""
        ...

    def tell(self, instance: int, event: AnyEvent) -> None:
        """Takes an event to an instance in another workflow."""
        ...


@final
class Body:
    """One instance."""

    __slots__ = ("asked", "key", "linked", "queue", "state", "steps", "turns")

    def __init__(self, key: int, linked: Linked) -> None:
        self.key = key
        self.linked = linked
        self.state = State()
        self.queue: deque[AnyEvent] = deque()
        """Events that come before all others."""
        self.asked: list[c.Resolve | c.ReadStores] = []
        self.steps: list[Step] = []
        """What was not reported yet."""
        self.turns = 0


@final
class House:
    """All instances of one workflow."""

    __slots__ = (
        "_first",
        "_last",
        "_port",
        "_programs",
        "bodies",
        "durable",
        "following",
        "home",
        "refused",
        "result",
        "tenant",
        "treated",
    )

    def __init__(self, tenant: str, home: int, port: Port, programs: Callable[[str], Linked]) -> None:
        self.tenant = tenant
        self.home = home
        self.bodies: dict[int, Body] = {}
        self.following: deque[tuple[int, AnyEvent]] = deque()
        """What steps mean for other instances: their key, and an event."""
        self.durable = False
        """Whether something is to be reported that must not be lost."""
        self.refused: dict[int, list[Refusal]] = {}
        self.treated: dict[int, list[Treated]] = {}
        """What became of instances that batches treat."""
        self.result: c.Finish | None = None
        """How the instance whose home this is ended."""
        self._port = port
        self._programs = programs
        self._first = 0
        self._last = 0

    def give_keys(self, first: int, last: int) -> None:
        """Keys from `first` up to, not including, `last`. What is left of the old ones is not used any more."""
        self._first, self._last = first, last

    def carried(self) -> dict[int, msgspec.Raw]:
        """Snapshots by instance, of a house in which nothing is under way and everything was reported."""
        return {body.key: msgspec.Raw(dump(body.state)) for body in self.bodies.values()}

    @property
    def keys(self) -> tuple[int, int]:
        """What is left of the keys."""
        return self._first, self._last

    async def resume(self, bodies: Mapping[int, msgspec.Raw]) -> None:
        """Takes over what a run before left, and does again what open parts of it stand for."""
        for key, snapshot in bodies.items():
            state = load(bytes(snapshot))
            body = self.bodies[key] = Body(key, self._programs(state.program))
            body.state = state
            why = refusal(state.flags, body.linked.program)
            if why:
                raise Unreadable(f"instance {key} was {why}")
        for body in list(self.bodies.values()):
            for command in pending(body.linked, body.state):
                does = CARRY.get(type(command))
                if does is not None:
                    does(self, self._port, body, command)
            await self._settle(body, body.state.at)
            await self._follow(body.state.at)

    async def begin(self, start: e.Start, at: int) -> Outcome:
        """Starts an instance, and all that follows at once. `at` is in Unix ms."""
        outcome = await self._start(start, at)
        await self._follow(at)
        return outcome

    async def take(self, instance: int, event: AnyEvent, at: int) -> Outcome:
        """Steps an instance by an event, and all that follows at once."""
        body = self.bodies.get(instance)
        if body is None:
            return Outcome([], [], 0, "not-found", f"instance {instance} has ended, or never was here")
        outcome = await self._advance(body, event, at)
        await self._follow(at)
        return outcome

    async def deliver(self, delivery: Delivery, at: int) -> Outcome:
        """`take` for what the engine sent, which is told what it has to know: that a message is not taken, and what
        became of a batch. That is told even of an instance that has ended."""
        instance, event = delivery.instance, delivery.event
        outcome = await self.take(instance, event, at)
        if delivery.batch:
            outcome = await self._treat(delivery, outcome, at)
            reason = outcome.reason if outcome.rejected else ""
            self.treated.setdefault(instance, []).append(Treated(delivery.batch, reason))
            self.durable = True
        elif outcome.rejected and isinstance(event, e.OfferMessage):
            refusal = Refusal(event.subscription, event.message, delivery.name, delivery.correlation)
            self.refused.setdefault(instance, []).append(refusal)
            self.durable = True
        return outcome

    async def _treat(self, delivery: Delivery, outcome: Outcome, at: int) -> Outcome:
        """The events behind the first one, up to one that is refused. What is not there any more, incidents that an
        earlier one resolved, matters only if nothing else was."""
        for event in delivery.more:
            if outcome.rejected not in {"", "not-found"}:
                break
            following = await self.take(delivery.instance, event, at)
            if outcome.rejected or following.rejected != "not-found":
                outcome = following
        return outcome

    def reports(self, host: str) -> list[Report]:
        """What was not reported yet, and forgets it."""
        found: list[Report] = []
        refused, treated = self.refused, self.treated
        for body in list(self.bodies.values()):
            key = body.key
            if body.steps or key in refused or key in treated:
                answers = refused.pop(key, []), treated.pop(key, [])
                found.append(Report(self.tenant, key, host, self.home, body.steps, *answers))
                body.steps = []
            if body.state.status is not Status.ACTIVE:
                del self.bodies[key]
        for key in {**refused, **treated}:
            answers = refused.get(key, []), treated.get(key, [])
            found.append(Report(self.tenant, key, host, self.home, [], *answers))
        refused.clear()
        treated.clear()
        self.durable = False
        return found

    async def _start(self, start: e.Start, at: int) -> Outcome:
        body = self.bodies[start.instance] = Body(start.instance, self._programs(start.program))
        why = refusal(start.flags, body.linked.program)
        if why:
            raise Unreadable(f"instance {body.key} was {why}")
        return await self._advance(body, start, at)

    async def _follow(self, at: int) -> None:
        while self.following:
            instance, event = self.following.popleft()
            if isinstance(event, e.Start):
                if self._port.apart:
                    await self._start_apart(event)
                else:
                    await self._start(event, at)
            elif instance in self.bodies:
                await self._advance(self.bodies[instance], event, at)
            else:
                self._port.tell(instance, event)

    async def _start_apart(self, start: e.Start) -> None:
        """The child's keys are from our own, so that nobody has to be asked."""
        while self._last - self._first < CHILD_KEYS + KEYS_LOW:
            await self._port.ask(self.bodies[start.parent_instance], [], KEY_BLOCKS)
        process_id = self._programs(start.program).program.process_id
        self._port.start_apart(start, process_id, self._last - CHILD_KEYS, self._last)
        self._last -= CHILD_KEYS

    async def _advance(self, body: Body, event: AnyEvent, at: int) -> Outcome:
        state = body.state
        if state.agenda and type(event) is not e.Continue:
            await self._settle(body, at)
        target = self._programs(event.program) if isinstance(event, e.Migrate) else None
        await self._keys(body)
        outcome = self._step(body, event, at, target)
        await self._settle(body, at)
        return outcome

    async def _settle(self, body: Body, at: int) -> None:
        """What comes before anything else: going on after a yield, answers to what was asked."""
        state, queue = body.state, body.queue
        while True:
            if queue and (not state.agenda or type(queue[0]) is e.Continue):
                await self._keys(body)
                self._step(body, queue.popleft(), at)
            elif state.agenda:
                await self._port.breathe()
                body.turns = 0
                queue.appendleft(e.Continue())
            elif body.asked:
                asked, body.asked = body.asked, []
                queue.extend(await self._port.ask(body, asked, 0))
            else:
                body.turns = 0
                return

    async def _keys(self, body: Body) -> None:
        if self._last - self._first < KEYS_LOW:
            await self._port.ask(body, [], KEY_BLOCKS)

    def _step(self, body: Body, event: AnyEvent, at: int, target: Linked | None = None) -> Outcome:
        state = body.state
        outcome = step(body.linked, state, event, at, self._first, target=target)
        if outcome.rejected:
            return outcome
        if target is not None:
            body.linked = target
        self._first = max(self._first, outcome.last_key + 1)
        assert self._first <= self._last, "a step took more keys than there were"
        shown: list[Shown] = []
        for command in outcome.commands:
            does = CARRY.get(type(command))
            if does is not None:
                does(self, self._port, body, command)
            if type(command) in SHOWN:
                shown.append(cast("Shown", command))
                self.durable = self.durable or type(command) in DURABLE
        if outcome.facts:
            facts = msgspec.Raw(codec.unwrap(codec.encode_facts(outcome.facts)))
            body.steps.append(Step(state.seq, state.at, facts, shown))
        return outcome


def _go_on(house: House, port: Port, body: Body, command: c.GoOn) -> None:
    body.turns += 1
    if body.turns <= TURNS_MAX:
        body.queue.appendleft(e.Continue())


def _ask(house: House, port: Port, body: Body, command: c.Resolve | c.ReadStores) -> None:
    body.asked.append(command)


def _start_child(house: House, port: Port, body: Body, command: c.StartChild) -> None:
    state = body.state
    start = e.Start(
        instance=command.child,
        tenant=house.tenant,
        program=command.program,
        version=command.version,
        variables=command.variables,
        business_key=command.business_key,
        parent_instance=state.instance,
        parent_element=command.element,
        root_instance=state.root_instance,
        zone=state.zone,
        tz_release=state.tz_release,
        seed=command.child,
        depth=command.depth,
        flags=state.flags,
    )
    house.following.append((command.child, start))


def _cancel_child(house: House, port: Port, body: Body, command: c.CancelChild) -> None:
    house.following.append((command.child, e.Cancel("its call activity ended")))


def _tell_parent(house: House, port: Port, body: Body, command: c.TellParent) -> None:
    house.following.append((command.instance, cast("AnyEvent", command.event)))


def _release_job(house: House, port: Port, body: Body, command: c.ReleaseJob) -> None:
    port.start_job(body, command_of(body.linked.nodes, body.state, body.state.jobs[command.job]))


def _finish(house: House, port: Port, body: Body, command: c.Finish) -> None:
    if body.key == house.home:
        house.result = command


Carry: TypeAlias = Mapping[type[Any], "Callable[[House, Port, Body, Any], None]"]

CARRY: Final[Carry] = {
    c.CreateJob: lambda house, port, body, job: port.start_job(body, job),
    c.CloseJob: lambda house, port, body, job: port.stop_job(job.job),
    c.HoldJob: lambda house, port, body, job: port.stop_job(job.job),
    c.ParkJob: lambda house, port, body, job: port.stop_job(job.job),
    c.ReleaseJob: _release_job,
    c.SetTimer: lambda house, port, body, timer: port.set_timer(body, timer),
    c.ClearTimer: lambda house, port, body, timer: port.clear_timer(timer.timer),
    c.Resolve: _ask,
    c.ReadStores: _ask,
    c.StartChild: _start_child,
    c.CancelChild: _cancel_child,
    c.TellParent: _tell_parent,
    c.GoOn: _go_on,
    c.Finish: _finish,
}
"""What a command means in a workflow. What is not here is only shown."""

SHOWN: Final = frozenset(Shown.__args__)
"""The commands that are reported."""
