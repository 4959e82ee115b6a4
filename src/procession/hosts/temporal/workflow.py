"""The workflow: one dynamic class for all processes, whose workflow type is the id of the process.

Signals, updates, activities and timers become events in the order in which the SDK gives them; each is stepped to
quiescence, and what it means leaves with the task. It runs outside the SDK's sandbox: what makes it deterministic is
the core (docs/design/0011). What must not live here: what an event or a command means.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final, Protocol, cast, final

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

from procession.core import commands as c
from procession.core import events as e
from procession.core.events import AnyEvent
from procession.core.linked import Linked
from procession.core.outcome import Outcome
from procession.hosts.temporal import payloads as p
from procession.hosts.temporal.admission import refused
from procession.hosts.temporal.details import details_of, tokens_of
from procession.hosts.temporal.house import Body, House
from procession.hosts.temporal.jobs import Jobs
from procession.hosts.temporal.others import Others
from procession.hosts.temporal.renewal import STARTS_WITH, spent
from procession.hosts.temporal.screens import screen_of
from procession.hosts.temporal.searchable import show
from procession.runtime.elsewhere import Delivery, Left, Reply, Screen
from procession.runtime.requests import Report

LOCAL_S: Final = 10
"""How long a local activity may take before it is tried again, in seconds."""
MOMENT_S: Final = 0.1
"""How long "what is next" waits for an answer."""
REPLIES_MAX: Final = 128
"""Updates whose answer is known to the next run, in case the caller asks again."""

QUIET: Final = frozenset({c.CreateJob, c.CloseJob})
"""Commands that nobody waits to see."""

_PATIENT: Final = RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=10))


class Surroundings(Protocol):
    """What a worker's process has for all workflows in it."""

    def linked(self, tenant: str, hash: str) -> Linked:
        """A program by its hash, which never means another one. Raises plain errors: the task is tried again."""
        ...

    def offer(self, envelope: p.Envelope, *, urgent: bool) -> None:
        """Takes reports whose loss would do no harm, to be handed over when their task is known to be committed.

        `urgent`: somebody waits for them, or this run will say no more.
        """
        ...


@final
class _Item:
    """An event on its way into an instance. `delivery` brought it; `reply` waits for what becomes of it."""

    __slots__ = ("at", "delivery", "event", "instance", "reply")

    def __init__(self, instance: int, event: AnyEvent, at: int = 0, delivery: Delivery | None = None) -> None:
        self.instance = instance
        self.event = event
        self.at = at
        self.delivery = delivery
        self.reply: asyncio.Future[Reply] | None = None


