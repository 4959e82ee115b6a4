"""`simulate`: one seeded run under faults, held against the same plans without faults. A seed is a run.

`python -m procession.testing.sim --seeds 1000` runs many. What must not live here: what a fault does (world.py,
store.py), and what must hold after each commit (ledger.py).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from procession.base.failure import ProcessionError
from procession.core.state import Status
from procession.testing.generate import Choose
from procession.testing.sim.faults import Dice, Fault, named
from procession.testing.sim.ledger import NOBODY, Violation, check
from procession.testing.sim.people import write_letters
from procession.testing.sim.plans import Plan, draw_plan
from procession.testing.sim.run import Run
from procession.testing.sim.world import MINUTE_MS, CrashAt, Process, World

ACTIONS_MAX: Final = 4_000
"""A run that has not come to rest by then never will."""
TENANTS: Final = ("<default>", "other")

Outcome: TypeAlias = Mapping[tuple[str, str, str], tuple[Counter[str], Counter[str], Counter[str]]]
"""(tenant, business key, process id) -> how its instances ended, the elements completed, the last variables."""


@final
class SimulationFailed(AssertionError):
    """A promise of the engine was broken in a run. The text holds the seed, the promise, the last steps and facts."""


@final
@dataclass(frozen=True)
class Report:
    """What a run was like: how much happened in it, and a hash of every fact in the order of the commits."""

    seed: int
    plans: tuple[str, ...]
    actions: int
    commits: int
    facts: int
    crashes: int
    fired: Mapping[Fault, int]
    digest: str
    trace: tuple[str, ...]
    outcome: Outcome


def simulate(
    seed: int = 0,
    *,
    choose: Choose | None = None,
    plan: str = "",
    faults: Iterable[str] | None = None,
    crash_at: CrashAt | None = None,
) -> Report:
    """Runs what `seed` (or `choose`) draws; raises `SimulationFailed`.

    `plan` names what it is about (default: drawn), `faults` what may go wrong (default: drawn; () for nothing),
    `crash_at` one commit before or after which the process ends.
    """
    dice = Dice(choose or random.Random(seed).randint)
    allowed = dice.swarm() if faults is None else named(faults)
    count = 2 if dice.chance(4) and not plan else 1
    plans = {tenant: draw_plan(dice, plan) for tenant in TENANTS[:count]}
    calm, _ = _run(seed, plans, Dice(_dullest), named(()), file=False)
    report, cancelled = _run(seed, plans, dice, allowed, file=dice.chance(4), crash_at=crash_at)
    told = {place: ended for place, ended in calm.outcome.items() if place[:2] not in cancelled}
    found = {place: ended for place, ended in report.outcome.items() if place[:2] not in cancelled}
    if told != found:
        differences = [f"{key}: {told.get(key)} became {found.get(key)}" for key in {**told, **found}]
        text = "a run with faults ended differently from one without:\n" + "\n".join(
            line for line, key in zip(differences, {**told, **found}, strict=True) if told.get(key) != found.get(key)
        )
        raise SimulationFailed(_told(seed, plans, allowed, text, trace=report.trace, facts=()))
    return report


def _dullest(low: int, high: int) -> int:
    return low


def _run(
    seed: int,
    plans: dict[str, Plan],
    dice: Dice,
    faults: frozenset[Fault],
    *,
    file: bool,
    crash_at: CrashAt | None = None,
) -> tuple[Report, set[tuple[str, str]]]:
    run = Run(plans, dice, faults, file=file)
    world = World(run, crash_at)
    try:
        _to_rest(world)
        _at_the_end(world)
    except (Violation, ProcessionError) as error:
        text = f"{type(error).__name__}: {error}"
        raise SimulationFailed(_told(seed, plans, faults, text, trace=run.trace, facts=run.ledger.last)) from error
    finally:
        world.close()
    ledger = run.ledger
    report = Report(
        seed=seed,
        plans=tuple(plan.name for plan in plans.values()),
        actions=run.actions,
        commits=run.disk.commits,
        facts=ledger.facts,
        crashes=run.crashes,
        fired=dict(run.fired),
        digest=ledger.digest(),
        trace=tuple(run.trace),
        outcome=_outcome(run),
    )
    cancelled = {(run.tenant(ledger.cases[key]), ledger.cases[key].label) for key in run.cancelled}
    return report, cancelled


def _to_rest(world: World) -> None:
    run = world.run
    trouble_ends = 60 + run.dice.choose(0, 300) if run.faults else 0
    while run.actions < ACTIONS_MAX:
        run.actions += 1
        run.unsafe = run.actions < trouble_ends
        process = world.alive()
        if process is None:
            continue
        if not process.owner and not run.unsafe:
            # Whoever took the store from it is gone too; in the end somebody starts anew.
            world.crashed(process)
            process.store.crash()
            continue
        _weather(world)
        world.ask_to_deploy()
        world.ask_for_jobs()
        write_letters(run)
        busy = _work(world, process)
        world.collect()
        run.ledger.look()
        _compare_memory(world)
        if not busy and world.process is not None and _let_time_pass(world):
            return
    raise Violation(f"the run did not come to rest within {ACTIONS_MAX} actions")


def _work(world: World, process: Process) -> bool:
    """One round; under faults, some of what could be done is left for later."""
    run = world.run
    busy = False
    lazy = bool(run.faults) and run.unsafe
    for do in (world.deliver, world.turn, world.jobs):
        if lazy and run.dice.chance(3):
            busy = True
        elif world.process is process:
            busy = do(process) or busy
    for former in list(world.stale):
        # Its lease ends sooner or later, and with it what it answers from memory.
        if not run.unsafe:
            world.crashed(former)
            former.store.crash()
            continue
        if run.dice.chance(2) and not world.turn(former) and former in world.stale:
            world.deliver(former)
        if former in world.stale and not former.owner:
            run.note(f"process {former.number} was fenced")
            world.stale.remove(former)
            former.store.crash()
    return busy


def _weather(world: World) -> None:
    """What happens without anybody's doing."""
    run = world.run
    if run.on("clock-forward", 40):
        run.move_to(run.now + run.dice.choose(1, 14 * 24 * 60) * MINUTE_MS)
        run.note("the clock jumps ahead")
    if run.on("clock-back", 40):
        run.move_to(run.now - run.dice.choose(1, 60) * MINUTE_MS)
        run.note("the clock is set back")
    if run.on("evict", 4):
        world.evict()
    if run.on("stale-owner", 40):
        world.depose()


