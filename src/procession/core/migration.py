"""Migration: an instance goes over to another program (docs/design/0010).

`intended` says what a plan does to one state, in actions and problems; `migrate` carries those actions out. So a dry
run is what happens. What must not live here: comparing programs (mapping.py), renumbering a state (renumber.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast, final

import msgspec

from procession.base.values import Json
from procession.core import events as e
from procession.core import facts as f
from procession.core import operations as op
from procession.core.apply_scopes import SNAPSHOTS
from procession.core.catches import open_all, plan
from procession.core.commands import ChangeTask, CloseIncident, MoveIncident, MoveJob, Unsubscribe
from procession.core.context import Context, Rejected
from procession.core.elements.tasks import attributes
from procession.core.jobs import create, plan_job
from procession.core.linked import handlers_of
from procession.core.mapping import JOINS, Mapping, mapped
from procession.core.plans import MigrationAction, MigrationChoice, MigrationPlan, What
from procession.core.renumber import unplaced
from procession.core.state import AWAITS_DATA, READS_STORES, STORES_READ, ElementInstance, Stage, State
from procession.core.suspension import set_timer, subscribe
from procession.core.tokens import close_wait
from procession.ir.kinds import Kind, ListenerEvent
from procession.ir.program import (
    ConditionalTrigger,
    MessageTrigger,
    Node,
    Program,
    SignalTrigger,
    TaskSpec,
    TimerTrigger,
)

PROBLEMS_MAX: Final = 20
"""Problems that one rejection tells."""
_OPENED: Final = (TimerTrigger, MessageTrigger, SignalTrigger, ConditionalTrigger)
"""Triggers that are waited for; errors and escalations are looked up when they are thrown."""
_BEFORE: Final = frozenset({op.MODIFIED, "event", "passed", AWAITS_DATA, READS_STORES, STORES_READ})
"""What an element holds that has not opened its catches yet."""
_UNOPENED: Final = frozenset({op.PREPARE, op.ACTIVATE, op.START_LISTENER})
"""Operations of an incident that say that its element has not opened its catches yet."""


def migrate(cx: Context, event: e.Migrate) -> None:
    """Carries a plan out, or rejects it with every problem."""
    target = cx.target
    if target is None or target.hash != event.program:
        raise Rejected("conflict", "a migration needs the program that it goes to")
    state, source = cx.state, cx.linked
    found = intended(source.program, target.program, state, event.plan)
    if found.problems:
        more = len(found.problems) - PROBLEMS_MAX
        rest = f"; and {more} more" if more > 0 else ""
        raise Rejected("conflict", "the plan cannot be carried out: " + "; ".join(found.problems[:PROBLEMS_MAX]) + rest)
    mapping = found.mapping
    nodes, flows = list(mapping.nodes.items()), list(mapping.flows.items())
    told = cast("Json", msgspec.to_builtins(msgspec.structs.replace(event.plan, proposals=())))
    cx.write(f.InstanceMigrated(source.hash, event.program, event.version, nodes, flows, told))
    cx.switch(target)
    for action in found.actions:
        _CARRY[action.what](cx, action)
    if source.program.process_id != target.program.process_id and not state.suspended:
        for subscription in state.subscriptions.values():
            # Its row names the process, which takes each message once.
            cx.send(Unsubscribe(subscription.key))
            cx.send(subscribe(subscription))


def subscribe_more(cx: Context, key: int, catches: Json) -> None:
    """Opens catches that an active element did not have."""
    element = cx.state.elements.get(key)
    if element is None or element.stage is not Stage.ACTIVE:
        return
    node = msgspec.structs.replace(cx.node_of(element), catches=tuple(cast("list[int]", catches)))
    open_all(cx, plan(cx, element, node))


def renew_job(cx: Context, key: int) -> None:
    """The element's own job as the new program has it. Its number is new, so its idempotency key is."""
    element = cx.state.elements.get(key)
    spec = cx.node_of(element).job if element is not None else None
    if element is not None and spec is not None:
        create(cx, plan_job(cx, element, spec))


def renew_task(cx: Context, key: int) -> None:
    """The attributes of an open user task as the new program has them."""
    element = cx.state.elements.get(key)
    if element is None or not element.is_open_task:
        return
    old = dict.fromkeys(element.attributes or {})
    changes: dict[str, Json] = {**old, **attributes(cx, element, cx.node_of(element).task or TaskSpec())}
    cx.write(f.TaskChanged(key, changes))
    cx.send(ChangeTask(key, changes))


@final
class Intended:
    """What a plan does to one state: `actions` in the order of the element instances, or `problems`."""

    __slots__ = ("actions", "mapping", "problems")

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.actions: list[MigrationAction] = []
        self.problems = list(mapping.problems)


