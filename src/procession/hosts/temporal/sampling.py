"""Where replays get their histories: files that were kept, or a cluster, with a store for programs and facts.

What must not live here: replaying, and what is printed of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError

from procession.base.failure import BadValue, NotFound
from procession.hosts.temporal import histories
from procession.hosts.temporal.cluster import Loop, codec_of, connect, converter_of, explained
from procession.hosts.temporal.histories import Kept
from procession.hosts.temporal.ids import tenant_of
from procession.hosts.temporal.programs import Programs
from procession.hosts.temporal.replaying import Replayed, replayed
from procession.runtime import codec
from procession.runtime.elsewhere import Step
from procession.runtime.ports import Store
from procession.runtime.rows import FactRow, InstanceRow
from procession.services.catalog import Catalog
from procession.store.sqlite import SQLiteStore

REPLAY_S: Final = 600.0
PAGE: Final = 1_000


def of_files(path: Path, *, sealed: str = "") -> Iterator[Replayed]:
    """Replays the histories in a file, or in a folder and below. `sealed` is the codec's configuration.

    Raises `Unreadable` for a file that holds none.
    """
    converter = converter_of(codec_of(sealed))
    with closing(Loop()) as loop:
        for file in histories.files(path):
            library, found = histories.read(file)
            for kept in found:
                yield loop.run(replayed(kept, library, converter=converter), REPLAY_S)


def of_cluster(
    address: str, namespace: str, query: str, *, db: str, sample: int = 0, sealed: str = ""
) -> Iterator[Replayed]:
    """Replays the histories of the workflows that a query of Temporal's visibility lists, the first `sample` of them.

    `db` is the store of the engine that keeps their books: programs come from there, and the facts to compare with.
    Workflows that are none of ours are left out. Raises `StoreError` when the cluster cannot be reached.
    """
    converter = converter_of(codec_of(sealed))
    with closing(Loop()) as loop, closing(SQLiteStore(db)) as store:
        client = loop.run(connect(address, namespace))
        programs = Programs(store)
        replay = partial(replayed, library=programs, namespace=namespace, converter=converter)
        for found in loop.run(_listed(client, query, sample), REPLAY_S):
            yield loop.run(replay(_with_facts(store, loop.run(_kept(client, found)))), REPLAY_S)


async def _listed(client: Client, query: str, sample: int) -> list[WorkflowExecution]:
    found: list[WorkflowExecution] = []
    try:
        async for each in client.list_workflows(query):
            if _is_ours(each.id):
                found.append(each)
            if sample and len(found) >= sample:
                break
    except RPCError as error:
        raise explained(error) from error
    return found


def _is_ours(workflow: str) -> bool:
    try:
        tenant_of(workflow)
    except BadValue:
        return False
    return workflow.rpartition("/")[2].isdecimal()


async def _kept(client: Client, found: WorkflowExecution) -> Kept:
    try:
        history = await client.get_workflow_handle(found.id, run_id=found.run_id).fetch_history()
    except RPCError as error:
        raise explained(error) from error
    return Kept(found.id, found.id, msgspec.Raw(history.to_json().encode()), None, False)


def _with_facts(store: Store, kept: Kept) -> Kept:
    """With what the store has of the instances that live in the workflow; as it is where it knows none of them."""
    catalog = Catalog(store, None)
    try:
        tenant = catalog.tenant(tenant_of(kept.workflow))
    except NotFound:
        return kept
    home = int(kept.workflow.rpartition("/")[2])
    facts: dict[int, list[Step]] = {}
    waiting = [home]
    while waiting:
        instance = waiting.pop()
        rows = store.read("facts", (tenant, instance, 0), FactRow)
        facts[instance] = [Step(row.seq, row.at, msgspec.Raw(codec.unwrap(row.data))) for row in rows]
        called = store.read("instances_called", (tenant, instance, 0, PAGE), InstanceRow)
        waiting += [row.key for row in called if row.home == home]
    return msgspec.structs.replace(kept, facts=facts)
