"""Facts: what was decided. `apply` alone changes a state from them; they are the history, the audit and the replay.

Data only. A fact type is versioned by its tag: a change of meaning is a new type beside the old. New fields are
appended with defaults. Facts of one step are stored together as one JSON array (docs/design/0002).
Times are Unix ms; the step's own time is stored once beside its facts, not in each.
"""

from __future__ import annotations

from typing import TypeAlias

from procession.base.values import Json
from procession.core.fact import Fact as Fact
from procession.core.facts_of_changes import InstanceMigrated as InstanceMigrated
from procession.core.facts_of_changes import InstanceModified as InstanceModified
from procession.core.facts_of_changes import InstanceRestarted as InstanceRestarted
from procession.core.facts_of_changes import InstanceResumed as InstanceResumed
from procession.core.facts_of_changes import InstanceSuspended as InstanceSuspended
from procession.core.facts_of_changes import JobReissued as JobReissued
from procession.core.facts_of_changes import TokenTaken as TokenTaken
from procession.core.facts_of_data import ConversationJoined as ConversationJoined
from procession.core.facts_of_data import DataArrived as DataArrived
from procession.core.facts_of_data import DataAwaited as DataAwaited
from procession.core.facts_of_data import StoresRead as StoresRead
from procession.core.facts_of_data import StoreWritten as StoreWritten
from procession.core.facts_of_decisions import DecisionEvaluated as DecisionEvaluated
from procession.core.facts_of_decisions import DecisionFailed as DecisionFailed
from procession.core.facts_of_events import ConditionChanged as ConditionChanged
from procession.core.facts_of_events import ConditionOpened as ConditionOpened
from procession.core.facts_of_events import GatewayActivated as GatewayActivated
from procession.core.facts_of_events import GatewayReset as GatewayReset
from procession.core.facts_of_events import ImplicitThrown as ImplicitThrown
from procession.core.facts_of_events import TriggerHappened as TriggerHappened
from procession.core.facts_of_events import TriggersComplete as TriggersComplete
from procession.core.facts_of_scopes import ActivationEntered as ActivationEntered
from procession.core.facts_of_scopes import ActivationsClosed as ActivationsClosed
from procession.core.facts_of_scopes import ActivitiesChosen as ActivitiesChosen
from procession.core.facts_of_scopes import CompensationEntered as CompensationEntered
from procession.core.facts_of_scopes import CompensationOpened as CompensationOpened
from procession.core.facts_of_scopes import CompensationStarted as CompensationStarted
from procession.core.facts_of_scopes import CompletionKept as CompletionKept
from procession.core.facts_of_scopes import OutputAppended as OutputAppended
from procession.core.facts_of_scopes import TransactionCancelled as TransactionCancelled


class InstanceStarted(Fact, frozen=True, array_like=True, gc=False, tag="started"):
    """The instance exists; `root` is the process's own element instance. `flags` are the behaviour flags in force."""

    instance: int
    root: int
    tenant: str
    program: str
    version: int
    start_node: int
    business_key: str
    parent_instance: int
    parent_element: int
    root_instance: int
    zone: str
    tz_release: str
    seed: int
    epoch: int
    depth: int
    flags: int
    message: int
    variables: dict[str, Json]


class InstanceCompleted(Fact, frozen=True, array_like=True, gc=False, tag="completed"):
    """The process reached its end."""


class InstanceTerminated(Fact, frozen=True, array_like=True, gc=False, tag="terminated"):
    """The instance was cancelled."""

    reason: str


class ElementEntered(Fact, frozen=True, array_like=True, gc=False, tag="enter"):
    """A token became an element instance. `token` tells whether a token of the scope was consumed by it."""

    element: int
    node: int
    scope: int
    token: bool = True


class ItemEntered(Fact, frozen=True, array_like=True, gc=False, tag="item"):
    """An inner instance of a multi-instance body, with its item (1-based `index`) bound as local variables."""

    element: int
    node: int
    scope: int
    index: int


class ElementCompleting(Fact, frozen=True, array_like=True, gc=False, tag="completing"):
    """The element's work is done and its end listeners run."""

    element: int


class ElementCompleted(Fact, frozen=True, array_like=True, gc=False, tag="done"):
    """The element instance ended normally; all that it waited for is gone with it."""

    element: int


class ElementTerminated(Fact, frozen=True, array_like=True, gc=False, tag="killed"):
    """The element instance was interrupted; all that it waited for is gone with it."""

    element: int


class ElementTerminating(Fact, frozen=True, array_like=True, gc=False, tag="terminating"):
    """The element is interrupted: what it waited for and its tokens are gone, and canceling listeners of a user task
    in it (or of itself) run before it ends."""

    element: int