@final
class Machine:
    """One run of one workflow: the port of its house. The class that the SDK sees only hands on to it."""

    around: Surroundings
    """Given by `Settling`, before the run."""
    watched: Callable[[int, list[Report]], None] | None = None
    """Who sees all that is reported, in a replay too, with the event that started the task."""
    renewing: Callable[[str], None] | None = None
    """Who is told why the run ends and another one goes on."""

    def __init__(self) -> None:
        self._items: deque[_Item] = deque()
        self._asked: deque[_Item] = deque()
        """Updates. They come after all else: a replay may put what a task without commands took in, and the update
        behind it, into one activation, and it must be the same order then."""
        self._jobs = Jobs(self._happened)
        self._others = Others()
        self._timers: dict[int, asyncio.Task[None]] = {}
        self._settings = p.Settings()
        self._at = 0
        self._seen = 0
        self._shift = 0
        self._tenant = ""
        self._house: House | None = None
        self._task = 0
        self._index = 0
        self._live = 0
        """The task of the last report that was no replay's."""
        self._before = 0
        """The same, of another task than the present one."""
        self._kept: list[Report] = []
        self._nudged = False
        """Whether somebody asks for what is kept: the store shows less than there is."""
        self._replies: OrderedDict[str, Reply] = OrderedDict()
        self._renew = False
        self._leave: asyncio.Future[Left] | None = None
        """Who waits for the instances to be let go."""
        self._waits = False
        """Whether jobs under way come to their end before that."""
        self._left: Left | None = None
        self._taken_in = 0
        """Events that this run took in."""

    @property
    def house(self) -> House:
        """The instances of this workflow."""
        assert self._house is not None
        return self._house

    async def run(self, given: p.Input) -> dict[str, object]:
        """From the start, or where the run before ended, to the end of the instance that gave the workflow its id."""
        self._settings = self._jobs.settings = given.settings
        if given.carried is not None:
            await self._resume(given.carried)
        else:
            await self._begin(given.begin)
        await self._report()
        house = self.house
        while True:
            # What comes to an instance that has just ended is taken in too: its sender has to be told.
            if not house.bodies:
                self._all_over()
                await workflow.wait_condition(lambda: bool(self._items) or self._is_quiet())
                if not self._items:
                    break
            try:
                await workflow.wait_condition(self._has_work)
            except asyncio.CancelledError:
                if workflow.cancellation_reason() is None:
                    raise  # it is only taken out of the cache
                self._happened(house.home, e.Cancel("cancelled in Temporal"))
            await self._round()
            if self._left is not None:
                await workflow.wait_condition(workflow.all_handlers_finished)
                return {p.LEFT: {"seqs": self._left.seqs, "seen": self._left.seen}}
        assert house.result is not None
        return {"state": house.result.state, "variables": house.result.variables}

    async def _begin(self, begin: p.Begin | None) -> None:
        assert begin is not None, "a workflow without a beginning"
        start = begin.start
        house = self._housed(start.tenant, start.instance)
        house.give_keys(begin.first, begin.last)
        if self._settings.shifted:
            self._shift = begin.at - self._clock()
        outcome = await house.begin(start, self._now(begin.at))
        if outcome.rejected:
            raise ApplicationError(outcome.reason, type=p.REFUSED, non_retryable=True)

    async def _resume(self, carried: p.Carried) -> None:
        self._at, self._seen, self._shift = carried.at, carried.seen, carried.shift
        self._replies = OrderedDict(carried.replies)
        self._jobs.activities = carried.activities
        self._jobs.resume(carried.jobs)
        house = self._housed(carried.tenant, carried.home)
        house.give_keys(carried.first, carried.last)
        house.result = carried.finish
        await house.resume(p.unpacked(carried))

    def _housed(self, tenant: str, home: int) -> House:
        self._tenant = tenant
        house = self._house = House(tenant, home, self, partial(self.around.linked, tenant))
        return house

    def deliver(self, deliveries: list[Delivery]) -> None:
        """Events from outside; one that was seen is dropped. Without any, what was kept is told."""
        self._nudged = self._nudged or not deliveries
        for delivery in deliveries:
            # Those from other workflows have no number: the server gives each of them once.
            if delivery.number and delivery.number <= self._seen:
                continue
            self._seen = max(self._seen, delivery.number)
            self._items.append(_Item(delivery.instance, delivery.event, delivery.at, delivery))

    def check(self, delivery: Delivery) -> None:
        """Refuses an update that cannot be carried out; see `admission`."""
        body = self._house.bodies.get(delivery.instance) if self._house is not None else None
        if self._house is None:
            return
        found = refused(body.state if body is not None else None, delivery.instance, delivery.event)
        if found is not None:
            raise ApplicationError(found[1], *found, type=p.REFUSED, non_retryable=True)

    async def ask_event(self, delivery: Delivery) -> Reply:
        """One event from outside, and what becomes of it."""
        update = workflow.current_update_info()
        id = update.id if update is not None else ""
        known = self._replies.get(id)
        if known is not None:
            return known  # a run before answered it
        item = _Item(delivery.instance, delivery.event, delivery.at)
        item.reply = asyncio.get_running_loop().create_future()
        self._asked.append(item)
        reply = await item.reply
        self._replies[id] = reply
        while len(self._replies) > REPLIES_MAX:
            self._replies.popitem(last=False)
        return reply

    async def screen(self) -> Screen:
        """What is next for who plays this instance; `working` when that is not known after a moment."""
        found = self._screen()
        if found is None:
            # Not longer: a handler that waits would keep the run from ending.
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(
                    lambda: self._screen() is not None, timeout=MOMENT_S, timeout_summary="next screen"
                )
            found = self._screen()
        return found or Screen("working", self._house.home if self._house is not None else 0)

    def _screen(self) -> Screen | None:
        return None if self._house is None or self._items or self._asked else screen_of(self._house)

    def _is_quiet(self) -> bool:
        return workflow.all_handlers_finished() and not self._others.busy

    def _has_work(self) -> bool:
        # A run that drains waits for what is in flight, which comes as an item.
        renew = self._renew and not (self._jobs.draining and self._jobs.in_flight)
        leave = self._leave is not None and not (self._waits and self._jobs.in_flight)
        return bool(self._items or self._asked or renew or leave or self._nudged)

    def idle(self) -> None:
        """Refuses to let go while a job is under way."""
        if self._left is None and self._jobs.in_flight:
            raise ApplicationError("a job of it is under way", type=p.BUSY, non_retryable=True)

    async def leave(self, wait: bool) -> Left:
        """Lets all instances go, as soon as nothing is in the middle of a step."""
        if self._left is not None:
            return self._left
        self._waits = wait
        self._jobs.draining = self._jobs.draining or wait
        if self._leave is None:
            self._leave = asyncio.get_running_loop().create_future()
        # Several may ask: none of them takes it away from the others.
        return await asyncio.shield(self._leave)

    async def _depart(self) -> None:
        """Tells all that is not told yet, and lets go. From then on this run does nothing more."""
        if self._leave is None or not self.house.bodies or (self._waits and self._jobs.in_flight):
            return
        self._jobs.abandon()
        await self._report(last=True)
        if self._items or self._asked:
            return
        seqs = {body.key: body.state.seq for body in self.house.bodies.values()}
        self._left = Left(seqs, self._seen)
        self._leave.set_result(self._left)

    def _all_over(self) -> None:
        """There is nothing to let go any more."""
        if self._leave is not None and not self._leave.done():
            self._leave.set_result(Left({}, self._seen))

    def renew(self) -> None:
        """Goes on in a new run as soon as nothing is in flight."""
        self._renew = True

    def tokens(self) -> dict[str, dict[str, int]]:
        """Instance -> element id -> how many element instances are active there."""
        if self._house is None:
            return {}
        return {str(body.key): tokens_of(body) for body in self._house.bodies.values()}

    async def _round(self) -> None:
        self._nudged = False
        answered = False
        while self._items or self._asked:
            item = (self._items or self._asked).popleft()
            outcome = await self._taken(item)
            answered = answered or item.reply is not None
            body = self.house.bodies.get(item.instance)
            if item.reply is not None:
                seq = body.state.seq if body is not None else 0
                item.reply.set_result(Reply(seq, outcome.rejected, outcome.reason))
            self._taken_in += 1
        await self._report(urgent=answered)
        await self._depart()
        if self._leave is None:
            await self._renewed()

    async def _renewed(self) -> None:
        """Ends the run when its budget is spent and nothing is in flight; until then nothing new is scheduled."""
        house, budget = self.house, self._settings.budget
        flying = self._jobs.in_flight
        why = "asked" if self._renew else spent(self._settings, house, self._taken_in, self._clock(), in_flight=flying)
        if not house.bodies or not why:
            return
        self._jobs.draining = True
        if flying and not budget.force:
            return
        # Callers are answered first, and what comes meanwhile is taken in first.
        await workflow.wait_condition(self._is_quiet)
        if self._items or self._asked:
            return
        await self._report(last=True)
        if self._items or self._asked:
            return
        first, last = house.keys
        carried = p.Carried(
            self._tenant,
            house.home,
            house.carried(),
            first,
            last,
            self._seen,
            list(self._replies.items()),
            self._jobs.carried(),
            self._jobs.activities,
            self._at,
            self._shift,
            house.result,
        )
        if self.renewing is not None:
            self.renewing(why)
        given = p.Input(None, self._settings, p.packed(carried))
        workflow.continue_as_new(given, initial_versioning_behavior=STARTS_WITH[self._settings.upgrade])

    async def _taken(self, item: _Item) -> Outcome:
        at = self._now(item.at)
        if item.delivery is not None:
            outcome = await self.house.deliver(item.delivery, at)
        else:
            outcome = await self.house.take(item.instance, item.event, at)
        body = self.house.bodies.get(item.instance)
        if outcome.rejected and isinstance(item.event, e.CompleteJob) and body is not None and item.reply is None:
            self._jobs.refused(body, item.event.job, outcome.reason, item.at)
        return outcome

    def _happened(self, instance: int, event: AnyEvent, at: int = 0) -> None:
        self._items.append(_Item(instance, event, at))

    def _now(self, said: int) -> int:
        """The time of an event, in Unix ms."""
        if self._settings.virtual:
            self._at = max(self._at, said)
            return self._at
        return self._clock()

    def _clock(self) -> int:
        return workflow.time_ns() // 1_000_000 + self._shift

    # --- reports

    async def _report(self, *, last: bool = False, urgent: bool = False) -> None:
        """`last`: the run ends, and the next one tells nothing of it. What waits for its commit is stored with this.
        `urgent`: somebody waits for it to be seen."""
        house = self.house
        show(house, self._settings.search)
        durable = house.durable or last
        fresh = house.reports(p.HOST)
        workflow.set_current_details(details_of(house))
        if self.watched is not None:
            self.watched(workflow.info().get_current_history_length(), fresh)
        reports = [*self._kept, *fresh]
        self._kept = []
        if last and not reports:
            reports = [Report(self._tenant, house.home, p.HOST, house.home)]
        if not reports:
            return
        replayed = workflow.unsafe.is_replaying()
        if replayed:
            # Whoever ran this before may have died before he told it: it is told with what comes next. Of what was
            # stored the marker is enough for this workflow, and not for the reports before it.
            self._kept = reports
            if not durable:
                return
        info = workflow.info()
        task = info.get_current_history_length()
        self._index = self._index + 1 if task == self._task else 0
        self._task = task
        if not replayed and task != self._live:
            self._before, self._live = self._live, task
        ends = last or not (house.bodies or self._others.busy)
        envelope = p.Envelope(info.run_id, task, self._index, reports, self._before, ends)
        if durable:
            await self._local(p.REPORT, envelope)
        else:
            self.around.offer(envelope, urgent=urgent or not self._goes_on(reports))

    def _goes_on(self, reports: list[Report]) -> bool:
        """Whether more is to come by itself, and nobody looks for what there is: jobs end, and others start."""
        if not self._jobs.in_flight:
            return False
        steps = (step for report in reports for step in report.steps)
        return all(type(command) in QUIET for step in steps for command in step.commands)

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

    @property
    def apart(self) -> bool:
        """See `house.Port`."""
        return self._settings.calls

    def start_apart(self, start: e.Start, process_id: str, first: int, last: int) -> None:
        """See `house.Port`."""
        given = p.Input(p.Begin(process_id, start, first, last, self._at), self._settings)
        self._others.start(start.instance, self._tenant, process_id, given)

    def tell(self, instance: int, event: AnyEvent) -> None:
        """See `house.Port`."""
        self._others.tell(instance, self._tenant, Delivery(0, instance, event, self._at))

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
        left = due - self._clock()
        if left > 0:
            await workflow.sleep(timedelta(milliseconds=left), summary=summary)
        self._timers.pop(timer, None)
        self._happened(instance, e.FireTimer(timer))
