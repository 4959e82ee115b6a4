"""Reading instances of a store again with the code of this version: is a state still what its facts and snapshot say?

A store keeps what was decided (facts), and of what happened (events) only what the facts tell. So this finds: programs,
facts and flags that this version cannot read; facts that it applies to another state than the snapshot has; commands
that an instance would wait for no more; and another decision wherever the event can be told from its facts (`EVENTS`).
It cannot find another decision about values that came from outside: the result of a job, of a task, of a message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal, TypeAlias, cast, final

import msgspec

from procession.base.failure import ProcessionError, Unreadable
from procession.base.values import Json
from procession.core import events as e
from procession.core import facts as f
from procession.core.elements.table import ENTER
from procession.core.events import AnyEvent
from procession.core.facts import AnyFact
from procession.core.flags import KNOWN, numbers
from procession.core.linked import Linked
from procession.core.pending import pending
from procession.core.snapshot import dump, load
from procession.core.state import State
from procession.core.step import step
from procession.runtime import codec
from procession.runtime.ports import Store
from procession.runtime.replay import load_instance, replay
from procession.runtime.rows import FactRow, InstanceRow
from procession.services.catalog import Catalog
from procession.store.opening import open_store

Status: TypeAlias = Literal["ok", "diverged", "unreadable"]

KEPT: Final = ".db.zst"
"""How the name of a compressed store ends."""
PAGE: Final = 500
SHOWN: Final = 400
_KEYS: Final = ("element", "job", "timer", "subscription", "condition", "incident", "child", "root", "again")
_BY_HAND: Final = (f.TimerSkipped, f.TokenTaken, f.InstanceModified, f.InstanceRestarted)


@final
class Reread(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one instance. `steps` are its stored steps, `redecided` those of them that were decided again.

    `waits` counts the commands that it waits for, by their name. Of a divergence: `step` is its number, `event` what
    happened, `recorded` and `made` what was and would be decided, `code` the function that decides for the `element`,
    `explains` the flags that make it equal when they are switched over.
    """

    tenant: str
    instance: int
    process_id: str = ""
    status: Status = "ok"
    flags: list[int] = []
    steps: int = 0
    redecided: int = 0
    waits: dict[str, int] = {}
    step: int = 0
    event: str = ""
    element: str = ""
    recorded: str = ""
    made: str = ""
    code: str = ""
    explains: list[int] = []
    reason: str = ""
    name: str = ""
    """The file that the store was kept in."""


@final
class _Diverged(Exception):
    """The fields of `Reread` that tell of a divergence."""

    def __init__(self, **told: Any) -> None:
        super().__init__()
        self.told = told


def reread_file(path: str, *, sample: int = 0) -> Iterator[Reread]:
    """As `reread`, of a SQLite file, or a database by its URL.

    Opening it migrates its schema: take a copy of one that an older version runs."""
    with closing(open_store(path)) as store:
        yield from reread(store, sample=sample)


def kept_stores(path: Path) -> list[Path]:
    """The compressed stores in a folder and below, in order; a file itself, if it is one."""
    if path.is_file():
        return [path] if path.name.endswith(KEPT) else []
    return sorted(each for each in path.rglob(f"*{KEPT}") if each.is_file())


def reread_kept(path: Path) -> Iterator[Reread]:
    """As `reread_file`, of a store that was kept in a compressed file, which stays as it is. Raises `Unreadable`."""
    import zstandard

    with TemporaryDirectory(prefix="procession-kept-") as folder:
        unpacked = Path(folder) / "store.db"
        try:
            with path.open("rb") as source, unpacked.open("wb") as target:
                zstandard.ZstdDecompressor().copy_stream(source, target)
        except (OSError, zstandard.ZstdError) as error:
            raise Unreadable(f"{path} cannot be unpacked: {error}") from error
        for found in reread_file(str(unpacked)):
            yield msgspec.structs.replace(found, name=path.name)


