"""Runs the token simulation's models: `python -m tests.conformance.token_simulation DIR [--json]`.

DIR holds `manifest.json` and `models/`; the formats are told in the README beside it. Every file is played as it is
(`testing.play`), and what the tokens did is compared with the expected traces as a partial order of enter and exit in
each scope. One line a case; with `--json` it is one JSON object, and the totals go to stderr.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from procession.base.failure import ProcessionError
from procession.model.bpmn import Activity, Definitions, FlowNode, Gateway
from procession.model.events import Event
from procession.parse import parse_bpmn
from procession.testing.play import Play
from procession.testing.play_trace import Happening, What

from .outcomes import Outcome, run_suite  # noqa: TID252 (run as `tests.conformance`, imported as `conformance`)

# --- the drawing, as far as traces need it ----------------------------------------------------------------------------


class Drawing:
    """The nodes of a document by id, its sequence flows, and the joins among its gateways."""

    def __init__(self, definitions: Definitions) -> None:
        self.nodes: dict[str, FlowNode] = {}
        self.flows: set[str] = set()
        self.ending: set[str] = set()
        """The end events that end their scope at once, and themselves with it."""
        incoming: Counter[str] = Counter()
        scopes = [(process.scope, False) for process in definitions.processes]
        while scopes:
            scope, in_transaction = scopes.pop()
            self.flows |= {flow.id for flow in scope.flows}
            incoming.update(flow.target for flow in scope.flows)
            for node in scope.nodes:
                self.nodes[node.id] = node
                if isinstance(node, Activity) and node.scope is not None:
                    scopes.append((node.scope, in_transaction or node.kind == "transaction"))
                elif isinstance(node, Event) and node.kind == "endEvent":
                    kinds = {each.kind for each in node.definitions}
                    if "terminateEventDefinition" in kinds or (in_transaction and "cancelEventDefinition" in kinds):
                        self.ending.add(node.id)
        self.joins = {
            id
            for id, node in self.nodes.items()
            if isinstance(node, Gateway) and node.kind in _JOINS and incoming[id] > 1
        }
        self.exclusive = [id for id, node in self.nodes.items() if node.kind == "exclusiveGateway"]
        self.deferred = {id for id, node in self.nodes.items() if node.kind == "eventBasedGateway"}


_JOINS: Final = frozenset({"parallelGateway", "inclusiveGateway", "complexGateway"})


# --- the expected trace -----------------------------------------------------------------------------------------------


class Created:
    """A scope of the trace: an element in another scope, known by its letter once a line names it."""

    def __init__(self, number: int, element: str, parent: Created | None, by: Created | None) -> None:
        self.number = number
        self.element = element
        self.parent = parent
        self.by = by
        self.begun = False
        self.gone = False
        self.claimed = False

    @property
    def is_called(self) -> bool:
        """Whether a signal begins it: no flow led there, where it would have been entered."""
        return not self.begun and self.by is None

    @property
    def place(self) -> int:
        return 0 if self.parent is None else self.parent.number


class Expected:
    """Reads the lines of a trace. Letters name scopes in the order of their creation, with gaps for those that the
    trace does not show."""

    def __init__(self, drawing: Drawing, lines: list[str]) -> None:
        self._drawing = drawing
        self._ranks = _ranks([_parts(line) for line in lines])
        self._all: list[Created] = []
        self._named: dict[int, Created] = {}
        self._exited: Created | None = None

    def read(self, lines: list[str]) -> list[Happening]:
        """The happenings of one section."""
        found: list[Happening] = []
        for line in lines:
            what, element, name = _parts(line)
            if what == "createScope":
                self._create(element, name)
                continue
            self._exited = None
            if what == "enter":
                parent = self._named[_rank(name)]
                self._begin(self._new(element, parent), found)
            elif what == "signal" and self._named[_rank(name)].is_called:
                self._begin(self._named[_rank(name)], found)
            elif what == "exit":
                self._exit(self._named[_rank(name)], found)
            elif what == "destroyScope":
                self._named[_rank(name)].gone = True
        return found

    def _new(self, element: str, parent: Created) -> Created:
        for each in self._all:
            if each.element == element and each.parent is parent and not each.begun and not each.gone:
                return each
        raise ProcessionError(f"the trace enters {element} where it was not created")

    def _create(self, element: str, parent: str) -> None:
        by = self._exited
        if by is not None and (by.element in self._drawing.flows) is (element in self._drawing.flows):
            by = None
        if by is not None and element not in self._drawing.flows and by.element not in self._drawing.flows:
            by = None
        rank = self._ranks[len(self._all)]
        outer = None if parent == "null" else self._named[_rank(parent)]
        created = Created(rank, element, outer, by)
        self._named[rank] = created
        self._all.append(created)

    def _begin(self, created: Created, found: list[Happening]) -> None:
        created.begun = True
        by = () if created.by is None else (created.by.number,)
        what: What = "flow" if created.element in self._drawing.flows else "enter"
        found.append(Happening(what, created.element, (created.number,), created.place, by))

    def _exit(self, created: Created, found: list[Happening]) -> None:
        self._exited = created
        if created.element in self._drawing.flows or created.element in self._drawing.ending:
            return
        own = [created]
        if created.element in self._drawing.joins:
            own += [each for each in self._all if _is_merged(each, created)]
        for each in own:
            each.claimed = True
        found.append(Happening("exit", created.element, tuple([each.number for each in own]), created.place))


def _ranks(parts: list[tuple[str, str, str]]) -> list[int]:
    """The place of each created scope's letter, in the order of the lines that create one.

    A line of creation does not say it; the others say whose each letter is. With as few gaps as can be.
    """
    created = [element for what, element, _ in parts if what == "createScope"]
    owners = {_rank(name): element for what, element, name in parts if what in _NAMING}
    last = max([*owners, len(created)]) + 1
    # cost[i][r]: how many letters stay unused when the scopes from the i-th on get letters from r on.
    cost = [[math.inf] * (last + 2) for _ in range(len(created) + 1)]
    for rank in range(last + 1, max(owners, default=0), -1):
        cost[-1][rank] = 0
    for index in range(len(created) - 1, -1, -1):
        for rank in range(last, -1, -1):
            used = cost[index + 1][rank + 1] if owners.get(rank, created[index]) == created[index] else math.inf
            unused = math.inf if rank in owners else cost[index][rank + 1] + 1
            cost[index][rank] = min(used, unused)
    found: list[int] = []
    rank = 1
    for index, element in enumerate(created):
        while owners.get(rank, element) != element or cost[index][rank] != cost[index + 1][rank + 1]:
            rank += 1
            assert rank <= last, "the letters of the trace fit no order of creation"
        found.append(rank)
        rank += 1
    return found


_NAMING: Final = frozenset({"signal", "exit", "destroyScope"})


def _is_merged(each: Created, into: Created) -> bool:
    """Whether this is a token that went on with the other one from their join."""
    return (
        each is not into
        and each.element == into.element
        and each.parent is into.parent
        and each.begun
        and each.gone
        and not each.claimed
    )


def _parts(line: str) -> tuple[str, str, str]:
    what, rest = line.split(":", 1)
    element, name = rest.rsplit(":", 1)
    return what, element, name


def _rank(name: str) -> int:
    """The place of a letter: A to Z, then A1 to Z1."""
    if name == "null":
        return 0
    return ord(name[0]) - ord("A") + 1 + 26 * int(name[1:] or 0)


# --- partial orders ---------------------------------------------------------------------------------------------------

# Every happening gets a number that stands for all that came before it on its own way: what it is, the section of the
# trace, the scope that it is in, the flow or exit that it came from; for the exit of a scope, all that was entered and
# left in it. Equal multisets of such numbers are equal partial orders. How scopes and tokens are named plays no part.

Order: TypeAlias = "Counter[int]"


class Numbering:
    """Numbers for histories, the same for equal ones. Traces that are compared share one."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[object, ...], int] = {}
        self._shown: list[str] = []

    def number(self, what: str, element: str, section: int, *before: object) -> int:
        """The number of a history."""
        history = (what, element, section, *before)
        found = self._numbers.get(history)
        if found is None:
            found = self._numbers[history] = len(self._shown)
            self._shown.append(f"{what}:{element}")
        return found

    def shown(self, number: int) -> str:
        """What the last happening of a history was."""
        return self._shown[number]


