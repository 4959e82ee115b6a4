"""State: the one owned, mutable state of an instance. Only `apply` changes it (docs/design/0002).

Native classes with `__slots__`; no behaviour beyond navigation, no I/O. The snapshot codec is `core.snapshot`.
"""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import Final, TypeAlias, final

from procession.base.values import Json


class Stage(IntEnum):
    """Where an element instance is in its life. Stored in snapshots: append only."""

    ACTIVE = 0
    COMPLETING = 1
    TERMINATING = 2
    """Interrupted, but listeners of a user task inside still run; it waits for nothing else."""
    COMPENSATING = 3
    """Completed before and opened again, or beside a throw that does not wait: it lives while something is undone."""
    CANCELLED = 4
    """A transaction that a cancel end event ended; it lives until its completed activities are undone."""


class Status(IntEnum):
    """Where the instance is in its life. Stored in snapshots: append only."""

    ACTIVE = 0
    COMPLETED = 1
    TERMINATED = 2


Operation: TypeAlias = "tuple[Json, ...]"
"""An agenda entry: the operation's number, then its arguments, all JSON."""


AWAITS_DATA: Final = "data"
"""Held by an element that waits for data: [AWAITS_DATA, the names that it lacks]."""
READS_STORES: Final = "reading"
"""Held by an element until its data stores are read: [READS_STORES]."""
STORES_READ: Final = "stores"
"""Held between the reading of data stores and the taking of inputs: [STORES_READ, values by variable]."""


@final
class Job:
    """An open job. `held`: exhausted, waiting for its incident to be resolved."""

    __slots__ = ("element", "group", "held", "key", "listener", "priority", "retries", "type")

    def __init__(self, key: int, element: int, *, type: str, retries: int, group: int) -> None:
        self.key = key
        self.element = element
        self.type = type
        self.retries = retries
        self.group = group
        self.listener = -1
        self.priority = 0
        self.held = False


@final
class Timer:
    """An open timer; `due` in Unix ms, `cycle` the repeating expression's text, `left` firings after this one."""

    __slots__ = ("cycle", "due", "element", "key", "left", "node")

    def __init__(self, key: int, element: int, node: int, *, due: int, cycle: str, left: int) -> None:
        self.key = key
        self.element = element
        self.node = node
        self.due = due
        self.cycle = cycle
        self.left = left


@final
class Condition:
    """A condition that an element waits for, and its last value. `names`: which variables matter, empty for all."""

    __slots__ = ("element", "key", "names", "node", "value")

    def __init__(self, key: int, element: int, node: int, *, names: tuple[str, ...]) -> None:
        self.key = key
        self.element = element
        self.node = node
        self.names = names
        self.value = False


@final
class Subscription:
    """An open message or signal subscription; the correlation key is frozen."""

    __slots__ = ("correlation_key", "element", "key", "name", "node", "signal")

    def __init__(self, key: int, element: int, node: int, *, name: str, correlation_key: str, signal: bool) -> None:
        self.key = key
        self.element = element
        self.node = node
        self.name = name
        self.correlation_key = correlation_key
        self.signal = signal


@final
class Incident:
    """An open incident; `operation` is retried when it is resolved, unless it belongs to a job."""

    __slots__ = ("code", "element", "job", "key", "message", "operation")

    def __init__(self, key: int, element: int, *, code: str, message: str, operation: Operation, job: int) -> None:
        self.key = key
        self.element = element
        self.code = code
        self.message = message
        self.operation = operation
        self.job = job


@final
class LoopState:
    """A multi-instance body's progress. `outputs` is filled by index; None where nothing was collected yet."""

    __slots__ = ("completed", "count", "items", "outputs", "started", "terminated")

    def __init__(self, items: list[Json] | None, count: int) -> None:
        self.items = items
        self.count = count
        self.outputs: list[Json] = []
        self.started = 0
        self.completed = 0
        self.terminated = 0


@final
class Completion:
    """An activity that ended normally and can be compensated: what a handler of it needs to know.

    `variables` are those of the completed scope, or of an instance of a multi-instance activity; `inside` is what was
    completed in it. `claimed` is the element that will have it undone: while that lives, no other one may.
    """

    __slots__ = ("claimed", "inside", "node", "variables")

    def __init__(
        self, node: int, variables: dict[str, Json] | None = None, inside: dict[int, Completion] | None = None
    ) -> None:
        self.node = node
        self.variables = variables
        self.inside = inside or {}
        self.claimed = 0


@final
class Undoing:
    """What an element has undone: entries as in `facts.CompensationStarted`, and the handler that runs."""

    __slots__ = ("entries", "handler")

    def __init__(self, entries: list[list[int]]) -> None:
        self.entries = entries
        self.handler = 0


@final
class Activations:
    """Of an ad-hoc sub-process: activations that were chosen and have not begun, as in `facts.ActivitiesChosen`."""

    __slots__ = ("closed", "started", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Json] = deque()
        self.started = 0
        self.closed = False


@final
class Extras:
    """What only compensation and ad-hoc sub-processes need of an element; most have none.

    `keeps` is of an activation of an ad-hoc sub-process: a variable that no scope defines stays there.
    """

    __slots__ = ("activations", "compensates", "completions", "keeps", "undoing")

    def __init__(self) -> None:
        self.completions: dict[int, Completion] = {}
        self.undoing: Undoing | None = None
        self.compensates = 0
        self.keeps = False
        self.activations: Activations | None = None


