"""What the engine's store tells of an instance. Reads only, through a connection that cannot write."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final, final

import msgspec

from procession.base.failure import NotFound, ProcessionError, Unreadable
from procession.core.state import ElementInstance, State
from procession.hosts.temporal.doctor.facts import Book, Incident, Wait, Waiting
from procession.ir.program import Node
from procession.runtime import codec, requests
from procession.runtime.elsewhere import OUTGOING, Delivery
from procession.runtime.ports import Cells, Store
from procession.runtime.rows import (
    FailedRow,
    FailureRow,
    HeldRow,
    InboxRow,
    IncidentRow,
    InstanceRow,
    IntRow,
    OutboxRow,
    ShardRow,
)
from procession.services.views import STATES, Views
from procession.store.connection import Connection, Rows
from procession.store.sqlite import SQLiteStore

ROWS_MAX: Final = 10_000
"""Rows of the inbox and the outbox that are looked through."""
FOREVER: Final = (1 << 63) - 1


def opened(path: str) -> Store:
    """The store at a path, for reading alone. Raises `StoreError`, also for one that would have to be migrated."""
    return SQLiteStore(path, connect=_read_only)


def home_of(store: Store, tenant: str, instance: int) -> int:
    """The instance in whose workflow this one lives. Raises `NotFound`."""
    views = Views(store)
    number = views.tenant_number(tenant)
    rows = store.read("instance", (number, instance), InstanceRow)
    if not rows:
        raise NotFound(f"the store has no instance {instance} of tenant {tenant!r}")
    return rows[0].home or instance


def book_of(store: Store, tenant: str, instance: int) -> Book:
    """What the store has of an instance. Raises `NotFound`."""
    views = Views(store)
    number = views.tenant_number(tenant)
    rows = store.read("instance", (number, instance), InstanceRow)
    if not rows:
        raise NotFound(f"the store has no instance {instance} of tenant {tenant!r}")
    row = rows[0]
    definition = views.catalog.definition(number, row.definition)
    book = Book(
        host=row.host,
        home=str(row.home or instance),
        process_id=definition.process_id,
        version=definition.version,
        state=STATES[row.state],
        suspended=views.is_suspended(number, instance),
        failure=next((each.text for each in store.read("failure", (number, instance), FailureRow)), ""),
        incidents=[
            Incident(key=str(each.key), element=each.element_id, code=each.code, message=each.message, at=each.at)
            for each in store.read("incidents_instance", (number, instance, 0, 100), IncidentRow)
        ],
        held=_held(store, tenant, row.home),
        posted=_posted(store, tenant, row.home),
        refused=_refused(store, tenant, row.home),
        outbox=_outbox(store, number, row.home),
        owner=_owner(store),
    )
    return _mirrored(book, store, views, (tenant, number, instance))


def _mirrored(book: Book, store: Store, views: Views, place: tuple[str, int, int]) -> Book:
    """With what the mirrored facts say. An ended instance has no more of it, and one that was not begun none yet."""
    tenant, number, instance = place
    last = store.read("fact_last", (number, instance), IntRow)
    if not last or not last[0].value:
        return book
    try:
        loaded = views.load(tenant, instance)
    except ProcessionError as error:
        return msgspec.structs.replace(book, step=last[0].value, unreadable=str(error))
    state, nodes = loaded.state, loaded.linked.nodes
    return msgspec.structs.replace(
        book,
        step=state.seq,
        at=state.at,
        tokens=tokens_of(nodes, state) if book.state == "active" else {},
        waits=list(_waits(nodes, state)) if book.state == "active" else [],
    )


def tokens_of(nodes: tuple[Node, ...], state: State) -> dict[str, int]:
    """Element id -> active element instances, as the workflow counts them for its query."""
    return dict(Counter(nodes[each.node].id for each in state.elements.values() if each is not state.root))


def _waits(nodes: tuple[Node, ...], state: State) -> Iterable[Wait]:
    def element(of: int) -> str:
        found = state.elements.get(of)
        return nodes[found.node].id if found is not None else ""

    for task in state.elements.values():
        if task.is_open_task:
            assignee = str((task.attributes or {}).get("assignee") or "")
            yield Wait(kind="user-task", element=nodes[task.node].id, name=assignee, key=str(task.key))
        elif task.child:
            yield Wait(kind="call", element=nodes[task.node].id, key=str(task.child))
    for each in state.subscriptions.values():
        yield Wait(
            kind="signal" if each.signal else "message",
            element=nodes[each.node].id,
            name=each.name,
            key=each.correlation_key,
        )
    for timer in state.timers.values():
        yield Wait(kind="timer", element=nodes[timer.node].id, due=timer.due)
    for condition in state.conditions.values():
        yield Wait(kind="condition", element=nodes[condition.node].id, name=", ".join(condition.names))
    for job in state.jobs.values():
        if not job.held and not _is_task(state.elements.get(job.element)):
            yield Wait(kind="job", element=element(job.element), name=job.type, key=str(job.key))


def _is_task(element: ElementInstance | None) -> bool:
    return element is not None and element.is_open_task


# --- what waits in the store


def _held(store: Store, tenant: str, home: int) -> Waiting:
    rows = store.read("inbox_held", (FOREVER, ROWS_MAX), HeldRow)
    mine = [each for each in rows if each.tenant == tenant and _is_of(each.body, home)]
    return Waiting(count=len(mine), since=mine[0].at, text=mine[0].source.removeprefix("r:")) if mine else Waiting()


def _posted(store: Store, tenant: str, home: int) -> Waiting:
    rows = store.read("inbox_open", (0, tenant, ROWS_MAX), InboxRow)
    return Waiting(count=sum(_is_of(each.body, home) for each in rows))


def _refused(store: Store, tenant: str, home: int) -> Waiting:
    mine = [each for each in store.read("inbox_failed", (tenant,), FailedRow) if _is_of(each.body, home)]
    if not mine:
        return Waiting()
    told = codec.decode_json(mine[0].result) if mine[0].result else None
    text = str(told.get("error", told)) if isinstance(told, dict) else str(told or "")
    return Waiting(count=len(mine), since=mine[0].at, text=text)


def _outbox(store: Store, tenant: int, home: int) -> Waiting:
    """What should have been sent by now."""
    rows = store.read("outbox", (time.time_ns() // 1_000_000, ROWS_MAX), OutboxRow)
    mine = [each for each in rows if each.tenant == tenant and each.home == home]
    if not mine:
        return Waiting()
    row = mine[0]
    first = codec.read(OUTGOING, row.body)
    text = type(first.event).__name__ if isinstance(first, Delivery) else "its start"
    return Waiting(count=len(mine), since=max(first.at, row.due), text=text, bytes=len(row.body))


def _is_of(body: bytes, home: int) -> bool:
    try:
        request = requests.decode(body)
    except Unreadable:
        return False
    return isinstance(request, requests.Report) and request.home == home


def _owner(store: Store) -> str:
    row = store.read("shard_read", (0,), ShardRow)[0]
    if not row.owner or row.expires < time.time_ns() // 1_000_000:
        return ""
    host, pid, *_ = [*row.owner.split("|"), "?"]
    return f"process {pid} on {host}"


def _read_only(path: str, busy_ms: int) -> Connection:
    return _Reading(
        sqlite3.connect(
            f"{Path(path).resolve().as_uri()}?mode=ro",
            uri=True,
            timeout=busy_ms / 1000,
            isolation_level=None,
            check_same_thread=False,
        )
    )


@final
class _Reading:
    """A connection that cannot write: what it is told for a new file, it leaves out."""

    def __init__(self, inner: sqlite3.Connection) -> None:
        self._inner = inner

    @property
    def in_transaction(self) -> bool:
        return self._inner.in_transaction

    def execute(self, sql: str, parameters: Cells = (), /) -> Rows:
        return self._inner.execute("SELECT 0" if sql.startswith("PRAGMA auto_vacuum") else sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Cells], /) -> Rows:
        return self._inner.executemany(sql, rows)

    def backup(self, target: sqlite3.Connection, /) -> None:
        self._inner.backup(target)

    def close(self) -> None:
        self._inner.close()
