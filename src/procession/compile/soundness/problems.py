"""What the explored states of a scope show: where tokens wait for ever, meet unexpectedly, or never come.

Each problem has the shortest explored run that leads there. What must not live here: words for people.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple, final

import msgspec

from procession.compile.soundness.behaviour import Gather, Then, may_begin_early
from procession.compile.soundness.explore import (
    DROPPED,
    THROWN,
    TWICE,
    Edge,
    Graph,
    eager,
    explore,
    never_ending,
    upstream_first,
)
from procession.compile.soundness.net import Inside, Net, Station, after, is_aside, net_of, nodes_of
from procession.ir.kinds import Kind
from procession.ir.program import CompensateTrigger, LinkTrigger, Node, NoneTrigger, Program, Ref, TerminateTrigger


class What(Enum):
    """The kinds of problems."""

    DEADLOCK = 0
    """A join waits for a token that never comes, and nothing has ended yet."""
    LEFT_BEHIND = 1
    """A join waits for a token that never comes, beside an end that was reached."""
    NEVER_JOINS = 2
    """A join waits for ever whenever a token comes to it."""
    TWICE = 3
    """Two tokens of one run are in the same place."""
    UNREACHABLE = 4
    """No way leads to an element."""
    NEVER = 5
    """A way leads to an element, but no run takes it."""
    DEAD_FLOW = 6
    """Its source is left, but never over this flow."""
    ENDLESS = 7
    """A run comes to where no way leads to an end any more."""


@final
class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """`run` is what moved on the way, `flows` are those that are missing (or dead). `cause` is the
    join or the source of dead flows because of which a node is never reached."""

    what: What
    node: Node
    run: tuple[Edge, ...] = ()
    flows: tuple[Ref, ...] = ()
    is_harmless: bool = False
    cause: Node | None = None


class _Seen(NamedTuple):
    """How a marking was first reached."""

    edge: Edge
    number: int


class Explored(NamedTuple):
    """The problems of a scope, what it shows to the scope around it, and what it cost."""

    problems: list[Problem]
    inside: Inside
    cost: int
    is_whole: bool


def explored(program: Program, scope: Node, inside: dict[Ref, Inside], cost_max: int) -> Explored:
    """Explores one scope. `inside` holds its sub-processes. Raises `Unexplored`."""
    nodes = nodes_of(program, scope.index)
    net = net_of(program, scope, nodes, inside)
    looks_around = net.inclusive_joins or net.has_races
    graph = explore(net, cost_max, eager if looks_around else upstream_first)
    meetings = graph
    if net.inclusive_joins and not net.has_races:
        # An interpreter lets a token pass before another comes; that both pass is seen in an order of its own.
        meetings = explore(net, max(0, cost_max - graph.cost), upstream_first)
    problems = [
        *_meetings(program, net, meetings),
        *_problems(program, net, graph),
        *_unreachable(program, net, nodes),
    ]
    cost = graph.cost + (meetings.cost if meetings is not graph else 0)
    return Explored(problems, _inside(program, scope, graph), cost, graph.is_whole and meetings.is_whole)


def _inside(program: Program, scope: Node, graph: Graph) -> Inside:
    """What the scope shows to the one around it. An event sub-process may complete it at any moment."""
    over = [marking for marking in graph.markings if all(place < 0 for place in marking)]
    throws = any(THROWN in marking for marking in over)
    is_handled = any(node.scope == scope.index and node.kind is Kind.EVENT_SUB_PROCESS for node in program.nodes)
    if not graph.is_whole or not graph.starts or is_handled:
        return Inside(True, throws)
    return Inside(any(THROWN not in marking for marking in over), throws)


def _problems(program: Program, net: Net, graph: Graph) -> list[Problem]:
    """Where runs stop or never come, the nearest to the beginning first."""
    found: dict[tuple[What, Ref], Problem] = {}
    endless = set(never_ending(graph)) if graph.is_whole else set[int]()
    came = _reached(graph)
    for number in came:
        marking = graph.markings[number]
        edges = graph.edges[number]
        if not edges:
            _stuck(net, marking, _run(came, number), found)
        elif number in endless and (What.ENDLESS, net.scope) not in found:
            problem = Problem(what=What.ENDLESS, node=edges[0].station.node, run=_run(came, number))
            found[What.ENDLESS, net.scope] = problem
    problems = list(found.values())
    if graph.is_whole:
        happened = _happened(net, graph)
        problems = _joins_that_never_fire(problems, happened.left)
        problems += _never(program, net, happened, problems)
    return problems


def _reached(graph: Graph) -> dict[int, _Seen | None]:
    """How each marking is reached first, in the order of the number of moves."""
    came: dict[int, _Seen | None] = dict.fromkeys(graph.starts)
    order = list(graph.starts)
    for number in order:
        for edge in graph.edges[number]:
            if edge.to not in came:
                came[edge.to] = _Seen(edge, number)
                order.append(edge.to)
    return came


def _meetings(program: Program, net: Net, graph: Graph) -> list[Problem]:
    """Where two tokens are in the same place."""
    found: dict[tuple[What, Ref], Problem] = {}
    came = _reached(graph)
    for number in came:
        for edge in graph.edges[number]:
            if TWICE in graph.markings[edge.to]:
                _twice(program, net, graph.markings[edge.to], (came, number, edge), found)
    return _first_meetings(program, list(found.values()))


def _run(came: dict[int, _Seen | None], number: int) -> tuple[Edge, ...]:
    run: list[Edge] = []
    seen = came[number]
    while seen is not None:
        run.append(seen.edge)
        seen = came[seen.number]
    run.reverse()
    return tuple(run)


def _stuck(
    net: Net,
    marking: tuple[int, ...],
    run: tuple[Edge, ...],
    found: dict[tuple[What, Ref], Problem],
) -> None:
    """A marking where nothing moves: each join with a token in it waits for ever."""
    if DROPPED in marking:
        return
    ended = any(not edge.move.puts for edge in run)
    what = What.LEFT_BEHIND if ended else What.DEADLOCK
    for place in marking:
        if place < 0:
            continue
        station = net.at[place]
        if may_begin_early(station.node) or (station.gather is Gather.ANY and station.node.start_quantity == 1):
            continue
        node = station.node
        # Of an activity that takes several tokens nobody can say over which flow they should have come.
        flows = node.incoming if station.gather is not Gather.ANY else ()
        missing = tuple([flow for flow, each in zip(flows, station.ins, strict=False) if each not in marking])
        found.setdefault((what, node.index), Problem(what=what, node=node, run=run, flows=missing))


def _twice(
    program: Program,
    net: Net,
    marking: tuple[int, ...],
    came: tuple[dict[int, _Seen | None], int, Edge],
    found: dict[tuple[What, Ref], Problem],
) -> None:
    """The places that hold two tokens after the last edge."""
    for place, following in itertools.pairwise(marking):
        station = net.at[place]
        node = station.node
        if place >= 0 and place == following and node.start_quantity == 1 and (What.TWICE, node.index) not in found:
            run = (*_run(came[0], came[1]), came[2])
            flows = () if station.gather is Gather.ANY else (node.incoming[station.ins.index(place)],)
            harmless = station.gather is Gather.ANY and _does_nothing(program, node)
            problem = Problem(what=What.TWICE, node=node, run=run, flows=flows, is_harmless=harmless)
            found[What.TWICE, node.index] = problem


def _first_meetings(program: Program, problems: list[Problem]) -> list[Problem]:
    """Without the meetings that follow from others: what came twice to a node comes twice to all behind it. Tokens that
    a completion quantity makes are meant to be several."""
    several = [node for node in program.nodes if node.completion_quantity > 1]
    known = {ref for node in several for ref in _behind(program, after(program, node))}
    result: list[Problem] = []
    for each in problems:
        if each.what is What.TWICE:
            if each.node.index in known:
                continue
            known |= _behind(program, after(program, each.node))
        result.append(each)
    return result


def _does_nothing(program: Program, first: Node) -> bool:
    """Whether a second token does nothing twice from a node on: it only merges, and ends."""
    seen = {first.index}
    waiting = [first]
    while waiting:
        node = waiting.pop()
        if node.job is not None or node.listeners or node.outputs:
            return False
        if node.kind is Kind.END_EVENT:
            if not isinstance(node.trigger, _QUIET):
                return False
        elif node.kind is not Kind.EXCLUSIVE_GATEWAY or len(node.outgoing) > 1:
            return False
        for ref in after(program, node):
            if ref not in seen:
                seen.add(ref)
                waiting.append(program.nodes[ref])
    return True


_QUIET: Final = (NoneTrigger, TerminateTrigger)


class _Happened(NamedTuple):
    """The nodes that tokens came to, those that they left, and the flows that they took, in any run."""

    reached: set[Ref]
    left: set[Ref]
    flows: set[Ref]


def _happened(net: Net, graph: Graph) -> _Happened:
    places = {place for marking in graph.markings for place in marking if place >= 0}
    left = {edge.station.node.index for edges in graph.edges for edge in edges}
    flows = {flow for edges in graph.edges for edge in edges for flow in edge.move.flows}
    waiting = [place for marking in graph.markings if DROPPED in marking for place in marking if place >= 0]
    waiting += [place for place in places if may_begin_early(net.at[place].node)]
    loosely: set[Ref] = set()
    # What was not explored is taken to be possible, if each token that it needs could ever be somewhere.
    while waiting:
        station = net.at[waiting.pop()]
        if station.rank in loosely or (station.gather is Gather.ALL and not places.issuperset(station.ins)):
            continue
        loosely.add(station.rank)
        left.add(station.node.index)
        for move in station.moves:
            flows.update(move.flows)
            places.update(move.puts)
            waiting += move.puts
    return _Happened({net.at[place].node.index for place in places}, left, flows)


def _joins_that_never_fire(problems: list[Problem], fired: set[Ref]) -> list[Problem]:
    """A join that waits for ever in every run is one problem, however often it was found."""
    result: list[Problem] = []
    seen: set[Ref] = set()
    for each in problems:
        if each.what in {What.DEADLOCK, What.LEFT_BEHIND} and each.node.index not in fired:
            if each.node.index in seen:
                continue
            seen.add(each.node.index)
            result.append(msgspec.structs.replace(each, what=What.NEVER_JOINS))
        else:
            result.append(each)
    return result


def _never(program: Program, net: Net, happened: _Happened, problems: list[Problem]) -> Iterator[Problem]:
    """What no run reaches, though ways lead there: nodes behind joins that never fire, and flows never taken."""
    joins = [each.node for each in problems if each.what is What.NEVER_JOINS]
    behind = {ref: join for join in reversed(joins) for ref in _behind(program, after(program, join))}
    for station in net.stations:
        node = station.node
        if node.index in happened.left:
            dead = tuple([ref for ref in node.outgoing if ref not in happened.flows]) if _shows_flows(station) else ()
            if dead:
                yield Problem(what=What.DEAD_FLOW, node=node, flows=dead)
                for ref in _behind(program, [program.flows[each].target for each in dead]):
                    behind.setdefault(ref, node)
        elif node.index in happened.reached:
            if not station.moves:
                # A sub-process that never completes: what is wrong stands inside it.
                for ref in _behind(program, after(program, node)):
                    behind.setdefault(ref, node)
            if station.gather is not Gather.ANY and node not in joins:
                # Whatever comes to it is ended from elsewhere, so it was never seen to wait for ever.
                yield Problem(what=What.NEVER_JOINS, node=node)
        else:
            yield Problem(what=What.NEVER, node=node, cause=behind.get(node.index))


def _shows_flows(station: Station) -> bool:
    return all(move.then is Then.LEAVE for move in station.moves)


def _behind(program: Program, first: list[Ref]) -> set[Ref]:
    """Some nodes and all behind them."""
    seen = set(first)
    waiting = list(first)
    while waiting:
        for ref in after(program, program.nodes[waiting.pop()]):
            if ref not in seen:
                seen.add(ref)
                waiting.append(ref)
    return seen


def _unreachable(program: Program, net: Net, nodes: list[Node]) -> Iterator[Problem]:
    """Nodes to which no way leads from any beginning. Those without an incoming flow have a rule of their own."""
    # What undoes an activity begins when that is compensated, beside the flow.
    handlers = [node.trigger.handler for node in nodes if isinstance(node.trigger, CompensateTrigger)]
    known = {station.node.index for station in net.stations} | _behind(program, [ref for ref in handlers if ref >= 0])
    linked = {node.trigger.target for node in nodes if isinstance(node.trigger, LinkTrigger)}
    for node in nodes:
        if node.index in known or (not node.incoming and node.attached < 0 and node.index not in linked):
            continue
        if node.attached >= 0 and is_aside(node):
            continue
        yield Problem(what=What.UNREACHABLE, node=node)
