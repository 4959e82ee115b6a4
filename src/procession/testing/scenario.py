"""Scenario files: the document (docs/reference/scenarios.md) as structs, and reading it strictly from YAML.

What is not known is refused with its line and the nearest known name. Driving an engine lives in `runner`.
"""

from __future__ import annotations

from typing import Final, TypeAlias, final

import msgspec

from procession.base.failure import ProcessionError
from procession.core.plans import MigrationChoice


@final
class BadScenario(ProcessionError, ValueError):
    """A scenario file that cannot be read; the text starts with `file:line:`."""


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what a scenario file holds (data inheritance only: no behaviour)."""


@final
class Fail(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An attempt fails; `retries` are what remains, 0 raises an incident."""

    message: str = "failed by the scenario"
    retries: int = 0


@final
class Throw(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An attempt ends in a BPMN error."""

    code: str
    message: str = ""
    variables: dict[str, object] = {}


@final
class Choose(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the job of an ad-hoc sub-process chooses: element ids with the variables of each, or that it is done.

    `cancel` ends what is active in it; `variables` are the job's own result.
    """

    activate: list[str] | dict[str, dict[str, object]] = []
    done: bool = False
    cancel: bool = False
    variables: dict[str, object] = {}


@final
class Answer(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a job answers to one attempt: exactly one of the four."""

    complete: dict[str, object] | None = None
    fail: Fail | None = None
    throw: Throw | None = None
    choose: Choose | None = None


@final
class Start(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Start a process by its id; `as` names the instance."""

    process: str
    variables: dict[str, object] = {}
    name: str = msgspec.field(default="it", name="as")
    version: int | None = None
    business_key: str = ""


@final
class Waiting(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the instance and the processes it called wait for: element ids, each kind an exact multiset."""

    jobs: list[str] | None = None
    tasks: list[str] | None = None
    messages: list[str] | None = None
    timers: list[str] | None = None
    signals: list[str] | None = None
    conditions: list[str] | None = None
    incidents: list[str] | None = None


@final
class Complete(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Complete an open job or user task, named by element, by job type, or by order of creation (from 1)."""

    element: str = ""
    type: str = ""
    index: int | None = None
    variables: dict[str, object] = {}
    choose: Choose | None = None


@final
class FailJob(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fail an open job."""

    element: str = ""
    type: str = ""
    index: int | None = None
    message: str = "failed by the scenario"
    retries: int = 0


@final
class ThrowJob(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Throw a BPMN error from an open job."""

    element: str = ""
    type: str = ""
    index: int | None = None
    code: str
    message: str = ""
    variables: dict[str, object] = {}


@final
class Message(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Publish a message; `ttl` is an ISO 8601 duration, `id` its identity while it is buffered."""

    name: str
    key: str | int = ""
    variables: dict[str, object] = {}
    ttl: str = "PT1H"
    id: str = ""


@final
class Signal(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Broadcast a signal."""

    name: str
    variables: dict[str, object] = {}


@final
class Evaluate(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Start the processes whose conditional start event is true of the variables."""

    variables: dict[str, object] = {}
    process: str = ""


@final
class SetVariables(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Set variables from outside, in the scope of an element or, without one, of the process."""

    variables: dict[str, object]
    scope: str = ""


@final
class Resolve(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Resolve the incident of an element; a job gets `retries` anew."""

    incident: str
    retries: int = 1


@final
class Cancel(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cancel the instance."""

    reason: str = ""


@final
class Begin(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An element to begin, with variables of its own. `ancestor` is an active scope around it, by id or path."""

    element: str
    ancestor: str = ""
    variables: dict[str, object] = {}


@final
class Modify(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change the instance by hand, all of it or nothing. Elements to end are ids, or paths such as `order/items[3]`.

    `put` and `take` are sequence flows: a token on one, or one taken that waits at its join. `variables` are set in the
    process, or in `scope`. `refused` is a part of the reason for which it must be refused.
    """

    activate: list[str | Begin] = []
    terminate: list[str] = []
    move: dict[str, str] = {}
    put: list[str] = []
    take: list[str] = []
    variables: dict[str, object] = {}
    scope: str = ""
    refused: str = ""


@final
class Target(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version of a process; the latest, if none is named."""

    process: str
    version: int | None = None


@final
class Migrate(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let the instance go over to another version. `map` and `flows` are put over the default plan; a target "" takes
    an element out of it. `choices` say what is made anew. `refused` is a part of the reason to be refused for."""

    to: Target
    map: dict[str, str] = {}
    flows: dict[str, str] = {}
    choices: dict[str, MigrationChoice] = {}
    refused: str = ""


@final
class Suspend(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let the instance stand still."""

    reason: str = ""
    refused: str = ""


@final
class Resume(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let a suspended instance go on."""

    refused: str = ""


@final
class Restart(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Begin at these elements: a new instance with the variables of this one, named `as`, or `in_place` this one."""

    at: list[str | Begin]
    variables: dict[str, object] = {}
    in_place: bool = False
    name: str = msgspec.field(default="again", name="as")
    refused: str = ""


@final
class TriggerActivity(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Begin an activity of an ad-hoc sub-process, or several `elements`; `within` names the sub-process where more than
    one active has it."""

    element: str = ""
    elements: list[str] = []
    within: str = ""
    variables: dict[str, object] = {}


@final
class Step(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step: exactly one verb, and the `instance` that it is about (default: the last one started)."""

    start: Start | None = None
    deploy: list[str] | None = None
    waiting: Waiting | None = None
    complete: Complete | None = None
    fail: FailJob | None = None
    throw: ThrowJob | None = None
    message: Message | None = None
    signal: Signal | None = None
    evaluate: Evaluate | None = None
    after: str | None = None
    set: SetVariables | None = None
    resolve: Resolve | None = None
    cancel: Cancel | None = None
    modify: Modify | None = None
    migrate: Migrate | None = None
    trigger: TriggerActivity | None = None
    suspend: Suspend | None = None
    resume: Resume | None = None
    restart: Restart | None = None
    instance: str = ""
    line: int = 0


@final
class Expectation(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must hold of an instance at the end."""

    state: str | None = None
    path: list[str] | None = None
    order: bool = False
    variables: dict[str, object] | None = None
    exactly: bool = False
    line: int = 0


@final
class Scenario(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file. `expect` is by instance name; the name "" stands for the last instance started.

    `lines` are those of the keys at the top, for messages about what is found out only when it runs.
    """

    file: str = ""
    lines: dict[str, int] = {}
    deploy: list[str]
    jobs: dict[str, list[Answer]] = {}
    clock: str = "1970-01-01T00:00:00Z"
    zone: str = "UTC"
    steps: list[Step] = []
    expect: dict[str, Expectation] = {}
    rejected: str = ""

    def at(self, key: str) -> str:
        """`file:line`, of a key at the top."""
        return f"{self.file}:{self.lines.get(key, 1)}"


StepBody: TypeAlias = (
    Start
    | Waiting
    | Complete
    | FailJob
    | ThrowJob
    | Message
    | Signal
    | SetVariables
    | Resolve
    | Cancel
    | Modify
    | Migrate
    | TriggerActivity
    | Suspend
    | Resume
    | Restart
)
STATES: Final = ("active", "completed", "terminated", "incident")
VERBS: Final = tuple(f.name for f in msgspec.structs.fields(Step) if f.name not in {"instance", "line"})
EXPECTATIONS: Final = frozenset(f.name for f in msgspec.structs.fields(Expectation) if f.name != "line")
