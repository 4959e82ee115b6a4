"""What a tenant stores, measured: a sum over its rows, made by a reader and written down for the writer's quota."""

from __future__ import annotations

from typing import Final, final

import msgspec

from procession.base.failure import NotFound
from procession.runtime.requests import PutRecord
from procession.runtime.rows import CountRow, IntRow, NamedRow
from procession.services.backend import Backend, Who
from procession.services.reading import Reader
from procession.services.tenancy.limits import Limits
from procession.services.tenancy.rates import limits_in

USAGE: Final = "usage"
STORAGE: Final = "storage"
"""Kind and id of the record that says what was measured last."""
HOUSEKEEPER: Final = Who("service:tenancy")


@final
class Usage(msgspec.Struct, frozen=True, gc=False):
    """What a tenant has now. `bytes` of storage, by table too; `measured_bytes` what its quota goes by."""

    limits: Limits
    active_instances: int
    ended_instances: int
    definitions: int
    bytes: int
    bytes_by_table: dict[str, int]
    measured_bytes: int


def usage_of(reader: Reader, tenant: str) -> Usage:
    """Counts everything of a tenant. Raises `NotFound`. The time grows with what it stores: for a reader's thread."""
    number = reader.views.tenant(tenant)
    if number is None:
        raise NotFound(f"no tenant {tenant!r}")
    states = {row.number: row.count for row in reader.store.read("instance_counts", (number,), CountRow)}
    tables = {row.name: row.number for row in reader.store.read("tenant_bytes", (number,), NamedRow)}
    measured = measured_in(reader, tenant)
    return Usage(
        limits_in(reader, tenant),
        states.get(0, 0),
        sum(count for state, count in states.items() if state),
        reader.store.read("definitions_count", (number,), IntRow)[0].value or 0,
        sum(tables.values()),
        tables,
        measured[1] if measured is not None else 0,
    )


def measured_in(reader: Reader, tenant: str) -> tuple[int, int] | None:
    """When a tenant was measured last (Unix ms), and its bytes; None for never."""
    record = reader.records.find(tenant, USAGE, STORAGE)
    if record is None:
        return None
    size = record.body.get("bytes") if isinstance(record.body, dict) else 0
    return record.at, size if isinstance(size, int) else 0


async def measure(backend: Backend, tenant: str, who: Who = HOUSEKEEPER) -> Usage:
    """Counts, and writes down what a tenant stores for its quota `storage_bytes`: now and then, where there is one."""
    usage = await backend.read(tenant, lambda reader: usage_of(reader, tenant))
    await backend.ask(PutRecord(tenant, USAGE, STORAGE, {"bytes": usage.bytes}), who)
    return usage
