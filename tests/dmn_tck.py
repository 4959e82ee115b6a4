"""The cases of the DMN Technology Compatibility Kit: read, run and compared. The kit lies outside of the repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias
from xml.etree import ElementTree as ET

from procession import dmn, feel
from procession.base.failure import ProcessionError
from procession.dmn.item_types import ANY, ItemType, from_json, plain
from procession.parse import parse_dmn

_TCK: Final = "{http://www.omg.org/spec/DMN/20160719/testcase}"
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_TOLERANCE: Final = Decimal("1e-8")
Value: TypeAlias = object


class Case(NamedTuple):
    """One expected result. `invoke` is the decision or service to evaluate, `result` the decision compared."""

    name: str
    invoke: str
    result: str
    inputs: ET.Element
    expected: ET.Element | None
    is_service: bool


class Outcome(NamedTuple):
    """How a case went; `error` is '' where it passed. `crashed` is an exception that is not ours."""

    case: Case
    error: str
    crashed: bool
    wants_null: bool


def folders(level: Path) -> list[Path]:
    """The folders of a level that hold models, sorted."""
    return sorted(path.parent for path in level.glob("*/*-test-*.xml"))


def run_folder(folder: Path) -> list[Outcome]:
    """Every case of a folder."""
    compiled = _compiled(folder)
    outcomes: list[Outcome] = []
    for file in sorted(folder.glob("*-test-*.xml")):
        root = ET.parse(file).getroot()
        model = compiled[(root.findtext(f"{_TCK}modelName") or "").strip()]
        outcomes += [_run(model, case) for case in _cases(folder, root)]
    return outcomes


def _compiled(folder: Path) -> dict[str, dmn.CompiledDecisions]:
    """The models of a folder by file name; importers after what they import."""
    done: dict[str, dmn.CompiledDecisions] = {}
    documents = {path.name: parse_dmn(path.read_bytes(), path.name)[0] for path in sorted(folder.glob("*.dmn"))}
    waiting = {name: document for name, document in documents.items() if document is not None}
    while waiting:
        known = {model.namespace for model in done.values()}
        here = {document.namespace for document in waiting.values()}
        ready = [
            name
            for name, document in waiting.items()
            if all(i.namespace in known or i.namespace not in here for i in document.imports)
        ]
        for name in ready or list(waiting):
            model, _ = dmn.compile_decisions(waiting.pop(name), imports=done.values(), tolerant=True)
            assert model is not None
            done[name] = model
    return done


def _cases(folder: Path, root: ET.Element) -> Iterator[Case]:
    for case in root.iter(f"{_TCK}testCase"):
        service = case.get("invocableName", "") if case.get("type") == "decisionService" else ""
        for result in case.findall(f"{_TCK}resultNode"):
            name = result.get("name", "")
            label = f"{folder.name}/{case.get('id')}/{name}"
            expected = result.find(f"{_TCK}expected")
            yield Case(label, service or name, name, case, expected, bool(service))


def _run(model: dmn.CompiledDecisions, case: Case) -> Outcome:
    expected = _value(case.expected) if case.expected is not None else None
    try:
        inputs = _inputs(model, case.inputs)
        actual = model.evaluate(case.invoke, _lookup(inputs), feel.Runtime(zone="UTC"))
    except ProcessionError as error:
        return Outcome(case, "" if expected is None else f"{error}", False, expected is None)
    except Exception as error:  # An engine that crashes must not end the run of the others.
        return Outcome(case, f"{type(error).__name__}: {error}", True, expected is None)
    if case.is_service and isinstance(actual, dict) and case.result in actual:
        actual = actual[case.result]
    same = _same(expected, actual)
    text = "" if same else f"expected {_text(expected)}, got {_text(actual)}"
    return Outcome(case, text, False, expected is None)


def _lookup(inputs: Mapping[str, Value]) -> feel.Lookup:
    return lambda name: inputs.get(name, feel.MISSING)


def _inputs(model: dmn.CompiledDecisions, case: ET.Element) -> dict[str, Value]:
    types = {input.name: input.type for input in model.graph.inputs.values()}
    return {
        node.get("name", ""): _value(node, types.get(node.get("name", ""), ANY))
        for node in case.findall(f"{_TCK}inputNode")
    }


def _value(node: ET.Element, type: ItemType = ANY) -> Value:
    """A value of the kit; where it states no type itself, it has the one that the model wants."""
    target = plain(type)
    components = node.findall(f"{_TCK}component")
    if components:
        fields = dict((target.element or target).fields)
        return {part.get("name", ""): _value(part, fields.get(part.get("name", ""), ANY)) for part in components}
    found = node.find(f"{_TCK}list")
    if found is not None:
        nil = found.get(f"{_XSI}nil") == "true"
        element = ANY if target.element is None else plain(target.element)
        return None if nil else [_value(item, element) for item in found.findall(f"{_TCK}item")]
    value = node.find(f"{_TCK}value")
    if value is None or value.get(f"{_XSI}nil") == "true":
        return None
    text = value.text or ""
    return _typed(value.get(f"{_XSI}type", "").rpartition(":")[2] or _XSD.get(target.kind, ""), text)


_XSD: Final = {
    "number": "decimal",
    "boolean": "boolean",
    "date": "date",
    "time": "time",
    "date and time": "dateTime",
    "days and time duration": "duration",
    "years and months duration": "duration",
}


def _typed(type: str, text: str) -> Value:
    if type in {"decimal", "double", "integer", "int", "long", "float"}:
        number = Decimal(text)
        return int(number) if number == number.to_integral_value() and abs(number) < 10**30 else number
    if type == "boolean":
        return text.strip() in {"true", "1"}
    kinds = {"date": "date", "time": "time", "dateTime": "date and time"}
    if type in kinds:
        return from_json(text, ItemType(type, kind=kinds[type]))
    if type == "duration":
        return from_json(text, ItemType(type, kind="days and time duration"))
    return text


def _same(expected: Value, actual: Value) -> bool:
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(_same, expected, actual))
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(_same(item, actual[key]) for key, item in expected.items())
    if _is_number(expected) and _is_number(actual):
        return abs(Decimal(str(expected)) - Decimal(str(actual))) <= _TOLERANCE
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if type(expected) is str and actual is not None and type(actual) is not str:
        # Untyped values of the kit are texts.
        return feel.string(actual) == expected
    return expected == actual


def _is_number(value: Value) -> bool:
    return type(value) in {int, Decimal}


def _text(value: Value) -> str:
    return feel.string(value, quoted=True)[:120]
