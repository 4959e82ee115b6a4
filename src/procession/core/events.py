"""Events: what happened to an instance, as its host tells it. Data only.

`Meta` goes with each event: the clock (`at`, Unix ms; the state keeps it from running backwards) and `key`, the next
free key of the shard (procession.base.keys). The core has no other source of time or identity.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from procession.base.values import Json
from procession.core.instructions import Activate, Instruction
from procession.core.plans import MigrationPlan


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=True, tag_field="event"):
    """Base of all events (data inheritance only: no behaviour)."""


class Start(Event, frozen=True, array_like=True, gc=False, kw_only=True):
    """Start the instance. `start_node` is a triggered start event's index or NONE for the none start.

    `parent_*` are the calling instance and its call activity's element instance; 0 for a root.
    """

    instance: int
    tenant: str
    program: str
    version: int
    variables: dict[str, Json]
    start_node: int = -1
    business_key: str = ""
    parent_instance: int = 0
    parent_element: int = 0
    root_instance: int = 0
    zone: str = "UTC"
    tz_release: str = ""
    seed: int = 0
    epoch: int = 0
    message: int = 0
    depth: int = 0
    flags: int = 0
    """The behaviour flags (core.flags) that are switched on where the instance starts."""
    timer: int = 0
    skipped: int = 0
    """Of a start timer: its key, and how many of its firings lay in a downtime and do not happen."""
    begin: tuple[Activate, ...] = ()
    source: int = 0
    """Begin at these elements instead of the start event, with the variables of the instance `source`."""


class Choice(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the job of an ad-hoc sub-process decided: activities to begin, each with variables of its own, or that it is
    `done`. `cancel_remaining` ends what is active in it."""

    activities: list[tuple[str, dict[str, Json]]] = []
    done: bool = False
    cancel_remaining: bool = False


class CompleteJob(Event, frozen=True, array_like=True, gc=False):
    """A worker finished a job; `variables` are its result. For a task listener `denied` rejects the transition; for an
    ad-hoc sub-process `choice` says how it goes on."""

    job: int
    variables: dict[str, Json] = {}
    denied: bool = False
    reason: str = ""
    choice: Choice | None = None


class ExhaustJob(Event, frozen=True, array_like=True, gc=False):
    """A job has no retries left."""

    job: int
    attempts: int
    error: str


class ThrowJobError(Event, frozen=True, array_like=True, gc=False):
    """A worker threw a BPMN error."""

    job: int
    code: str
    message: str = ""
    variables: dict[str, Json] = {}


class FireTimer(Event, frozen=True, array_like=True, gc=False):
    """A timer is due."""

    timer: int


class OfferMessage(Event, frozen=True, array_like=True, gc=False):
    """The correlation machine offers a message to a subscription. Refused (`Rejected`) when it is closed."""

    subscription: int
    message: int
    variables: dict[str, Json] = {}


class ReceiveSignal(Event, frozen=True, array_like=True, gc=False):
    """A signal was broadcast to a subscription."""

    subscription: int
    variables: dict[str, Json] = {}


class CompleteTask(Event, frozen=True, array_like=True, gc=False):
    """A user task is completed by a person."""

    element: int
    variables: dict[str, Json] = {}


class AssignTask(Event, frozen=True, array_like=True, gc=False):
    """A user task gets an assignee ("" to unassign)."""

    element: int
    assignee: str


class UpdateTask(Event, frozen=True, array_like=True, gc=False):
    """Changed attributes of a user task: candidate_groups, candidate_users, due, follow_up, priority."""

    element: int
    changes: dict[str, Json]


class Resolved(Event, frozen=True, array_like=True, gc=False):
    """The answer to `commands.Resolve`: the hash of a program or decision, or "" with an `error`."""

    element: int
    hash: str
    version: int = 0
    error: str = ""


class ChildCompleted(Event, frozen=True, array_like=True, gc=False):
    """A called process reached its end."""

    element: int
    child: int
    variables: dict[str, Json] = {}


class ChildTerminated(Event, frozen=True, array_like=True, gc=False):
    """A called process was cancelled on its own."""

    element: int
    child: int


class ChildThrew(Event, frozen=True, array_like=True, gc=False):
    """A called process has an error that nothing inside it catches. Answered by `ErrorUnhandled` if nobody does.

    `thrower` is the element instance of the process where it arose (`origin`), passed through unchanged.
    """

    element: int
    child: int
    code: str
    message: str
    variables: dict[str, Json]
    origin: int
    thrower: int


class ErrorUnhandled(Event, frozen=True, array_like=True, gc=False):
    """No calling process catches the error that `element` threw."""

    element: int
    code: str
    message: str = ""


class ChildEscalated(Event, frozen=True, array_like=True, gc=False):
    """A called process has an escalation that nothing inside it catches."""

    element: int
    child: int
    code: str
    variables: dict[str, Json]


class SetVariables(Event, frozen=True, array_like=True, gc=False):
    """Set variables from outside. `element` 0 is the root scope; not `local`: nearest scope that defines each."""

    element: int
    variables: dict[str, Json]
    local: bool = False


class ResolveIncident(Event, frozen=True, array_like=True, gc=False):
    """Retry what failed. For a job, `retries` are given anew."""

    incident: int
    retries: int = 1


class TriggerActivity(Event, frozen=True, array_like=True, gc=False):
    """Begin activities of an ad-hoc sub-process: `element` is its element instance, 0 for the one that has them all;
    `activities` are element ids. Each is an activation of its own, in which `variables` are local."""

    element: int
    activities: list[str]
    variables: dict[str, Json] = {}


class Cancel(Event, frozen=True, array_like=True, gc=False):
    """Cancel the whole instance."""

    reason: str = ""


class StoresAnswered(Event, frozen=True, array_like=True, gc=False):
    """The answer to `commands.ReadStores`: the values by data store; one that was never written is null."""

    element: int
    values: dict[str, Json]


class Continue(Event, frozen=True, array_like=True, gc=False):
    """Go on after `Yielded`."""


class Modify(Event, frozen=True, array_like=True, gc=False):
    """Change the instance by hand: all of it or, where one instruction is not possible, nothing."""

    instructions: tuple[Instruction, ...]


class Restart(Event, frozen=True, array_like=True, gc=False):
    """End all that is active and begin at these elements, in the same instance."""

    begin: tuple[Activate, ...]
    variables: dict[str, Json] = {}


class Suspend(Event, frozen=True, array_like=True, gc=False):
    """Let the instance stand still."""

    reason: str = ""


class Resume(Event, frozen=True, array_like=True, gc=False):
    """Let a suspended instance go on."""


class ReissueJobs(Event, frozen=True, array_like=True, gc=False):
    """Cancel open jobs and issue them anew, under new idempotency keys; none named: all that have retries left."""

    jobs: tuple[int, ...] = ()


class Migrate(Event, frozen=True, array_like=True, gc=False):
    """Go on with another program, which the host gives to `step` beside the event."""

    program: str
    version: int
    plan: MigrationPlan


AnyEvent: TypeAlias = (
    Start
    | CompleteJob
    | ExhaustJob
    | ThrowJobError
    | FireTimer
    | OfferMessage
    | ReceiveSignal
    | CompleteTask
    | AssignTask
    | UpdateTask
    | Resolved
    | ChildCompleted
    | ChildTerminated
    | ChildThrew
    | ErrorUnhandled
    | ChildEscalated
    | SetVariables
    | ResolveIncident
    | TriggerActivity
    | Cancel
    | Continue
    | Modify
    | Restart
    | Suspend
    | Resume
    | Migrate
    | ReissueJobs
    | StoresAnswered
)