def _compare_memory(world: World) -> None:
    process = world.process
    shard = process.pump.shard if process is not None else None
    if shard is not None and world.run.dice.chance(4):
        world.run.ledger.check_memory((key, resident.state) for key, resident in shard.residents.items())


def _let_time_pass(world: World) -> bool:
    """Nothing is to be done now: the clock moves to what is due next. True when all is over."""
    run = world.run
    if world.at_rest():
        return True
    due = world.next_due()
    if due is None:
        owner = world.process is not None and world.process.owner
        check(run.unsafe or not owner, "nothing is left to do, and not everything has ended")
        return False
    if due > run.now:
        run.move_to(due)
    return False


def _at_the_end(world: World) -> None:
    run = world.run
    run.unsafe = False
    run.ledger.look()
    shard = world.process.pump.shard if world.process is not None else None
    if shard is not None:
        run.ledger.check_memory((key, resident.state) for key, resident in shard.residents.items())
    run.ledger.check_quiet()
    run.ledger.check_replay()


def _outcome(run: Run) -> Outcome:
    found: dict[tuple[str, str, str], tuple[Counter[str], Counter[str], Counter[str]]] = {}
    for case in run.ledger.cases.values():
        place = (run.tenant(case), case.label, case.process_id)
        states, path, variables = found.setdefault(place, (Counter(), Counter(), Counter()))
        states[Status(case.state.status).name] += 1
        path.update(case.path)
        root = case.state.root
        if root is not None and root.variables:
            variables.update(
                f"{name} = {value!r}" for name, value in root.variables.items() if not name.startswith(NOBODY)
            )
    return found


def _told(
    seed: int,
    plans: Mapping[str, Plan],
    faults: Iterable[str],
    text: str,
    *,
    trace: Iterable[str],
    facts: Iterable[str],
) -> str:
    about = ", ".join(plan.name for plan in plans.values())
    lines = [f"seed {seed} ({about}; faults: {', '.join(sorted(faults)) or 'none'}): {text}"]
    lines += ["--- the last steps (action, ms since the start)", *list(trace)[-40:]]
    lines += ["--- the last facts (instance, step)", *list(facts)[-20:]]
    lines.append(f"--- again: python -m procession.testing.sim --first {seed} --seeds 1")
    return "\n".join(lines)