class InterruptionHeld(Fact, frozen=True, array_like=True, gc=False, tag="interrupting"):
    """What follows an interruption waits for canceling listeners. `then` is an agenda entry; None clears it."""

    element: int
    then: Json


class FlowTaken(Fact, frozen=True, array_like=True, gc=False, tag="flow"):
    """A token is on a sequence flow of a scope."""

    flow: int
    scope: int


class TokensMerged(Fact, frozen=True, array_like=True, gc=False, tag="merge"):
    """A join takes one token from each of these flows; a token not counted at a join is dropped by `n`."""

    scope: int
    node: int
    flows: tuple[int, ...]


class ScopeInterrupted(Fact, frozen=True, array_like=True, gc=False, tag="interrupted"):
    """An interrupting event sub-process took over a scope: tokens on its flows and at its joins are gone."""

    scope: int


class WaitClosed(Fact, frozen=True, array_like=True, gc=False, tag="closed"):
    """One timer or subscription of an element that goes on is no longer open."""

    wait: int


class VariableSet(Fact, frozen=True, array_like=True, gc=False, tag="set"):
    """A variable of a scope has a new value."""

    scope: int
    name: str
    value: Json


class JobCreated(Fact, frozen=True, array_like=True, gc=False, tag="job"):
    """Work for a worker. `listener` is -1 for the element's own job, else the index into the node's listeners.

    `group` numbers the jobs of the element instance; the idempotency key is made of it and kept for ever.
    """

    job: int
    element: int
    type: str
    retries: int
    group: int
    listener: int = -1
    priority: int = 0


class JobCompleted(Fact, frozen=True, array_like=True, gc=False, tag="job-done"):
    """A worker's result was accepted."""

    job: int


class JobDenied(Fact, frozen=True, array_like=True, gc=False, tag="job-denied"):
    """A task listener rejected what the user task was about to do."""

    job: int
    reason: str


class JobExhausted(Fact, frozen=True, array_like=True, gc=False, tag="job-exhausted"):
    """A job is out of retries; an incident follows."""

    job: int
    attempts: int
    error: str


class JobRetried(Fact, frozen=True, array_like=True, gc=False, tag="job-retried"):
    """An exhausted job is offered again, under its old idempotency key."""

    job: int
    retries: int


class JobThrew(Fact, frozen=True, array_like=True, gc=False, tag="job-threw"):
    """A worker threw a BPMN error; the job is over."""

    job: int
    code: str
    message: str


class TimerCreated(Fact, frozen=True, array_like=True, gc=False, tag="timer"):
    """`node` fires when `due` (Unix ms) is reached. `cycle` is the repeating expression's text, `left` the firings
    that remain after this one (-1: no bound)."""

    timer: int
    element: int
    node: int
    due: int
    cycle: str = ""
    left: int = 0


class TimerFired(Fact, frozen=True, array_like=True, gc=False, tag="timer-fired"):
    """A timer fired; it is gone."""

    timer: int


class TimerSkipped(Fact, frozen=True, array_like=True, gc=False, tag="timer-skipped"):
    """Firings of a cycle that lay in a downtime were skipped: of cron 1,000 means as many, or more.

    Of a start timer it stands behind `InstanceStarted` in the instance that was started instead of them all."""

    timer: int
    skipped: int


class SubscriptionOpened(Fact, frozen=True, array_like=True, gc=False, tag="subscribe"):
    """`node` waits for a message (name, key) or, with `signal`, for a signal by name. The key is frozen here."""

    subscription: int
    element: int
    node: int
    name: str
    key: str = ""
    signal: bool = False


class MessageCorrelated(Fact, frozen=True, array_like=True, gc=False, tag="correlated"):
    """A subscription consumed a message (or signal, `message` 0)."""

    subscription: int
    message: int


class MessagePublished(Fact, frozen=True, array_like=True, gc=False, tag="publish"):
    """A throwing message event published a message natively."""

    element: int
    message: int
    name: str
    key: str
    ttl: int
    message_id: str
    variables: dict[str, Json]


class SignalBroadcast(Fact, frozen=True, array_like=True, gc=False, tag="broadcast"):
    """A throwing signal event broadcast a signal."""

    element: int
    name: str
    variables: dict[str, Json]


class TaskCreated(Fact, frozen=True, array_like=True, gc=False, tag="task"):
    """A user task is open. `attributes` as in `ir.TaskSpec`."""

    element: int
    attributes: dict[str, Json]


class TaskChanged(Fact, frozen=True, array_like=True, gc=False, tag="task-changed"):
    """Attributes of an open user task changed."""

    element: int
    changes: dict[str, Json]


