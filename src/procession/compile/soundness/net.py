"""The net of one scope: where tokens can be (places), and how each node takes and puts them (stations).

Places are numbered upstream first. A node that waits for several flows has a place for each of them, any other node has
one. What must not live here: states.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, final

import msgspec

from procession.compile.soundness.behaviour import (
    APART,
    ASIDE,
    BEHAVIOURS,
    CHOICES_MAX,
    EXITS,
    THROWING,
    THROWN,
    Behaviour,
    Flows,
    Gather,
    Then,
    TooMany,
    unexplored,
)
from procession.ir.kinds import Kind, ListenerEvent
from procession.ir.program import LinkTrigger, Node, Program, Ref, Trigger

_ENDING: Final = frozenset({Then.OVER, Then.THROWN})
_BEFORE_LEAVING: Final = frozenset({ListenerEvent.START, ListenerEvent.END})


class Move(NamedTuple):
    """One way to leave a node: the flows taken, and the places that get a token. `then` OVER or THROWN ends all."""

    flows: Flows
    puts: tuple[int, ...]
    then: Then = Then.LEAVE


@final
class Station(msgspec.Struct, gc=False, eq=False):
    """A node of the net. `ins` are its places, ascending; `reach` of an inclusive join runs beside them, as bits of
    stations (13.4.3)."""

    rank: int
    node: Node
    gather: Gather
    waits: bool
    ins: tuple[int, ...] = ()
    moves: tuple[Move, ...] = ()
    reach: tuple[int, ...] = ()
    around: int = 0
    """All that `reach` holds."""
    shared: int = 0
    """What can come over more than one of its flows."""
    feeds: list[Station] = []
    """The inclusive joins to which a token may run from here without waiting again."""
    races: bool = False
    """A token may run from here to the end of the whole scope without waiting again."""

    @property
    def ends_all(self) -> bool:
        return any(move.then in _ENDING for move in self.moves)


@final
class Net(msgspec.Struct, gc=False, eq=False):
    """The net of one scope. `at` gives the station of a place."""

    scope: Ref
    stations: list[Station]
    at: list[Station]
    starts: list[tuple[int, ...]]
    """The places of each way to begin, ascending."""
    inclusive_joins: list[Station]
    crowd: int
    """As many tokens in one place are followed, two or what quantities ask for."""
    has_races: bool


@final
class Unexplored(Exception):
    """A scope that is not explored, because of one of its nodes."""

    def __init__(self, node: Node, why: str) -> None:
        super().__init__(why)
        self.node = node
        self.why = why


class Inside(NamedTuple):
    """What exploring a sub-process showed: whether it can complete, and whether an error can leave it."""

    completes: bool = True
    throws: bool = False


def nodes_of(program: Program, scope: Ref) -> list[Node]:
    """The nodes of a scope that tokens come to."""
    return [node for node in program.nodes if node.scope == scope and node.kind not in APART]


def beginnings(program: Program, scope: Node) -> list[tuple[Ref, ...]]:
    """The nodes that begin, for each way in which a scope begins: untriggered ones together, triggered ones alone."""
    found = [scope.starts] if scope.starts else []
    if scope.kind is Kind.AD_HOC_ACTIVATION:
        spec = program.nodes[scope.scope].ad_hoc
        if spec is None or not spec.automatic:
            # What is chosen begins, with what follows it, apart from all else that is chosen.
            found = [(ref,) for ref in scope.starts]
    if scope.kind is Kind.PROCESS:
        found += [(_begun_by(program, program.nodes[ref]),) for ref in program.triggered_starts]
    return list(dict.fromkeys(found))


def _begun_by(program: Program, trigger: Node) -> Ref:
    """The start event of a trigger, or the instantiating element: behind an event-based gateway, that gateway."""
    event = program.nodes[trigger.attached] if trigger.kind is Kind.TRIGGER else trigger
    for ref in event.incoming:
        source = program.nodes[program.flows[ref].source]
        if source.instantiate and event.kind is not Kind.START_EVENT:
            return source.index
    return event.index


def border_of(program: Program, node: Node) -> list[Node]:
    """The boundary events of a node. One with several definitions is caught by its parts."""
    caught = [program.nodes[ref] for ref in node.catches]
    events = [program.nodes[each.attached] if each.kind is Kind.TRIGGER else each for each in caught]
    return list({each.index: each for each in events if each.attached == node.index and not is_aside(each)}.values())


def is_aside(event: Node) -> bool:
    """Whether a boundary event has no part in the flow."""
    return type(event.trigger) in ASIDE


def _triggers(program: Program, event: Node) -> list[Trigger]:
    return [program.nodes[ref].trigger for ref in event.parts] or [event.trigger]


def after(program: Program, node: Node) -> list[Ref]:
    """The nodes to which a token gets from a node: by boundary events, over flows, over links."""
    flows = program.flows
    found = [event.index for event in border_of(program, node)]
    found += [flows[ref].target for ref in node.outgoing]
    if isinstance(node.trigger, LinkTrigger) and node.trigger.target >= 0:
        found.append(node.trigger.target)
    return found


def net_of(program: Program, scope: Node, nodes: list[Node], inside: dict[Ref, Inside]) -> Net:
    """The net of a scope. Raises `Unexplored` for a node that has no row in the tables."""
    rows = {node.index: _row(program, node) for node in nodes}
    order = _upstream_first(program, beginnings(program, scope), rows)
    stations: list[Station] = []
    at: list[Station] = []
    place_of_flow: dict[Ref, int] = {}
    place_of_node: dict[Ref, int] = {}
    for rank, ref in enumerate(order):
        node = program.nodes[ref]
        row = rows[ref]
        gather = row.gather if len(node.incoming) > 1 else Gather.ANY
        station = Station(rank, node, gather, row.waits or _is_listened_to(node))
        ends: Flows = node.incoming if gather is not Gather.ANY else (-1,)
        station.ins = tuple(range(len(at), len(at) + len(ends)))
        place_of_node[ref] = len(at)
        place_of_flow |= dict(zip(ends, station.ins, strict=True))
        at += [station] * len(ends)
        stations.append(station)
    rank_of = {station.node.index: station.rank for station in stations}
    for station in stations:
        if station.gather is Gather.SOME:
            station.reach = tuple([_bits(refs, rank_of) for refs in station.node.reach])
            for each in station.reach:
                station.shared |= station.around & each
                station.around |= each
        station.moves = tuple(_moves(program, station.node, rows, inside, (place_of_flow, place_of_node)))
    starts = [tuple(sorted(place_of_node[ref] for ref in refs)) for refs in beginnings(program, scope)]
    return Net(
        scope.index,
        stations,
        at,
        starts,
        inclusive_joins=_mark_feeders(stations, at),
        crowd=max(2, *(max(each.start_quantity, each.completion_quantity) for each in nodes)) if nodes else 2,
        has_races=_mark_races(stations, at),
    )


def _mark_feeders(stations: list[Station], at: list[Station]) -> list[Station]:
    """Finds what feeds the inclusive joins, from each of them upstream. The joins."""
    joins = [each for each in stations if each.gather is Gather.SOME]
    before: dict[int, list[Station]] = {}
    for station in stations if joins else ():
        for place in dict.fromkeys(place for move in station.moves for place in move.puts):
            before.setdefault(at[place].rank, []).append(station)
    for join in joins:
        waiting = [join]
        while waiting:
            for station in before.get(waiting.pop().rank, ()):
                if join not in station.feeds:
                    station.feeds.append(join)
                    if not station.waits and station is not join:
                        waiting.append(station)
    return joins


def _mark_races(stations: list[Station], at: list[Station]) -> bool:
    """Finds the stations that race, and says whether there are any. From downstream up: loops settle in the end."""
    changed = found = any(each.ends_all for each in stations)
    while changed:
        changed = False
        for station in reversed(stations):
            if station.races:
                continue
            following = [at[place] for move in station.moves for place in move.puts]
            if station.ends_all or any(each.races and not each.waits for each in following):
                station.races = changed = True
    return found


def _row(program: Program, node: Node) -> Behaviour:
    row = BEHAVIOURS.get(node.kind)
    if row is None:
        raise Unexplored(node, f"what a {node.bpmn} does to tokens is not known here")
    if why := unexplored(program, node):
        raise Unexplored(node, why)
    return row


def _is_listened_to(node: Node) -> bool:
    return any(each.event in _BEFORE_LEAVING for each in node.listeners) or node.job is not None


def _bits(refs: Iterable[Ref], rank_of: dict[Ref, int]) -> int:
    found = 0
    for ref in refs:
        if ref in rank_of:
            found |= 1 << rank_of[ref]
    return found


def _upstream_first(program: Program, begin: list[tuple[Ref, ...]], rows: dict[Ref, Behaviour]) -> list[Ref]:
    """The nodes that can be reached, each before those behind it but for the flows of loops that lead back."""
    done: list[Ref] = []
    seen: set[Ref] = set()
    for first in itertools.chain.from_iterable(begin):
        if first in seen:
            continue
        seen.add(first)
        stack: list[tuple[Ref, Iterator[Ref]]] = [(first, _last_first(program, first))]
        while stack:
            ref, behind = stack[-1]
            following = next(behind, None)
            if following is None:
                stack.pop()
                done.append(ref)
            elif following not in seen and following in rows:
                seen.add(following)
                stack.append((following, _last_first(program, following)))
    done.reverse()
    # What ends a whole scope comes last: all else that can happen is seen before.
    ending = {ref for ref in done if _then(program, program.nodes[ref]) in _ENDING}
    return [ref for ref in done if ref not in ending] + [ref for ref in done if ref in ending]


def _last_first(program: Program, ref: Ref) -> Iterator[Ref]:
    """What is followed last stands first in the end: boundary events, so that what they do is over before a loop comes
    round again; then branches in the order of their flows."""
    return reversed(after(program, program.nodes[ref]))


def _then(program: Program, node: Node) -> Then:
    """What follows what a node throws: of several definitions, the one that changes most."""
    if node.kind not in THROWING:
        return Then.LEAVE
    found = [THROWN.get(type(each)) for each in _triggers(program, node)]
    known = [each for each in found if each is not None]
    if len(known) < len(found):
        raise Unexplored(node, "what it throws is not known here")
    return max(known, key=lambda then: then.value)


def _moves(
    program: Program,
    node: Node,
    rows: dict[Ref, Behaviour],
    inside: dict[Ref, Inside],
    places: tuple[dict[Ref, int], dict[Ref, int]],
) -> list[Move]:
    of_flow, of_node = places

    def put(ref: Ref) -> int:
        place = of_flow.get(ref)
        return of_node[program.flows[ref].target] if place is None else place

    then = _then(program, node)
    if then is Then.JUMP:
        assert isinstance(node.trigger, LinkTrigger)
        return [Move((), (of_node[node.trigger.target],))]
    if then is not Then.LEAVE:
        return [Move((), (), then)]
    try:
        ways = rows[node.index].leave(program, node)
        moves = [Move(flows, tuple([put(ref) for ref in flows]) * node.completion_quantity) for flows in ways]
    except TooMany:
        raise Unexplored(node, "it can be left in too many ways") from None
    within = inside.get(node.index, Inside())
    if not within.completes:
        moves.clear()
    if not border_of(program, node):
        return moves or ([Move((), (), Then.THROWN)] if within.throws else [])
    return _with_border(program, node, moves, of_node)


def _with_border(program: Program, node: Node, moves: list[Move], of_node: dict[Ref, int]) -> list[Move]:
    """Interrupting boundary events are other ways out; beside any way those that do not interrupt may have fired."""
    beside: list[int] = []
    for event in border_of(program, node):
        if not EXITS.issuperset(type(each) for each in _triggers(program, event)):
            raise Unexplored(event, "what it waits for is not known here")
        if event.interrupting:
            moves.append(Move((), (of_node[event.index],)))
        else:
            beside.append(of_node[event.index])
    if len(moves) * 2 ** len(beside) > CHOICES_MAX:
        raise Unexplored(node, "it can be left in too many ways")
    return [
        Move(move.flows, (*move.puts, *fired))
        for count in range(len(beside) + 1)
        for fired in itertools.combinations(beside, count)
        for move in moves
    ]
