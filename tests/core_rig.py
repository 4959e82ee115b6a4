"""A rig for the interpreter alone: programs built by hand, expressions in Python, and the checks after every step.

After each step the stored facts are replayed into a second state and a snapshot is restored: both must equal the
live state byte for byte, and the commands still open must be what `pending` recomputes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import msgspec

from procession.core import commands as c
from procession.core import events as e
from procession.core import snapshot
from procession.core.apply import apply_step
from procession.core.facts import AnyFact
from procession.core.jobs import command_of
from procession.core.linked import Decided, Linked
from procession.core.outcome import Outcome
from procession.core.pending import pending
from procession.core.plans import MigrationPlan
from procession.core.state import State, Status
from procession.core.step import step
from procession.ir.kinds import Kind
from procession.ir.program import NONE, Expression, Flow, Node, Program

MISSING = object()


class Build:
    """Builds a program: `node` adds one, `flow` joins two. Expressions are Python text over the variables."""

    def __init__(self, process_id: str = "p") -> None:
        self.nodes: list[dict[str, Any]] = [{"index": 0, "id": process_id, "kind": Kind.PROCESS, "starts": []}]
        self.flows: list[Flow] = []
        self.expressions: list[Expression] = []
        self.triggered: list[int] = []

    def node(self, kind: Kind, id: str, scope: int = 0, **attributes: Any) -> int:
        index = len(self.nodes)
        self.nodes.append({"index": index, "id": id, "kind": kind, "scope": scope, **attributes})
        return index

    def start(self, scope: int = 0, id: str = "start") -> int:
        index = self.node(Kind.START_EVENT, id, scope)
        self.nodes[scope].setdefault("starts", []).append(index)
        return index

    def flow(self, source: int, target: int, condition: str | None = None, default: bool = False) -> int:
        index = len(self.flows)
        ref = NONE if condition is None else self.expr(condition)
        self.flows.append(Flow(index, f"f{index}", source, target, ref))
        self.nodes[source].setdefault("outgoing", []).append(index)
        self.nodes[target].setdefault("incoming", []).append(index)
        if default:
            self.nodes[source]["default"] = index
        return index

    def line(self, *nodes: int) -> None:
        for source, target in pairwise(nodes):
            self.flow(source, target)

    def expr(self, text: str) -> int:
        self.expressions.append(Expression(text, "python"))
        return len(self.expressions) - 1

    def catch(self, owner: int, caught: int) -> None:
        self.nodes[owner].setdefault("catches", []).append(caught)

    def program(self) -> Program:
        nodes = tuple(_node(each) for each in self.nodes)
        return Program(
            process_id=self.nodes[0]["id"],
            nodes=nodes,
            flows=tuple(self.flows),
            expressions=tuple(self.expressions),
            triggered_starts=tuple(self.triggered),
        )


def _node(attributes: dict[str, Any]) -> Node:
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in attributes.items()}
    return Node(**values)


@dataclass
class Env:
    notes: list[Any] = field(default_factory=list)
    random_used: int = 0


def link(program: Program, decide: Any = None, hash: str = "hash") -> Linked:
    def evaluator(text: str) -> Any:
        code = compile(text, text, "eval")

        def evaluate(lookup: Any, env: Any) -> Any:
            values = {name: lookup(name) for name in code.co_names}
            try:
                return eval(code, {}, {n: None if v is MISSING else v for n, v in values.items()})
            except TypeError:
                return None

        return evaluate

    return Linked(
        program,
        hash,
        tuple(evaluator(x.text) for x in program.expressions),
        environment=lambda at, zone, seed, draws: Env(),
        decide=decide or (lambda hash, id, lookup, env: Decided(None, [])),
        missing=MISSING,
    )


class Rig:
    """One instance, stepped with all checks on."""

    def __init__(self, program: Program, restore: bool = True, linked: Linked | None = None) -> None:
        self.linked = linked or link(program)
        self.state = State()
        self.twin = State()
        self.facts: list[AnyFact] = []
        self.at = 1_000
        self.key = 1_000
        self.restore = restore
        self.open: dict[tuple[str, int], c.AnyCommand] = {}
        self.sent: list[c.AnyCommand] = []

    def start(self, variables: dict[str, Any] | None = None, **more: Any) -> Outcome:
        event = e.Start(instance=7, tenant="<default>", program="hash", version=1, variables=variables or {}, **more)
        return self.send(event)

    def send(self, event: e.AnyEvent) -> Outcome:
        return self._sent(event, None)

    def migrate(self, target: Linked, plan: MigrationPlan) -> Outcome:
        """A migration; the program is brought beside the event."""
        return self._sent(e.Migrate(target.hash, 2, plan), target)

    def _sent(self, event: e.AnyEvent, target: Linked | None) -> Outcome:
        outcome = step(self.linked, self.state, event, self.at, self.key, target=target)
        if outcome.rejected:
            assert snapshot.dump(self.state) == snapshot.dump(self.twin), "a rejected event changed the state"
            return outcome
        self.key = max(self.key, outcome.last_key + 1)
        self.facts.extend(outcome.facts)
        programs = {each.hash: each.program for each in (self.linked, target) if each is not None}
        apply_step(self.linked.program, self.twin, outcome.facts, self.state.at, programs.__getitem__)
        self.linked = target or self.linked
        if target is not None:
            self._renumber()
        live = snapshot.dump(self.state)
        assert live == snapshot.dump(self.twin), "the facts do not give the state"
        loaded = snapshot.load(live)
        assert snapshot.dump(loaded) == live, "the snapshot does not give the state"
        if self.restore:
            self.state = loaded
        for command in outcome.commands:
            self._track(command)
        self._check_pending()
        for command in outcome.commands:
            if isinstance(command, c.GoOn):
                self.send(e.Continue())
        return outcome

    def _renumber(self) -> None:
        """A subscription that goes over needs no command: its host knows nothing of nodes."""
        for (kind, key), command in self.open.items():
            if kind == "sub" and key in self.state.subscriptions:
                self.open[kind, key] = msgspec.structs.replace(command, node=self.state.subscriptions[key].node)

    def _track(self, command: c.AnyCommand) -> None:
        self.sent.append(command)
        match command:
            case c.CreateJob():
                self.open["job", command.job] = command
            case c.ReleaseJob():
                self.open["job", command.job] = command_of(self.linked.nodes, self.state, self.state.jobs[command.job])
            case c.MoveJob() if ("job", command.job) in self.open:
                self.open["job", command.job] = command_of(self.linked.nodes, self.state, self.state.jobs[command.job])
            case c.MoveIncident():
                moved = self.open["incident", command.incident]
                assert isinstance(moved, c.OpenIncident)
                self.open["incident", command.incident] = msgspec.structs.replace(moved, node=command.node)
            case c.CloseJob() | c.HoldJob() | c.ParkJob():
                self.open.pop(("job", command.job), None)
            case c.SetTimer():
                self.open["timer", command.timer] = command
            case c.ClearTimer():
                self.open.pop(("timer", command.timer), None)
            case c.Subscribe():
                self.open["sub", command.subscription] = command
            case c.Unsubscribe():
                self.open.pop(("sub", command.subscription), None)
            case c.OpenTask():
                self.open["task", command.element] = command
            case c.CloseTask():
                self.open.pop(("task", command.element), None)
            case c.OpenIncident():
                self.open["incident", command.incident] = command
            case c.CloseIncident():
                self.open.pop(("incident", command.incident), None)
            case c.Finish():
                assert not self.open, f"ended with {self.open}"
            case _:
                pass

    def _check_pending(self) -> None:
        kinds = {
            c.CreateJob: ("job", "job"),
            c.SetTimer: ("timer", "timer"),
            c.Subscribe: ("sub", "subscription"),
            c.OpenTask: ("task", "element"),
            c.OpenIncident: ("incident", "incident"),
        }
        again = {}
        for command in pending(self.linked, self.state):
            if type(command) in kinds:
                kind, name = kinds[type(command)]
                again[kind, getattr(command, name)] = command
        changed = {k for k in again if k[0] == "task"}
        assert set(again) == set(self.open), (again, self.open)
        for key in set(again) - changed:
            assert again[key] == self.open[key]

    # what tests ask

    def jobs(self) -> dict[str, int]:
        """Open jobs by element id (the last of each)."""
        return {self.linked.nodes[self.state.elements[j.element].node].id: j.key for j in self.state.jobs.values()}

    def complete(self, element: str, **variables: Any) -> Outcome:
        outcome = self.send(e.CompleteJob(self.jobs()[element], variables))
        assert not outcome.rejected, outcome.reason
        return outcome

    def waits(self, kind: str) -> Counter[str]:
        nodes = self.linked.nodes
        table = {
            "jobs": [nodes[self.state.elements[j.element].node].id for j in self.state.jobs.values()],
            "timers": [nodes[t.node].id for t in self.state.timers.values()],
            "subscriptions": [nodes[s.node].id for s in self.state.subscriptions.values()],
            "incidents": [nodes[self.state.elements[i.element].node].id for i in self.state.incidents.values()],
        }
        return Counter(table[kind])

    def path(self) -> list[str]:
        """Ids of completed elements, in order."""
        entered: dict[int, int] = {}
        result = []
        for fact in self.facts:
            tag = type(fact).__name__
            if tag in {"ElementEntered", "ItemEntered"}:
                entered[fact.element] = fact.node  # type: ignore[union-attr]
            elif tag == "ElementCompleted" and fact.element in entered:  # type: ignore[union-attr]
                result.append(self.linked.nodes[entered[fact.element]].id)  # type: ignore[union-attr]
        return result

    @property
    def variables(self) -> dict[str, Any]:
        assert self.state.root is not None
        return dict(self.state.root.variables or {})

    def ended(self, status: Status = Status.COMPLETED) -> bool:
        return self.state.status is status

    def fact_names(self) -> list[str]:
        return [type(f).__name__ for f in self.facts]


def as_builtins(value: Any) -> Any:
    return msgspec.to_builtins(value)
