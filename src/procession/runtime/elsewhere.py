"""Instances that another host runs: what is sent to them, what they report, and who takes it there. Data and a port.

The engine that owns a shard keeps their definitions, their correlation and what is seen of them; the other host has
their state. What it decided comes back as facts, one `Step` each, and is mirrored byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, final

import msgspec

from procession.base.decoding import known
from procession.base.values import Json
from procession.core import commands as c
from procession.core import events as e
from procession.core.events import AnyEvent

if TYPE_CHECKING:
    from procession.runtime.ports import Store

Shown: TypeAlias = (
    c.CreateJob
    | c.CloseJob
    | c.HoldJob
    | c.ParkJob
    | c.ReleaseJob
    | c.MoveJob
    | c.SetTimer
    | c.ClearTimer
    | c.Subscribe
    | c.Unsubscribe
    | c.Consume
    | c.Publish
    | c.Broadcast
    | c.OpenTask
    | c.ChangeTask
    | c.CloseTask
    | c.OpenIncident
    | c.CloseIncident
    | c.MoveIncident
    | c.Standstill
    | c.WriteStore
    | c.Finish
)
"""Commands that mean something to the engine that keeps the books. The others are the host's own business."""


@final
class Step(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One step of an instance: `facts` are the JSON of `core.facts`, as it is stored. `at` is in Unix ms."""

    seq: int
    at: int
    facts: msgspec.Raw
    commands: list[Shown] = []


@final
class Refusal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A message that was offered to a subscription and is not taken."""

    subscription: int
    message: int
    name: str
    correlation: str


@final
class Treated(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What became of an instance in a batch: `reason` says why it was refused, "" if it was not."""

    batch: int
    reason: str = ""


@final
class Begin(msgspec.Struct, frozen=True, gc=False, tag="begin", omit_defaults=True):
    """Start the instance of the process `process_id`.

    Its keys are drawn from `first` up to, not including, `last`; `at` is in Unix ms. `trace` is the W3C `traceparent`
    of whoever started it, or "".
    """

    process_id: str
    start: e.Start
    first: int
    last: int
    at: int
    trace: str = ""


@final
class Delivery(msgspec.Struct, frozen=True, gc=False, tag="delivery", omit_defaults=True):
    """Give an event to an instance. `number` rises for each home, and one that was seen is dropped.

    `name` and `correlation` go back with the refusal of a message. `batch` is the batch operation that sends it, which
    wants to know what becomes of it and of the events `more` that follow it; 0 for none.
    """

    number: int
    instance: int
    event: AnyEvent
    at: int
    name: str = ""
    correlation: str = ""
    batch: int = 0
    more: list[AnyEvent] = []


@final
class Handover(msgspec.Struct, frozen=True, gc=False, tag="handover", omit_defaults=True):
    """Go on with instances that ran here: `bodies` are their snapshots by key, the first of them is the home of all.

    `number` is that of the row, and smaller than those of deliveries that follow. `jobs` are (job, retries, attempts)
    of what is open. Keys are drawn from `first` up to, not including, `last`; `at` is in Unix ms. `batch` is the batch
    operation that moves them, which wants to know that they arrived; 0 for none.
    """

    number: int
    process_id: str
    bodies: dict[int, msgspec.Raw]
    jobs: list[tuple[int, int, int]]
    first: int
    last: int
    at: int
    batch: int = 0


@final
class Moving(msgspec.Struct, frozen=True, gc=False, tag="moving", omit_defaults=True):
    """A batch moves an instance to a host, or to this store's own, and is not done with it: the other host has to let
    it go, or it was busy. `jobs` is the policy for open ones; `at` is when it was first tried, in Unix ms."""

    number: int
    instance: int
    to: str
    jobs: str
    batch: int
    at: int


Outgoing: TypeAlias = Begin | Delivery | Handover | Moving

OUTGOING: Final[msgspec.json.Decoder[Outgoing]] = msgspec.json.Decoder(known(Outgoing), float_hook=Decimal)
"""Reads a row of the outbox."""


@final
class Reply(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What became of an event: `rejected` and `reason` as in `core.outcome`; `seq` is the instance's last step."""

    seq: int = 0
    rejected: str = ""
    reason: str = ""


Answer: TypeAlias = "dict[str, Json]"
"""A job as `requests.ActivateJobs` answers it."""


class Door(Protocol):
    """The engine, as another host sees it. Thread-safe."""

    def call(self, request: Any) -> Any:
        """Carries out a request (`runtime.requests`)."""
        ...

    def call_all(self, requests: Sequence[Any]) -> list[Any]:
        """Carries out requests that may share commits; the first failure is raised."""
        ...

    def posted(self) -> None:
        """Something was put into the inbox by this process."""
        ...

    def perform(self, job: Answer, tenant: str) -> Future[Any]:
        """Does a job with the function that is registered for its type: the request that tells its outcome.

        Raises `NotFound` when none is.
        """
        ...


class Host(Protocol):
    """Another host, before an engine is opened on it."""

    def open(self, store: Store) -> Placement:
        """Connects. Raises `StoreError` when the host cannot be reached."""
        ...

    def attach(self, door: Door) -> None:
        """The engine is there: what it has for this host is sent from now on."""
        ...

    def serve(self, type: str, spare: bool) -> None:
        """There is a function for a type of jobs; with `spare` most processes have none of them."""
        ...

    def close(self) -> None:
        """Lets everything go. Idempotent."""
        ...


@final
class Screen(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What somebody who plays an instance sees next. `state`: `task`, `working` (not yet), `incident`, `completed`,
    `terminated`. Of a task: its key, the element, its attributes, and all variables that it sees; else those of the
    process. `instance` is where the task is: a called process has its own."""

    state: str
    instance: int = 0
    task: int = 0
    element_id: str = ""
    attributes: dict[str, Json] = {}
    variables: dict[str, Json] = {}
    seq: int = 0


@final
class Left(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a host said when it let instances go: their last steps by key, none if all have ended, and the number of the
    last delivery that it took."""

    seqs: dict[int, int]
    seen: int = 0


class Placement(Protocol):
    """Another host, as the engine sees it. Thread-safe."""

    @property
    def host(self) -> str:
        """Its name: what instances that it runs are marked with."""
        ...

    @property
    def keeps_time(self) -> bool:
        """Whether it fires timers itself. If not, the engine does."""
        ...

    def external(self, type: str) -> bool:
        """Whether jobs of a type are left to this engine's workers."""
        ...

    def takes(self, tenant: str, process_id: str) -> bool:
        """Whether an instance that is started now goes there."""
        ...

    def reaches(self, tenant: str) -> str:
        """Why instances of a tenant cannot be there; "" if they can."""
        ...

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way there."""
        ...

    def wake(self) -> None:
        """Something was committed that has to be sent."""
        ...

    def ask(self, tenant: str, home: int, delivery: Delivery) -> Reply:
        """Gives an event to an instance and waits for what becomes of it.

        Raises `NotFound` when the instance has ended, `StoreError` when the host cannot be reached.
        """
        ...

    def leave(self, tenant: str, home: int, *, wait: bool) -> Left:
        """Lets instances go that live in a workflow: when this returns they are stepped there no more. With `wait` jobs
        under way come to their end first. Repeated, it answers the same. Raises as `ask` does."""
        ...

    def screen(self, tenant: str, home: int, begin: Begin | None = None) -> Screen:
        """What is next in an instance, which is started by the same call if `begin` is given and it is not there.

        Answers `working` when there is nothing after a tenth of a second. Raises as `ask` does.
        """
        ...
