"""Runs the cases of the DMN Technology Compatibility Kit: `python -m tests.conformance.dmn_tck DIR [--json]`.

DIR is any folder laid out as the kit's TestCases: below it folders of one or more `.dmn` and `*-test-*.xml` files; the
folder above them is the level. One line a test case; `--json` makes it one JSON object, the totals go to stderr then:
`passed` is the value, numbers within 1e-8; `error_reported` tells that the engine gave a diagnostic, which a case with
`errorResult` asks for.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias
from xml.etree import ElementTree as ET

from procession import dmn, feel
from procession.base.diagnostics import Diagnostic
from procession.base.failure import ProcessionError
from procession.dmn.graph import order
from procession.dmn.item_types import ANY, ItemType, from_json, plain
from procession.parse import parse_dmn

from .outcomes import expected_failures  # noqa: TID252 (run as `tests.conformance`, imported as `conformance`)

TCK: Final = "{http://www.omg.org/spec/DMN/20160719/testcase}"
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_TOLERANCE: Final = Decimal("1e-8")
Value: TypeAlias = object
JAVA: Final = "not applicable: calls a Java function"


class Outcome(NamedTuple):
    """How a test case went. `why` is empty where nothing is to be said; `wants_value` unless all results are null."""

    folder: str
    test: str
    case: str
    level: str
    passed: bool
    error_reported: bool
    why: str
    wants_value: bool
    wants_error: bool

    @property
    def name(self) -> str:
        """How the case is called in the list of expected failures."""
        return f"{self.folder}/{self.test}/{self.case}"

    def line(self) -> str:
        """The case as JSON."""
        return json.dumps({key: getattr(self, key) for key in Outcome._fields[:7]}, ensure_ascii=False)


class Model(NamedTuple):
    """A compiled document of a folder, what was found wrong with it, and the names that lead to a Java function."""

    compiled: dmn.CompiledDecisions
    findings: tuple[Diagnostic, ...]
    java: frozenset[str]


def main(arguments: list[str]) -> int:
    """Prints every case and the totals. 1 if a case failed that is not expected to, 2 for a wrong call."""
    as_json = "--json" in arguments
    places = [argument for argument in arguments if argument != "--json"]
    if len(places) != 1 or not Path(places[0]).is_dir():
        print("usage: python -m tests.conformance.dmn_tck DIR [--json]", file=sys.stderr)  # noqa: T201
        return 2
    known = expected_failures("dmn_tck")
    outcomes: list[Outcome] = []
    for folder in folders(Path(places[0])):
        for outcome in run_folder(folder):
            outcomes.append(outcome)
            verdict = "ok  " if outcome.passed else "FAIL"
            text = f"{verdict} {outcome.level}/{outcome.name} {outcome.why}".rstrip()
            print(outcome.line() if as_json else text)  # noqa: T201
    for line in totals(outcomes):
        print(line, file=sys.stderr if as_json else sys.stdout)
    return int(any(not o.passed and o.name not in known and o.why != JAVA for o in outcomes))


def folders(root: Path) -> list[Path]:
    """The folders that hold tests, sorted by level and name."""
    return sorted({path.parent for path in root.rglob("*-test-*.xml")})


def run_folder(folder: Path) -> list[Outcome]:
    """Every case of a folder. What is wrong with a file is the failure of its cases."""
    models = _models(folder)
    outcomes: list[Outcome] = []
    for file in sorted(folder.glob("*-test-*.xml")):
        try:
            root = ET.parse(file).getroot()
        except ET.ParseError as error:
            place = (folder.name, file.stem, "", folder.parent.name)
            outcomes.append(Outcome(*place, False, False, f"the file cannot be read: {error}", True, False))
            continue
        model = models.get((root.findtext(f"{TCK}modelName") or "").strip())
        for case in root.iter(f"{TCK}testCase"):
            outcomes.append(_outcome(model, case, (folder.name, file.stem, case.get("id", ""), folder.parent.name)))
    return outcomes


def totals(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """The table of levels: cases, those of values and of nulls apart, the mean of the folders, diagnostics."""
    yield "level | passed | cases | values | nulls | mean of folders | errors reported | unasked | not applicable"
    levels: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        levels.setdefault(outcome.level, []).append(outcome)
    for level, every in sorted(levels.items()):
        cases = [case for case in every if case.why != JAVA]
        by_folder: dict[str, list[bool]] = {}
        for case in cases:
            by_folder.setdefault(case.folder, []).append(case.passed)
        mean = sum(sum(each) / len(each) for each in by_folder.values()) / max(1, len(by_folder))
        asked = [case for case in cases if case.wants_error]
        unasked = sum(case.error_reported for case in cases if not case.wants_error)
        yield " | ".join([
            level, str(sum(case.passed for case in cases)), str(len(cases)),
            _share(case.passed for case in cases if case.wants_value),
            _share(case.passed for case in cases if not case.wants_value),
            f"{100 * mean:.2f} %", _share(case.error_reported for case in asked), str(unasked),
            str(len(every) - len(cases)),
        ])  # fmt: skip


def _share(verdicts: Iterable[bool]) -> str:
    found = list(verdicts)
    return f"{sum(found)}/{len(found)}"


def _models(folder: Path) -> dict[str, Model]:
    """The models of a folder by file name; importers after what they import."""
    done: dict[str, Model] = {}
    waiting = {path.name: (path, parse_dmn(path.read_bytes(), path.name)) for path in sorted(folder.glob("*.dmn"))}
    while waiting:
        here = {found[0].namespace for _, found in waiting.values() if found[0] is not None}
        known = [model.compiled for model in done.values()]
        ready = [
            name
            for name, (_, (document, _)) in waiting.items()
            if document is None or not any(i.namespace in here for i in document.imports)
        ]
        for name in ready or list(waiting):
            path, (document, findings) = waiting.pop(name)
            if document is None:
                continue
            try:
                compiled, more = dmn.compile_decisions(document, imports=known, tolerant=True)
            except Exception as error:  # A crash is the failure of this model's cases, not of the whole run.
                print(f"{path}: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
                continue
            assert compiled is not None
            done[name] = Model(compiled, tuple([*findings, *more]), _java(ET.parse(path).getroot()))
    return done


def _java(root: ET.Element) -> frozenset[str]:
    """The decisions of a document whose logic is, or calls, an external Java function: found in the text."""
    found: set[str] = set()
    for element in root:
        texts = [part.text or "" for part in element.iter() if part.tag.endswith("}text")]
        kinds = [part.get("kind", "") for part in element.iter()]
        if "Java" in kinds or any("external" in text and "java" in text for text in texts):
            found.update({element.get("name", ""), element.get("id", "")})
    return frozenset(found - {""})


def _outcome(model: Model | None, case: ET.Element, place: tuple[str, str, str, str]) -> Outcome:
    """One test case: all of its results must be as expected."""
    results = case.findall(f"{TCK}resultNode")
    wants_error = any(result.get("errorResult") == "true" for result in results)
    wanted = [value_of(found) if (found := r.find(f"{TCK}expected")) is not None else None for r in results]
    reasons: list[str] = []
    reported = False
    for result, expected in zip(results, wanted, strict=True):
        why, noted = _result(model, case, result.get("name", ""), expected)
        reported = reported or noted
        reasons += [why] if why else []
    java = bool(reasons) and model is not None and any(result.get("name") in model.java for result in results)
    passed = not reasons and bool(results)
    notes = ["a diagnostic that was not asked for"] if passed and reported and not wants_error else []
    notes += ["no diagnostic, though one was asked for"] if passed and wants_error and not reported else []
    why = JAVA if java else "; ".join(reasons or notes)
    return Outcome(*place, passed, reported, why, any(value is not None for value in wanted), wants_error)


def _result(model: Model | None, case: ET.Element, name: str, expected: Value) -> tuple[str, bool]:
    """What is wrong with one result, and whether there was a diagnostic."""
    if model is None:
        return "the model cannot be read", True
    invoked = case.get("invocableName") if case.get("type") in {"decisionService", "bkm"} else None
    wanted = invoked or name
    runtime = feel.Runtime(zone="UTC")
    try:
        given = _inputs(model.compiled, case)
        function = _function(model.compiled, wanted) if case.get("type") == "bkm" else None
        if function is not None:
            actual = function.call([given.get(name) for name in function.parameters], runtime, 0)
        else:
            actual = model.compiled.evaluate(wanted, _lookup(given), runtime)
    except ProcessionError as error:
        return ("" if expected is None else str(error)), True
    except Exception as error:  # An engine that crashes must not end the run of the others.
        return f"crashed: {type(error).__name__}: {error}", True
    if invoked and isinstance(actual, dict) and name in actual:
        actual = actual[name]
    noted = bool(runtime.notes) or _found_wrong(model, wanted)
    return ("" if same(expected, actual) else f"expected {shown(expected)}, got {shown(actual)}"), noted


def _found_wrong(model: Model, name: str) -> bool:
    """Whether something that a decision needs is refused already when the document is compiled."""
    compiled = model.compiled
    id = next((info.id for info in compiled.decisions.values() if name in {info.id, info.name}), name)
    needed = {id}
    for key in order(compiled.graph, (f"{compiled.namespace}#{id}",)):
        node = compiled.graph.nodes[key]
        needed |= {need.key.rpartition("#")[2] for need in (*node.inputs, *node.decisions, *node.knowledge)}
    return any(finding.severity == "error" and finding.element in needed for finding in model.findings)


def _function(model: dmn.CompiledDecisions, name: str) -> feel.Function | None:
    """A business knowledge model, whose parameters the case gives as inputs."""
    return next((function for function in model.graph.functions.values() if function.name == name), None)


def _lookup(inputs: Mapping[str, Value]) -> feel.Lookup:
    return lambda name: inputs.get(name, feel.MISSING)


def _inputs(model: dmn.CompiledDecisions, case: ET.Element) -> dict[str, Value]:
    """The case's input values, each read as the type that the model gives it."""
    types = {input.name: input.type for input in model.graph.inputs.values()}
    given: dict[str, Value] = {}
    for node in case.findall(f"{TCK}inputNode"):
        name = node.get("name", "")
        given[name] = value_of(node, types.get(name, ANY))
    return given


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
