"""What the store answers: one struct a kind of row, in the order of the named query's columns. Data only.

Keys and times are integers (times in Unix ms); a blob is decoded by `runtime.codec`. No SQL row leaves the services.
"""

from __future__ import annotations

from typing import Final, final

import msgspec

HELD: Final = (1 << 63) - 1
"""The due time of a job that is not offered."""


REDACTED: Final = b"\xff"
"""The first byte of a body of the audit log that was forgotten; no format of values begins so."""


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of all rows (data inheritance only: no behaviour)."""


@final
class DefinitionRow(Row, frozen=True, array_like=True, gc=False):
    """A deployed version of a process."""

    key: int
    process_id: str
    version: int
    program: str
    digest: str
    deployment: int
    name: str
    version_tag: str
    at: int


@final
class DecisionRow(Row, frozen=True, array_like=True, gc=False):
    """A deployed version of a decision."""

    key: int
    decision_id: str
    version: int
    hash: str
    digest: str
    deployment: int
    name: str
    version_tag: str
    at: int


@final
class FormRow(Row, frozen=True, array_like=True, gc=False):
    """A deployed version of a form."""

    key: int
    form_id: str
    version: int
    digest: str
    deployment: int
    name: str
    version_tag: str
    at: int


@final
class DeploymentRow(Row, frozen=True, array_like=True, gc=False):
    """A deployment."""

    key: int
    name: str
    at: int


@final
class ResourceRow(Row, frozen=True, array_like=True, gc=False):
    """A document of a deployment, without its bytes."""

    deployment: int
    digest: str
    name: str


@final
class InstanceRow(Row, frozen=True, array_like=True, gc=False):
    """An instance as its start and its end wrote it. `state`: 0 active, 1 completed, 2 terminated."""

    key: int
    definition: int
    state: int
    started: int
    ended: int | None
    business_key: str
    parent: int
    root: int
    message: int
    host: str
    home: int
    handed: int = 0


@final
class FactRow(Row, frozen=True, array_like=True, gc=False):
    """One step."""

    seq: int
    at: int
    data: bytes


@final
class SnapshotRow(Row, frozen=True, array_like=True, gc=False):
    """A state that all facts up to `seq` are in."""

    seq: int
    data: bytes


@final
class JobRow(Row, frozen=True, array_like=True, gc=False):
    """A job on offer. `due` is when it may next be given out, `HELD` for never."""

    tenant: int
    key: int
    instance: int
    element: int
    node: int
    type: str
    retries: int
    attempt: int
    due: int
    priority: int
    listener: int
    idempotency_key: str
    token: int
    worker: str
    error: str


@final
class TaskRow(Row, frozen=True, array_like=True, gc=False):
    """An open user task; `key` is its element instance."""

    key: int
    instance: int
    node: int
    element_id: str
    created: int
    assignee: str
    attributes: bytes


@final
class TimerRow(Row, frozen=True, array_like=True, gc=False):
    """An open timer. With instance 0 it is a start timer of the definition `element`."""

    tenant: int
    key: int
    due: int
    instance: int
    element: int
    node: int
    cycle: str
    remaining: int


@final
class DueRow(Row, frozen=True, array_like=True, gc=False):
    """When (Unix ms) the first timer, or the first job of a type, of a tenant is due."""

    tenant: int
    due: int


@final
class SubscriptionRow(Row, frozen=True, array_like=True, gc=False):
    """An open subscription of an instance."""

    key: int
    instance: int
    process_id: str
    room: int


MESSAGE_START: Final = 0
SIGNAL_START: Final = 1
CONDITION_START: Final = 2
"""What starts a process: a message or a signal of a name, or a condition, which has none."""


@final
class StartSubscriptionRow(Row, frozen=True, array_like=True, gc=False):
    """A start event of the latest version of a process."""

    process_id: str
    node: int
    definition: int


@final
class MessageRow(Row, frozen=True, array_like=True, gc=False):
    """A buffered message."""

    key: int
    message_id: str
    expires: int
    taken: bytes
    variables: bytes


@final
class ExpiredRow(Row, frozen=True, array_like=True, gc=False):
    """The address of a message whose time is over."""

    tenant: int
    name: str
    correlation: str
    key: int


@final
class IncidentRow(Row, frozen=True, array_like=True, gc=False):
    """An open incident."""

    key: int
    instance: int
    element: int
    element_id: str
    code: str
    message: str
    job: int
    at: int


@final
class InboxRow(Row, frozen=True, array_like=True, gc=False):
    """A request that waits in the inbox. `tenant` is a name."""

    tenant: str
    number: int
    source: str
    source_number: int
    body: bytes


@final
class HeldRow(Row, frozen=True, array_like=True, gc=False):
    """A request that is held in the inbox until its writer is known to be committed."""

    number: int
    tenant: str
    source: str
    source_number: int
    at: int
    body: bytes


@final
class OutboxRow(Row, frozen=True, array_like=True, gc=False):
    """What has to reach an instance on another host."""

    tenant: int
    number: int
    home: int
    due: int
    body: bytes


@final
class AnswerRow(Row, frozen=True, array_like=True, gc=False):
    """What became of a request in the inbox: 0 waiting, 1 answered, 2 failed by a bug."""

    state: int
    result: bytes | None


@final
class FailedRow(Row, frozen=True, array_like=True, gc=False):
    """A request that a bug of the engine stopped."""

    number: int
    at: int
    body: bytes
    result: bytes | None


@final
class FailureRow(Row, frozen=True, array_like=True, gc=False):
    """An instance that a bug of the engine left where it was."""

    tenant: int
    instance: int
    at: int
    text: str


@final
class ShardRow(Row, frozen=True, array_like=True, gc=False):
    """Who owns a shard, until when, and the highest keys given in it."""

    owner: str
    epoch: int
    expires: int
    last_key: int
    reserved: int
    turn: int = 0
    """How many commits it had."""


@final
class JobTypeRow(Row, frozen=True, array_like=True, gc=False):
    """A type of jobs that a tenant has, and when the first of them is due."""

    tenant: int
    type: str
    due: int


@final
class FlagRow(Row, frozen=True, array_like=True, gc=False):
    """A behaviour flag that a tenant is ahead in (state 1), or held back (0)."""

    tenant: int
    number: int
    state: int


@final
class KeyRow(Row, frozen=True, array_like=True, gc=False):
    """A key of a tenant."""

    tenant: int
    key: int


@final
class BatchRow(Row, frozen=True, array_like=True, gc=False):
    """A batch operation. `state`: 0 running, 1 paused, 2 finished, 3 cancelled, 4 all was sent. It goes on behind the
    instance `after`; `body` says what it is. `seen`, `done`, `failed` and `awaited` count instances."""

    tenant: int
    key: int
    at: int
    state: int
    after: int
    seen: int
    done: int
    failed: int
    body: bytes
    awaited: int


@final
class BatchErrorRow(Row, frozen=True, array_like=True, gc=False):
    """An instance that a batch could not treat, and why."""

    instance: int
    text: str


@final
class IntRow(Row, frozen=True, array_like=True, gc=False):
    """One number; None for none."""

    value: int | None


@final
class AwaitedRow(Row, frozen=True, array_like=True, gc=False):
    """Jobs of a type: how many are ready, and when (Unix ms) the next one is."""

    ready: int
    due: int | None


@final
class TextRow(Row, frozen=True, array_like=True, gc=False):
    """One text."""

    value: str


@final
class BlobRow(Row, frozen=True, array_like=True, gc=False):
    """One blob."""

    value: bytes


@final
class NamedRow(Row, frozen=True, array_like=True, gc=False):
    """A name and its number."""

    name: str
    number: int


@final
class CountRow(Row, frozen=True, array_like=True, gc=False):
    """How many there are of a number."""

    number: int
    count: int


@final
class SizeRow(Row, frozen=True, array_like=True, gc=False):
    """How many rows wait, and what tells the age of the oldest: a time in Unix ms, or a key."""

    oldest: int
    count: int


@final
class LockRow(Row, frozen=True, array_like=True, gc=False):
    """What a message-started instance holds back."""

    process_id: str
    correlation: str


@final
class AnsweringRow(Row, frozen=True, array_like=True, gc=False):
    """What became of a request, by the number that its sender gave it."""

    number: int
    result: bytes


@final
class RecordRow(Row, frozen=True, array_like=True, gc=False):
    """A document of the server."""

    id: str
    version: int
    at: int
    body: bytes


@final
class AnsweredRow(Row, frozen=True, array_like=True, gc=False):
    """What a request with an idempotency key was answered."""

    tenant: int
    key: str
    digest: bytes
    result: bytes


@final
class ChainRow(Row, frozen=True, array_like=True, gc=False):
    """The last row of a shard's audit log."""

    number: int
    chain: bytes


@final
class AuditRow(Row, frozen=True, array_like=True, gc=False):
    """Who asked for what. `body` is sealed, `chain` the hash of the chain up to here."""

    tenant: int
    shard: int
    number: int
    at: int
    body: bytes
    chain: bytes


@final
class FeedRow(Row, frozen=True, array_like=True, gc=False):
    """What one commit stored of a tenant: [[instance, first seq, last seq], ...]."""

    number: int
    at: int
    body: bytes


@final
class LeaseRow(Row, frozen=True, array_like=True, gc=False):
    """A shard, and who holds it until when."""

    shard: int
    owner: str
    epoch: int
    expires: int


@final
class ProcessRow(Row, frozen=True, array_like=True, gc=False):
    """A process that takes shards, and when it said so last."""

    name: str
    at: int