class TransitionHeld(Fact, frozen=True, array_like=True, gc=False, tag="held"):
    """A user task's transition (completing, canceling, …) waits for its task listeners. None clears it."""

    element: int
    held: Json


class LoopStarted(Fact, frozen=True, array_like=True, gc=False, tag="loop"):
    """The collection of a multi-instance body, evaluated once. With a cardinality `items` is None."""

    element: int
    items: list[Json] | None
    count: int


class ItemCollected(Fact, frozen=True, array_like=True, gc=False, tag="collect"):
    """The output of one inner instance, at its (1-based) index."""

    element: int
    index: int
    value: Json


class CollectionClosed(Fact, frozen=True, array_like=True, gc=False, tag="collected"):
    """The collected outputs become a variable of `scope`; the list itself is already known and is not repeated."""

    element: int
    scope: int
    name: str


class DefinitionResolved(Fact, frozen=True, array_like=True, gc=False, tag="resolved"):
    """Which program or decision a call means, fixed for this element instance."""

    element: int
    hash: str
    version: int


class ChildStarted(Fact, frozen=True, array_like=True, gc=False, tag="call"):
    """A call activity started a child instance."""

    element: int
    child: int


class ErrorThrown(Fact, frozen=True, array_like=True, gc=False, tag="error"):
    """A BPMN error was thrown by an element. `handler` is the catching node, NONE when it left to the caller."""

    element: int
    code: str
    message: str
    handler: int = -1


class EscalationThrown(Fact, frozen=True, array_like=True, gc=False, tag="escalate"):
    """An escalation was thrown. `handler` is the catching node or NONE."""

    element: int
    code: str
    handler: int = -1


class IncidentRaised(Fact, frozen=True, array_like=True, gc=False, tag="incident"):
    """Something of the business failed. `operation` is what a resolve does again (an agenda entry)."""

    incident: int
    element: int
    code: str
    message: str
    operation: Json
    job: int = 0


class IncidentResolved(Fact, frozen=True, array_like=True, gc=False, tag="incident-resolved"):
    """An incident was resolved or vanished with its element."""

    incident: int


class Warned(Fact, frozen=True, array_like=True, gc=False, tag="warned"):
    """Warnings of expressions that were evaluated for an element: [code, message, start, end, expression].

    `start` and `end` count characters of the expression's text; `expression` is NONE for one inside a decision.
    """

    element: int
    notes: list[Json]


class Drew(Fact, frozen=True, array_like=True, gc=False, tag="drew"):
    """An expression drew random numbers; the counter moves so that no draw repeats."""

    count: int


class Yielded(Fact, frozen=True, array_like=True, gc=False, tag="yield"):
    """The step stopped after its bound of transitions; `agenda` is what remains to do."""

    agenda: list[Json]


class Resumed(Fact, frozen=True, array_like=True, gc=False, tag="resume"):
    """A yielded step goes on; its agenda is taken."""


AnyFact: TypeAlias = (
    InstanceStarted
    | InstanceCompleted
    | InstanceTerminated
    | ElementEntered
    | ItemEntered
    | ElementCompleting
    | ElementCompleted
    | ElementTerminated
    | ElementTerminating
    | InterruptionHeld
    | FlowTaken
    | TokensMerged
    | ScopeInterrupted
    | WaitClosed
    | VariableSet
    | ConditionOpened
    | ConditionChanged
    | TriggerHappened
    | TriggersComplete
    | ImplicitThrown
    | GatewayActivated
    | GatewayReset
    | JobCreated
    | JobCompleted
    | JobDenied
    | JobExhausted
    | JobRetried
    | JobReissued
    | JobThrew
    | TimerCreated
    | TimerFired
    | TimerSkipped
    | SubscriptionOpened
    | MessageCorrelated
    | MessagePublished
    | SignalBroadcast
    | TaskCreated
    | TaskChanged
    | TransitionHeld
    | LoopStarted
    | ItemCollected
    | CollectionClosed
    | DefinitionResolved
    | ChildStarted
    | ErrorThrown
    | EscalationThrown
    | CompletionKept
    | CompensationOpened
    | CompensationStarted
    | CompensationEntered
    | TransactionCancelled
    | ActivitiesChosen
    | ActivationEntered
    | ActivationsClosed
    | OutputAppended
    | IncidentRaised
    | IncidentResolved
    | Warned
    | DecisionEvaluated
    | DecisionFailed
    | Drew
    | Yielded
    | Resumed
    | InstanceModified
    | TokenTaken
    | InstanceRestarted
    | InstanceSuspended
    | InstanceResumed
    | InstanceMigrated
    | DataAwaited
    | DataArrived
    | StoresRead
    | StoreWritten
    | ConversationJoined
)
