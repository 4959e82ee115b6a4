"""Ad-hoc sub-processes (BPMN 2.0.2, 10.3.5 and 13.3.5): activities that something chooses, in any order.

Each choice is an activation: a scope of its own in which the activity begins and all that follows it over sequence
flows happens. In an automatic one every activity without an incoming flow is performed once.
"""

from __future__ import annotations

from typing import Final

from procession.base.failure import Failure
from procession.base.values import Json
from procession.core import facts as f
from procession.core.catches import open_all, plan
from procession.core.context import Context, Rejected
from procession.core.elements.gateways import outgoing
from procession.core.events import Choice
from procession.core.interrupt import close_own_job, interrupt, interrupt_inside
from procession.core.jobs import create, plan_job
from procession.core.operations import ACTIVATE_CHOSEN, COMPLETE, GO_ON
from procession.core.state import ElementInstance
from procession.core.tokens import begin, close_waits, keep, leave
from procession.core.variables import owner
from procession.ir.kinds import Kind, ListenerEvent
from procession.ir.program import NONE, AdHoc, Choosable, Node, Ref

CHOSEN_MAX: Final = 100_000
"""Most activities that one choice may name."""
ELEMENTS: Final = "adHocSubProcessElements"
"""The variable that tells whoever chooses what there is to choose from."""
_ACTIVITIES: Final = frozenset(
    {
        Kind.TASK,
        Kind.JOB_TASK,
        Kind.SCRIPT_TASK,
        Kind.DECISION_TASK,
        Kind.USER_TASK,
        Kind.RECEIVE_TASK,
        Kind.SUB_PROCESS,
        Kind.CALL_ACTIVITY,
        Kind.MULTI_INSTANCE,
        Kind.LOOP,
        Kind.TRANSACTION,
        Kind.AD_HOC_SUB_PROCESS,
    }
)
"""After each of these the completion condition is evaluated."""


def ad_hoc_enter(cx: Context, node: Node, element: ElementInstance) -> None:
    """The collection is evaluated once; without one nothing begins before it is chosen, unless it is automatic."""
    spec = _spec(node)
    chosen = _automatic(cx, node, spec) if spec.automatic else _collection(cx, node, element, spec)
    planned = plan(cx, element, node)
    job = plan_job(cx, element, node.job) if node.job is not None else None
    cx.write(f.ActivitiesChosen(element.key, chosen))
    if spec.elements:
        cx.write(f.VariableSet(element.key, ELEMENTS, [_told(each) for each in spec.elements]))
    if spec.output_name:
        cx.write(f.VariableSet(element.key, spec.output_name, []))
    open_all(cx, planned)
    if job is not None:
        create(cx, job)
    if chosen:
        cx.agenda.append((ACTIVATE_CHOSEN, element.key))


def _told(each: Choosable) -> dict[str, Json]:
    return {
        "elementId": each.id,
        "elementName": each.name,
        "documentation": each.documentation,
        "properties": dict(each.properties),
    }


def _spec(node: Node) -> AdHoc:
    assert node.ad_hoc is not None
    return node.ad_hoc


def _automatic(cx: Context, node: Node, spec: AdHoc) -> list[Json]:
    starts: list[Json] = list(cx.nodes[node.inner].starts)
    return [[[each], {}] for each in starts] if spec.sequential else [[starts, {}]]


def _collection(cx: Context, node: Node, element: ElementInstance, spec: AdHoc) -> list[Json]:
    if spec.chosen == NONE:
        return []
    value = cx.evaluate(spec.chosen, element)
    text = cx.linked.program.expressions[spec.chosen].text
    if not isinstance(value, list):
        raise Failure("ad-hoc", f"the collection of activities `{text}` is not a list of element ids")
    if len(value) > CHOSEN_MAX:
        raise Failure("ad-hoc", f"{len(value)} activities are more than the limit of {CHOSEN_MAX}")
    known = choosable(cx, node)
    for each in value:
        if not isinstance(each, str) or each not in known:
            names = ", ".join(known)
            raise Failure("ad-hoc", f"`{text}` names {each!r}, which {node.id} cannot activate; it has {names}")
    return [[[known[str(each)]], {}] for each in value]


def choosable(cx: Context, node: Node) -> dict[str, Ref]:
    """The elements of an ad-hoc sub-process that can be activated, by id: those that no flow leads to."""
    return {cx.nodes[index].id: index for index in cx.nodes[node.inner].starts}


def activate_chosen(cx: Context, key: int) -> None:
    """Begins the activation that was chosen first; if they need not be sequential, the next one follows."""
    element = cx.state.elements.get(key)
    if element is None or element.activations is None or not element.activations.waiting:
        return
    node = cx.nodes[element.node]
    spec = _spec(node)
    if spec.sequential and any(child.node == node.inner for child in (element.children or {}).values()):
        return
    entry = element.activations.waiting[0]
    assert isinstance(entry, list)
    assert isinstance(entry[0], list)
    starts = [cx.nodes[index] for index in entry[0] if isinstance(index, int)]
    activation = cx.new_key()
    cx.write(f.ActivationEntered(activation, node.inner, key))
    for start in starts:
        begin(cx, activation, start, False)
    if element.activations.waiting and not spec.sequential:
        cx.agenda.append((ACTIVATE_CHOSEN, key))


