"""The layout of documents that hold no diagram: everything has its place, and nothing lies on another thing."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from procession.model.bpmn import Activity, Definitions, Process, Scope, SequenceFlow
from procession.model.diagram import Bounds
from procession.model.events import Event
from procession.services.diagram import render_svg
from procession.services.diagram.layout import laid_out

PAIRS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=14)


def _scope(pairs: list[tuple[int, int]], prefix: str, inner: Scope | None = None) -> Scope:
    nodes: list[Activity | Event] = [Activity(kind="task", id=f"{prefix}{i}") for i in range(8)]
    if inner is not None:
        nodes[3] = Activity(kind="subProcess", id=f"{prefix}3", scope=inner)
    nodes.append(Event(kind="boundaryEvent", id=f"{prefix}b", attached_to=f"{prefix}3"))
    flows = [
        SequenceFlow(id=f"{prefix}f{i}", source=f"{prefix}{a}", target=f"{prefix}{b}") for i, (a, b) in enumerate(pairs)
    ]
    flows.append(SequenceFlow(id=f"{prefix}fb", source=f"{prefix}b", target=f"{prefix}5"))
    return Scope(nodes=tuple(nodes), flows=tuple(flows))


def _apart(a: Bounds, b: Bounds) -> bool:
    return a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y


@given(PAIRS, PAIRS)
def test_nothing_overlaps_and_nothing_is_missing(outer: list[tuple[int, int]], inner: list[tuple[int, int]]) -> None:
    process = Process(id="p", scope=_scope(outer, "o", _scope(inner, "i")))
    definitions = Definitions(processes=(process,))
    (diagram,) = laid_out(definitions)
    bounds = {shape.element: shape.bounds for shape in diagram.shapes}
    assert len(bounds) == len(diagram.shapes) == 18
    assert len(diagram.edges) == len(outer) + len(inner) + 2
    tasks = [element for element in bounds if not element.endswith("b")]
    for a, b in combinations(tasks, 2):
        if {a[0], b[0]} == {"o", "i"} and "o3" in (a, b):
            continue
        assert _apart(bounds[a], bounds[b]), (a, b)
    around = bounds["o3"]
    for element in tasks:
        if element.startswith("i"):
            inside = bounds[element]
            assert around.x < inside.x
            assert inside.x + inside.width < around.x + around.width
            assert around.y < inside.y
            assert inside.y + inside.height < around.y + around.height
    assert render_svg(definitions) == render_svg(definitions)


def test_the_flow_goes_to_the_right() -> None:
    nodes = tuple(Activity(kind="task", id=f"t{i}") for i in range(5))
    flows = tuple(SequenceFlow(id=f"f{i}", source=f"t{i}", target=f"t{i + 1}") for i in range(4))
    (diagram,) = laid_out(Definitions(processes=(Process(id="p", scope=Scope(nodes=nodes, flows=flows)),)))
    lefts = [shape.bounds.x for shape in diagram.shapes]
    assert lefts == sorted(set(lefts))
    assert len({shape.bounds.y for shape in diagram.shapes}) == 1
