"""Requests: what may be asked of a shard's owner, by a caller, by another process, by another instance. Data only.

They are numbered rows of the inbox when they come from elsewhere, so they have a wire form (`encode`, `decode`).
Times are Unix ms, durations ms; `tenant` is a name.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.base.decoding import known
from procession.base.values import Json
from procession.core.events import AnyEvent, Choice
from procession.core.instructions import Activate
from procession.core.plans import MigrationPlan
from procession.runtime import codec
from procession.runtime.batches import AnyAction, Filter
from procession.runtime.elsewhere import Refusal, Step, Treated
from procession.runtime.request import Request as Request
from procession.runtime.requests_of_moves import HandOver as HandOver
from procession.runtime.requests_of_moves import MoveOn as MoveOn
from procession.runtime.requests_of_moves import RevertBatch as RevertBatch
from procession.runtime.requests_of_moves import TakeBack as TakeBack


@final
class StartProcess(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Start an instance; answered with its key. `key` is preset when the caller has to know it at once (0: drawn).

    `version` 0 is the latest. `definition` names a definition by key instead, with `node` the triggered start event
    and `message` or `timer` what starts it; `skipped` firings of the timer lay in a downtime. `trace` is the W3C
    `traceparent` of whoever asks.
    """

    process_id: str
    variables: dict[str, Json]
    version: int = 0
    business_key: str = ""
    key: int = 0
    definition: int = 0
    node: int = -1
    message: int = 0
    name: str = ""
    correlation: str = ""
    timer: int = 0
    skipped: int = 0
    direct: bool = False
    """On another host: whoever asks takes the start there himself."""
    trace: str = ""
    begin: tuple[Activate, ...] = ()
    """Elements to begin at, instead of the start event."""


