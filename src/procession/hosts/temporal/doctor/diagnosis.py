"""The door: an instance, a cluster and perhaps a store, and what is wrong with it."""

from __future__ import annotations

import asyncio
from typing import final

import msgspec
from temporalio.client import Client

from procession.hosts.temporal.cluster import connect
from procession.hosts.temporal.doctor.book import opened
from procession.hosts.temporal.doctor.facts import Facts
from procession.hosts.temporal.doctor.gather import gather
from procession.hosts.temporal.doctor.verdicts import Verdict, judge
from procession.runtime.ports import Store


@final
class Diagnosis(msgspec.Struct, frozen=True, gc=False):
    """What holds of an instance, the worst first, and what it was read from."""

    verdicts: list[Verdict]
    facts: Facts


async def diagnose(client: Client, store: Store | None, tenant: str, instance: int) -> Diagnosis:
    """Why an instance does not go on. Raises `NotFound` for one that the store does not have, `StoreError` when the
    cluster cannot be asked."""
    facts = await gather(client, store, tenant, instance)
    return Diagnosis(judge(facts), facts)


def diagnosed(address: str, namespace: str, db: str, tenant: str, instance: int) -> Diagnosis:
    """See `diagnose`. The store is the file `db`, none for ""; it is only read."""
    store = opened(db) if db else None
    try:
        return asyncio.run(_diagnosed(address, namespace, store, tenant, instance))
    finally:
        if store is not None:
            store.close()


async def _diagnosed(address: str, namespace: str, store: Store | None, tenant: str, instance: int) -> Diagnosis:
    return await diagnose(await connect(address, namespace), store, tenant, instance)
