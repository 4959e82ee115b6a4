"""The workflow: one dynamic class for all processes, whose workflow type is the id of the process.

Signals, updates, activities and timers become events in the order in which the SDK gives them; each is stepped to
quiescence, and what it means leaves with the task. It runs outside the SDK's sandbox: what makes it deterministic is
the core (docs/design/0011). What must not live here: what an event or a command means.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Final, Protocol, cast, final

from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from procession.core import commands as c
from procession.core import events as e
from procession.core.events import AnyEvent
from procession.core.linked import Linked
from procession.core.outcome import Outcome
from procession.hosts.temporal import payloads as p
from procession.hosts.temporal.house import Body, House
from procession.hosts.temporal.jobs import Jobs
from procession.runtime.elsewhere import Delivery, Refusal, Reply
from procession.runtime.requests import Report

LOCAL_S: Final = 10
"""How long a local activity may take before it is tried again, in seconds."""


_PATIENT: Final = RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=10))


class Surroundings(Protocol):
    """What a worker's process has for all workflows in it."""

    def linked(self, tenant: str, hash: str) -> Linked:
        """A program by its hash, which never means another one. Raises plain errors: the task is tried again."""
        ...

    def offer(self, envelope: p.Envelope) -> None:
        """Takes reports whose loss would do no harm, to be handed over when their task is known to be committed."""
        ...


@final
class _Item:
    """An event on its way into an instance. `reply` waits for what becomes of it."""

    __slots__ = ("at", "delivery", "event", "instance", "reply")

    def __init__(self, instance: int, event: AnyEvent, at: int = 0) -> None:
        self.instance = instance
        self.event = event
        self.at = at
        self.delivery: Delivery | None = None
        self.reply: asyncio.Future[Reply] | None = None


