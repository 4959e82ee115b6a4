"""Values of the DMN compatibility kit: read from its XML as FEEL values, and compared as its runners do."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias
from xml.etree import ElementTree as ET

from procession import feel
from procession.dmn.item_types import ANY, ItemType, from_json, plain

TCK: Final = "{http://www.omg.org/spec/DMN/20160719/testcase}"
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_TOLERANCE: Final = Decimal("1e-8")
Value: TypeAlias = object


def value_of(node: ET.Element, type: ItemType = ANY) -> Value:
    """The value in an input, component, item or expectation; where it states no type, it has the model's."""
    target = plain(type)
    components = node.findall(f"{TCK}component")
    if components:
        fields = dict((target.element or target).fields)
        return {part.get("name", ""): value_of(part, fields.get(part.get("name", ""), ANY)) for part in components}
    found = node.find(f"{TCK}list")
    if found is not None:
        element = ANY if target.element is None else plain(target.element)
        return None if _is_nil(found) else [value_of(item, element) for item in found.findall(f"{TCK}item")]
    value = node.find(f"{TCK}value")
    if value is None or _is_nil(value):
        return None
    stated = value.get(f"{_XSI}type", "").rpartition(":")[2]
    kind = (target.element or target).kind
    if not stated and not value.text and kind == "Any":
        # `<value/>` of no type holds nothing, not the empty text, which is written with its type.
        return None
    return _typed(stated or _XSD.get(kind, ""), value.text or "")


def same(expected: Value, actual: Value) -> bool:
    """Whether a result is as expected."""
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(same(item, actual[key]) for key, item in expected.items())
    if _is_number(expected) and _is_number(actual):
        return abs(Decimal(str(expected)) - Decimal(str(actual))) <= _TOLERANCE
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if type(expected) is str and actual is not None and type(actual) is not str:
        # A value without a type is a text.
        return _is_text_of(expected, actual)
    return expected == actual


def shown(value: Value) -> str:
    """A value for a message."""
    return feel.string(value, quoted=True)[:120]


_XSD: Final = {
    "number": "decimal",
    "boolean": "boolean",
    "date": "date",
    "time": "time",
    "date and time": "dateTime",
    "days and time duration": "duration",
    "years and months duration": "duration",
}
_NUMBERS: Final = frozenset({"decimal", "double", "integer", "int", "long", "float", "short", "byte"})
_KINDS: Final = {"date": "date", "time": "time", "dateTime": "date and time", "duration": "days and time duration"}


def _typed(type: str, text: str) -> Value:
    if type in _NUMBERS:
        number = Decimal(text.strip())
        return int(number) if number == number.to_integral_value() and abs(number) < 10**30 else number
    if type == "boolean":
        return text.strip() in {"true", "1"}
    if type in _KINDS:
        return from_json(text.strip(), ItemType(type, kind=_KINDS[type]))
    return text


def _is_text_of(text: str, value: Value) -> bool:
    if _is_number(value):
        try:
            return abs(Decimal(text.strip()) - Decimal(str(value))) <= _TOLERANCE
        except InvalidOperation:
            return False
    return feel.string(value) == text.strip()


def _is_number(value: Value) -> bool:
    return type(value) in {int, Decimal}


def _is_nil(element: ET.Element) -> bool:
    return element.get(f"{_XSI}nil") in {"true", "1"}
