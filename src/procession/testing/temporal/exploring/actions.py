"""What may happen next in an explored world. An action is its name and what it is about; a fault costs of a budget.

Those that somebody does sooner or later (`PROGRESS`) bring every instance to its end; nothing else has to happen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast, final

import msgspec
from temporalio.bridge.proto.workflow_commands import ScheduleLocalActivity, WorkflowCommand

from procession.base.failure import ProcessionError
from procession.core import events as e
from procession.hosts.temporal import payloads as p
from procession.hosts.temporal.catching_up import CatchingUp, Told
from procession.hosts.temporal.cluster import Loop
from procession.hosts.temporal.local import Local
from procession.hosts.temporal.payloads import Envelope, JobOrder, Question
from procession.runtime import requests as q
from procession.runtime.batches import Filter, MoveEach
from procession.runtime.rows import (
    HELD,
    HeldRow,
    InstanceRow,
    JobRow,
    OutboxRow,
    SizeRow,
    TimerRow,
)
from procession.testing.temporal.exploring.client import Died, Waits
from procession.testing.temporal.exploring.cluster import Run
from procession.testing.temporal.exploring.tasks import CONVERTER, run_task, told
from procession.testing.temporal.exploring.world import RUNNING, TENANT, Letter, Mover, World, batches

Action: TypeAlias = tuple[str | int, ...]
ROWS_MAX: Final = 100
LEASE_MS: Final = 10_000_000
FAR_MS: Final = 1 << 62


@final
@dataclass(frozen=True)
class Kind:
    """A kind of actions: `what` gives what they may be about, `does` one of them. `costs` names a budget."""

    what: Callable[[World], Iterator[Action]]
    does: Callable[..., None]
    costs: str = ""


def enabled(world: World) -> list[tuple[Action, str]]:
    """What may happen, and which budget it takes: one of its own, or that of its kind."""
    found: list[tuple[Action, str]] = []
    for name, kind in KINDS.items():
        budget = name if world.left.get(name) else kind.costs
        if not kind.costs or world.left.get(budget):
            found += (((name, *about), budget) for about in kind.what(world))
    return found


def act(world: World, action: Action) -> None:
    """Lets it happen. Raises `Died` where the engine is gone in the middle of it."""
    name = cast("str", action[0])
    kind = KINDS[name]
    if kind.costs:
        world.left[name if world.left.get(name) else kind.costs] -= 1
    kind.does(world, *action[1:])


# --- the engine


def _asked(world: World, request: q.AnyRequest) -> object:
    """Asks the engine; what it refuses is told to whoever asks."""
    try:
        return world.hosting.call(request)
    except ProcessionError as error:
        return error


def _turns(world: World) -> Iterator[Action]:
    waiting = world.store.read("inbox_size", (), SizeRow)[0].count
    timers = world.store.read("timers_due", (0, world.now, 1), TimerRow)
    if waiting or timers or any(row.state == RUNNING for row in batches(world)):
        yield ()


def _turn(world: World) -> None:
    while world.pumps.turn():
        continue


def _batch_begins(world: World) -> Iterator[Action]:
    begun = world.model.budget["batches"] - world.left["batches"]
    yield from ((("temporal", "here")[begun % 2], jobs) for jobs in world.model.policies)


def _batch(world: World, to: str, jobs: str) -> None:
    """A batch of moves is noted; its portions are the engine's next turns."""
    _asked(world, q.StartBatch(TENANT, Filter(instances=(world.root,)), MoveEach(to, jobs)))


def _letters(world: World) -> Iterator[Action]:
    yield from ((n,) for n in range(len(world.letters)) if world.letters[n] not in world.letters[:n])


def _arrives(world: World, place: int) -> None:
    letter = world.letters.pop(place)
    try:
        _asked(world, q.decode(letter.body))
    except Waits:
        raise AssertionError(f"what a {letter.about} says late goes to the other host") from None


def _offers(world: World) -> Iterator[Action]:
    for row in world.store.read("jobs", (0, 0, ROWS_MAX), JobRow):
        if row.due <= world.now:
            yield ()
            return


def _lease(world: World) -> None:
    jobs = _asked(world, q.ActivateJobs(TENANT, "work", 1, "w", LEASE_MS))
    for job in cast("list[dict[str, Any]]", jobs):
        done = q.FinishJob(TENANT, int(job["key"]), _result(job["element_id"]), int(job["token"]))
        world.letters.append(Letter("worker", q.encode(done)))


def _result(element: str) -> dict[str, Any]:
    return {"done": element}


def _publishes(world: World) -> Iterator[Action]:
    if world.model.message and world.left.get("published", 1):
        yield ()


def _publish(world: World) -> None:
    world.left["published"] = 0
    _asked(world, q.PublishMessage(TENANT, "go", "k1", {"went": True}, ttl=3_600_000))


def _asks(world: World) -> Iterator[Action]:
    if world.model.asked and world.left.get("asked", 1):
        yield ()


