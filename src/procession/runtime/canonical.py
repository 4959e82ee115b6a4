"""The canonical form of a run: its facts as a partial order per scope, without keys, sequence numbers and times.

Two hosts that carried out the same work in another interleaving have the same form (decision 8). What is compared:
the tree of element instances; in each, its own history in order, the values that each of its variables had in order,
how often each flow inside it was taken, and what it held, in no order. What is left out: keys and times; how often a
step was cut (`Yielded`) and how many random numbers it drew, because both follow the interleaving; texts of incidents,
because they may name keys; attempts, which are telemetry of the host and no facts at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias, cast, final

import msgspec

from procession.base.values import Json
from procession.core import facts as f
from procession.ir.program import NONE, Program

_ENCODE: Final = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


@final
class _Run:
    """One element instance under way."""

    __slots__ = ("children", "flows", "history", "label", "variables")

    def __init__(self, label: str) -> None:
        self.label = label
        self.history: list[Json] = []
        self.variables: dict[str, list[Json]] = {}
        self.flows: Counter[str] = Counter()
        self.children: list[_Run] = []


@final
class _Reading:
    """What has been read so far: element instances by key, and whose each wait is."""

    __slots__ = ("program", "programs", "root", "runs", "waits")

    def __init__(self, program: Program, programs: Callable[[str], Program] | None) -> None:
        self.program = program
        self.programs = programs
        self.runs: dict[int, _Run] = {}
        self.waits: dict[int, int] = {}
        self.root: _Run | None = None

    def enter(self, key: int, node: int, scope: int, index: int = 0) -> None:
        id = self.program.nodes[node].id
        run = self.runs[key] = _Run(f"{id}[{index}]" if index else id)
        self.runs[scope].children.append(run)

    def node(self, index: int) -> str:
        return "" if index == NONE else self.program.nodes[index].id

    def note(self, element: int, *words: Json) -> None:
        self.runs[element].history.append(list(words))

    def waiting(self, wait: int, element: int, *words: Json) -> None:
        self.waits[wait] = element
        self.note(element, *words)

    def waited(self, wait: int, *words: Json) -> None:
        self.note(self.waits[wait], *words)


def canonical(program: Program, facts: Iterable[f.AnyFact], programs: Callable[[str], Program] | None = None) -> Json:
    """The form of one instance, from all its facts in order: JSON that is equal where the work was equal.

    `programs` gives those that a migration goes to, by hash."""
    reading = _Reading(program, programs)
    for fact in facts:
        READ[type(fact)](reading, fact)
    return _form(reading.root) if reading.root is not None else None


def _form(root: _Run) -> Json:
    """Children before parents, without recursion: calls and scopes may be nested as deep as was drawn."""
    order: list[_Run] = [root]
    for run in order:
        order.extend(run.children)
    made: dict[int, Json] = {}
    for run in reversed(order):
        children = sorted((made.pop(id(child)) for child in run.children), key=_ENCODE)
        made[id(run)] = {
            "element": run.label,
            "history": run.history,
            "variables": cast("Json", run.variables),
            "flows": dict(sorted(run.flows.items())),
            "inside": children,
        }
    return made[id(root)]


def _started(r: _Reading, fact: f.InstanceStarted) -> None:
    run = r.root = r.runs[fact.root] = _Run(r.program.process_id)
    called = bool(fact.parent_instance)
    run.history.append(
        ["started", fact.program, fact.version, r.node(fact.start_node), fact.business_key, called, fact.zone]
    )
    run.history.append(["started-with", fact.depth, fact.flags, bool(fact.message)])
    for name, value in fact.variables.items():
        run.variables[name] = [value]


def _ended(r: _Reading, fact: f.InstanceCompleted | f.InstanceTerminated) -> None:
    assert r.root is not None
    r.root.history.append([cast("str", fact.__struct_config__.tag)])


def _migrated(r: _Reading, fact: f.InstanceMigrated) -> None:
    assert r.root is not None
    assert r.programs is not None, "facts with a migration need the programs that they name"
    r.program = r.programs(fact.program)
    r.root.history.append(["migrated", fact.program, fact.version])


def _token_taken(r: _Reading, fact: f.TokenTaken) -> None:
    r.note(fact.scope, "token-taken", r.program.flows[fact.flow].id)


def _by_hand(r: _Reading, *words: Json) -> None:
    assert r.root is not None
    r.root.history.append(list(words))


def _undone(r: _Reading, fact: f.CompensationEntered) -> None:
    r.enter(fact.element, fact.node, fact.scope)
    r.note(fact.element, "undoes", fact.completed in r.runs)


def _opened(r: _Reading, fact: f.CompensationOpened) -> None:
    r.enter(fact.element, fact.node, fact.scope)
    r.note(fact.element, "undo-opened")


def _chosen(r: _Reading, fact: f.ActivitiesChosen) -> None:
    for nodes, variables in cast("list[tuple[list[int], Json]]", fact.chosen):
        r.note(fact.element, "chosen", [r.node(node) for node in nodes], variables)


def _set(r: _Reading, fact: f.VariableSet) -> None:
    r.runs[fact.scope].variables.setdefault(fact.name, []).append(fact.value)


def _flow(r: _Reading, fact: f.FlowTaken) -> None:
    r.runs[fact.scope].flows[r.program.flows[fact.flow].id] += 1


def _merged(r: _Reading, fact: f.TokensMerged | f.GatewayActivated | f.GatewayReset) -> None:
    for flow in fact.flows:
        r.runs[fact.scope].flows[f"{r.program.flows[flow].id} into {r.node(fact.node)}"] += 1


def _collected(r: _Reading, fact: f.ItemCollected) -> None:
    # Outputs come in whatever order the items finish; their index says where they belong.
    r.runs[fact.element].variables.setdefault(f"[{fact.index}]", []).append(fact.value)


def _job(r: _Reading, x: f.JobCreated) -> None:
    r.waiting(x.job, x.element, "job", x.type, x.retries, x.group, x.listener, x.priority)


def _reissued(r: _Reading, x: f.JobReissued) -> None:
    r.waited(x.job, "job-reissued", x.group)
    r.waits[x.again] = r.waits[x.job]


def _timer(r: _Reading, x: f.TimerCreated) -> None:
    r.waiting(x.timer, x.element, "timer", r.node(x.node), x.cycle, x.left)


def _subscribed(r: _Reading, x: f.SubscriptionOpened) -> None:
    r.waiting(x.subscription, x.element, "subscribe", r.node(x.node), x.name, x.key, x.signal)


def _condition(r: _Reading, x: f.ConditionOpened) -> None:
    r.waiting(x.condition, x.element, "condition", r.node(x.node), list(x.names))


def _skipped(r: _Reading, x: f.TimerSkipped) -> None:
    assert r.root is not None
    # A start timer is nobody's wait: what it skipped is said of the instance.
    run = r.runs[r.waits[x.timer]] if x.timer in r.waits else r.root
    run.history.append(["timer-skipped", x.skipped])


def _conversed(r: _Reading, x: f.ConversationJoined) -> None:
    assert r.root is not None
    r.root.history.append(["conversation", x.key, x.value])


def _incident(r: _Reading, x: f.IncidentRaised) -> None:
    r.waiting(x.incident, x.element, "incident", x.code)


def _undecided(r: _Reading, x: f.DecisionFailed) -> None:
    r.note(x.element, "undecided", x.decision, x.evaluations, x.left_out, x.failed, x.code)


def _codes(fact: f.Warned) -> list[str]:
    return sorted({str(cast("list[Json]", note)[0]) for note in fact.notes})


def _none(_: _Reading, __: f.AnyFact) -> None:
    """Follows the interleaving, or is said by another fact."""


Read: TypeAlias = Callable[[_Reading, Any], None]

READ: Final[dict[type[f.AnyFact], Read]] = {
    f.InstanceStarted: _started,
    f.InstanceCompleted: _ended,
    f.InstanceTerminated: _ended,
    f.ElementEntered: lambda r, x: r.enter(x.element, x.node, x.scope),
    f.ItemEntered: lambda r, x: r.enter(x.element, x.node, x.scope, x.index),
    f.ElementCompleting: lambda r, x: r.note(x.element, "completing"),
    f.ElementCompleted: lambda r, x: r.note(x.element, "done"),
    f.ElementTerminated: lambda r, x: r.note(x.element, "killed"),
    f.ElementTerminating: lambda r, x: r.note(x.element, "terminating"),
    f.InterruptionHeld: lambda r, x: r.note(x.element, "interrupting", x.then is not None),
    f.FlowTaken: _flow,
    f.TokensMerged: _merged,
    f.ScopeInterrupted: lambda r, x: r.note(x.scope, "interrupted"),
    f.WaitClosed: lambda r, x: r.waited(x.wait, "closed"),
    f.VariableSet: _set,
    f.ConditionOpened: _condition,
    f.ConditionChanged: lambda r, x: r.waited(x.condition, "condition-changed", x.value),
    f.TriggerHappened: lambda r, x: r.note(x.element, "part", r.node(x.node), x.variables),
    f.TriggersComplete: lambda r, x: r.note(x.element, "parts", r.node(x.event)),
    f.ImplicitThrown: lambda r, x: r.note(x.element, "implicit", r.node(x.event), r.node(x.handler)),
    f.GatewayActivated: _merged,
    f.GatewayReset: _merged,
    f.JobCreated: _job,
    f.JobCompleted: lambda r, x: r.waited(x.job, "job-done"),
    f.JobDenied: lambda r, x: r.waited(x.job, "job-denied", x.reason),
    f.JobExhausted: lambda r, x: r.waited(x.job, "job-exhausted", x.attempts, x.error),
    f.JobRetried: lambda r, x: r.waited(x.job, "job-retried", x.retries),
    f.JobThrew: lambda r, x: r.waited(x.job, "job-threw", x.code, x.message),
    f.JobReissued: _reissued,
    f.TimerCreated: _timer,
    f.TimerFired: lambda r, x: r.waited(x.timer, "timer-fired"),
    f.TimerSkipped: _skipped,
    f.SubscriptionOpened: _subscribed,
    f.MessageCorrelated: lambda r, x: r.waited(x.subscription, "correlated", bool(x.message)),
    f.MessagePublished: lambda r, x: r.note(x.element, "publish", x.name, x.key, x.ttl, x.message_id, x.variables),
    f.SignalBroadcast: lambda r, x: r.note(x.element, "broadcast", x.name, x.variables),
    f.TaskCreated: lambda r, x: r.note(x.element, "task", x.attributes),
    f.TaskChanged: lambda r, x: r.note(x.element, "task-changed", x.changes),
    f.TransitionHeld: lambda r, x: r.note(x.element, "held", x.held is not None),
    f.LoopStarted: lambda r, x: r.note(x.element, "loop", x.items, x.count),
    f.ItemCollected: _collected,
    f.CollectionClosed: lambda r, x: r.note(x.element, "collected", x.name),
    f.DefinitionResolved: lambda r, x: r.note(x.element, "resolved", x.hash, x.version),
    f.ChildStarted: lambda r, x: r.note(x.element, "call"),
    f.ErrorThrown: lambda r, x: r.note(x.element, "error", x.code, r.node(x.handler)),
    f.EscalationThrown: lambda r, x: r.note(x.element, "escalate", x.code, r.node(x.handler)),
    f.CompletionKept: lambda r, x: r.note(x.element, "kept"),
    f.CompensationOpened: _opened,
    f.CompensationStarted: lambda r, x: r.note(x.element, "undo", len(x.entries)),
    f.CompensationEntered: _undone,
    f.TransactionCancelled: lambda r, x: r.note(x.element, "tx-cancelled"),
    f.ActivitiesChosen: _chosen,
    f.ActivationEntered: lambda r, x: r.enter(x.element, x.node, x.scope),
    f.ActivationsClosed: lambda r, x: r.note(x.element, "activations-closed"),
    f.OutputAppended: lambda r, x: r.note(x.element, "output", x.name, x.value),
    f.IncidentRaised: _incident,
    f.IncidentResolved: lambda r, x: r.waited(x.incident, "incident-resolved"),
    f.Warned: lambda r, x: r.note(x.element, "warned", *_codes(x)),
    f.DecisionEvaluated: lambda r, x: r.note(x.element, "decided", x.decision, x.evaluations, x.left_out),
    f.DecisionFailed: _undecided,
    f.Drew: _none,
    f.Yielded: _none,
    f.Resumed: _none,
    # Instructions may name keys.
    f.InstanceModified: lambda r, x: _by_hand(r, "modified", len(x.instructions)),
    f.TokenTaken: _token_taken,
    f.InstanceRestarted: lambda r, x: _by_hand(r, "restarted", x.epoch, *x.elements),
    f.InstanceSuspended: lambda r, x: _by_hand(r, "suspended"),
    f.InstanceResumed: lambda r, x: _by_hand(r, "resumed"),
    f.InstanceMigrated: _migrated,
    f.DataAwaited: lambda r, x: r.note(x.element, "data-awaited", *x.names),
    f.DataArrived: lambda r, x: r.note(x.element, "data-arrived"),
    f.StoresRead: lambda r, x: r.note(x.element, "stores-read", x.values),
    f.StoreWritten: lambda r, x: r.note(x.element, "store-written", x.store, x.value),
    f.ConversationJoined: _conversed,
}
"""One row a fact type."""
