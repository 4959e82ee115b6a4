"""What is said about a value that is not of its type: which part of it, what it must be, and what it is."""

from __future__ import annotations

import pytest

from dmn_documents import compiled, decision, lookup, text
from procession import feel

TYPES = """
<itemDefinition name="tTier"><typeRef>string</typeRef><allowedValues><text>"gold", "silver"</text></allowedValues>
</itemDefinition>
<itemDefinition name="tLine"><itemComponent name="price"><typeRef>number</typeRef></itemComponent>
<itemComponent name="tier"><typeRef>tTier</typeRef></itemComponent></itemDefinition>
<itemDefinition name="tLines" isCollection="true"><typeRef>tLine</typeRef></itemDefinition>
<itemDefinition name="tOrder"><itemComponent name="lines"><typeRef>tLines</typeRef></itemComponent></itemDefinition>
<inputData id="in_order" name="order"><variable name="order" typeRef="tOrder"/></inputData>
"""
GOOD = {"price": 1, "tier": "gold"}

MESSAGES = [
    (5, "not number 5"),
    ({"lines": 5}, "its part `lines` must be of type tLines, not number 5"),
    ({}, "its part `lines` must be of type tLines, not missing"),
    ({"lines": [GOOD, {"price": "1", "tier": "gold"}]}, 'part `lines[2].price` must be of type number, not string "1"'),
    ({"lines": [{"price": 1}]}, "part `lines[1].tier` must be of type tTier within its allowed values, not missing"),
    (
        {"lines": [GOOD, GOOD, {"price": 1, "tier": "brass"}]},
        'part `lines[3].tier` must be of type tTier within its allowed values, not string "brass"',
    ),
]


@pytest.mark.parametrize(("order", "message"), MESSAGES)
def test_a_value_of_another_type_is_null_and_the_note_names_its_part(order: object, message: str) -> None:
    model = compiled(TYPES + decision("x", text("order = null"), requires=["in_order"]))
    runtime = feel.Runtime()
    assert model.evaluate("x", lookup({"order": order}), runtime) is True
    (note,) = runtime.notes
    assert note.message.startswith("decision `x`: the input `order` must be of type tOrder")
    assert note.message.endswith(message)
