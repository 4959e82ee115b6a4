"""The ledger of docs/coverage.md: every element and attribute of BPMN 2.0.2, its state, what shows it, and the clause.

`python -m tools.coverage` rewrites the page, with `--check` it only says whether the page is as it should be. States,
and texts that are refused, come from the tables that tests/unit/compile/test_compile_coverage.py holds against the
compiler; the scenarios that use an element are found in their models.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from procession.parse import grammar

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "coverage.md"
_MODEL: Final = f"{{{grammar.BPMN}}}"
_SHOWN_MAX: Final = 2
_INTRODUCTION: Final = """# Coverage of BPMN 2.0.2

Made from the code by `make reference`; do not edit it here. A test fails when it and the code differ.

- **executes**: it has an effect, and the scenarios beside it use it.
- **refused**: a model with it is not deployed; the rule says why and what to draw instead.
- **said**: it has no effect, and the deployment says so.
- **drawn**: it tells people something, or its effect is that of the element around it.
"""
CLAUSES: Final[dict[str, str]] = {
    **dict.fromkeys(("definitions", "import"), "8.1.1"),
    **dict.fromkeys(("extension", "extensionElements", "documentation", "relationship"), "8.3"),
    **dict.fromkeys(("association", "group", "textAnnotation", "text", "category", "categoryValue"), "8.4.1"),
    **dict.fromkeys(
        ("correlationKey", "correlationProperty", "correlationSubscription", "correlationPropertyBinding"), "8.4.2"
    ),
    "error": "8.4.4",
    "escalation": "8.4.5",
    **dict.fromkeys(("expression", "formalExpression", "conditionExpression"), "8.4.6"),
    **dict.fromkeys(("itemDefinition",), "8.4.10"),
    "message": "8.4.11",
    **dict.fromkeys(("resource", "resourceParameter"), "8.4.12"),
    "sequenceFlow": "8.4.13",
    **dict.fromkeys(("interface", "operation", "endPoint"), "8.5"),
    **dict.fromkeys(("collaboration", "participant", "messageFlow", "participantMultiplicity"), "9"),
    **dict.fromkeys(("conversation", "subConversation", "callConversation", "globalConversation"), "9.5"),
    "process": "10.2",
    **dict.fromkeys(("resourceRole", "performer", "humanPerformer", "potentialOwner"), "10.3.1"),
    **dict.fromkeys(grammar.TASKS, "10.3.3"),
    "subProcess": "10.3.5",
    "transaction": "10.3.5",
    "adHocSubProcess": "10.3.5",
    "callActivity": "10.3.6",
    **dict.fromkeys(grammar.GLOBAL_TASKS, "10.3.7"),
    **dict.fromkeys(("standardLoopCharacteristics", "loopCondition"), "10.3.9"),
    **dict.fromkeys(("multiInstanceLoopCharacteristics", "complexBehaviorDefinition"), "10.3.9"),
    **dict.fromkeys(
        ("ioSpecification", "dataInput", "dataOutput", "inputSet", "outputSet", "property", "dataObject"), "10.4.1"
    ),
    **dict.fromkeys(("dataStore", "dataStoreReference", "dataInputAssociation", "dataOutputAssociation"), "10.4.1"),
    **dict.fromkeys((*sorted(grammar.CATCH_EVENTS), *sorted(grammar.THROW_EVENTS)), "10.5"),
    **dict.fromkeys(grammar.EVENT_DEFINITIONS, "10.5.5"),
    "signal": "10.5.5",
    **dict.fromkeys(grammar.GATEWAYS, "10.6"),
    **dict.fromkeys(("lane", "laneSet", "childLaneSet", "flowNodeRef"), "10.8"),
    **dict.fromkeys(("auditing", "monitoring"), "10.10"),
    **dict.fromkeys(
        ("loopCardinality", "completionCondition", "event", "loopDataInputRef", "loopDataOutputRef"), "10.3.9"
    ),
    **dict.fromkeys(("inputDataItem", "outputDataItem"), "10.3.9"),
    **dict.fromkeys(("condition", "timeDate", "timeDuration", "timeCycle", "eventDefinitionRef"), "10.5.5"),
    "activationCondition": "10.6.5",
    "script": "10.3.3",
    **dict.fromkeys(("choreography", "choreographyTask", "subChoreography", "callChoreography"), "11"),
    "globalChoreographyTask": "11",
}
"""The clause of BPMN 2.0.2 (formal/2013-12-09) that defines an element; a part has that of the element around it."""


def page() -> str:
    """The whole page."""
    sys.path.insert(0, str(ROOT / "tests"))
    from unit.compile import test_compile_coverage as tables

    rows: dict[tuple[str, str], tuple[str, str]] = {}
    for tag, names in tables.EXECUTED.items():
        for name in ("", *names.split()):
            rows[tag, name] = ("executes", _scenarios(tag, name))
    for (tag, name), body in tables.REFUSED.items():
        rules = [each.rule for each in tables.diagnosed(tag, body)[1] if each.severity == "error"]
        rows[tag, name] = ("refused", f"rule `{rules[0]}`")
    for (tag, name), body in tables.SAID.items():
        found = tables.diagnosed(tag, body)[1]
        rules = [each.rule for each in found if each.severity != "error" and each.rule in tables.SAYING]
        rows[tag, name] = ("said", f"rule `{rules[0]}`")
    for tag in tables.DRAWN:
        rows.setdefault((tag, ""), ("drawn", ""))
    for tag, names in tables.DRAWN_ATTRIBUTES.items():
        rows.update({(tag, name): ("drawn", "") for name in names.split() if (tag, name) not in rows})
    states = [state for state, _ in rows.values()]
    counted = ", ".join(f"{states.count(state)} {state}" for state in ("executes", "refused", "said", "drawn"))
    lines = [_INTRODUCTION, f"{len(rows)} elements and attributes: {counted}.", ""]
    lines += ["| element | attribute | state | shown by | clause |", "|---|---|---|---|---|"]
    for (tag, name), (state, shown) in sorted(rows.items()):
        attribute = f"`{name}`" if name else ""
        lines.append(f"| `{tag}` | {attribute} | {state} | {shown} | {CLAUSES.get(tag, '')} |")
    return "\n".join(lines) + "\n"


def _scenarios(tag: str, name: str) -> str:
    if tag == "formalExpression":
        tag = "conditionExpression"
    found = _used().get((tag, name), [])[:_SHOWN_MAX]
    return ", ".join(f"[{path.name.removesuffix('.scenario.yaml')}](../{path.relative_to(ROOT)})" for path in found)


@cache
def _used() -> dict[tuple[str, str], list[Path]]:
    """The scenarios whose models have an element, or an attribute of it; those of small models first."""
    found: dict[tuple[str, str], list[tuple[int, Path]]] = {}
    for folder in ("tests/scenarios", "examples"):
        for path in sorted((ROOT / folder).rglob("*.scenario.yaml")):
            for model in re.findall(r"[\w./-]+\.bpmn", path.read_text(encoding="utf-8").partition("steps:")[0]):
                document = path.parent / model
                if "refused" not in path.parts and document.exists():
                    for key in _content(document):
                        found.setdefault(key, []).append((document.stat().st_size, path))
    return {key: [path for _, path in sorted(rows)] for key, rows in found.items()}


@cache
def _content(document: Path) -> frozenset[tuple[str, str]]:
    elements = [each for each in ET.parse(document).iter() if each.tag.startswith(_MODEL)]
    tags = [(each.tag.removeprefix(_MODEL), each.attrib) for each in elements]
    return frozenset((tag, name) for tag, attributes in tags for name in ("", *attributes))


def main(arguments: list[str]) -> int:
    """Writes the page, or with `--check` compares it: 1 if it is not as the code has it."""
    made = page()
    if "--check" in arguments:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made)
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