def order_of(sections: Iterable[list[Happening]], numbering: Numbering) -> Order:
    """The happenings of a trace by their histories."""
    found: Order = Counter()
    entered: dict[int, int] = {0: -1}
    inside: dict[int, list[int]] = {}
    left: dict[int, int] = {}
    for section, happenings in enumerate(sections):
        for each in happenings:
            if each.what == "end":
                continue
            if each.what == "exit":
                # A scope that is compensated is left a second time.
                what = "exit again" if each.own[0] in left else "exit"
                before = sorted(entered[own] for own in each.own)
                held = sorted(number for own in each.own for number in inside.get(own, ()))
                number = numbering.number(what, each.element, section, tuple(before), tuple(held))
                left.update(dict.fromkeys(each.own, number))
                inside.setdefault(each.scope, []).append(number)
            elif each.what == "flow":
                source = left[each.by[0]] if each.by else -1
                number = numbering.number("flow", each.element, section, entered[each.scope], source)
                entered[each.own[0]] = number
            else:
                source = entered[each.by[0]] if each.by else -1
                number = numbering.number("enter", each.element, section, entered[each.scope], source)
                # What arrives at a join goes by the number of its token.
                entered[each.own[0]] = number
                inside.setdefault(each.scope, []).append(number)
            found[number] += 1
    return found


