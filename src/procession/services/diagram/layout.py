"""A plain layout for documents that hold no diagram: flow nodes in columns by their distance from the start.

Only flow nodes, sequence flows and the associations of compensation handlers get a place. It is made to be read, not to
be kept: a modeler draws better.
Lengths are in pixels, sizes those that modelers use.
"""

from __future__ import annotations

from typing import Final, final

from procession.model.bpmn import Activity, Association, Definitions, FlowNode, Gateway, Scope
from procession.model.diagram import Bounds, Diagram, Edge, Point, Shape
from procession.model.events import Event
from procession.services.diagram.outline import in_flow_order

COLUMN_GAP: Final = 54.0
ROW_GAP: Final = 46.0
PADDING: Final = 30.0
"""Inside a sub-process; its title needs as much again."""
EVENT: Final = 36.0
GATEWAY: Final = 50.0
TASK: Final = (100.0, 80.0)
COLUMN_MIN: Final = 100.0
"""So wide is a label."""
_NESTING_MAX: Final = 50
"""Deeper sub-processes are drawn closed."""


def laid_out(definitions: Definitions) -> tuple[Diagram, ...]:
    """A diagram for each process that has a flow node."""
    diagrams: list[Diagram] = []
    for process in definitions.processes:
        if process.scope.nodes:
            part = _Part(process.scope, 0)
            part.place(0.0, 0.0)
            diagrams.append(
                Diagram(
                    id=f"{process.id}_diagram",
                    element=process.id,
                    shapes=tuple(part.shapes),
                    edges=tuple(part.edges),
                )
            )
    return tuple(diagrams)


