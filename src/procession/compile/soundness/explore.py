"""The states of a net that matter, found from its beginnings: which marking follows which, by which move.

A marking is the sorted tuple of its places. From each marking only one node moves, in each of its ways: tokens of
different nodes do not disturb each other, so what can wait for ever waits for ever in some explored run too (a stubborn
set of one conflict cluster). So parallel branches are added up, not multiplied. Which node it is says an order: with
the most upstream one, tokens meet before they pass, so two that pass one place in the same run are seen there together.
Inclusive joins and ends that end all look at tokens elsewhere; where there are any, the order is that of an
interpreter. Where a loop could go on for ever while others wait, all of them move.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeAlias, final

from procession.compile.soundness.behaviour import Gather, Then
from procession.compile.soundness.net import Move, Net, Station

Marking: TypeAlias = tuple[int, ...]

TWICE: Final = -1
"""In a marking: on the way here two tokens were in one place."""
DROPPED: Final = -2
"""In a marking: more tokens came to one place than are followed. What comes of it is not explored."""
THROWN: Final = -3
"""In a marking: an error left the scope."""
MARKING_COST: Final = 8
"""What a marking costs beside its tokens, in about microseconds."""
_OVER: Final[dict[Then, Marking]] = {Then.OVER: (), Then.THROWN: (THROWN,)}

Able: TypeAlias = tuple[Station, Marking]
"""A station that can move, and the places that it takes from."""
Order: TypeAlias = Callable[[Net, Marking], list[Able]]
"""Which stations move from a marking."""


class Edge(NamedTuple):
    """From one marking to another: the station that moved, and how."""

    station: Station
    move: Move
    to: int


@final
class Graph:
    """Markings by number, and the edges out of each. `cost` grows with each marking and each token in it; `is_whole` is
    false where the bound of it was reached."""

    __slots__ = ("cost", "edges", "is_whole", "markings", "numbers", "starts")

    def __init__(self) -> None:
        self.markings: list[Marking] = []
        self.numbers: dict[Marking, int] = {}
        self.edges: list[list[Edge]] = []
        self.starts: list[int] = []
        self.cost = 0
        self.is_whole = True

    def number(self, marking: Marking) -> int:
        """The number of a marking, a new one if it is new."""
        number = self.numbers.get(marking)
        if number is None:
            number = self.numbers[marking] = len(self.markings)
            self.markings.append(marking)
            self.edges.append([])
            self.cost += MARKING_COST + len(marking)
        return number


def explore(net: Net, cost_max: int, order: Order) -> Graph:
    """The graph of a net; no more of it once its cost is above `cost_max`."""
    graph = Graph()
    graph.starts = [graph.number(start) for start in net.starts]
    _expand(net, graph, list(reversed(graph.starts)), cost_max, order)
    whole: set[int] = set()
    while graph.is_whole and (caught := [number for number in never_ending(graph) if number not in whole]):
        # A loop without a way out keeps tokens elsewhere from their turn: from its states, all of them move.
        whole.update(caught)
        _expand(net, graph, caught, cost_max, order, fully=frozenset(caught))
    return graph


def never_ending(graph: Graph) -> list[int]:
    """The markings from which no marking is reached where nothing moves, ascending."""
    before: list[list[int]] = [[] for _ in graph.markings]
    for number, edges in enumerate(graph.edges):
        for edge in edges:
            before[edge.to].append(number)
    waiting = [number for number, edges in enumerate(graph.edges) if not edges]
    ends = bytearray(len(graph.markings))
    for number in waiting:
        ends[number] = 1
    while waiting:
        for number in before[waiting.pop()]:
            if not ends[number]:
                ends[number] = 1
                waiting.append(number)
    return [number for number, known in enumerate(ends) if not known]


def _expand(
    net: Net,
    graph: Graph,
    waiting: list[int],
    cost_max: int,
    order: Order,
    *,
    fully: frozenset[int] = frozenset(),
) -> None:
    """Depth first, so that a run is seen to its end even where not all of them can be. `fully`: where all move."""
    while waiting:
        number = waiting.pop()
        edges = graph.edges[number]
        marking = graph.markings[number]
        if DROPPED in marking:
            continue
        moving = enabled(net, marking) if number in fully else order(net, marking)
        known = {edge.station.rank for edge in edges}
        for station, taken in moving:
            if station.rank in known:
                continue
            for move in station.moves:
                before = len(graph.markings)
                to = graph.number(_following(net, marking, taken, move))
                edges.append(Edge(station, move, to))
                if to == before:
                    waiting.append(to)
        if graph.cost > cost_max:
            graph.is_whole = False
            return


def enabled(net: Net, marking: Marking) -> Iterator[Able]:
    """The stations that can move, upstream first, with the places that they take from."""
    at = net.at
    last = -1
    for place in marking:
        if place < 0 or at[place].rank == last:
            continue
        station = at[place]
        last = station.rank
        taken = taken_by(net, station, marking)
        if taken and station.moves:
            yield station, taken


def taken_by(net: Net, station: Station, marking: Marking) -> Marking:
    """The places that a station with a token takes from; () if it has to wait."""
    if station.gather is Gather.ANY:
        needs = station.node.start_quantity
        return station.ins * needs if needs == 1 or marking.count(station.ins[0]) >= needs else ()
    if station.gather is Gather.ALL:
        return station.ins if all(place in marking for place in station.ins) else ()
    taken = tuple([place for place in station.ins if place in marking])
    return () if _others(net, station, marking) & _holding(station, taken) else taken


def _holding(station: Station, taken: Marking) -> int:
    """The stations whose token holds an inclusive join back (13.4.3): it may still come over an empty flow, and not
    over one that has a token."""
    empty = full = 0
    for place, reach in zip(station.ins, station.reach, strict=True):
        if place in taken:
            full |= reach
        else:
            empty |= reach
    return empty & ~full


def _others(net: Net, station: Station, marking: Marking) -> int:
    """The stations, but for one, that have a token, as bits."""
    found = 0
    for place in marking:
        if place >= 0:
            found |= 1 << net.at[place].rank
    return found & ~(1 << station.rank)


def upstream_first(net: Net, marking: Marking) -> list[Able]:
    """The most upstream station; but an inclusive join goes on before tokens that could still come and merely wait."""
    moving = enabled(net, marking)
    first = next(moving, None)
    if first is None or not net.inclusive_joins:
        return [] if first is None else [first]
    able = [first, *moving]
    before = [each for each in able if each[0].gather is Gather.SOME and _passes_by(net, each[0], marking)]
    return before or [first]


def eager(net: Net, marking: Marking) -> list[Able]:
    """As an interpreter does it: first what need not wait, an end of everything last; then inclusive joins; then what
    waits. Of that, all that may run into such an end, for then it matters which comes first."""
    able = list(enabled(net, marking))
    at_once = [each for each in able if not each[0].waits and each[0].gather is not Gather.SOME]
    if at_once:
        return [next((each for each in at_once if not each[0].ends_all), at_once[0])]
    joins = [each for each in able if each[0].gather is Gather.SOME]
    if joins:
        return joins
    apart = [each for each in able if not each[0].races]
    return _in_any_order(net, apart) if apart else able


def _in_any_order(net: Net, able: list[Able]) -> list[Able]:
    """The first of those that wait; or all that an inclusive join may go on before or behind, by which comes first."""
    if len(able) == 1 or not net.inclusive_joins:
        return able[:1]
    first = 1 << able[0][0].rank
    waiting = 0
    for station, _ in able:
        waiting |= 1 << station.rank
    for station, _ in able:
        for join in station.feeds:
            upstream = waiting & join.around
            if first & upstream and upstream & (upstream - 1) and upstream & join.shared:
                return [each for each in able if upstream >> each[0].rank & 1]
    return able[:1]


def _passes_by(net: Net, station: Station, marking: Marking) -> bool:
    """Whether tokens that could still come to a join merely wait: then it goes on, for nothing else can move first."""
    upstream = _others(net, station, marking) & station.around
    if not upstream:
        return False
    others = [net.at[place] for place in marking if place >= 0 and upstream >> net.at[place].rank & 1]
    return all(each.waits or each.gather is not Gather.ANY for each in others)


def _following(net: Net, marking: Marking, taken: Marking, move: Move) -> Marking:
    over = _OVER.get(move.then)
    if over is not None:
        return over
    places = list(marking)
    for place in taken:
        places.remove(place)
    puts = move.puts
    places += puts
    places.sort()
    for place in puts:
        count = places.count(place)
        if count > net.at[place].node.start_quantity and TWICE not in places:
            places.insert(0, TWICE)
        if count > net.crowd:
            places.remove(place)
            if DROPPED not in places:
                places.insert(0, DROPPED)
    places.sort()
    return tuple(places)
