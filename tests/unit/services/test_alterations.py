"""What a new program does otherwise than an old one, by element; and nothing for what only looks different."""

from __future__ import annotations

import inspect
import re
from typing import Any

import msgspec
import pytest

import drawn as d
from procession.compile import compile_definitions
from procession.ir import program as ir
from procession.ir.program import Node, Program
from procession.parse import parse_bpmn
from procession.services import alterations as a

FLOWS = "a -> w, w -> g, g -> u, g -> t, u -> b, t -> b"
ELEMENTS = {
    "a": d.start(),
    "w": d.service("pay"),
    "g": d.parallel(),
    "u": d.user(),
    "t": d.catch(d.on_timer("duration", "PT1H")),
    "b": d.end(),
}


def program(flows: str = FLOWS, **elements: str) -> Program:
    drawn = d.process("p", flows, **{**ELEMENTS, **elements})
    definitions, found = parse_bpmn(d.document(drawn), "p.bpmn")
    assert definitions is not None, found
    programs, found = compile_definitions(definitions)
    assert programs, found
    return programs[0]


def without(*ids: str) -> dict[str, str]:
    return {id: text for id, text in ELEMENTS.items() if id not in ids}


@pytest.mark.parametrize(
    ("flows", "elements", "expected"),
    [
        (FLOWS, {}, {}),
        (FLOWS, {"w": d.service("pay_2")}, {"w": "changes its job type (pay becomes pay_2)"}),
        (FLOWS, {"w": d.service("pay", retries=9)}, {"w": "changes its job"}),
        (FLOWS, {"w": d.user()}, {"w": "changes its kind: serviceTask becomes userTask"}),
        (FLOWS, {"t": d.catch(d.on_timer("duration", "PT2H"))}, {"t": "changes its event"}),
        (
            "a -> w, w -> g, g -> u, g -> t, u -> x, x -> b, t -> b",
            {"x": d.service("x")},
            {"u": "changes its flows that leave it"},
        ),
        (
            FLOWS + ", late -> b",
            {"late": d.boundary("u", d.on_timer("duration", "P1D"))},
            {"u": "changes its events that it waits for"},
        ),
        (
            FLOWS,
            {"w": d.service("pay", inside='<zeebe:ioMapping><zeebe:input source="=1" target="x" /></zeebe:ioMapping>')},
            {"w": "changes its input mappings"},
        ),
    ],
)
def test_what_changes_is_told_by_element(flows: str, elements: dict[str, str], expected: dict[str, str]) -> None:
    assert a.alterations(program(), program(flows, **elements)) == expected


def test_what_is_removed_is_told_with_what_led_to_it() -> None:
    after = d.process("p", "a -> w, w -> g, g -> u, u -> b", **without("t"))
    definitions, _ = parse_bpmn(d.document(after), "p.bpmn")
    assert definitions is not None
    [new], _ = compile_definitions(definitions)
    assert a.alterations(program(), new) == {"t": "is removed", "g": "changes its flows that leave it"}


def test_another_order_in_the_document_is_no_change() -> None:
    backwards = dict(reversed(ELEMENTS.items()))
    assert program() != program_of(backwards)
    assert a.alterations(program(), program_of(backwards)) == {}


def program_of(elements: dict[str, str]) -> Program:
    definitions, _ = parse_bpmn(d.document(d.process("p", FLOWS, **elements)), "p.bpmn")
    assert definitions is not None
    return compile_definitions(definitions)[0][0]


def test_every_reference_in_a_program_is_read_as_what_it_refers_to() -> None:
    """A new field that refers to something is in one of the tables."""
    structs: list[type[Any]] = [
        each for _, each in inspect.getmembers(ir, inspect.isclass) if issubclass(each, msgspec.Struct)
    ]
    there = {
        (each, name)
        for each in structs
        for name, kind in each.__annotations__.items()
        if re.search(r"\bRef\b", str(kind)) and each is not Program
    }
    assert there == a.NODES | a.FLOWS | a.EXPRESSIONS | a.DERIVED


def test_every_field_of_a_node_is_compared_or_known_to_say_nothing() -> None:
    assert set(Node.__struct_fields__) == {*a._FACETS, *a.UNTOLD}