@final
class _Part:
    """One scope: a grid first, then places. `size` is known before `place` gives everything its own."""

    def __init__(self, scope: Scope, depth: int) -> None:
        self.shapes: list[Shape] = []
        self.edges: list[Edge] = []
        self._scope = scope
        self._nodes = {node.id: node for node in scope.nodes}
        self._order = in_flow_order(scope)
        self._inner = {
            node.id: _Part(node.scope, depth + 1)
            for node in self._order
            if isinstance(node, Activity) and node.scope is not None and node.scope.nodes and depth < _NESTING_MAX
        }
        ends = {end for flow in scope.flows for end in (self._host(flow.source), flow.target)}
        self._undoing = {each.id: pair for each in scope.associations if (pair := self._undone(each)) is not None}
        """(compensation boundary event, its handler) by association."""
        hosts = {handler: self._host(event) for event, handler in self._undoing.values()}
        self._below = {handler: host for handler, host in hosts.items() if not ends or host in ends}
        ends |= self._below.keys() if ends else set()
        self._loose = [node for node in self._order if node.id not in ends] if ends else []
        """What no flow touches, event sub-processes above all: it stands below the rest."""
        self._cells: dict[str, tuple[int, int]] = {}
        self._taken: set[tuple[int, int]] = set()
        self._assign()
        self._measure()

    def _assign(self) -> None:
        """A column behind all that lead to a node, and the row of the first of them if it is free."""
        rank = {node.id: place for place, node in enumerate(self._order)}
        before: dict[str, list[tuple[str, bool]]] = {}
        for flow in self._scope.flows:
            source = self._host(flow.source)
            if source in rank and flow.target in rank and rank[source] < rank[flow.target]:
                before.setdefault(flow.target, []).append((source, source != flow.source))
        for node in self._in_grid():
            if node.id in self._below:
                continue
            sources = before.get(node.id, [])
            column = max((self._cells[source][0] + 1 for source, _ in sources), default=0)
            row, first = 0, column
            if sources:
                source, attached = sources[0]
                first, row = self._cells[source][0] + 1, self._cells[source][1] + attached
            while any((place, row) in self._taken for place in range(first, column + 1)):
                row += 1
            if not sources and column == 0 and self._taken:
                # What nothing leads to stands below everything, not between the branches of something else.
                row = max(each for _, each in self._taken) + 1
            self._taken.update((place, row) for place in range(first, column + 1))
            self._cells[node.id] = (column, row)
        for handler, host in self._below.items():
            column, row = self._cells[host]
            while (column, row) in self._taken:
                row += 1
            self._taken.add((column, row))
            self._cells[handler] = (column, row)

    def _in_grid(self) -> list[FlowNode]:
        loose = {node.id for node in self._loose}
        return [node for node in self._order if node.id not in loose]

    def _measure(self) -> None:
        columns = 1 + max((column for column, _ in self._cells.values()), default=0)
        rows = 1 + max((row for _, row in self._cells.values()), default=0)
        self._widths = [COLUMN_MIN] * columns
        self._heights = [TASK[1]] * rows
        for node in self._in_grid():
            width, height = self._size(node)
            column, row = self._cells[node.id]
            self._widths[column] = max(self._widths[column], width)
            self._heights[row] = max(self._heights[row], height)
        loops = any(self._is_back(flow.source, flow.target) for flow in self._scope.flows)
        width = sum(self._widths) + COLUMN_GAP * (columns - 1)
        self._floor = sum(self._heights) + ROW_GAP * (rows - 1) + (ROW_GAP if loops else 0.0)
        sizes = [self._size(node) for node in self._loose]
        self.size = (
            max([width, *(each for each, _ in sizes)]),
            self._floor + sum(height + ROW_GAP for _, height in sizes),
        )

    def place(self, x: float, y: float) -> None:
        """Gives everything its place, the scope's left upper corner being (x, y)."""
        bounds: dict[str, Bounds] = {}
        for node in self._in_grid():
            column, row = self._cells[node.id]
            width, height = self._size(node)
            left = x + sum(self._widths[:column]) + COLUMN_GAP * column + max(0.0, COLUMN_MIN - width) / 2
            top = y + sum(self._heights[:row]) + ROW_GAP * row + (self._heights[row] - height) / 2
            bounds[node.id] = Bounds(left, top, width, height)
        down = y + self._floor
        for node in self._loose:
            bounds[node.id] = Bounds(x, down + ROW_GAP, *self._size(node))
            down += ROW_GAP + bounds[node.id].height
        for node in self._order:
            place = bounds[node.id]
            inner = self._inner.get(node.id)
            self.shapes.append(_shape(node, place, inner is not None))
            if inner is not None:
                inner.place(place.x + PADDING, place.y + 2 * PADDING)
                self.shapes += inner.shapes
                self.edges += inner.edges
        self._place_boundaries(bounds)
        bottom = y + self._floor
        for flow in self._scope.flows:
            if flow.source in bounds and flow.target in bounds:
                points = self._route(flow.source, flow.target, bounds, bottom)
                self.edges.append(Edge(id=f"{flow.id}_di", element=flow.id, waypoints=points))
        for association, (event, handler) in self._undoing.items():
            a, b = bounds[event], bounds[handler]
            x = a.x + a.width / 2
            points = (Point(x, a.y + a.height), Point(min(max(x, b.x), b.x + b.width), b.y))
            self.edges.append(Edge(id=f"{association}_di", element=association, waypoints=points))

    def _place_boundaries(self, bounds: dict[str, Bounds]) -> None:
        counts: dict[str, int] = {}
        for node in self._scope.nodes:
            if isinstance(node, Event) and node.attached_to in bounds:
                number = counts[node.attached_to] = counts.get(node.attached_to, 0) + 1
                host = bounds[node.attached_to]
                left = host.x + host.width - number * (EVENT + 8)
                bounds[node.id] = Bounds(left, host.y + host.height - EVENT / 2, EVENT, EVENT)
                self.shapes.append(_shape(node, bounds[node.id], False))

    def _route(self, source: str, target: str, bounds: dict[str, Bounds], bottom: float) -> tuple[Point, ...]:
        a, b = bounds[source], bounds[target]
        ax, ay, bx, by = a.x + a.width / 2, a.y + a.height / 2, b.x + b.width / 2, b.y + b.height / 2
        if self._is_back(source, target):
            corners = (Point(ax, a.y + a.height), Point(ax, bottom - 8), Point(bx, bottom - 8))
            return (*corners, Point(bx, b.y + b.height))
        end = Point(b.x, by)
        if self._host(source) != source:
            return (Point(ax, a.y + a.height), Point(ax, by), end)
        if abs(ay - by) < 1:
            return (Point(a.x + a.width, ay), end)
        if isinstance(self._nodes[source], Gateway) and self._is_free(source, target):
            return (Point(ax, a.y + a.height if by > ay else a.y), Point(ax, by), end)
        turn = a.x + a.width + COLUMN_GAP / 2 if self._is_free(source, target) else b.x - COLUMN_GAP / 2
        return (Point(a.x + a.width, ay), Point(turn, ay), Point(turn, by), end)

    def _is_free(self, source: str, target: str) -> bool:
        """Whether nothing stands in the target's row between the two columns."""
        (start, _), (end, row) = self._cells[source], self._cells[target]
        between = {cell for cell in self._cells.values() if cell[1] == row and start <= cell[0] < end}
        return not between

    def _is_back(self, source: str, target: str) -> bool:
        source = self._host(source)
        if source not in self._cells or target not in self._cells:
            return False
        return self._cells[target][0] <= self._cells[source][0]

    def _undone(self, association: Association) -> tuple[str, str] | None:
        for event, handler in (
            (association.source, association.target),
            (association.target, association.source),
        ):
            undoes = self._nodes.get(handler)
            if isinstance(undoes, Activity) and undoes.is_for_compensation and self._host(event) != event:
                return event, handler
        return None

    def _host(self, element: str) -> str:
        node = self._nodes.get(element)
        return node.attached_to if isinstance(node, Event) and node.attached_to else element

    def _size(self, node: FlowNode) -> tuple[float, float]:
        if isinstance(node, Event):
            return EVENT, EVENT
        if isinstance(node, Gateway):
            return GATEWAY, GATEWAY
        inner = self._inner.get(node.id)
        return (inner.size[0] + 2 * PADDING, inner.size[1] + 3 * PADDING) if inner is not None else TASK


def _shape(node: FlowNode, bounds: Bounds, expanded: bool) -> Shape:
    is_scope = isinstance(node, Activity) and node.scope is not None
    return Shape(id=f"{node.id}_di", element=node.id, bounds=bounds, is_expanded=expanded if is_scope else None)