def left(cx: Context, element: ElementInstance, activation: ElementInstance) -> None:
    """An element of an activation leaves; after an activity the completion condition may end the whole."""
    node = cx.nodes[element.node]
    ad_hoc = activation.scope
    assert ad_hoc is not None
    spec = _spec(cx.nodes[ad_hoc.node])
    flows = outgoing(cx, node, element)
    # The end of the activation evaluates the condition too, when its output is known.
    is_last = not flows and len(activation.children or ()) == 1 and not activation.tokens
    asks = node.kind in _ACTIVITIES and not is_last
    enough = asks and _is_enough(cx, ad_hoc, spec, None)
    leave(cx, element, flows)
    if enough:
        _close(cx, ad_hoc, spec.cancel_remaining)


def collect(cx: Context, element: ElementInstance, ad_hoc: ElementInstance) -> None:
    """An activation is done: its output, the completion condition, then what is next."""
    if cx.nodes[element.node].kind is not Kind.AD_HOC_ACTIVATION:
        leave(cx, element, ())
        return
    spec = _spec(cx.nodes[ad_hoc.node])
    value = cx.evaluate(spec.output, element) if spec.output_name else None
    overlay: dict[str, Json] | None = None
    if spec.output_name and spec.completion != NONE:
        before = (ad_hoc.variables or {}).get(spec.output_name)
        overlay = {spec.output_name: [*(before if isinstance(before, list) else ()), value]}
    enough = _is_enough(cx, ad_hoc, spec, overlay)
    if spec.output_name:
        cx.write(f.OutputAppended(ad_hoc.key, spec.output_name, value))
    close_waits(cx, element)
    if element.completions:
        keep(cx, element)
    cx.write(f.ElementCompleted(element.key))
    if enough:
        _close(cx, ad_hoc, spec.cancel_remaining)
    else:
        cx.agenda.append((GO_ON, ad_hoc.key))


def _is_enough(cx: Context, ad_hoc: ElementInstance, spec: AdHoc, overlay: dict[str, Json] | None) -> bool:
    activations = ad_hoc.activations
    if spec.completion == NONE or activations is None or activations.closed:
        return False
    return cx.truth(spec.completion, ad_hoc, "completion condition", overlay)


def _close(cx: Context, ad_hoc: ElementInstance, cancel_remaining: bool) -> None:
    if cancel_remaining:
        interrupt_inside(cx, ad_hoc, (COMPLETE, ad_hoc.key))
    else:
        cx.write(f.ActivationsClosed(ad_hoc.key))
        cx.agenda.append((GO_ON, ad_hoc.key))


def go_on(cx: Context, key: int) -> None:
    """Something in an ad-hoc sub-process ended: what was chosen next begins, or the whole ends."""
    ad_hoc = cx.state.elements.get(key)
    if ad_hoc is None or ad_hoc.activations is None:
        return
    activations, node = ad_hoc.activations, cx.nodes[ad_hoc.node]
    spec = _spec(node)
    if node.job is not None and not activations.closed:
        # Whenever something ended, the worker decides anew, knowing of it.
        job = plan_job(cx, ad_hoc, node.job)
        close_own_job(cx, ad_hoc)
        create(cx, job)
    if activations.waiting:
        cx.agenda.append((ACTIVATE_CHOSEN, key))
    elif not ad_hoc.children:
        # With a condition that is not met it waits for somebody to choose again.
        over = spec.automatic or (spec.completion == NONE and node.job is None and activations.started > 0)
        if activations.closed or over:
            cx.agenda.append((COMPLETE, key))


def admit_choice(cx: Context, node: Node, kind: ListenerEvent | None, choice: Choice) -> list[Json]:
    """The activations of a worker's choice; `kind` is that of its job. Raises `Rejected` for one that cannot be."""
    if node.kind is not Kind.AD_HOC_SUB_PROCESS or kind is not None:
        raise Rejected("conflict", f"the job of {node.id} has nothing to choose: it is no ad-hoc sub-process")
    if choice.done and choice.activities:
        raise Rejected("conflict", f"the job of {node.id} says that it is done, and begins activities")
    known = choosable(cx, node)
    unknown = [name for name, _ in choice.activities if name not in known]
    if unknown:
        raise Rejected("not-found", f"{node.id} cannot activate {', '.join(unknown)}; it has {', '.join(known)}")
    return [[[known[name]], variables] for name, variables in choice.activities]


def decided(cx: Context, ad_hoc: ElementInstance, choice: Choice, chosen: list[Json]) -> None:
    """The worker decided: what is active may end, what it chose begins, or nothing begins any more."""
    if choice.done:
        _close(cx, ad_hoc, choice.cancel_remaining)
        return
    if choice.cancel_remaining:
        for child in list((ad_hoc.children or {}).values()):
            if cx.nodes[child.node].kind is Kind.AD_HOC_ACTIVATION:
                interrupt(cx, child, (ACTIVATE_CHOSEN, ad_hoc.key))
    if chosen:
        cx.write(f.ActivitiesChosen(ad_hoc.key, chosen))
        cx.agenda.append((ACTIVATE_CHOSEN, ad_hoc.key))


def publish(cx: Context, ad_hoc: ElementInstance) -> None:
    """The collected output goes to the scope around; an instance of a loop keeps it for its output element."""
    spec = _spec(cx.nodes[ad_hoc.node])
    if spec.output_name and not ad_hoc.index:
        assert ad_hoc.scope is not None
        value = (ad_hoc.variables or {}).get(spec.output_name)
        cx.write(f.VariableSet(owner(ad_hoc.scope, spec.output_name).key, spec.output_name, value))