@final
class StartCalled(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Start a called process under the key that its caller gave it."""

    key: int
    program: str
    version: int
    variables: dict[str, Json]
    business_key: str
    parent_instance: int
    parent_element: int
    root_instance: int
    depth: int
    flags: int | None = None
    """Those of its caller. None: it was asked for by a version that did not say."""


@final
class Deliver(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Give an event to an instance. With `tolerant` a rejection is no error (the addressee has moved on)."""

    instance: int
    event: AnyEvent
    tolerant: bool = False


@final
class DeliverOffer(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Offer a message of a correlation partition to a subscription of an instance."""

    instance: int
    subscription: int
    message: int
    name: str
    correlation: str
    variables: dict[str, Json]


@final
class PublishMessage(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Publish a message; answered with its key. `key` is preset when an instance published it."""

    name: str
    correlation: str
    variables: dict[str, Json]
    ttl: int = 0
    message_id: str = ""
    key: int = 0


@final
class BroadcastSignal(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Broadcast a signal; answered with the number of those who got it. The instance `origin` has it already."""

    name: str
    variables: dict[str, Json]
    origin: int = 0


@final
class EvaluateConditions(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Start each process, or `process_id` alone, whose conditional start event is true of the variables; answered with
    their number."""

    variables: dict[str, Json]
    process_id: str = ""


@final
class DeployResources(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Deploy documents (file name, bytes); answered with a `Deployment` as JSON."""

    resources: list[tuple[str, bytes]]
    name: str = ""


@final
class ActivateJobs(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Lease up to `limit` jobs of a type to an outside worker for `timeout` ms; answered with a list of jobs.

    `fetch` names the variables that it needs; all of them if it names none."""

    type: str
    limit: int
    worker: str
    timeout: int
    fetch: tuple[str, ...] = ()


@final
class ExtendJob(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Let a lease end `timeout` ms from now; answered with that time. `token` 0 extends whichever lease there is."""

    job: int
    timeout: int
    token: int = 0


@final
class ReturnJob(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Give a lease back at once: nobody worked on the job, so it was no attempt."""

    job: int
    token: int


@final
class UpdateJob(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Give an open job so many retries. One that is out of them goes on when its incident is resolved."""

    job: int
    retries: int


@final
class FinishJob(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Complete a job. `token` is the lease under which the work was done, 0 to act without one.

    `denied`: a task listener says no. `choice`: how an ad-hoc sub-process goes on. Where nothing can be denied or
    chosen, `tolerant` makes that a failed attempt, followed by `backoff` (ms).
    """

    job: int
    variables: dict[str, Json]
    token: int = 0
    denied: bool = False
    reason: str = ""
    tolerant: bool = False
    backoff: int | None = None
    choice: Choice | None = None


@final
class FailJob(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """A worker failed. `retries` None takes one from the job; `backoff` None takes the job's own."""

    job: int
    error: str
    token: int = 0
    retries: int | None = None
    backoff: int | None = None


@final
class ThrowJob(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """A worker threw a BPMN error."""

    job: int
    code: str
    message: str = ""
    variables: dict[str, Json] = {}
    token: int = 0


@final
class TaskEvent(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Give an event to the instance that has the open user task `task`. With a `version` (of its attributes as they are
    stored, `codec.version_of`) only if it still has that one."""

    task: int
    event: AnyEvent
    version: str = ""


@final
class Resolve(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Retry what an incident stopped."""

    incident: int
    retries: int = 1


@final
class SweepMessages(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Forget the messages whose time is over."""


@final
class Forget(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Forget what is older than times in Unix ms, of some instances behind the key `after`.

    `history` counts for the facts: of instances that ended before it all, of active ones those behind a snapshot.
    `instances` counts for what is left of ended ones. Answered with a `Forgotten`.
    """

    history: int
    instances: int
    after: int = 0


@final
class Forgotten(msgspec.Struct, frozen=True, gc=False):
    """How many instances were looked at and forgotten. `after` is where to go on, 0 for the end."""

    seen: int
    histories: int
    instances: int
    after: int = 0


@final
class SwitchFlags(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """The behaviour flags, by number, that are switched on from now on, in the whole store."""

    numbers: tuple[int, ...]


@final
class SwitchFlag(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Switch one behaviour flag for what the tenant starts from now on; `cell` lets it follow its cell again. Of the
    tenant `<platform>` it is the cell itself."""

    number: int
    how: Literal["on", "off", "cell"]


@final
class MigrateInstance(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Let an instance go over to the version that the plan names (`to_version` 0: the latest)."""

    instance: int
    plan: MigrationPlan


@final
class RestartInstance(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Start a new instance at these elements, with the variables of an instance's process scope and these over them.

    `version` 0 is the one that the old instance runs or ran. Answered with the key of the new one."""

    instance: int
    begin: tuple[Activate, ...]
    variables: dict[str, Json]
    version: int = 0


@final
class SuspendDefinition(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Refuse new starts of a process, or (`on` false) allow them; `version` 0 means all versions that are there."""

    process_id: str
    version: int = 0
    on: bool = True


@final
class StartBatch(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Do something to every instance that a filter means; answered with the key of the batch."""

    which: Filter
    action: AnyAction


@final
class SteerBatch(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Pause (1), resume (0) or cancel (3) a batch."""

    batch: int
    state: int


@final
class Report(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """What an instance did on another host, `host`, in the workflow of the instance `home`."""

    instance: int
    host: str
    home: int
    steps: list[Step] = []
    refused: list[Refusal] = []
    treated: list[Treated] = []


@final
class Arrived(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """A row of the outbox reached its addressee, or (`lost`) there is none any more, or (`left`) he was let go there
    and is to be taken back: then it waits for that. So it does if it is `unread`: this version does not know what it
    says. Of an instance that a batch handed over, `batch` and `instance` say which arrived."""

    number: int
    lost: bool = False
    left: bool = False
    unread: bool = False
    batch: int = 0
    instance: int = 0


@final
class TakeKeys(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Blocks of keys for instances on another host; answered with the first key and the one behind the last."""

    blocks: int


@final
class AddTenant(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Make a tenant known before it has anything; answered with its number. Nothing happens to one that is known."""


@final
class CarriedOut(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Write down that another host has carried out a request: what it is called, what it was for, and its result, which
    is the answer."""

    what: str
    on: dict[str, str | int] = {}
    result: int | None = None


@final
class PutRecord(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Store a document of the server; answered with its new version.

    `version` is the one that it must have now: 0 for a document that must not be there, -1 for any."""

    kind: str
    id: str
    body: Json
    version: int = -1


@final
class DeleteRecord(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Delete a document of the server that has this version (-1: any)."""

    kind: str
    id: str
    version: int = -1


@final
class ForgetTenant(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Delete a portion of a tenant and refuse whatever else it asks; answered with a `TenantForgotten`.

    Asked again with its `after` until nothing is left but its name and what the audit log cannot do without."""

    after: int = 0


@final
class TenantForgotten(msgspec.Struct, frozen=True, gc=False):
    """What became of a portion: `rows` at least were deleted. `left`: ask again with `after`. `number` is the
    tenant's, by which its keys are destroyed."""

    number: int
    rows: int
    left: bool
    after: int = 0


Plain: TypeAlias = (
    StartProcess
    | StartCalled
    | Deliver
    | DeliverOffer
    | PublishMessage
    | BroadcastSignal
    | EvaluateConditions
    | DeployResources
    | ActivateJobs
    | FinishJob
    | FailJob
    | ThrowJob
    | ExtendJob
    | ReturnJob
    | UpdateJob
    | TaskEvent
    | Resolve
    | SweepMessages
    | SwitchFlags
    | SwitchFlag
    | Forget
    | MigrateInstance
    | RestartInstance
    | SuspendDefinition
    | StartBatch
    | SteerBatch
    | Report
    | Arrived
    | TakeKeys
    | AddTenant
    | CarriedOut
    | HandOver
    | TakeBack
    | MoveOn
    | RevertBatch
    | PutRecord
    | DeleteRecord
    | ForgetTenant
)
"""What is asked, without who asks."""


@final
class Asked(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """A request of somebody who is known: `subject` asks, from `origin`; it is written into the audit log.

    With a `key` (chosen by who asks) it is carried out once: asked again, it gives the first answer, as JSON. Raises
    `Conflict` when the key was used for a request with another `digest`."""

    what: Plain
    subject: str
    origin: str = ""
    key: str = ""
    digest: bytes = b""


AnyRequest: TypeAlias = Plain | Asked

_DECODER: Final[msgspec.json.Decoder[AnyRequest]] = msgspec.json.Decoder(known(AnyRequest), float_hook=Decimal)


def encode(request: AnyRequest) -> bytes:
    """A request as the body of an inbox row."""
    return codec.encode_json(request)


def decode(data: bytes) -> AnyRequest:
    """The request of `encode`. Raises `Unreadable` for what this version does not know."""
    return codec.read(_DECODER, data)
