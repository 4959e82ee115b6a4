"""What must hold in every moment of an explored world, and where nothing is left to do: a table of functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, cast, final

import msgspec

from procession.core import commands as c
from procession.core import facts as f
from procession.core.pending import pending
from procession.core.snapshot import dump
from procession.core.state import Status
from procession.runtime import codec
from procession.runtime.canonical import canonical
from procession.runtime.elsewhere import Handover
from procession.runtime.replay import Loaded, load_instance
from procession.runtime.rows import HELD, FactRow, InstanceRow, JobRow, OutboxRow, TimerRow
from procession.services.catalog import Catalog
from procession.testing.temporal.exploring.world import FINISHED, Moment, World, batches

ROWS_MAX: Final = 1_000
FAILED: Final = 2
"""The state of a row of the inbox that a fault of the engine left there."""
_ENCODE: Final = msgspec.json.Encoder(decimal_format="number", order="sorted").encode
_ANEW: Final = re.compile(r',\["job-reissued"[^\]]*\]')


@final
class Broken(AssertionError):
    """Something does not hold."""


def hold(world: World, before: Moment | None, after: Moment) -> None:
    """Raises `Broken` unless everything holds in a moment that comes after another one."""
    instances = _instances(world)
    for check in ALWAYS:
        for wrong in check(world, instances):
            raise Broken(wrong)
    if before is not None:
        known = set(after.rows.get("procession_fact", ()))
        for row in before.rows.get("procession_fact", ()):
            if row not in known:
                raise Broken(f"a fact is gone, or another one now: {row}")


def hold_at_rest(world: World, wanted: frozenset[tuple[str, ...]]) -> None:
    """Raises `Broken` unless all has come to one of its `wanted` ends, and nothing is left of it."""
    for check in AT_REST:
        for wrong in check(world, _instances(world)):
            raise Broken(wrong)
    if forms(world) not in wanted:
        text = "\nor\n".join("\n".join(each) for each in sorted(wanted))
        raise Broken("\n".join(forms(world)) + f"\nis not what an instance does that never moves:\n{text}")


def memory_holds(world: World, moment: Moment) -> None:
    """Raises `Broken` unless the engine had in memory what one that is opened now reads."""
    for key, (host, state) in moment.memory.items():
        found = world.shard.residents.get(0, key)
        if found is None or (found.host, dump(found.state)) != (host, state):
            raise Broken(f"the engine has another instance {key} in memory than is stored")


def forms(world: World) -> tuple[str, ...]:
    """The canonical forms of all instances, without that jobs were issued anew: only moves do that."""
    catalog = Catalog(world.store)
    programs = partial(catalog.linked, 0)
    found: list[str] = []
    for row in _rows(world):
        rows = world.store.read("facts", (0, row.key, 0), FactRow)
        facts = [fact for each in rows for fact in codec.decode_facts(each.data)]
        first = cast("f.InstanceStarted", facts[0])
        form = canonical(programs(first.program).program, facts, lambda each: programs(each).program)
        found.append(_ANEW.sub("", _ENCODE(form).decode()))
    return tuple(sorted(found))


def _rows(world: World) -> list[InstanceRow]:
    return world.store.read("instances", (0, 0, ROWS_MAX), InstanceRow)


Instances = list[tuple[InstanceRow, Loaded]]


def _instances(world: World) -> Instances:
    """Active instances, as the store has them."""
    programs = partial(Catalog(world.store).linked, 0)
    found: Instances = []
    for row in _rows(world):
        loaded = load_instance(world.store, 0, row.key, programs)
        if loaded is not None and loaded.state.status is Status.ACTIVE:
            found.append((row, loaded))
    return found


def _one_owner(world: World, instances: Instances) -> Iterator[str]:
    """Who steps an instance: the engine, or one run of its workflow."""
    running = sum(run.status == "running" for run in world.cluster.runs)
    if running > 1:
        yield f"{running} runs have the instance"
    if len({run.took for run in world.cluster.runs}) < len(world.cluster.runs):
        yield "what was handed over once was begun twice"
    for row, _ in instances:
        if not row.host and running:
            yield f"instance {row.key} is stepped by the engine, and by a workflow"


def _one_house(world: World, instances: Instances) -> Iterator[str]:
    """All that an instance called is where it is."""
    places = {(row.host, row.home if row.host else 0) for row, _ in instances}
    if len(places) > 1:
        yield f"a tree is in two places: {places}"


def _somewhere(world: World, instances: Instances) -> Iterator[str]:
    """An instance elsewhere has a workflow, or a row of the outbox that will start it."""
    rows = world.store.read("outbox_home_all", (0, world.root), OutboxRow)
    on_its_way = any(isinstance(world.shard.sent(0, row.number), Handover) for row in rows)
    for row, _ in instances:
        if row.host and not on_its_way and world.cluster.newest(world.workflow) is None:
            yield f"instance {row.key} is nowhere"


def _kept_here(world: World, instances: Instances) -> Iterator[str]:
    """Every wait of an instance that is here has a row, which nobody holds back; one that is elsewhere, none that the
    engine would act on."""
    jobs = {row.key: row for row in world.store.read("jobs", (0, 0, ROWS_MAX), JobRow)}
    timers = {row.key for row in world.store.read("timers_due", (0, HELD, ROWS_MAX), TimerRow) if row.instance}
    for row, loaded in instances:
        for command in pending(loaded.linked, loaded.state):
            if isinstance(command, c.CreateJob):
                offered = command.job in jobs and jobs[command.job].due != HELD
                if offered == bool(row.host):
                    yield f"job {command.job} is {'' if offered else 'not '}offered here, and its host is {row.host!r}"
            elif isinstance(command, c.SetTimer) and (command.timer in timers) == bool(row.host):
                yield f"timer {command.timer} is {'not ' * (not row.host)}kept here, and its host is {row.host!r}"


def _steps(world: World, instances: Instances) -> Iterator[str]:
    """Steps have no gap."""
    for row in _rows(world):
        seqs = [each.seq for each in world.store.read("facts", (0, row.key, 0), FactRow)]
        if seqs != list(range(1, len(seqs) + 1)):
            yield f"instance {row.key} has the steps {seqs}"


def _refused(world: World, instances: Instances) -> Iterator[str]:
    """No report is one that the engine cannot take in."""
    inbox = cast("list[Any]", world.select("SELECT source, body, result FROM procession_inbox WHERE state = 2"))
    for source, _, result in inbox:
        yield f"the engine could not take in what {source} told: {result!r}"
    failures = world.select("SELECT text FROM procession_failure")
    yield from (f"the engine failed: {text!r}" for (text,) in failures)


def _once(world: World, instances: Instances) -> Iterator[str]:
    """What was done under a key is taken in once."""
    for row in _rows(world):
        rows = world.store.read("facts", (0, row.key, 0), FactRow)
        done = [fact.job for each in rows for fact in codec.decode_facts(each.data) if isinstance(fact, f.JobCompleted)]
        if len(done) != len(set(done)):
            yield f"a job of instance {row.key} was completed twice"


def _over(world: World, instances: Instances) -> Iterator[str]:
    for row, loaded in instances:
        yield f"instance {row.key} never ends; it waits for {list(pending(loaded.linked, loaded.state))}"


def _nothing_left(world: World, instances: Instances) -> Iterator[str]:
    """Nothing is on its way to instances that have ended, or held for ever."""
    for table in ("outbox", "inbox", "job", "timer", "subscription"):
        rows = world.select(f"SELECT * FROM procession_{table}")
        if rows:
            yield f"all is over, and there is in {table}: {rows}"
    for run in world.cluster.runs:
        if run.status != "completed":
            yield f"all is over, and {run.run} has {run.status}"


def _batches_over(world: World, instances: Instances) -> Iterator[str]:
    """Every batch of moves has heard what became of the instance."""
    for row in batches(world):
        if row.state != FINISHED or row.awaited:
            yield f"all is over, and there is the batch {row}"


Check = Callable[[World, Instances], Iterator[str]]

ALWAYS: Final[tuple[Check, ...]] = (_one_owner, _one_house, _somewhere, _kept_here, _steps, _refused, _once)
AT_REST: Final[tuple[Check, ...]] = (_over, _nothing_left, _batches_over)