def intended(source: Program, target: Program, state: State, plan: MigrationPlan) -> Intended:
    """Looks at every element instance and all that it waits for. Evaluates and changes nothing."""
    found = Intended(mapped(source, target, plan))
    look = _Look(source, target, state, plan, found)
    for element in state.elements.values():
        look.element(element)
    return found


@final
class _Look:
    """One look at one state."""

    def __init__(self, source: Program, target: Program, state: State, plan: MigrationPlan, found: Intended) -> None:
        self._source = source
        self._target = target
        self._state = state
        self._plan = plan
        self._found = found
        self._nodes = found.mapping.nodes
        self._flows = found.mapping.flows
        self._handlers = handlers_of(target)[0]

    def element(self, element: ElementInstance) -> None:
        """Adds what becomes of an element instance."""
        node = self._source.nodes[element.node]
        where = self._nodes.get(element.node)
        if where is None:
            self._problem(element, "it has no target")
            return
        why = self._not_undone(element)
        if why:
            self._problem(element, why)
            return
        if element.stage is Stage.TERMINATING:
            self._problem(element, "it is being ended; wait for its canceling listeners")
            return
        operations = [i.operation for i in self._state.incidents.values() if i.element == element.key]
        why = unplaced(element, operations, self._nodes)
        if why:
            self._problem(element, why)
            return
        new = self._target.nodes[where]
        chosen = self._plan.choices.get(str(element.key)) or self._plan.choices.get(node.id) or MigrationChoice()
        self._add("move", element, new)
        self._jobs(element, new, chosen)
        self._waits(element, node, new, chosen)
        if element.is_open_task and node.kind is Kind.USER_TASK:
            self._add("new-task" if chosen.task == "new" else "keep-task", element, new)
        for incident in element.waits or ():
            if incident in self._state.incidents:
                self._add("keep-incident", element, new, incident)
        self._tokens(element, new)

    def _not_undone(self, scope: ElementInstance) -> str:
        """Why something that completed in a scope could not be undone any more; "" if all can be."""
        stack = list(scope.completions.values())
        while stack:
            completion = stack.pop()
            stack.extend(completion.inside.values())
            where = self._nodes.get(completion.node)
            if where is None or self._source.nodes[completion.node].kind in SNAPSHOTS:
                continue
            if where not in self._handlers:
                id = self._target.nodes[where].id
                return f"{id!r} completed in it and can be undone, and has no compensation handler at the target"
        return ""

    def _jobs(self, element: ElementInstance, new: Node, chosen: MigrationChoice) -> None:
        for key in element.waits or ():
            job = self._state.jobs.get(key)
            if job is None:
                continue
            if job.listener < 0:
                self._add("new-job" if chosen.job == "new" else "keep-job", element, new, key)
                continue
            events = [each.event for each in self._source.nodes[element.node].listeners[: job.listener + 1]]
            if [each.event for each in new.listeners[: job.listener + 1]] != events:
                self._problem(element, f"the listener whose job {key} is open is not at the target")
            else:
                self._add("keep-job", element, new, key)

    def _waits(self, element: ElementInstance, node: Node, new: Node, chosen: MigrationChoice) -> None:
        state = self._state
        images = {self._nodes.get(each) for each in node.catches}
        for key in element.waits or ():
            condition = state.conditions.get(key)
            if condition is not None:
                # It is evaluated anew, over the variables that the target's condition reads.
                self._add("close-condition", element, new, key, self._source.nodes[condition.node].id)
            wait = state.timers.get(key) or state.subscriptions.get(key)
            if wait is None:
                continue
            kind = "timer" if key in state.timers else "subscription"
            caught = self._nodes.get(wait.node)
            if caught is None or caught not in new.catches:
                self._add(cast("What", f"close-{kind}"), element, new, key, self._source.nodes[wait.node].id)
                continue
            choice = chosen.timer if kind == "timer" else chosen.subscription
            self._add(cast("What", f"{choice}-{kind}"), element, new, key, self._target.nodes[caught].id, caught)
        if not self._opened(element):
            return
        for each in new.catches:
            caught_node = self._target.nodes[each]
            is_condition = isinstance(caught_node.trigger, ConditionalTrigger)
            if (each in images and not is_condition) or not isinstance(caught_node.trigger, _OPENED):
                continue
            if caught_node.kind is Kind.START_EVENT and self._taken_over(element):
                continue
            self._add("open", element, new, 0, caught_node.id, each)

    def _opened(self, element: ElementInstance) -> bool:
        """Whether the element has opened its catches: if not, it will open those of the new program anyhow."""
        if element.stage is not Stage.ACTIVE:
            return False
        if isinstance(element.held, list) and element.held[0] in _BEFORE:
            return False
        node = self._source.nodes[element.node]
        for key in element.waits or ():
            incident, job = self._state.incidents.get(key), self._state.jobs.get(key)
            if incident is not None and incident.operation and incident.operation[0] in _UNOPENED:
                return False
            if job is not None and job.listener >= 0 and node.listeners[job.listener].event is ListenerEvent.START:
                return False
        return True

    def _taken_over(self, scope: ElementInstance) -> bool:
        """Whether an interrupting event sub-process runs in a scope: it starts no further one."""
        for child in (scope.children or {}).values():
            node = self._source.nodes[child.node]
            if node.kind is Kind.EVENT_SUB_PROCESS and any(
                each.scope == node.index and each.kind is Kind.START_EVENT and each.interrupting
                for each in self._source.nodes
            ):
                return True
        return False

    def _tokens(self, scope: ElementInstance, new: Node) -> None:
        for gateway, flows in (scope.gates or {}).items():
            if self._nodes.get(gateway) is None or any(flow not in self._flows for flow in flows):
                id = self._source.nodes[gateway].id
                self._problem(scope, f"the complex gateway {id!r} waits for its reset, and has no target")
        for flow in scope.arrived or {}:
            drawn = self._source.flows[flow]
            there = self._flows.get(flow)
            join = self._target.nodes[self._target.flows[there].target] if there is not None else None
            if there is None or join is None:
                self._problem(
                    scope,
                    f"a token waits at {self._source.nodes[drawn.target].id!r} on the flow {drawn.id!r}, "
                    "which has no target",
                )
            elif join.start_quantity < 2 and (join.kind not in JOINS or len(join.incoming) < 2):
                self._problem(scope, f"a token waits on the flow {drawn.id!r}, and {join.id!r} is no join")
            else:
                self._add("token", scope, join, 0, self._target.flows[there].id)

    def _problem(self, element: ElementInstance, text: str) -> None:
        id = self._source.nodes[element.node].id
        self._found.problems.append(f"{id!r} (element instance {element.key}): {text}")

    def _add(self, what: What, element: ElementInstance, new: Node, *rest: Any) -> None:
        id = self._source.nodes[element.node].id
        self._found.actions.append(MigrationAction(element.key, id, what, new.id, *rest))


