"""A document's diagrams as one SVG text: accessible, deterministic, without scripts or anything fetched.

What is drawn comes from the diagram interchange (BPMN 2.0.2, 12); several diagrams stand one below the other. Marks
on elements that no diagram shows are counted at the nearest shape around them. Every shape carries
`data-element`, so that a page can find it.
"""

from __future__ import annotations

from typing import Final, final

import msgspec

from procession.base.failure import ProcessionError
from procession.model.bpmn import Definitions
from procession.model.diagram import Bounds, Diagram, Edge, Point
from procession.services.diagram.badges import draw_badges, draw_legend
from procession.services.diagram.drawing import lettering, number, quoted, text_of
from procession.services.diagram.edges import cropped, draw_line
from procession.services.diagram.labels import Label, draw_label, label_of_edge, label_of_shape
from procession.services.diagram.layout import laid_out
from procession.services.diagram.marks import NO_MARKS, Marks, counted, totals
from procession.services.diagram.scene import Line, Part, Scene, scene_of, words
from procession.services.diagram.shapes import Drawn, draw_shape, is_dark, own_colors
from procession.services.diagram.sheet import SHEET

MARGIN: Final = 24.0
_HEADING: Final = 26.0
_RANK: Final = {"pool": 0, "lane": 1, "group": 2}


@final
class NoDiagram(ProcessionError):
    """The document holds no flow node, drawn or not."""


@final
class _Plane(msgspec.Struct, frozen=True):
    """One diagram, resolved: shapes in drawing order, edges with what they are, and labels."""

    name: str
    shapes: list[Drawn]
    edges: list[tuple[Line, Edge]]
    labels: list[Label]
    bounds: Bounds


def render_svg(definitions: Definitions, marks: Marks = NO_MARKS) -> str:
    """The document's diagrams as SVG; one that says nothing of places is laid out. Raises `NoDiagram` for nothing.

    Lengths are those of the document; `marks` are shown as counted badges: active green, incidents red, completed
    grey; flows that were taken are green.
    """
    scene = scene_of(definitions)
    found = tuple(d for d in definitions.diagrams if d.shapes) or laid_out(definitions)
    if not found:
        raise NoDiagram(f"{definitions.source or 'the document'} holds nothing that could be drawn")
    marks = _gathered(marks, scene, {shape.element for diagram in found for shape in diagram.shapes})
    planes = [_plane(diagram, scene, marks) for diagram in found]
    width = max(plane.bounds.width for plane in planes) + 2 * MARGIN
    body: list[str] = []
    down = 0.0
    for plane in planes:
        if len(planes) > 1:
            body.append(lettering([plane.name], MARGIN, down + MARGIN / 2, 13, "left strong"))
            down += _HEADING
        x, y = MARGIN - plane.bounds.x, down + MARGIN - plane.bounds.y
        body.append(f'<g transform="translate({number(x)} {number(y)})">')
        body.extend(_draw_plane(plane, marks))
        body.append("</g>")
        down += plane.bounds.height + 2 * MARGIN
    if marks:
        body.append(draw_legend(marks, MARGIN, down))
        down += MARGIN
    return _document(definitions, marks, scene, (width, down), body)


def _document(definitions: Definitions, marks: Marks, scene: Scene, size: tuple[float, float], body: list[str]) -> str:
    width, height = number(size[0]), number(size[1])
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="procession" role="img" '
        f'aria-labelledby="procession-title procession-desc" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">'
    )
    return "\n".join(
        [
            head,
            f'<title id="procession-title">{text_of(_title(definitions))}</title>',
            f'<desc id="procession-desc">{text_of(_description(marks, scene))}</desc>',
            f"<style>{SHEET}</style>",
            f'<rect class="paper" width="{width}" height="{height}"/>',
            *body,
            "</svg>\n",
        ]
    )


def _title(definitions: Definitions) -> str:
    names = [process.name or process.id for process in definitions.processes]
    return ", ".join(names) or definitions.name or definitions.source or "BPMN diagram"


def _description(marks: Marks, scene: Scene) -> str:
    nodes = [part for part in scene.parts.values() if part.node is not None]
    if not marks:
        return f"BPMN diagram with {len(nodes)} elements."
    active, completed, incidents = totals(marks)
    summary = f"BPMN diagram with {len(nodes)} elements; {active} active, {completed} completed, "
    where = "; ".join(f"{part.name or part.id}: {text}" for part in nodes if (text := counted(marks, part.id)))
    return f"{summary}{incidents} with an incident. {where}"


def _gathered(marks: Marks, scene: Scene, shown: set[str]) -> Marks:
    """The counts of hidden elements move to the sub-process that is drawn for them.

    A sub-process is itself active while something in it is, so only its incidents and what waits in a hidden place
    without a count of its own add up there.
    """
    active: dict[str, int] = {}
    incidents: dict[str, int] = {}
    notes: dict[str, tuple[str, ...]] = {}
    for element, count in marks.active.items():
        place = _shown(element, scene, shown)
        if place == element or not marks.active.get(place):
            active[place] = active.get(place, 0) + count
    for element, count in marks.incidents.items():
        place = _shown(element, scene, shown)
        incidents[place] = incidents.get(place, 0) + count
    for element, lines in marks.notes.items():
        place = _shown(element, scene, shown)
        notes[place] = (*notes.get(place, ()), *lines)
    completed = {element: count for element, count in marks.completed.items() if element in shown}
    return Marks(active=active, completed=completed, incidents=incidents, taken=marks.taken, notes=notes)