def reread(store: Store, *, sample: int = 0) -> Iterator[Reread]:
    """Every instance of a store, or about `sample` of them, as evenly as they lie."""
    catalog = Catalog(store)
    total = sum(1 for _ in _instances(store, catalog))
    every = max(1, total // sample) if sample else 1
    for number, (tenant, row) in enumerate(_instances(store, catalog)):
        if number % every == 0:
            yield _one(store, catalog, tenant, row.key)


def _instances(store: Store, catalog: Catalog) -> Iterator[tuple[str, InstanceRow]]:
    for name, tenant in sorted(catalog.tenants.items()):
        after = 0
        while rows := store.read("instances", (tenant, after, PAGE), InstanceRow):
            yield from ((name, row) for row in rows)
            after = rows[-1].key


def _one(store: Store, catalog: Catalog, name: str, instance: int) -> Reread:
    tenant = catalog.tenant(name)
    state = State()
    counted = [0, 0]
    found: dict[str, Any] = {}
    try:
        rows = store.read("facts", (tenant, instance, 0), FactRow)
        loaded = load_instance(store, tenant, instance, partial(catalog.linked, tenant))
        if loaded is None:
            raise ProcessionError(f"instance {instance} has neither facts nor a snapshot")
        found = {"process_id": loaded.linked.program.process_id, "flags": numbers(loaded.state.flags)}
        counted[0] = len(rows)
        if rows and rows[0].seq == 1:
            _again(rows, state, partial(catalog.linked, tenant), counted)
            _compare(loaded.linked, state, loaded.state)
        found["waits"] = dict(Counter(type(each).__name__ for each in pending(loaded.linked, loaded.state)))
    except _Diverged as diverged:
        return Reread(
            tenant=name,
            instance=instance,
            status="diverged",
            steps=counted[0],
            redecided=counted[1],
            **found,
            **diverged.told,
        )
    except ProcessionError as error:
        return Reread(tenant=name, instance=instance, status="unreadable", reason=str(error), steps=counted[0], **found)
    return Reread(tenant=name, instance=instance, steps=counted[0], redecided=counted[1], **found)


def _again(rows: list[FactRow], state: State, program_of: Callable[[str], Linked], counted: list[int]) -> None:
    """Decides each step again where its event is known, and applies what is stored."""
    linked: Linked | None = None
    for row in rows:
        facts = codec.decode_facts(row.data)
        if linked is None:
            linked = program_of(cast("f.InstanceStarted", facts[0]).program)
        make = EVENTS.get(type(facts[0]))
        event = make(facts) if make is not None and not any(isinstance(each, _BY_HAND) for each in facts) else None
        if event is not None:
            _decide(linked, state, event, row, facts)
            counted[1] += 1
        linked = replay(linked, state, [row], program_of)


def _decide(linked: Linked, state: State, event: AnyEvent, row: FactRow, facts: list[AnyFact]) -> None:
    made = decided_again(linked, state, event, row, facts)
    if made == facts:
        return
    explains = [
        number for number in KNOWN if decided_again(linked, state, event, row, facts, flip=1 << number) == facts
    ]
    at = next((n for n, (a, b) in enumerate(zip(facts, made, strict=False)) if a != b), min(len(facts), len(made)))
    recorded, now = (of[at] if at < len(of) else None for of in (facts, made))
    element, code = _place(linked, state, facts, recorded or now)
    raise _Diverged(
        step=row.seq,
        event=type(event).__name__,
        recorded=_told(recorded),
        made=_told(now),
        element=element,
        code=code,
        explains=explains,
    )


def decided_again(
    linked: Linked,
    state: State,
    event: AnyEvent,
    row: FactRow,
    facts: list[AnyFact],
    *,
    flip: int = 0,
    target: Linked | None = None,
) -> list[AnyFact]:
    """What this version decides, on a copy of the state; `flip` are flags that are switched over, `target` is the
    program that a migration goes to."""
    copy = load(dump(state)) if state.instance else State()
    copy.flags ^= flip
    if flip and isinstance(event, e.Start):
        event = msgspec.structs.replace(event, flags=event.flags ^ flip)
    keys = [key for fact in facts for name in _KEYS if (key := getattr(fact, name, 0)) > state.last_key]
    key = min(keys, default=state.last_key + 1)
    made = step(linked, copy, event, row.at, key, target=target).facts
    if flip and made and isinstance(made[0], f.InstanceStarted):
        made[0] = msgspec.structs.replace(made[0], flags=made[0].flags ^ flip)
    return made


def _place(linked: Linked, state: State, facts: list[AnyFact], fact: AnyFact | None) -> tuple[str, str]:
    """(id of the element that a fact is about, the function that decides for its kind)"""
    nodes = {key: element.node for key, element in state.elements.items()}
    nodes |= {each.element: each.node for each in facts if isinstance(each, f.ElementEntered | f.ItemEntered)}
    index = linked.program.flows[fact.flow].source if isinstance(fact, f.FlowTaken) else None
    if index is None:
        key = getattr(fact, "element", 0) or getattr(fact, "scope", 0)
        index = nodes.get(key, 0)
    node = linked.nodes[index]
    enter = ENTER.get(node.kind)
    return node.id, f"{enter.__module__}.{enter.__qualname__}" if enter is not None else ""


def _told(fact: AnyFact | None) -> str:
    if fact is None:
        return "no such fact"
    text = codec.unwrap(codec.encode_json(fact)).decode()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _compare(linked: Linked, replayed: State, loaded: State) -> None:
    """All facts against the snapshot with those behind it, as states and as what they wait for."""
    if dump(replayed) != dump(loaded):
        raise _Diverged(
            step=loaded.seq,
            event="snapshot",
            recorded="the state of its snapshot",
            made="another state, from its facts",
        )
    then, now = (codec.encode_json(pending(linked, each)) for each in (loaded, load(dump(loaded))))
    if then != now:
        raise _Diverged(step=loaded.seq, event="pending", recorded=then.decode()[:SHOWN], made=now.decode()[:SHOWN])


def _start(facts: list[AnyFact]) -> e.Start:
    fact = cast("f.InstanceStarted", facts[0])
    held = facts[1].held if len(facts) > 1 and isinstance(facts[1], f.TransitionHeld) else None
    # The variables of an event whose mappings decide what of them becomes a variable.
    brought: Json = held[2] if isinstance(held, list) and held[0] == "event" else None
    return e.Start(
        instance=fact.instance,
        tenant=fact.tenant,
        program=fact.program,
        version=fact.version,
        variables=fact.variables | cast("dict[str, Json]", brought or {}),
        start_node=fact.start_node,
        business_key=fact.business_key,
        parent_instance=fact.parent_instance,
        parent_element=fact.parent_element,
        root_instance=fact.root_instance,
        zone=fact.zone,
        tz_release=fact.tz_release,
        seed=fact.seed,
        epoch=fact.epoch,
        depth=fact.depth,
        flags=fact.flags,
        message=fact.message,
    )


EVENTS: Final[dict[type[AnyFact], Callable[[Any], AnyEvent]]] = {
    f.InstanceStarted: _start,
    f.TimerFired: lambda facts: e.FireTimer(facts[0].timer),
    f.Resumed: lambda facts: e.Continue(),
    f.JobExhausted: lambda facts: e.ExhaustJob(facts[0].job, facts[0].attempts, facts[0].error),
    f.JobReissued: lambda facts: e.ReissueJobs(tuple(each.job for each in facts if isinstance(each, f.JobReissued))),
    f.DefinitionResolved: lambda facts: e.Resolved(facts[0].element, facts[0].hash, facts[0].version),
    f.StoresRead: lambda facts: e.StoresAnswered(facts[0].element, facts[0].values),
}
"""The events that can be told from the facts of their step, by the first of them."""
