"""Writes the parts of docs/conformance.md that the code's tables hold: what is executed, and the rules of deployment.

`python -m tools.conformance` rewrites the page, with `--check` it only says whether the page is as it should be.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools import bpmn_suites, dmn_kit, feel_grammar

from procession.base.rules import RULES
from procession.compile.check.structure import GATEWAY_EVENTS
from procession.compile.check.support import EXECUTED, REFUSED
from procession.compile.global_tasks import KINDS
from procession.compile.lower.activities import ACTIVITIES
from procession.compile.lower.gateways import GATEWAYS
from procession.dmn.compilation import RULES as DECISION_RULES
from procession.feel.builtins.described import DESCRIBED

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "conformance.md"
SCENARIOS: Final = ROOT / "tests" / "scenarios"
_SECTION: Final = re.compile(r"(<!-- generated: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_REJECTED: Final = re.compile(r"^expect:\s*\{rejected:\s*(?P<rule>[\w-]+)\}", re.MULTILINE)

_POSITIONS: Final[dict[str, str]] = {
    "startEvent": "start event",
    "intermediateCatchEvent": "intermediate catch event",
    "intermediateThrowEvent": "intermediate throw event",
    "boundaryEvent": "boundary event",
    "endEvent": "end event",
}
THROWING: Final = frozenset({"intermediateThrowEvent", "endEvent"})
_NONE_TOO: Final = frozenset(
    {"start event of a process", "start event of a sub-process", "intermediateThrowEvent", "endEvent"}
)


def page(text: str) -> str:
    """The page with all generated sections as the code has them now; one that cannot be made here stays."""

    def made(found: re.Match[str]) -> str:
        section = SECTIONS[found["name"]]()
        return found[0] if section is None else f"{found[1]}\n{section}\n\n{found[3]}"

    return _SECTION.sub(made, text)


def _events() -> str:
    lines = ["| position | executed |", "|---|---|"]
    for position, names in EXECUTED.items():
        executed = (["none"] if position in _NONE_TOO else []) + sorted(names)
        executed += ["multiple"] if len(names) > 1 else []
        executed += ["parallel multiple"] if names and position not in THROWING else []
        lines.append(f"| {_POSITIONS.get(position, position)} | {', '.join(executed)} |")
    lines.append(f"| behind an event-based gateway | {', '.join(sorted(GATEWAY_EVENTS))}, receive tasks |")
    return "\n".join(lines)


def _elements() -> str:
    lines = ["| family | executed |", "|---|---|"]
    activities = ", ".join(f"`{name}`" for name in (*ACTIVITIES, *KINDS))
    gateways = ", ".join(f"`{name}`" for name in GATEWAYS)
    lines.append(f"| activities | {activities} |")
    lines.append(f"| gateways | {gateways} |")
    lines += ["", "What is refused, and what to draw instead:", "", "| element | remedy |", "|---|---|"]
    lines += [f"| `{name}` | {remedy} |" for name, (_, remedy) in REFUSED.items()]
    return "\n".join(lines)


def _rules() -> str:
    shown = _refusals()
    lines = ["| rule | what breaks it | shown by |", "|---|---|---|"]
    for rule, text in {**RULES, **DECISION_RULES}.items():
        lines.append(f"| `{rule}` | {text} | {shown.get(rule) or _tested(rule)} |")
    return "\n".join(lines)


def _refusals() -> dict[str, str]:
    """By rule, links to the scenarios that it refuses."""
    found: dict[str, list[str]] = {}
    for path in sorted(SCENARIOS.rglob("*.scenario.yaml")):
        match = _REJECTED.search(path.read_text(encoding="utf-8"))
        if match is not None:
            name = path.name.removesuffix(".scenario.yaml")
            found.setdefault(match["rule"], []).append(f"[{name}](../{path.relative_to(ROOT).as_posix()})")
    return {rule: ", ".join(links) for rule, links in found.items()}


def _tested(rule: str) -> str:
    """A link to a test that names the rule; one of the compiler, if there is any: elsewhere it may be just a word."""
    for path in sorted((ROOT / "tests").rglob("test_*.py"), key=lambda path: ("compile" not in path.parts, path)):
        if f'"{rule}"' in path.read_text(encoding="utf-8"):
            return f"[{path.name}](../{path.relative_to(ROOT).as_posix()})"
    return ""


def _grammar() -> str:
    proofs = {
        "expression": "[test_a_production_of_expressions_gives_its_value](../tests/unit/feel/test_feel_grammar.py)",
        "test": "[test_a_production_of_unary_tests_decides](../tests/unit/feel/test_feel_grammar.py)",
    }
    lines = ["| production | example | gives | shown by |", "|---|---|---|---|"]
    for name, text, value in feel_grammar.EXPRESSIONS:
        lines.append(f"| {name} | {_code(text)} | {_code(value)} | {proofs['expression']} |")
    for name, text, result in feel_grammar.TESTS:
        lines.append(f"| {name} | {_code(text)} | `{str(result).lower()}` for 5 | {proofs['test']} |")
    return "\n".join(lines)


def _code(text: str) -> str:
    return f"`{' '.join(text.split())}`".replace("|", "\\|")


def _functions() -> str:
    example = "[test_an_example_of_the_specification_is_true](../tests/unit/feel/test_described_functions.py)"
    lines = ["| function | clause | example | gives | shown by |", "|---|---|---|---|---|"]
    for name, each in DESCRIBED.items():
        lines.append(f"| `{name}` | {each.clause} | {_code(each.example)} | {_code(each.value)} | {example} |")
    return "\n".join(lines)


SECTIONS: Final[dict[str, Callable[[], str | None]]] = {
    "elements": _elements,
    "events": _events,
    "rules": _rules,
    "suites": bpmn_suites.table,
    "kit": dmn_kit.table,
    "grammar": _grammar,
    "functions": _functions,
}


def main() -> int:
    """The exit code: 1 where `--check` found the page out of date."""
    before = PAGE.read_text(encoding="utf-8")
    after = page(before)
    if before == after:
        return 0
    if "--check" in sys.argv[1:]:
        print("docs/conformance.md is out of date: run `python -m tools.conformance`", file=sys.stderr)
        return 1
    PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
