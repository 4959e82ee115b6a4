"""Commands: what the host has to do, after it committed the facts. Data only.

Each can be recomputed from the state (`core.pending`), so a crash between commit and command loses none.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from procession.base.values import Json


class Command(msgspec.Struct, frozen=True, gc=False, tag=True, tag_field="command"):
    """Base of all commands (data inheritance only: no behaviour)."""


class CreateJob(Command, frozen=True, gc=False):
    """Offer a job to workers. `backoff` in ms between attempts, the last repeats; () for the host's default."""

    job: int
    element: int
    node: int
    type: str
    retries: int
    idempotency_key: str
    headers: dict[str, str]
    backoff: tuple[int, ...] = ()
    listener: int = -1
    priority: int = 0


class CloseJob(Command, frozen=True, gc=False):
    """A job is over, or belongs to an element that ended: no worker may complete it any more."""

    job: int


class HoldJob(Command, frozen=True, gc=False):
    """A job without retries: not offered until `CreateJob` is given for it again."""

    job: int


class SetTimer(Command, frozen=True, gc=False):
    """Send `FireTimer` when `due` (Unix ms) is reached, never early."""

    timer: int
    element: int
    node: int
    due: int


class ClearTimer(Command, frozen=True, gc=False):
    """The timer must not fire any more."""

    timer: int


class Subscribe(Command, frozen=True, gc=False):
    """Open a message subscription (name, key), or a signal subscription (`signal`)."""

    subscription: int
    element: int
    node: int
    name: str
    key: str
    signal: bool = False


class Unsubscribe(Command, frozen=True, gc=False):
    """Close a subscription. `consumed` is the message that it took, 0 for none."""

    subscription: int
    consumed: int = 0


class Consume(Command, frozen=True, gc=False):
    """A subscription that stays open took a message."""

    subscription: int
    message: int


class Publish(Command, frozen=True, gc=False):
    """Publish a message; `ttl` in ms."""

    message: int
    name: str
    key: str
    ttl: int
    message_id: str
    variables: dict[str, Json]


class Broadcast(Command, frozen=True, gc=False):
    """Broadcast a signal to all but the instance `origin`, which has it already (0: to all)."""

    name: str
    variables: dict[str, Json]
    origin: int = 0


class OpenTask(Command, frozen=True, gc=False):
    """A user task is open."""

    element: int
    node: int
    attributes: dict[str, Json]


class ChangeTask(Command, frozen=True, gc=False):
    """Attributes of a user task changed."""

    element: int
    changes: dict[str, Json]


class CloseTask(Command, frozen=True, gc=False):
    """A user task is over."""

    element: int


class Resolve(Command, frozen=True, gc=False):
    """Find a definition; answer with `events.Resolved` at once, before the commit. `what` is process or decision."""

    element: int
    what: str
    id: str
    binding: int
    version_tag: str


class StartChild(Command, frozen=True, gc=False):
    """Start a called process under the key `child`."""

    element: int
    child: int
    program: str
    version: int
    variables: dict[str, Json]
    business_key: str
    depth: int


class CancelChild(Command, frozen=True, gc=False):
    """Cancel a called process whose call activity ended."""

    child: int


class TellParent(Command, frozen=True, gc=False):
    """Deliver an event to another instance of the call tree (a parent, or the origin of an error)."""

    instance: int
    event: msgspec.Struct


class OpenIncident(Command, frozen=True, gc=False):
    """Show an incident."""

    incident: int
    element: int
    node: int
    code: str
    message: str
    job: int = 0


class CloseIncident(Command, frozen=True, gc=False):
    """An incident is over."""

    incident: int


class ReadStores(Command, frozen=True, gc=False):
    """Read data stores; answer with `events.StoresAnswered` at once, before the commit."""

    element: int
    stores: list[str]


class WriteStore(Command, frozen=True, gc=False):
    """Write a data store of the instance's tenant, in the commit of the facts."""

    store: str
    value: Json


class GoOn(Command, frozen=True, gc=False):
    """Send `Continue` before anything else for this instance."""


class Finish(Command, frozen=True, gc=False):
    """The instance ended: `completed` or `terminated`."""

    state: str
    variables: dict[str, Json]


class ParkJob(Command, frozen=True, gc=False):
    """The instance is suspended: an open job is not offered until `ReleaseJob` or `CreateJob` is given for it."""

    job: int


class ReleaseJob(Command, frozen=True, gc=False):
    """Offer a parked job again, with the attempts that it had."""

    job: int


class Standstill(Command, frozen=True, gc=False):
    """Show that the instance is suspended, or (`on` false) that it is no longer."""

    on: bool


class MoveJob(Command, frozen=True, gc=False):
    """An open job belongs to another node now."""

    job: int
    node: int


class MoveIncident(Command, frozen=True, gc=False):
    """An open incident is shown at another node now."""

    incident: int
    node: int


AnyCommand: TypeAlias = (
    CreateJob
    | CloseJob
    | HoldJob
    | SetTimer
    | ClearTimer
    | Subscribe
    | Unsubscribe
    | Consume
    | Publish
    | Broadcast
    | OpenTask
    | ChangeTask
    | CloseTask
    | Resolve
    | StartChild
    | CancelChild
    | TellParent
    | OpenIncident
    | CloseIncident
    | GoOn
    | Finish
    | ParkJob
    | ReleaseJob
    | Standstill
    | MoveJob
    | MoveIncident
    | ReadStores
    | WriteStore
)