# --- carrying out -----------------------------------------------------------------------------------------------------


def _nothing(cx: Context, action: MigrationAction) -> None:
    """The state has gone over already."""


def _keep_job(cx: Context, action: MigrationAction) -> None:
    cx.send(MoveJob(action.wait, cx.state.elements[action.element].node))


def _new_job(cx: Context, action: MigrationAction) -> None:
    state = cx.state
    element = state.elements[action.element]
    for wait in list(element.waits or ()):
        incident = state.incidents.get(wait)
        if incident is not None and incident.job == action.wait:
            cx.write(f.IncidentResolved(wait))
            cx.send(CloseIncident(wait))
    _close(cx, action)
    cx.agenda.append((op.RENEW_JOB, action.element))


def _close(cx: Context, action: MigrationAction) -> None:
    close_wait(cx, action.wait)
    cx.write(f.WaitClosed(action.wait))


def _keep_timer(cx: Context, action: MigrationAction) -> None:
    cx.send(set_timer(cx.state.timers[action.wait]))


def _new_wait(cx: Context, action: MigrationAction) -> None:
    _close(cx, action)
    _open(cx, action)


def _open(cx: Context, action: MigrationAction) -> None:
    cx.agenda.append((op.SUBSCRIBE, action.element, cast("list[Json]", [action.catch])))


def _keep_task(cx: Context, action: MigrationAction) -> None:
    cx.send(ChangeTask(action.element, {}))


def _new_task(cx: Context, action: MigrationAction) -> None:
    _keep_task(cx, action)
    cx.agenda.append((op.RENEW_TASK, action.element))


def _keep_incident(cx: Context, action: MigrationAction) -> None:
    if action.wait in cx.state.incidents:
        cx.send(MoveIncident(action.wait, cx.state.elements[action.element].node))


def _token(cx: Context, action: MigrationAction) -> None:
    """The target's join may need fewer tokens than the source's: it is looked at again."""
    join = next(n.index for n in cx.nodes if n.id == action.target)
    if (op.ENTER, action.element, join, 1) not in cx.agenda:
        cx.agenda.append((op.ENTER, action.element, join, 1))


_CARRY: Final[dict[What, Callable[[Context, MigrationAction], None]]] = {
    "move": _nothing,
    "keep-job": _keep_job,
    "new-job": _new_job,
    "keep-timer": _keep_timer,
    "new-timer": _new_wait,
    "close-timer": _close,
    "keep-subscription": _nothing,
    "new-subscription": _new_wait,
    "close-subscription": _close,
    "close-condition": _close,
    "open": _open,
    "keep-task": _keep_task,
    "new-task": _new_task,
    "keep-incident": _keep_incident,
    "token": _token,
}
"""What carries out each kind of action, once the state has gone over."""