@final
class ElementInstance:
    """A running element. `scope` is the enclosing one (None for the process). Everything optional is None until used.

    `children` are the element instances directly inside, in order of creation; `tokens` counts tokens of this scope
    that are on flows or wait at joins; `arrived` counts, per flow into a join, the tokens that wait there.
    `waits` are the keys of open jobs, timers, subscriptions and incidents that die with this element instance.
    """

    __slots__ = (
        "anew",
        "arrived",
        "attributes",
        "child",
        "children",
        "definition",
        "extras",
        "gates",
        "groups",
        "happened",
        "held",
        "index",
        "key",
        "loop",
        "node",
        "scope",
        "stage",
        "then",
        "tokens",
        "variables",
        "waits",
    )

    def __init__(self, key: int, node: int, scope: ElementInstance | None) -> None:
        self.key = key
        self.node = node
        self.scope = scope
        self.stage = Stage.ACTIVE
        self.variables: dict[str, Json] | None = None
        self.children: dict[int, ElementInstance] | None = None
        self.tokens = 0
        self.arrived: dict[int, int] | None = None
        self.waits: dict[int, None] | None = None
        self.groups = 0
        """How many jobs this element instance made; numbers the idempotency keys."""
        self.anew = 0
        """The number of its own job that was issued anew last; 0, also that of its first one, if none was."""
        self.index = 0
        """Of an inner instance of a multi-instance body: its 1-based index."""
        self.loop: LoopState | None = None
        self.attributes: dict[str, Json] | None = None
        """Of a user task: what is shown to people."""
        self.held: Json = None
        """Of a user task: the transition that waits for its listeners."""
        self.then: Operation | None = None
        """What follows once the interruption of this element, or of all inside it, has come to its end."""
        self.child = 0
        """Of a call activity: the called instance's key."""
        self.definition: tuple[str, int] | None = None
        """Of a call or decision: the resolved hash and version."""
        self.happened: dict[int, dict[int, Json]] | None = None
        """Of a parallel multiple event, by its node: what its definitions that happened brought along."""
        self.gates: dict[int, tuple[int, ...]] | None = None
        """Of a scope: the complex gateways that wait for their reset, and the flows whose tokens they had."""
        self.extras: Extras | None = None
        """What only compensation and ad-hoc sub-processes need."""

    @property
    def completions(self) -> dict[int, Completion]:
        """What ended in this scope and can be compensated, by key, in the order of completion."""
        return self.extras.completions if self.extras is not None else {}

    @property
    def undoing(self) -> Undoing | None:
        """What this element has undone before it goes on."""
        return self.extras.undoing if self.extras is not None else None

    @property
    def compensates(self) -> int:
        """Of a handler, or of a scope that was opened again: the element that has something undone by it; else 0."""
        return self.extras.compensates if self.extras is not None else 0

    @property
    def activations(self) -> Activations | None:
        """Of an ad-hoc sub-process."""
        return self.extras.activations if self.extras is not None else None

    @property
    def is_open_task(self) -> bool:
        """Whether this is a user task that a person can still do something with."""
        return self.attributes is not None and self.stage is Stage.ACTIVE


@final
class State:
    """A whole instance. `seq` counts its steps, `epoch` its owners (fencing) and its restarts from a point."""

    __slots__ = (
        "agenda",
        "at",
        "awaiting",
        "business_key",
        "conditions",
        "conversations",
        "depth",
        "draws",
        "elements",
        "epoch",
        "flags",
        "incidents",
        "instance",
        "jobs",
        "joins",
        "last_key",
        "message",
        "parent_element",
        "parent_instance",
        "program",
        "root",
        "root_instance",
        "seed",
        "seq",
        "start_node",
        "status",
        "subscriptions",
        "suspended",
        "tenant",
        "timers",
        "tz_release",
        "version",
        "watchers",
        "yields",
        "zone",
    )

    def __init__(self) -> None:
        self.instance = 0
        self.tenant = ""
        self.program = ""
        self.version = 0
        self.status = Status.ACTIVE
        self.seq = 0
        self.epoch = 0
        self.at = 0
        self.zone = "UTC"
        self.tz_release = ""
        self.seed = 0
        self.draws = 0
        self.flags = 0
        self.depth = 0
        self.last_key = 0
        self.business_key = ""
        self.parent_instance = 0
        self.parent_element = 0
        self.root_instance = 0
        self.start_node = -1
        self.message = 0
        self.root: ElementInstance | None = None
        self.elements: dict[int, ElementInstance] = {}
        self.jobs: dict[int, Job] = {}
        self.timers: dict[int, Timer] = {}
        self.subscriptions: dict[int, Subscription] = {}
        self.incidents: dict[int, Incident] = {}
        self.joins: dict[tuple[int, int], None] = {}
        """(scope, node) of the inclusive joins at which tokens wait."""
        self.awaiting: dict[int, None] = {}
        """The elements that wait for data; what they lack is in `held`."""
        self.conversations: dict[str, str] = {}
        """The values of the correlation keys that a message of this instance has set."""
        self.conditions: dict[int, Condition] = {}
        self.watchers: dict[str, dict[int, None]] = {}
        """The conditions by the variables that they depend on; those that depend on all are under ""."""
        self.agenda: list[Operation] = []
        self.yields = 0
        self.suspended = False
        """Whether it stands still: what it waits for is not on offer at its host."""
