"""What goes through Temporal, as data, and the converter that writes it as JSON which every SDK, UI and CLI reads."""

from __future__ import annotations

import zlib
from decimal import Decimal
from typing import Any, Final, final

import msgspec
from temporalio.api.common.v1 import Payload
from temporalio.converter import CompositePayloadConverter, DefaultPayloadConverter, EncodingPayloadConverter

from procession.base.decoding import known
from procession.base.values import Json
from procession.core import commands as c
from procession.core.events import Choice, Resolved, StoresAnswered
from procession.runtime.elsewhere import Begin, Delivery, Reply, Screen
from procession.runtime.requests import Report

HOST: Final = "temporal"
"""The name of this host: what instances that it runs are marked with."""

DELIVER: Final = "procession.deliver"
"""The signal that brings events: a list of `Delivery`."""
ASK: Final = "procession.ask"
"""The update that brings one event and waits for what becomes of it; also the local activity that asks the engine."""
SCREEN: Final = "procession.screen"
"""The update that answers what is next: a `Screen`."""
REPORT: Final = "procession.report"
"""The local activity that hands a report over before the task that it is about is committed."""
BREATHE: Final = "procession.breathe"
"""The local activity that does nothing, between two stretches of one long step."""
TRAMPOLINE: Final = "procession.trampoline"
"""The signal that lets an instance go on in a new run at once, so that it comes under the newest worker."""
LEAVE: Final = "procession.leave"
"""The update that lets the instances of a workflow go: its run ends, and somebody else has them."""
QUIT: Final = "procession.quit"
"""The same, refused while a job is under way."""
BUSY: Final = "Busy"
"""The type of that refusal."""
TOOK: Final = "procession.took"
"""The update that is answered when a workflow has begun to step what it took over."""
TOKENS: Final = "procession.tokens"
"""The query for the token positions."""
LEFT: Final = "left"
"""The only key of a workflow's result whose instances were let go."""
PACKED_MIN: Final = 65_536
"""Bytes from which on a snapshot is compressed when a run hands it to the next one."""
ANSWER: Final = "$procession"
"""The only key of an activity's result that is more than variables."""


