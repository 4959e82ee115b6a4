"""Traces: what an instance did, read off its facts in the words of the model. No engine, no comparing.

An entry is [event, element id, scope]. A scope is the path of element ids from the process down, `order/items[3]` for
the third instance of a multi-instance activity; that instance itself and all inside it have this scope. The process
has the scope "".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, final

from procession.core import facts as f
from procession.core.facts import AnyFact
from procession.ir.kinds import Kind
from procession.ir.program import Program

ENTERED: Final = "entered"
COMPLETED: Final = "completed"
TERMINATED: Final = "terminated"
FLOW: Final = "flow"
INCIDENT: Final = "incident"


@final
class Entry(NamedTuple):
    """One line of a trace."""

    event: str
    element: str
    scope: str


class _Seen(NamedTuple):
    """An element instance: its id, the scope it is in, and the path that what is inside it is in."""

    id: str
    scope: str
    inside: str
    body: bool
    hidden: bool = False
    """No element of its own: an activation, or a completed scope that is open again because it is undone."""


@final
class Trace:
    """The entries of one instance, in order, and `path`: the ids of the elements that completed.

    The path leaves out the process itself and the body around a multi-instance activity, which is no work of its own.
    """

    __slots__ = ("_nodes", "_owner", "_program", "_seen", "created", "entries", "path")

    def __init__(self, program: Program) -> None:
        self.entries: list[Entry] = []
        self.path: list[str] = []
        self.created: list[tuple[int, str, str]] = []
        """(key, element id, job type or "") of every job and user task, in order of creation."""
        self._program = program
        self._seen: dict[int, _Seen] = {}
        self._nodes: dict[int, int] = {}
        self._owner: dict[int, int] = {}
        """The element instance of each job."""

    def read(self, facts: Iterable[AnyFact], programs: Callable[[str], Program]) -> None:
        """Goes on with the facts of one more step; `programs` gives the one that a migration goes to."""
        for fact in facts:
            match fact:
                case f.InstanceStarted():
                    name = self._program.process_id
                    self._seen[fact.root] = _Seen(name, "", name, False)
                    self.entries.append(Entry(ENTERED, name, ""))
                case f.ElementEntered() | f.ItemEntered():
                    self._entered(fact)
                case f.CompensationEntered() | f.CompensationOpened() | f.ActivationEntered():
                    self._entered_again(fact)
                case f.ElementCompleted():
                    seen = self._note(COMPLETED, fact.element)
                    if seen.scope and not seen.body and not seen.hidden:
                        self.path.append(seen.id)
                case f.ElementTerminated():
                    self._note(TERMINATED, fact.element)
                case f.FlowTaken():
                    flow = self._program.flows[fact.flow]
                    self.entries.append(Entry(FLOW, flow.id, self._seen[fact.scope].inside))
                case f.IncidentRaised():
                    self._note(INCIDENT, fact.element)
                case f.JobCreated():
                    self.created.append((fact.job, self._seen[fact.element].id, fact.type))
                    self._owner[fact.job] = fact.element
                case f.TaskCreated():
                    self.created.append((fact.element, self._seen[fact.element].id, ""))
                case f.InstanceMigrated():
                    self._renamed(programs(fact.program), dict(fact.nodes))
                case _:
                    pass

    def inside(self, element: int) -> str:
        """The path that what is inside an element instance is in; its own, if it holds nothing."""
        return self._seen[element].inside

    def _entered(self, fact: f.ElementEntered | f.ItemEntered) -> None:
        node = self._program.nodes[fact.node]
        outer = self._seen[fact.scope]
        body = node.kind in {Kind.MULTI_INSTANCE, Kind.LOOP}
        if isinstance(fact, f.ItemEntered):
            inside = f"{outer.inside}[{fact.index}]"
            seen = _Seen(node.id, inside, inside, False)
        else:
            seen = _Seen(node.id, outer.inside, f"{outer.inside}/{node.id}", body)
        self._seen[fact.element] = seen
        self._nodes[fact.element] = fact.node
        self.entries.append(Entry(ENTERED, seen.id, seen.scope))

    def _renamed(self, program: Program, numbers: dict[int, int]) -> None:
        """What goes on is called as at the target from here on; scopes keep the path that they were entered in."""
        self._program = program
        self._nodes = {key: numbers[node] for key, node in self._nodes.items() if node in numbers}
        for key, node in self._nodes.items():
            self._seen[key] = self._seen[key]._replace(id=program.nodes[node].id)
        ids = {key: program.nodes[node].id for key, node in self._nodes.items()}
        self.created = [(key, ids.get(self._owner.get(key, key), id), type_) for key, id, type_ in self.created]

    def _entered_again(self, fact: f.CompensationEntered | f.CompensationOpened | f.ActivationEntered) -> None:
        """A handler is an element like any other; a scope that is opened again, and an activation, only hold others."""
        node = self._program.nodes[fact.node]
        outer = self._seen[fact.scope]
        if isinstance(fact, f.ActivationEntered):
            self._seen[fact.element] = _Seen(node.id, outer.scope, outer.inside, False, True)
            return
        undone = self._seen.get(fact.completed) if isinstance(fact, f.CompensationEntered) else outer
        is_handler = isinstance(fact, f.CompensationEntered) and (undone is None or undone.id != node.id)
        is_body = node.kind is Kind.MULTI_INSTANCE
        seen = _Seen(node.id, outer.inside, f"{outer.inside}/{node.id}", is_body, not is_handler)
        self._seen[fact.element] = seen
        if is_handler:
            self.entries.append(Entry(ENTERED, seen.id, seen.scope))

    def _note(self, event: str, element: int) -> _Seen:
        seen = self._seen[element]
        if not seen.hidden or event == INCIDENT:
            self.entries.append(Entry(event, seen.id, seen.scope))
        return seen