def _ask(world: World) -> None:
    world.left["asked"] = 0
    event = e.Cancel("somebody said so") if world.model.asked == "cancel" else e.SetVariables(0, {"said": 1})
    # As from a process without the host: it comes through the inbox, and goes on through the outbox.
    world.pumps.call(q.Deliver(TENANT, world.root, event, True))


# --- the sender


def _rows(world: World) -> list[OutboxRow]:
    return world.store.read("outbox_tenant", (0, FAR_MS, ROWS_MAX), OutboxRow)


def _sends(world: World) -> Iterator[Action]:
    if _rows(world):
        yield ()


def _sent(world: World, *, late: bool = False) -> list[q.AnyRequest]:
    """What arrived. `late`: what moves have to tell the engine is in it, too, and is told now otherwise."""
    world.client.sends, world.tells_late = True, late
    try:
        return world.loop.finish(_carried(world))
    finally:
        world.client.sends = False


async def _carried(world: World) -> list[q.AnyRequest]:
    """With moves as far as they come now."""
    arrived, error = await world.placement.carry(_rows(world))
    outcomes = await asyncio.gather(*vars(world.sending)["_under_way"].values(), return_exceptions=True)
    for each in (error, *outcomes):
        if each is not None and not isinstance(each, Waits):
            raise each
    return [*arrived, *world.told()]


def _send(world: World) -> None:
    arrived = _sent(world)
    if arrived:
        world.hosting.call_all(arrived)


def _send_slowly(world: World) -> None:
    """What arrived is told later."""
    world.letters += (Letter("sender", q.encode(each)) for each in _sent(world, late=True))


def _send_and_die(world: World) -> None:
    """Something was sent, and whoever sent it is gone."""
    world.client.dies_after = 1
    try:
        _sent(world)
    except Died:
        return


# --- the cluster


def _runs(world: World, holds: Callable[[Run], bool]) -> Iterator[Action]:
    yield from ((n,) for n, run in enumerate(world.cluster.runs) if holds(run))


def _task(world: World, n: int, *, times: int = 1) -> None:
    run = world.cluster.runs[n]

    def local(wanted: ScheduleLocalActivity) -> object:
        return [_local(world, wanted) for _ in range(times)][-1]

    run_task(run, world.around, local, world.now)


def _task_twice(world: World, n: int) -> None:
    """Its local activities are done twice, for nobody heard of the first time."""
    _task(world, n, times=2)


def _local(world: World, wanted: ScheduleLocalActivity) -> object:
    name = wanted.activity_type
    if name == p.REPORT:
        world.reporter.hold(CONVERTER.from_payload(wanted.arguments[0], Envelope))
    elif name == p.ASK:
        local = Local(world.store, world.reporter, lambda keys: tuple(cast("Any", world.pumps.call(keys))))
        return world.loop.finish(local.ask(CONVERTER.from_payload(wanted.arguments[0], Question)))
    return None


def _complete(world: World, n: int) -> None:
    run = world.cluster.runs[n]
    if world.cluster.complete(run) and run.status != "running":
        world.reporter.ended(run.run)


def _jobs(world: World) -> Iterator[Action]:
    for n, run in enumerate(world.cluster.runs):
        yield from ((n, seq) for seq in run.activities)


def _job(world: World, n: int, seq: int) -> None:
    run = world.cluster.runs[n]
    command = WorkflowCommand()
    command.ParseFromString(run.activities[seq])
    order = CONVERTER.from_payload(command.schedule_activity.arguments[0], JobOrder)
    result = CONVERTER.to_payload(_result(order.element_id))
    world.cluster.do(run, seq, result.SerializeToString())


def _fires(world: World) -> Iterator[Action]:
    for n, run in enumerate(world.cluster.runs):
        yield from ((n, timer) for timer, due in run.timers.items() if due <= world.now)


def _fire(world: World, n: int, timer: int) -> None:
    world.cluster.fire(world.cluster.runs[n], timer)


def _settles(world: World) -> Iterator[Action]:
    if not world.reporter.idle:
        yield ()


def _settle(world: World) -> None:
    world.reporter.settle()


def _sweep(world: World) -> None:
    world.reporter.sweep(FAR_MS)


def _sweeps(world: World) -> Iterator[Action]:
    if world.store.read("inbox_held", (FAR_MS, ROWS_MAX), HeldRow):
        yield ()


def _repairs(world: World) -> Iterator[Action]:
    """Where nobody has anything to tell."""
    if world.reporter.idle and not world.store.read("inbox_size", (), SizeRow)[0].count:
        yield from _repairs_early(world)


def _repairs_early(world: World) -> Iterator[Action]:
    row = world.store.read("instance", (0, world.root), InstanceRow)[0]
    run = world.cluster.newest(world.workflow)
    if row.host and not row.state and run is not None and run.tasks:
        yield ()