def _shown(element: str, scene: Scene, shown: set[str]) -> str:
    while element not in shown:
        part = scene.parts.get(element)
        if part is None or not part.owner:
            return element
        element = part.owner
    return element


def _plane(diagram: Diagram, scene: Scene, marks: Marks) -> _Plane:
    placed = {shape.element for shape in diagram.shapes}
    owners = {part.owner for part in scene.parts.values() if part.id in placed}
    shapes: list[Drawn] = []
    for shape in diagram.shapes:
        part = scene.parts.get(shape.element) or _stranger(shape.element)
        expanded = part.kind in _OPENS and (shape.is_expanded or _opened(shape.is_expanded, part, owners))
        plain = not (marks.active.get(part.id) or marks.incidents.get(part.id))
        shapes.append(Drawn(part, shape, bool(expanded), own_colors(shape, plain=plain)))
    shapes.sort(key=_depth)
    by_element = {drawn.part.id: drawn for drawn in shapes}
    edges = [
        (line, _docked(edge, line, by_element))
        for edge in diagram.edges
        if len(edge.waypoints) >= 2
        for line in [scene.lines.get(edge.element) or Line(family="unknown", id=edge.element)]
    ]
    labels = [label for drawn in shapes if (label := label_of_shape(drawn))]
    labels += [label for line, edge in edges if (label := label_of_edge(edge, line.name))]
    name = diagram.name or _named(scene, diagram.element)
    return _Plane(name, shapes, edges, labels, _extent(shapes, edges, labels))


_OPENS: Final = frozenset({"subProcess", "transaction", "adHocSubProcess", "callActivity"})


def _opened(said: bool | None, part: Part, owners: set[str]) -> bool:
    """A tool that does not say whether a sub-process is expanded means so by drawing what is in it."""
    return said is None and part.id in owners


def _stranger(element: str) -> Part:
    return Part(family="unknown", id=element, kind="unknown", name=element)


def _depth(drawn: Drawn) -> tuple[int, float]:
    """Drawing order: pools, lanes, groups, open sub-processes from the outside in, then all that is small."""
    area = drawn.bounds.width * drawn.bounds.height
    if drawn.part.family in _RANK:
        return _RANK[drawn.part.family], -area
    if drawn.expanded:
        return 3, -area
    return (5, 0.0) if drawn.part.kind == "boundaryEvent" else (4, 0.0)


def _named(scene: Scene, element: str) -> str:
    part = scene.parts.get(element)
    return (part.name or part.id) if part else element


def _docked(edge: Edge, line: Line, shapes: dict[str, Drawn]) -> Edge:
    """The edge without what lies under the shapes at its ends: some tools draw from centre to centre."""
    points = list(edge.waypoints)
    source, target = shapes.get(line.source), shapes.get(line.target)
    if source is not None:
        points[0] = cropped(points[0], points[1], source.bounds, source.part.family)
    if target is not None:
        points[-1] = cropped(points[-1], points[-2], target.bounds, target.part.family)
    return msgspec.structs.replace(edge, waypoints=tuple(points))


def _extent(shapes: list[Drawn], edges: list[tuple[Line, Edge]], labels: list[Label]) -> Bounds:
    boxes = [drawn.bounds for drawn in shapes] + [label.bounds for label in labels]
    corners = [Point(b.x, b.y) for b in boxes] + [Point(b.x + b.width, b.y + b.height) for b in boxes]
    corners += [point for _, edge in edges for point in edge.waypoints]
    left, top = min(p.x for p in corners), min(p.y for p in corners)
    return Bounds(left, top, max(p.x for p in corners) - left, max(p.y for p in corners) - top)


def _draw_plane(plane: _Plane, marks: Marks) -> list[str]:
    back = [drawn for drawn in plane.shapes if _depth(drawn)[0] < 4]
    front = plane.shapes[len(back) :]
    # Where ways run together, the one that was taken is seen.
    edges = sorted(plane.edges, key=lambda each: bool(marks.taken.get(each[0].id)))
    labels = [label.bounds for label in plane.labels]
    marked: list[str] = []
    for drawn in plane.shapes:
        marked.extend(draw_badges(drawn, marks, labels))
    return [
        *(_shape_group(drawn, marks) for drawn in back),
        *(_edge_group(line, edge, marks) for line, edge in edges),
        *(_shape_group(drawn, marks) for drawn in front),
        *map(draw_label, plane.labels),
        *marked,
    ]


def _shape_group(drawn: Drawn, marks: Marks) -> str:
    part = drawn.part
    states = ((marks.active, "active"), (marks.incidents, "incident"))
    family = "is-open" if drawn.expanded else f"is-{part.family}"
    shade = ["on-dark"] if is_dark(drawn) else []
    css = " ".join([family, *shade, *(name for counts, name in states if counts.get(part.id))])
    title = f"{part.name or part.id} ({words(part.kind)})"
    if text := counted(marks, part.id):
        title = f"{title}: {text}"
    title = "\n".join([title, *marks.notes.get(part.id, ())])
    inner = "".join(draw_shape(drawn))
    return f'<g class="{css}" data-element={quoted(part.id)}><title>{text_of(title)}</title>{inner}</g>'


def _edge_group(line: Line, edge: Edge, marks: Marks) -> str:
    css = "edge taken" if marks.taken.get(line.id) else "edge"
    title = f"<title>{text_of(line.name)}</title>" if line.name else ""
    inner = "".join(draw_line(line, edge.waypoints))
    return f'<g class="{css}" data-element={quoted(line.id)}>{title}{inner}</g>'
