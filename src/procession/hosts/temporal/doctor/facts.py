"""What is known of one instance when it is asked why it does not go on. Data only: no protos, no client, no store.

Times are Unix ms and durations ms, 0 where there is none; keys are texts, which every reader of JSON can hold. What a
server or a worker did not tell is left out, and `Facts.unavailable` says so.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, final

import msgspec

QueueKind: TypeAlias = Literal["workflow", "activity"]
WaitKind: TypeAlias = Literal["user-task", "message", "signal", "timer", "condition", "job", "call"]


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of all facts (data inheritance only: no behaviour)."""


@final
class Place(Fact, frozen=True, kw_only=True, gc=False):
    """Whom the facts are about, and where they were asked. `db` is the file of the store, "" without one."""

    address: str
    namespace: str
    tenant: str
    instance: str
    workflow: str
    db: str = ""


@final
class Pause(Fact, frozen=True, kw_only=True, gc=False):
    """Somebody stopped it."""

    at: int
    by: str = ""
    reason: str = ""


@final
class Execution(Fact, frozen=True, kw_only=True, gc=False):
    """The workflow, as DescribeWorkflowExecution tells. `status` is RUNNING, COMPLETED, FAILED, ...

    `version` is the worker deployment version that it runs on, `pinned` whether it stays there; `target` that to which
    it is moving. `reported` are the server's own words for a task that fails again and again.
    """

    run: str
    type: str
    status: str
    queue: str
    started: int
    closed: int = 0
    events: int = 0
    bytes: int = 0
    task_timeout: int = 0
    paused: Pause | None = None
    version: str = ""
    pinned: bool = False
    target: str = ""
    reported: list[str] = []
    children: int = 0


@final
class Task(Fact, frozen=True, kw_only=True, gc=False):
    """The pending workflow task. `first` is when it was scheduled for its first attempt."""

    state: Literal["scheduled", "started"]
    scheduled: int
    first: int
    started: int
    attempt: int


@final
class Activity(Fact, frozen=True, kw_only=True, gc=False):
    """A pending activity: a job. `next` is when it is tried again, 0 unless it is in a pause between attempts."""

    id: str
    type: str
    state: str
    queue: str = ""
    attempt: int = 1
    attempts_max: int = 0
    scheduled: int = 0
    started: int = 0
    heartbeat: int = 0
    heartbeat_timeout: int = 0
    start_to_close: int = 0
    next: int = 0
    failure: str = ""
    failure_type: str = ""
    worker: str = ""
    paused: Pause | None = None


@final
class Nexus(Fact, frozen=True, kw_only=True, gc=False):
    """A pending Nexus operation."""

    endpoint: str
    operation: str
    state: str
    attempt: int = 1
    failure: str = ""
    blocked: str = ""


@final
class Poller(Fact, frozen=True, kw_only=True, gc=False):
    """Somebody who asked a task queue for work; the server remembers them for some minutes after their end."""

    identity: str
    seen: int
    version: str = ""


@final
class Queue(Fact, frozen=True, kw_only=True, gc=False):
    """A task queue. `backlog` is about how many tasks wait in it, `age` about how long the oldest one does."""

    name: str
    kind: QueueKind
    pollers: list[Poller] = []
    backlog: int = 0
    age: int = 0
    added: float = 0.0
    dispatched: float = 0.0
    limited: bool = False


@final
class Seen(Fact, frozen=True, kw_only=True, gc=False):
    """A worker by its own heartbeat, which servers from 1.30 on keep. `pause` lies between two of its heartbeats."""

    identity: str
    queue: str
    at: int
    pause: int = 0


@final
class Event(Fact, frozen=True, kw_only=True, gc=False):
    """An event of the history: `type` without its prefix. `cause` is an enum's name, `text` what it says besides."""

    id: int
    at: int
    type: str
    cause: str = ""
    text: str = ""


@final
class Timer(Fact, frozen=True, kw_only=True, gc=False):
    """A timer that runs, as far as the events that were read tell."""

    id: str
    due: int
    summary: str = ""


@final
class Answer(Fact, frozen=True, kw_only=True, gc=False):
    """What became of a query: an answer, or why there is none."""

    name: str
    value: str = ""
    error: str = ""


@final
class Wait(Fact, frozen=True, kw_only=True, gc=False):
    """Something that an instance waits for, by the book. `key` is a correlation key, or that of a task or a job."""

    kind: WaitKind
    element: str
    name: str = ""
    key: str = ""
    due: int = 0


@final
class Incident(Fact, frozen=True, kw_only=True, gc=False):
    """An open incident."""

    key: str
    element: str
    code: str
    message: str
    at: int


@final
class Waiting(Fact, frozen=True, kw_only=True, gc=False):
    """Rows that wait in the store: how many, since when, and what the first one says in how many bytes."""

    count: int = 0
    since: int = 0
    text: str = ""
    bytes: int = 0


@final
class Book(Fact, frozen=True, kw_only=True, gc=False):
    """What the engine's store has of the instance. `state` is active, completed or terminated.

    `step` is the last step that was mirrored, of the time `at`. `held` are reports whose task is not known to be
    committed, `posted` those that no engine has taken in, `refused` those that it could not; `outbox` is what has to
    reach the workflow. `owner` names the engine's process, "" when none runs.
    """

    host: str
    home: str
    process_id: str
    version: int
    state: str
    step: int = 0
    at: int = 0
    tokens: dict[str, int] = {}
    waits: list[Wait] = []
    incidents: list[Incident] = []
    suspended: bool = False
    failure: str = ""
    unreadable: str = ""
    held: Waiting = Waiting()
    posted: Waiting = Waiting()
    refused: Waiting = Waiting()
    outbox: Waiting = Waiting()
    owner: str = ""


@final
class Facts(Fact, frozen=True, kw_only=True, gc=False):
    """Everything. `execution` is None when the cluster knows no such workflow, `book` when no store was asked or it
    has no such instance. `tokens` are the workflow's own, by element, None when it did not tell."""

    at: int
    server: str
    place: Place
    execution: Execution | None = None
    book: Book | None = None
    task: Task | None = None
    activities: list[Activity] = []
    nexus: list[Nexus] = []
    queues: list[Queue] = []
    workers: list[Seen] = []
    deployment: str = ""
    events: list[Event] = []
    timers: list[Timer] = []
    answers: list[Answer] = []
    tokens: dict[str, int] | None = None
    unavailable: list[str] = []
