"""What the store answers to who serves others: what is searched for, told, kept and taken along. Data only."""

from __future__ import annotations

from typing import final

from procession.runtime.rows import Row


@final
class FoundTaskRow(Row, frozen=True, array_like=True, gc=False):
    """An open user task that was searched for. `due` and `follow_up` are `HELD` for none."""

    key: int
    instance: int
    process_id: str
    element_id: str
    created: int
    assignee: str
    priority: int
    due: int
    follow_up: int
    attributes: bytes


@final
class FoundInstanceRow(Row, frozen=True, array_like=True, gc=False):
    """An instance that was searched for: how many incidents are open, whether it stands still, what stopped it."""

    key: int
    definition: int
    state: int
    started: int
    ended: int | None
    business_key: str
    parent: int
    root: int
    incidents: int
    suspended: int
    failure: str


@final
class DocumentRow(Row, frozen=True, array_like=True, gc=False):
    """A document that somebody has to look after at `due`. `bytes`: how many of it are kept elsewhere."""

    id: str
    due: int
    bytes: int = 0


@final
class JourneyCountRow(Row, frozen=True, array_like=True, gc=False):
    """How often something happened on pages of journeys, and how long it took in all. "" where it has no such part."""

    variant: str
    form: str
    page: str
    field: str
    what: str
    rule: str
    n: int
    ms: int


@final
class FollowerRow(Row, frozen=True, array_like=True, gc=False):
    """Who follows a feed, until when, and how far it is."""

    owner: str
    until: int
    number: int


@final
class DeliveryRow(Row, frozen=True, array_like=True, gc=False):
    """What a webhook is told, or was. `state`: 0 waiting, 1 delivered, 2 given up."""

    webhook: str
    id: str
    type: str
    number: int
    at: int
    state: int
    attempt: int
    due: int
    status: int
    error: str
    body: bytes


@final
class TenantKeyRow(Row, frozen=True, array_like=True, gc=False):
    """A wrapped key of a tenant. An empty `wrapped` is one that was destroyed."""

    generation: int
    at: int
    wrapped: bytes


@final
class ContentRow(Row, frozen=True, array_like=True, gc=False):
    """A deployed document."""

    digest: str
    name: str
    data: bytes


@final
class AnyRecordRow(Row, frozen=True, array_like=True, gc=False):
    """A document of the server, of any kind."""

    kind: str
    id: str
    version: int
    at: int
    body: bytes


@final
class BufferedRow(Row, frozen=True, array_like=True, gc=False):
    """A buffered message with its address."""

    tenant: int
    name: str
    correlation: str
    key: int
    message_id: str
    expires: int
    variables: bytes


@final
class DataStoreRow(Row, frozen=True, array_like=True, gc=False):
    """What a data store holds, and since when."""

    name: str
    at: int
    value: bytes