@final
class Machine:
    """One run of one workflow: the port of its house. The class that the SDK sees only hands on to it."""

    around: Surroundings
    """Given by `Settling`, before the run."""
    watched: Callable[[int, list[Report]], None] | None = None
    """Who sees all that is reported, in a replay too, with the event that started the task."""

    def __init__(self) -> None:
        self._items: deque[_Item] = deque()
        self._asked: deque[_Item] = deque()
        """Updates. They come after all else: a replay may put what a task without commands took in, and the update
        behind it, into one activation, and it must be the same order then."""
        self._jobs = Jobs(self._happened)
        self._timers: dict[int, asyncio.Task[None]] = {}
        self._settings = p.Settings()
        self._at = 0
        self._seen = 0
        self._tenant = ""
        self._house: House | None = None
        self._task = 0
        self._index = 0
        self._kept: list[Report] = []

    @property
    def house(self) -> House:
        """The instances of this workflow."""
        assert self._house is not None
        return self._house

    async def run(self, given: p.Input) -> dict[str, object]:
        """From the start to the end of the instance that gave the workflow its id."""
        begin, self._settings = given.begin, given.settings
        self._jobs.settings = given.settings
        start = begin.start
        self._tenant = start.tenant
        self._house = House(start.tenant, start.instance, self, partial(self.around.linked, start.tenant))
        self._house.give_keys(begin.first, begin.last)
        outcome = await self._house.begin(start, self._now(begin.at))
        if outcome.rejected:
            raise ApplicationError(outcome.reason, type="procession.refused", non_retryable=True)
        await self._report()
        while self._house.bodies:
            try:
                await workflow.wait_condition(lambda: bool(self._items or self._asked))
            except asyncio.CancelledError:
                if workflow.cancellation_reason() is None:
                    raise  # it is only taken out of the cache
                self._items.append(_Item(start.instance, e.Cancel("cancelled in Temporal")))
            await self._round()
        await workflow.wait_condition(workflow.all_handlers_finished)
        result = self._house.result
        assert result is not None
        return {"state": result.state, "variables": result.variables}

    def deliver(self, deliveries: list[Delivery]) -> None:
        """Events from outside; one that was seen is dropped."""
        for delivery in deliveries:
            if delivery.number <= self._seen:
                continue
            self._seen = delivery.number
            item = _Item(delivery.instance, delivery.event, delivery.at)
            item.delivery = delivery
            self._items.append(item)

    async def ask_event(self, delivery: Delivery) -> Reply:
        """One event from outside, and what becomes of it."""
        item = _Item(delivery.instance, delivery.event, delivery.at)
        item.reply = asyncio.get_running_loop().create_future()
        self._asked.append(item)
        return await item.reply

    def tokens(self) -> dict[str, dict[str, int]]:
        """Instance -> element id -> how many element instances are active there."""
        if self._house is None:
            return {}
        return {str(body.key): _tokens(body) for body in self._house.bodies.values()}

    async def _round(self) -> None:
        while self._items or self._asked:
            item = (self._items or self._asked).popleft()
            outcome = await self._taken(item)
            body = self.house.bodies.get(item.instance)
            if item.reply is not None:
                seq = body.state.seq if body is not None else 0
                item.reply.set_result(Reply(seq, outcome.rejected, outcome.reason))
        await self._report()

    async def _taken(self, item: _Item) -> Outcome:
        outcome = await self.house.take(item.instance, item.event, self._now(item.at))
        if not outcome.rejected:
            return outcome
        body = self.house.bodies.get(item.instance)
        if isinstance(item.event, e.OfferMessage) and item.delivery is not None:
            event, said = item.event, item.delivery
            refusal = Refusal(event.subscription, event.message, said.name, said.correlation)
            self.house.refuse(item.instance, refusal)
        elif isinstance(item.event, e.CompleteJob) and body is not None and item.reply is None:
            self._jobs.refused(body, item.event.job, outcome.reason, item.at)
        return outcome

    def _happened(self, instance: int, event: AnyEvent, at: int = 0) -> None:
        self._items.append(_Item(instance, event, at))

    def _now(self, said: int) -> int:
        """The time of an event, in Unix ms."""
        if self._settings.virtual:
            self._at = max(self._at, said)
            return self._at
        return workflow.time_ns() // 1_000_000

    # --- reports

    async def _report(self) -> None:
        house = self.house
        durable = house.durable
        fresh = house.reports(p.HOST)
        if self.watched is not None:
            self.watched(workflow.info().get_current_history_length(), fresh)
        reports = [*self._kept, *fresh]
        self._kept = []
        if not reports:
            return
        if workflow.unsafe.is_replaying() and not durable:
            # Whoever ran this before may have died before he told it: it is told with what comes next.
            self._kept = reports
            return
        info = workflow.info()
        task = info.get_current_history_length()
        self._index = self._index + 1 if task == self._task else 0
        self._task = task
        envelope = p.Envelope(info.run_id, task, self._index, reports)
        if durable:
            await self._local(p.REPORT, envelope)
        else:
            self.around.offer(envelope)

    async def _local(self, name: str, *args: object, result: type | None = None) -> object:
        return await workflow.execute_local_activity(
            name,
            args=args,
            result_type=result,
            start_to_close_timeout=timedelta(seconds=LOCAL_S),
            retry_policy=_PATIENT,
        )

    # --- what a house asks for

    async def ask(self, body: Body, asked: list[c.Resolve | c.ReadStores], blocks: int) -> list[AnyEvent]:
        """See `house.Port`."""
        question = p.Question(
            self._tenant,
            body.linked.program.process_id,
            body.state.version,
            [each for each in asked if isinstance(each, c.Resolve)],
            [each for each in asked if isinstance(each, c.ReadStores)],
            blocks,
        )
        answers = cast("p.Answers", await self._local(p.ASK, question, result=p.Answers))
        if answers.last:
            self.house.give_keys(answers.first, answers.last)
        resolved, stores = iter(answers.resolved), iter(answers.stores)
        return [next(resolved) if isinstance(each, c.Resolve) else next(stores) for each in asked]

    async def breathe(self) -> None:
        """See `house.Port`. A new activation, so that a long step does not look like a deadlock."""
        await self._local(p.BREATHE)

    def tell(self, instance: int, event: AnyEvent) -> None:
        """See `house.Port`."""

    def start_job(self, body: Body, job: c.CreateJob) -> None:
        """See `house.Port`."""
        self._jobs.start(body, job)

    def stop_job(self, job: int) -> None:
        """See `house.Port`."""
        self._jobs.stop(job)

    def set_timer(self, body: Body, timer: c.SetTimer) -> None:
        """See `house.Port`."""
        if self._settings.virtual:
            return
        self.clear_timer(timer.timer)
        node = body.linked.nodes[timer.node]
        sleeping = self._sleep(body.key, timer.timer, timer.due, node.name or node.id)
        self._timers[timer.timer] = asyncio.create_task(sleeping)

    def clear_timer(self, timer: int) -> None:
        """See `house.Port`."""
        sleeping = self._timers.pop(timer, None)
        if sleeping is not None:
            sleeping.cancel()

    async def _sleep(self, instance: int, timer: int, due: int, summary: str) -> None:
        left = due - workflow.time_ns() // 1_000_000
        if left > 0:
            await workflow.sleep(timedelta(milliseconds=left), summary=summary)
        self._timers.pop(timer, None)
        self._happened(instance, e.FireTimer(timer))


def _tokens(body: Body) -> dict[str, int]:
    nodes = body.linked.nodes
    return dict(Counter(nodes[each.node].id for each in body.state.elements.values() if each is not body.state.root))


@workflow.defn(dynamic=True)
class ProcessWorkflow:
    """An instance of a process, and those that it called."""

    def __init__(self) -> None:
        self.machine = Machine()

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> dict[str, object]:
        """See `Machine.run`."""
        given = workflow.payload_converter().from_payload(args[0].payload, p.Input)
        return await self.machine.run(given)

    @workflow.signal(name=p.DELIVER)
    def deliver(self, deliveries: list[Delivery]) -> None:
        """See `Machine.deliver`."""
        self.machine.deliver(deliveries)

    @workflow.update(name=p.ASK)
    async def ask(self, delivery: Delivery) -> Reply:
        """See `Machine.ask_event`."""
        return await self.machine.ask_event(delivery)

    @workflow.query(name=p.TOKENS)
    def tokens(self) -> dict[str, dict[str, int]]:
        """See `Machine.tokens`."""
        return self.machine.tokens()


@final
class Settling(Interceptor):
    """Gives every workflow of a worker, or of a replay, its surroundings before it runs."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        """See `Interceptor`."""
        around = self._around

        class Inbound(WorkflowInboundInterceptor):
            async def execute_workflow(self, input: ExecuteWorkflowInput) -> object:
                found: object = workflow.instance()
                if isinstance(found, ProcessWorkflow):
                    found.machine.around = around
                return await super().execute_workflow(input)

        return Inbound
