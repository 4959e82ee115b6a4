"""The interchange runner: `python -m tests.conformance.miwg DIR [--json]` imports, exports and compares every model.

A case passes when the export is equal to the file under canonical XML, white space and comments aside; when both are
parsed to the same model; and when the native conversion of the file keeps the diagram and every extension element of
a namespace that no dialect owns.
"""

from __future__ import annotations

import argparse
import json
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import msgspec

from procession.base.diagnostics import Refused
from procession.convert import convert
from procession.convert.tables import DIALECTS
from procession.convert.tree import read_document, write_document
from procession.parse import parse_bpmn

DIAGRAM: Final = "{http://www.omg.org/spec/BPMN/20100524/DI}BPMNDiagram"
MODEL: Final = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
OWNED: Final = frozenset(
    {*(each.namespace for each in DIALECTS), "http://camunda.org/schema/zeebe/1.0", "http://procession.dev/schema/1.0"}
)
"""Namespaces whose extension elements a conversion may replace."""
_ABOUT_SOURCE: Final = frozenset({"span", "digest", "source"})


class Case(NamedTuple):
    """One model: its path below the folder, and why it failed ('' if it passed)."""

    case: str
    why: str


def run(folder: Path) -> Iterator[Case]:
    """Every model below a folder, sorted by name."""
    for path in sorted(folder.rglob("*.bpmn")):
        yield Case(str(path.relative_to(folder)), problem_of(path.read_bytes(), path.name))


def problem_of(data: bytes, name: str) -> str:
    """What an import and export of a document loses; '' for nothing."""
    try:
        exported = write_document(read_document(data, name))
        converted = convert(data, name).data
    except Refused as refused:
        return f"not read: {refused}"
    if canonical(data) != canonical(exported):
        return "the export differs from the file"
    if _model(data, name) != _model(exported, name):
        return "the export is parsed to another model"
    for what, taken in (("diagram", _diagrams), ("foreign extension", _foreign)):
        lost = taken(data) - taken(converted)
        if lost:
            return f"the conversion loses a {what}: {next(iter(lost))[:120]}"
    return ""


def canonical(data: bytes) -> str:
    """Canonical XML (C14N 2.0) without comments, and without white space around texts."""
    return ET.canonicalize(data.decode("utf-8-sig") if _is_utf8(data) else _text(data), strip_text=True)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True


def _text(data: bytes) -> str:
    """A document in another encoding, as the parser reads it."""
    return ET.tostring(ET.fromstring(data), encoding="unicode")


def _model(data: bytes, name: str) -> object:
    definitions, _ = parse_bpmn(data, name)
    return _meaning(definitions)


def _meaning(value: object) -> object:
    """A model without what tells of its bytes."""
    if isinstance(value, msgspec.Struct):
        names = [name for name in value.__struct_fields__ if name not in _ABOUT_SOURCE]
        return (type(value).__name__, *(_meaning(getattr(value, name)) for name in names))
    return tuple(map(_meaning, cast("tuple[object, ...]", value))) if isinstance(value, tuple) else value


def _diagrams(data: bytes) -> Counter[str]:
    return Counter(_canonical(each) for each in ET.fromstring(data).iter(DIAGRAM))


def _foreign(data: bytes) -> Counter[str]:
    """The extension elements that belong to no dialect."""
    found: Counter[str] = Counter()
    for holder in ET.fromstring(data).iter(f"{MODEL}extensionElements"):
        for each in holder:
            if each.tag.partition("}")[0].lstrip("{") not in OWNED:
                found[_canonical(each)] += 1
    return found


def _canonical(element: ET.Element[Any]) -> str:
    return ET.canonicalize(ET.tostring(element, encoding="unicode"), strip_text=True, rewrite_prefixes=True)


def main(arguments: list[str]) -> int:
    """Runs the folder; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.miwg", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="one JSON document a line")
    options = parser.parse_args(arguments)
    passed = failed = 0
    for case in run(options.folder):
        passed, failed = passed + (not case.why), failed + bool(case.why)
        line = {"case": case.case, "passed": not case.why, "why": case.why}
        text = json.dumps(line) if options.json else f"{'ok  ' if not case.why else 'FAIL'} {case.case} {case.why}"
        sys.stdout.write(f"{text.rstrip()}\n")
    totals = {"cases": passed + failed, "passed": passed, "failed": failed}
    sys.stdout.write((json.dumps(totals) if options.json else f"{passed} of {passed + failed} passed") + "\n")
    return int(failed > 0 or not passed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