def _repair(world: World) -> None:
    """Somebody looks in the history for what was not told."""
    repairing = CatchingUp(cast("Any", None), cast("Loop", world.loop), world.store)

    async def anew(tenant: str, home: int) -> list[Told]:
        run = world.cluster.newest(world.workflow)
        return [Told(run.run, told(run, world.around))] if run is not None else []

    vars(repairing)["_told"] = anew
    repairing.repair(TENANT, world.root)


def _worker_lives(world: World) -> Iterator[Action]:
    cached = any(run.open is not None or run.replayed < len(run.tasks) for run in world.cluster.runs)
    if cached or not world.reporter.idle:
        yield ()


def _worker_dies(world: World) -> None:
    world.worker_dies()


# --- movers


def _begins(world: World) -> Iterator[Action]:
    model = world.model
    begun = model.budget["moves"] - world.left["moves"]
    ways = model.ways[begun : begun + 1] if model.ways else ("temporal", "here")
    yield from ((to, jobs) for to in ways for jobs in model.policies)


def _begin(world: World, to: str, jobs: str) -> None:
    known = {mover.number for mover in world.movers}
    number = next(n for n in range(len(known) + 1) if n not in known)
    world.movers.append(Mover(number, to, jobs))
    _go_on(world, number)


def _goes_on(world: World) -> Iterator[Action]:
    yield from ((mover.number,) for mover in world.movers)


def _go_on(world: World, number: int) -> None:
    [mover] = [each for each in world.movers if each.number == number]
    world.client.asks = mover.asks
    try:
        world.hosting.move(TENANT, world.root, mover.to, mover.jobs)
    except Waits:
        world.movers[world.movers.index(mover)] = msgspec.structs.replace(mover, asks=world.client.asks)
        return
    except ProcessionError:
        pass  # he is told
    world.movers.remove(mover)


def _sleeps(world: World, number: int) -> None:
    """He falls asleep just before he takes the instance back, and goes on whenever it is."""
    asked = world.hosting.call
    slept: list[q.TakeBack] = []

    def held(request: Any, timeout_s: float = 30.0) -> object:
        if not isinstance(request, q.TakeBack):
            return asked(request, timeout_s)
        slept.append(request)
        return 0

    vars(world.hosting)["call"] = held
    try:
        _go_on(world, number)
    finally:
        del vars(world.hosting)["call"]
    world.letters += (Letter("mover", q.encode(each)) for each in slept)


def _dies(world: World, number: int) -> None:
    world.movers = [each for each in world.movers if each.number != number]


def _strands(world: World) -> Iterator[Action]:
    """Nobody steps it, and nobody is about to."""
    row = world.store.read("instance", (0, world.root), InstanceRow)[0]
    run = world.cluster.newest(world.workflow)
    if row.host and not row.state and run is not None and run.let_go and not world.movers:
        yield ()


def _rescue(world: World) -> None:
    _begin(world, "here", "carry")


# --- time


def _waits(world: World) -> Iterator[Action]:
    if _next(world) is not None:
        yield ()


def _next(world: World) -> int | None:
    times = [due for run in world.cluster.runs for due in run.timers.values()]
    times += (row.due for row in world.store.read("timers_due", (0, HELD, ROWS_MAX), TimerRow))
    later = [due for due in times if due > world.now]
    return min(later, default=None)


def _wait(world: World) -> None:
    due = _next(world)
    assert due is not None
    world.now = due


KINDS: Final[Mapping[str, Kind]] = {
    "settle": Kind(_settles, _settle),
    "complete": Kind(lambda world: _runs(world, lambda run: run.open is not None), _complete),
    "task": Kind(lambda world: _runs(world, lambda run: run.has_work and run.open is None), _task),
    "send": Kind(_sends, _send),
    "turn": Kind(_turns, _turn),
    "letter": Kind(_letters, _arrives),
    "go-on": Kind(_goes_on, _go_on),
    "job": Kind(_jobs, _job),
    "lease": Kind(_offers, _lease),
    "fire": Kind(_fires, _fire),
    "publish": Kind(_publishes, _publish),
    "ask": Kind(_asks, _ask),
    "sweep": Kind(_sweeps, _sweep),
    "repair": Kind(_repairs, _repair),
    "rescue": Kind(_strands, _rescue),
    "wait": Kind(_waits, _wait),
    "move": Kind(_begins, _begin, "moves"),
    "batch": Kind(_batch_begins, _batch, "batches"),
    "die": Kind(_goes_on, _dies, "faults"),
    "sleep": Kind(_goes_on, _sleeps, "faults"),
    "send-slowly": Kind(_sends, _send_slowly, "faults"),
    "send-and-die": Kind(_sends, _send_and_die, "faults"),
    "task-twice": Kind(
        lambda world: _runs(world, lambda run: run.has_work and run.open is None), _task_twice, "faults"
    ),
    "repair-early": Kind(_repairs_early, _repair, "faults"),
    "worker-dies": Kind(_worker_lives, _worker_dies, "faults"),
}
PROGRESS: Final = tuple(name for name, kind in KINDS.items() if not kind.costs)
"""In the order in which somebody who does one thing after the other does them."""