def difference(found: Order, expected: Order, numbering: Numbering) -> str:
    """In words, what the two orders do not share; "" if they are equal."""
    missing = [numbering.shown(number) for number in sorted((expected - found).elements())]
    more = [numbering.shown(number) for number in sorted((found - expected).elements())]
    parts = [f"missing or elsewhere: {', '.join(missing)}"] if missing else []
    parts += [f"not expected there: {', '.join(more)}"] if more else []
    return "; ".join(parts)


# --- one case ---------------------------------------------------------------------------------------------------------


def run_case(document: Path, ops: list[dict[str, Any]]) -> str:
    """Plays a case; what differs from its traces, in words."""
    definitions, found = parse_bpmn(document.read_bytes(), document.name)
    if definitions is None:
        return "; ".join(each.message for each in found)
    play = Play(definitions)
    drawing = Drawing(definitions)
    for gateway in drawing.exclusive:
        # The simulator takes no flow where it was told none.
        play.configure(gateway, ())
    expected = Expected(drawing, [line for op in ops if op["op"] == "expectTrace" for line in op["trace"]])
    sections: list[list[Happening]] = []
    wanted: list[list[Happening]] = []
    for op in ops:
        ids = op["ids"]
        if op["op"] == "expectTrace":
            wanted.append(expected.read(op["trace"]))
            sections.append(_as_shown(play.trace, drawing))
            play.trace.clear()
        elif op["op"] == "setConfig" and len(ids) > 1:
            play.configure(ids[0], ids[1:])
        elif op["op"] == "waitAtElement":
            play.wait_at(ids[0])
        elif op["op"] in {"trigger", "signal"}:
            play.trigger(ids[0])
    numbering = Numbering()
    return difference(order_of(sections, numbering), order_of(wanted, numbering), numbering)


def _as_shown(trace: list[Happening], drawing: Drawing) -> list[Happening]:
    """The traces show no exit of an event-based gateway and no token on the flow behind it: what waits there is begun
    in the gateway's place. An end event that ends its scope at once may be shown to end with it, without an exit."""
    deferred = {own for each in trace if each.element in drawing.deferred for own in each.own}
    skipped = {each.own[0] for each in trace if each.what == "flow" and each.by and each.by[0] in deferred}
    return [
        each._replace(by=()) if each.by and each.by[0] in skipped else each
        for each in trace
        if not (each.what == "exit" and (each.own[0] in deferred or each.element in drawing.ending))
        and each.own[0] not in skipped
    ]


class Case(NamedTuple):
    """One case of the suite."""

    name: str
    document: Path
    ops: list[dict[str, Any]]


def cases(folder: Path) -> list[Case]:
    """Every case of a folder that counts. Those of one name are told apart by a number."""
    seen: Counter[str] = Counter()
    found: list[Case] = []
    for row in json.loads((folder / "manifest.json").read_text()):
        if row.get("not_applicable"):
            continue
        seen[row["name"]] += 1
        number = seen[row["name"]]
        name = row["name"] if number == 1 else f"{row['name']}/{number}"
        found.append(Case(name, folder / "models" / row["model"], row["ops"]))
    return found


def outcome_of(case: Case) -> Outcome:
    """Plays a case. A trace that cannot be read, or a bug, is its failure and not that of the others."""
    try:
        why = run_case(case.document, case.ops)
    except ProcessionError as error:
        why = str(error)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
    return Outcome(case.name, not why, why)


def main(arguments: list[str]) -> int:
    """Prints a line a case; 0 if all passed."""
    return run_suite(arguments, __doc__, lambda folder: [outcome_of(case) for case in cases(folder)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
