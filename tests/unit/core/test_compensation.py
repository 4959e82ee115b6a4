"""Compensation, transactions and ad-hoc sub-processes: what they cost, what they keep, what they reject."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import pytest

from core_rig import Build, Rig, link
from counting import opcodes
from procession.core import events as e
from procession.core import facts as f
from procession.core.linked import Linked
from procession.core.snapshot import dump, load
from procession.core.state import State, Status
from procession.core.step import step
from procession.ir.kinds import Kind
from procession.ir.program import AdHoc, CancelTrigger, CompensateTrigger, JobSpec, Loop, Program, Text

JOB: Final = JobSpec(Text("work"))


def undoable(b: Build, task: int, handler: Kind = Kind.TASK, scope: int = 0, host: int = 0) -> int:
    """Ties a handler to a task by a boundary event; the handler's node."""
    name = b.nodes[task]["id"]
    undo = b.node(handler, f"undo_{name}", scope, **({"job": JOB} if handler is Kind.JOB_TASK else {}))
    event = b.node(
        Kind.BOUNDARY_EVENT, f"{name}_undone", scope, attached=host or task, trigger=CompensateTrigger(handler=undo)
    )
    b.catch(host or task, event)
    return undo


def throw(b: Build, scope: int = 0, **attributes: object) -> int:
    return b.node(Kind.END_EVENT, "end", scope, trigger=CompensateTrigger(), **attributes)


def repeated(undone: bool) -> Linked:
    """A job in a sub-process, again and again, beside another sub-process whose content can be undone."""
    b = Build()
    choose = b.node(Kind.EXCLUSIVE_GATEWAY, "choose")
    plain = b.node(Kind.SUB_PROCESS, "plain")
    other = b.node(Kind.SUB_PROCESS, "other")
    for scope in (plain, other):
        b.line(b.start(scope), b.node(Kind.JOB_TASK, f"t{scope}", scope, job=JOB))
    if undone:
        undoable(b, b.node(Kind.TASK, "a", other), scope=other)
    b.line(b.start(), choose)
    b.flow(choose, plain, "True")
    b.flow(choose, other, default=True)
    b.line(plain, choose)
    return link(b.program())


class Run:
    """An instance without the checks of the rig, for counting."""

    def __init__(self, linked: Linked, **variables: object) -> None:
        self.linked = linked
        self.state = State()
        start = e.Start(instance=7, tenant="t", program="p", version=1, variables=dict(variables))  # type: ignore[arg-type]
        self.facts: list[f.AnyFact] = []
        self.key = 1
        self.send(start)

    def send(self, event: e.AnyEvent) -> None:
        outcome = step(self.linked, self.state, event, 0, self.key)
        assert not outcome.rejected, outcome.reason
        self.facts += outcome.facts
        self.key = max(self.key, outcome.last_key + 1)
        while self.state.agenda:
            self.send(e.Continue())

    def complete(self) -> None:
        self.send(e.CompleteJob(next(iter(self.state.jobs))))


def test_a_scope_without_a_handler_pays_nothing_for_compensation() -> None:
    counts: list[int] = []
    for undone in (False, True):
        run = Run(repeated(undone))
        run.complete()
        counts.append(opcodes(run.complete))
        assert not any(isinstance(fact, f.CompletionKept) for fact in run.facts)
        assert all(element.extras is None for element in run.state.elements.values())
    assert counts[0] == counts[1]


def loop_of_undoable_tasks(handler: Kind) -> Linked:
    """A multi-instance task whose instances are all undone at the end."""
    b = Build()
    body = b.node(Kind.MULTI_INSTANCE, "each", loop=Loop(False, b.expr("items"), "item"))
    b.nodes[body]["inner"] = inner = b.node(Kind.TASK, "each", body)
    undoable(b, inner, handler, host=body)
    b.line(b.start(), body, throw(b))
    return link(b.program())


@pytest.mark.parametrize("handler", [Kind.TASK, Kind.JOB_TASK])
def test_a_thousand_handlers_cost_a_thousand_times_one(handler: Kind) -> None:
    linked = loop_of_undoable_tasks(handler)

    def undo(count: int) -> int:
        run = Run(linked, items=list(range(count)))

        def all_of_them() -> None:
            while run.state.jobs:
                run.complete()

        if handler is Kind.TASK:
            return opcodes(lambda: Run(linked, items=list(range(count))))
        spent = opcodes(all_of_them)
        assert run.state.status is Status.COMPLETED
        return spent

    undo(10)
    small, large = undo(100) / 100, undo(1_000) / 1_000
    assert large <= small * 1.02


def test_a_step_costs_the_same_however_much_is_kept() -> None:
    b = Build()
    sub = b.node(Kind.SUB_PROCESS, "sub")
    task = b.node(Kind.JOB_TASK, "task", sub, job=JOB)
    undoable(b, task, scope=sub)
    b.line(b.start(sub), task)
    b.line(b.start(), sub, sub)
    run = Run(link(b.program()))
    run.complete()
    first = opcodes(run.complete)
    for _ in range(1_000):
        run.complete()
    assert opcodes(run.complete) == first
    root = run.state.root
    assert root is not None
    assert len(root.completions) == 1_003


def test_what_is_kept_is_nested_and_survives_a_snapshot() -> None:
    b = Build()
    outer = b.node(Kind.SUB_PROCESS, "outer")
    inner = b.node(Kind.SUB_PROCESS, "inner", outer)
    task = b.node(Kind.JOB_TASK, "task", inner, job=JOB)
    undoable(b, task, Kind.JOB_TASK, scope=inner)
    b.line(b.start(inner), task)
    b.line(b.start(outer), inner)
    wait = b.node(Kind.JOB_TASK, "wait", job=JOB)
    b.line(b.start(), outer, wait, throw(b))
    rig = Rig(b.program())
    rig.start()
    rig.complete("task")
    root = load(dump(rig.state)).root
    assert root is not None
    kept = next(iter(root.completions.values()))
    assert kept.node == outer
    assert [each.node for each in kept.inside.values()] == [inner]
    rig.complete("wait")
    rig.complete("undo_task")
    assert rig.state.status is Status.COMPLETED