@final
class Budget(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """When a run ends and the next one takes its instances over. All are far below the server's limits.

    `events` and `bytes` of history, `steps` that a replay would have to do again (each some 0.1 ms). A run with
    `idle_events` ends before a sleep of `idle` ms, so that waking up is cheap. `force` does not wait for activities in
    flight: they are done again, under their idempotency keys.
    """

    events: int = 2_000
    bytes: int = 1_048_576
    steps: int = 4_000
    idle: int = 3_600_000
    idle_events: int = 200
    force: bool = False


AT_ONCE: Final = 100
"""Jobs that one workflow task schedules, for instances that start from now on. They take some ms each on a busy
machine, and the SDK gives up a workflow whose task takes two seconds; for good, if it is unlucky."""


@final
class Settings(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """How an instance is run, fixed at its start. Times are in ms.

    `virtual`: time is what deliveries say, and the engine fires the timers.
    `shifted`: the clock is the workflow's, moved so that the instance starts at the time that its start says.
    `job_queue`: the task queue of jobs, in which `{type}` stands for their type, "" for the workflow's own.
    `external`: job types that are done outside, and completed by an event; `*` for all.
    `local`: those that are done by local activities of the workflow's own worker.
    `calls`: whether a called process is a workflow of its own, and not in its caller's state.
    `search`: the names of this host's search attributes that the namespace has; see `searchable`.
    `heartbeat`: how long a job's worker may be silent until its job is tried again, 0 for as long as the job takes.
    `at_once`: jobs that one workflow task schedules; 500 where nothing was said, in starts of versions before.
    `upgrade`: whether the next run starts with the deployment's newest build, and this one ends when there is a newer.
    """

    virtual: bool = False
    shifted: bool = False
    job_queue: str = ""
    job_timeout: int = 300_000
    external: list[str] = []
    local: list[str] = []
    search: list[str] = []
    budget: Budget = Budget()
    calls: bool = False
    heartbeat: int = 0
    upgrade: bool = False
    at_once: int = 500


@final
class CarriedJob(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A job that is to be scheduled in the next run, with what is left of its retries and its attempts so far."""

    job: int
    retries: int
    attempts: int


@final
class Carried(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """All that a run leaves to the next one.

    `bodies`: instance -> its snapshot. `seen` is the number of the last delivery, `replies` those of the last updates
    by their id, `first` and `last` what is left of the keys, `activities` how many were scheduled. `at` is virtual
    time, `shift` that of a shifted clock.
    `finish`: how the instance at home ended, when it has, and others here go on. `packed`: large snapshots, compressed,
    as a payload has a limit of 2 MiB and not every cluster has a codec.
    """

    tenant: str
    home: int
    bodies: dict[int, msgspec.Raw]
    first: int
    last: int
    seen: int = 0
    replies: list[tuple[str, Reply]] = []
    jobs: list[CarriedJob] = []
    activities: int = 0
    at: int = 0
    shift: int = 0
    finish: c.Finish | None = None
    packed: dict[int, bytes] = {}


def packed(carried: Carried) -> Carried:
    """With its large snapshots compressed."""
    large = {key for key, body in carried.bodies.items() if len(bytes(body)) > PACKED_MIN}
    if not large:
        return carried
    return msgspec.structs.replace(
        carried,
        # Their place in the order is kept.
        bodies={key: msgspec.Raw(b"null") if key in large else body for key, body in carried.bodies.items()},
        packed={key: zlib.compress(bytes(carried.bodies[key]), 1) for key in large},
    )


def unpacked(carried: Carried) -> dict[int, msgspec.Raw]:
    """All snapshots of what was carried, in its order."""
    return {
        key: msgspec.Raw(zlib.decompress(carried.packed[key])) if key in carried.packed else body
        for key, body in carried.bodies.items()
    }


@final
class Input(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The argument of a workflow: how it begins, or what the run before left."""

    begin: Begin | None = None
    settings: Settings = Settings()
    carried: Carried | None = None


@final
class Question(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What an instance needs to know before it can go on. `blocks` are blocks of keys that it needs besides."""

    tenant: str
    process_id: str = ""
    version: int = 0
    resolve: list[c.Resolve] = []
    stores: list[c.ReadStores] = []
    blocks: int = 0


@final
class Answers(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The answers, in the order of the questions; `first` and `last` are of the new keys, 0 for none."""

    resolved: list[Resolved] = []
    stores: list[StoresAnswered] = []
    first: int = 0
    last: int = 0


@final
class Envelope(msgspec.Struct, frozen=True, gc=False):
    """Reports of one workflow task: that which starts with the history event `task` of the run.

    `before` is the task that told something before, if the same object ran it and did not only replay it: the SDK goes
    on with an object after its task was committed, and drops it otherwise. 0 if there is none. `ends`: the run ends
    with this task, of which the SDK itself says when it is committed.
    """

    run: str
    task: int
    index: int
    reports: list[Report]
    before: int = 0
    ends: bool = False


@final
class JobOrder(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The argument of an activity that does a job. `attempts` were made before this activity, which counts its own.

    Keys are strings: not every language of a worker has integers of 63 bits.
    """

    job: str
    type: str
    tenant: str
    instance: str
    element: str
    element_id: str
    process_id: str
    idempotency_key: str
    retries: int
    attempts: int
    headers: dict[str, str]
    variables: dict[str, Json]


@final
class JobAnswer(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What became of a job, where it is more than variables; see `events.CompleteJob`. `at` is virtual time, or 0."""

    variables: dict[str, Json] = {}
    denied: bool = False
    reason: str = ""
    choice: Choice | None = None
    at: int = 0


@final
class JobFailure(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The first detail of an activity's failure. `retries` are those that are left, `pause` is in ms.

    `code` is that of a BPMN error, with its `variables`.
    """

    error: str = ""
    retries: int = 0
    pause: int = 0
    attempts: int = 1
    code: str | None = None
    variables: dict[str, Json] = {}
    at: int = 0


REFUSED: Final = "procession.refused"
"""The type of the error that refuses an update, or a start: its details are a code and a reason."""
FAILED: Final = "procession.failed"
"""The type of an application error whose first detail is a `JobFailure`."""
BPMN_ERROR: Final = "BpmnError"
"""The type of an application error that a worker in any language throws: its details are code, message, variables."""


@final
class MsgspecPayloadConverter(EncodingPayloadConverter):
    """JSON by msgspec: structs, and decimals as exact numbers."""

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder(decimal_format="number").encode
        self._decoders: dict[object, msgspec.json.Decoder[Any]] = {}

    @property
    def encoding(self) -> str:
        """The encoding that every tool of Temporal shows."""
        return "json/plain"

    def to_payload(self, value: object) -> Payload | None:
        """See `EncodingPayloadConverter`."""
        return Payload(metadata={"encoding": b"json/plain"}, data=self._encode(value))

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> object:
        """See `EncodingPayloadConverter`. Its errors are plain: what cannot be read is tried again, not failed."""
        decoder = self._decoders.get(type_hint)
        if decoder is None:
            wanted: Any = object if type_hint is None else type_hint
            decoder = self._decoders[type_hint] = msgspec.json.Decoder(known(wanted), float_hook=Decimal)
        return decoder.decode(payload.data)


@final
class ProcessionPayloadConverter(CompositePayloadConverter):
    """The SDK's converters, with JSON by msgspec in the place of the standard library's."""

    def __init__(self) -> None:
        own = MsgspecPayloadConverter()
        known = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(own if each.encoding == own.encoding else each for each in known))


__all__ = [
    "ANSWER",
    "ASK",
    "BPMN_ERROR",
    "BREATHE",
    "DELIVER",
    "FAILED",
    "HOST",
    "LEAVE",
    "LEFT",
    "REFUSED",
    "REPORT",
    "SCREEN",
    "TOKENS",
    "TRAMPOLINE",
    "Answers",
    "Begin",
    "Budget",
    "Carried",
    "CarriedJob",
    "Delivery",
    "Envelope",
    "Input",
    "JobAnswer",
    "JobFailure",
    "JobOrder",
    "ProcessionPayloadConverter",
    "Question",
    "Reply",
    "Screen",
    "Settings",
]