def test_a_snapshot_from_before_compensation_is_read() -> None:
    b = Build()
    b.line(b.start(), b.node(Kind.JOB_TASK, "task", job=JOB), throw(b))
    rig = Rig(b.program())
    rig.start()
    rows = msgspec.json.decode(dump(rig.state))
    rows[2] = [row[:17] for row in rows[2]]
    old = load(msgspec.json.encode(rows))
    assert dump(old) == dump(rig.state)


def nested_undoing() -> Program:
    """A transaction with a completed sub-process, a task, and a job that goes on beside the cancelling."""
    b = Build()
    tx = b.node(Kind.TRANSACTION, "tx")
    fork = b.node(Kind.PARALLEL_GATEWAY, "fork", tx)
    sub = b.node(Kind.SUB_PROCESS, "sub", tx)
    inner = b.node(Kind.TASK, "inner", sub)
    undoable(b, inner, Kind.JOB_TASK, scope=sub)
    b.line(b.start(sub), inner)
    task = b.node(Kind.TASK, "task", tx)
    undoable(b, task, Kind.JOB_TASK, scope=tx)
    other = b.node(Kind.JOB_TASK, "other", tx, job=JOB)
    cancel = b.node(Kind.END_EVENT, "cancel", tx, trigger=CancelTrigger())
    b.line(b.start(tx), fork, sub, task, cancel)
    b.line(fork, other)
    border = b.node(Kind.BOUNDARY_EVENT, "cancelled", attached=tx, trigger=CancelTrigger())
    b.catch(tx, border)
    b.line(border, b.node(Kind.END_EVENT, "given_up"))
    b.line(b.start(), tx, b.node(Kind.END_EVENT, "good"))
    return b.program()


def test_a_cancelled_transaction_is_undone_and_left_by_its_border() -> None:
    rig = Rig(nested_undoing())
    rig.start()
    assert rig.waits("jobs") == {"undo_task": 1}
    rig.complete("undo_task")
    rig.complete("undo_inner")
    assert rig.state.status is Status.COMPLETED


@pytest.mark.parametrize("done", range(2))
def test_a_cancel_from_outside_ends_an_undoing_at_any_moment(done: int) -> None:
    rig = Rig(nested_undoing())
    rig.start()
    for _ in range(done):
        rig.send(e.CompleteJob(next(iter(rig.state.jobs))))
    rig.send(e.Cancel())
    assert rig.state.status is Status.TERMINATED
    assert not rig.open


def ad_hoc(**spec: object) -> tuple[Program, int]:
    b = Build()
    room = b.node(Kind.AD_HOC_SUB_PROCESS, "room", ad_hoc=AdHoc(**spec))  # type: ignore[arg-type]
    within = b.nodes[room]["inner"] = b.node(Kind.AD_HOC_ACTIVATION, "room", room)
    for name in ("a", "b"):
        b.nodes[within].setdefault("starts", []).append(b.node(Kind.JOB_TASK, name, within, job=JOB))
    b.line(b.start(), room, b.node(Kind.END_EVENT, "end"))
    return b.program(), room


REJECTED: Final[dict[str, tuple[Callable[[int], e.TriggerActivity], str]]] = {
    "no such activity": (lambda room: e.TriggerActivity(room, ["a", "nothing"]), "not-found"),
    "nothing at all": (lambda room: e.TriggerActivity(room, []), "not-found"),
    "no such element": (lambda room: e.TriggerActivity(5, ["a"]), "not-found"),
    "nowhere": (lambda room: e.TriggerActivity(0, ["nothing"]), "not-found"),
    "the process": (lambda room: e.TriggerActivity(1_000, ["a"]), "conflict"),
}


@pytest.mark.parametrize("what", REJECTED)
def test_a_trigger_that_cannot_begin_anything_is_rejected_and_changes_nothing(what: str) -> None:
    program, node = ad_hoc()
    rig = Rig(program)
    rig.start()
    room = next(key for key, each in rig.state.elements.items() if each.node == node)
    before = dump(rig.state)
    make, code = REJECTED[what]
    outcome = rig.send(make(room))
    assert outcome.rejected == code
    assert dump(rig.state) == before


def test_a_thousand_activations_cost_a_thousand_times_one() -> None:
    linked = link(ad_hoc()[0])

    def activate(count: int) -> int:
        run = Run(linked)
        return opcodes(lambda: run.send(e.TriggerActivity(0, ["a", "b"] * (count // 2))))

    activate(10)
    assert activate(1_000) / 1_000 <= activate(100) / 100 * 1.02


def test_a_trigger_after_the_end_was_decided_is_rejected() -> None:
    b = Build()
    program, node = ad_hoc(cancel_remaining=False, completion=b.expr("True"))
    program = msgspec.structs.replace(program, expressions=tuple(b.expressions))
    rig = Rig(program)
    rig.start()
    rig.send(e.TriggerActivity(0, ["a", "b"]))
    rig.complete("a")
    assert rig.send(e.TriggerActivity(0, ["a"])).rejected == "not-found"
    room = next(key for key, each in rig.state.elements.items() if each.node == node)
    assert rig.send(e.TriggerActivity(room, ["a"])).rejected == "conflict"
    rig.complete("b")
    assert rig.state.status is Status.COMPLETED
