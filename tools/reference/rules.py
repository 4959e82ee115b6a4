"""The rules of diagnostics, from the places that report them: rule, severity, what is said, what to do.

A text that is put together at run time is shown with `…` for what is filled in.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from tools.reference.text import SRC, modules, table, tree

from procession.dmn.compilation import RULES as DMN_RULES
from procession.forms.rules import RULES as FORM_RULES
from procession.parse.grammar import ATTRIBUTE_REFERENCES, TEXT_REFERENCES

Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"

ROOMS: Final = ("parse", "compile", "dmn", "forms", "runtime", "services")
BY_PLACE: Final = "error or warning"
WHERE: Final[dict[str, tuple[str, ...]]] = {
    ".report": ("rule", "at", "message", "remedy", "severity"),
    "report": ("message", "remedy"),
    "_refusal": ("rule", "message", "at", "remedy"),
    "Diagnostic": (),
    "Failure": ("rule", "message"),
    "Undecided": ("rule", "message"),
}
"""The calls that report, and what their positional arguments are; a failure has a code where others have a rule."""
RULES: Final = frozenset(WHERE) - {"Failure", "Undecided"}
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "…-reference": ("error-reference", "escalation-reference"),
    "…-listener": ("execution-listener", "task-listener"),
    "duplicate-…-listeners": ("duplicate-execution-listeners", "duplicate-task-listeners"),
    "…-id": ("process-id", "decision-id", "form-id"),
}
"""Rules whose names are put together: what they can be."""


class Said(NamedTuple):
    """One thing that a rule says."""

    rule: str
    severity: str
    message: str
    remedy: str


def page() -> str:
    """The whole page."""
    said = collected(ROOMS, RULES)
    parts = [
        "A diagnostic reads `file:line:column: severity [rule] element: message (remedy)`. An error refuses the whole"
        " deployment, a warning does not. What is wrong outside of executable processes is a warning. `…` stands for"
        " what is filled in from the document.",
    ]
    for rule in sorted(said):
        parts.append(f"## {rule}")
        if rule in DMN_RULES:
            parts.append(f"In decisions: {DMN_RULES[rule]}.")
        if rule in FORM_RULES:
            parts.append(f"In forms: {FORM_RULES[rule]}.")
        rows = list(dict.fromkeys((each.severity, each.message, each.remedy) for each in said[rule]))
        parts.append(table(("severity", "message", "remedy"), rows))
    return "\n\n".join(parts)


def collected(rooms: tuple[str, ...], calls: frozenset[str]) -> dict[str, list[Said]]:
    """All that is said in these rooms by these calls, by rule or code."""
    said: dict[str, list[Said]] = {}
    for path in modules(*rooms):
        for each in _reported(tree(path), _room(path), calls):
            said.setdefault(each.rule, []).append(each)
    return said


def _room(path: Path) -> str:
    """Where a text comes from. Faults of decisions are always errors: there is no drawing that nobody runs."""
    return "dmn" if path.stem.startswith("dmn") else path.relative_to(SRC).parts[0]


def _reported(module: ast.Module, room: str, names: frozenset[str]) -> Iterator[Said]:
    tuples = {
        each.name: [pair for pair in ast.walk(each) if isinstance(pair, ast.Tuple) and isinstance(pair.ctx, ast.Load)]
        for each in module.body
        if isinstance(each, ast.FunctionDef)
    }
    for function, outer in _functions(module.body, ()):
        scope = [*module.body, *(each for body in outer for each in _own(body)), *_own(function)]
        assigned = [pair for each in scope for pair in _assigned(each, tuples)]
        calls = [each for each in _own(function) if isinstance(each, ast.Call) and _name(each.func) in names]
        before = 0
        for call in sorted(calls, key=lambda each: each.lineno):
            yield from _said(call, Texts(assigned, before, call.lineno), room)
            before = call.lineno


def _functions(body: Iterable[ast.AST], outer: tuple[Function, ...]) -> Iterator[tuple[Function, tuple[Function, ...]]]:
    """Every function, with those around it."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, outer
            yield from _functions(ast.iter_child_nodes(node), (*outer, node))
        else:
            yield from _functions(ast.iter_child_nodes(node), outer)


def _own(function: Function) -> Iterator[ast.AST]:
    """All nodes of a function but those of the functions inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
            waiting += ast.iter_child_nodes(node)


class Assigned(NamedTuple):
    """A name, or a part of one, the line where it is assigned, and what it is."""

    name: str
    line: int
    value: ast.expr | None


class Texts(NamedTuple):
    """What names hold at a call: assignments of its scope, the line of the report before it, and its own."""

    assigned: list[Assigned]
    after: int
    line: int

    def of(self, expression: ast.expr | None) -> list[str]:
        """The texts that an expression can be; what is filled in becomes `…`."""
        match expression:
            case None:
                return []
            case ast.Constant(value=value):
                return [str(value)] if value is not None else []
            case ast.JoinedStr(values=values):
                return self._joined(values)
            case ast.FormattedValue(value=ast.Name(id=name)) if name.strip("_").isupper():
                return self._named(name)
            case ast.IfExp(body=body, orelse=orelse):
                return [*self.of(body), *self.of(orelse)]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return [a + b for a in self.of(left) for b in self.of(right)]
            case ast.Name() | ast.Subscript(value=ast.Name()):
                return self._named(ast.unparse(expression))
            case _:
                return ["…"]

    def _joined(self, values: list[ast.expr]) -> list[str]:
        found = [""]
        for value in values:
            found = [a + b for a in found for b in self.of(value)]
        return found

    def _named(self, name: str) -> list[str]:
        """From the assignments since the report before, else from the last one."""
        found = [each for each in self.assigned if each.name == name and each.line < self.line]
        last = max((each.line for each in found), default=0)
        near = [each for each in found if each.line > self.after or each.line == last]
        return [text for each in near for text in self._replace(line=each.line).of(each.value)] or ["…"]


def _assigned(node: ast.AST, tuples: dict[str, list[ast.Tuple]]) -> Iterator[Assigned]:
    """What a statement assigns. `why = pair_of(node)` assigns `why[0]` and `why[1]`: what is returned."""
    if not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
        return
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    value = node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for name, part in zip(target.elts, value.elts, strict=False):
            yield Assigned(ast.unparse(name), node.lineno, part)
    elif isinstance(target, ast.Name):
        yield Assigned(target.id, node.lineno, value)
        for pair in tuples.get(_name(value.func), ()) if isinstance(value, ast.Call) else ():
            for index, part in enumerate(pair.elts):
                yield Assigned(f"{target.id}[{index}]", node.lineno, part)


def _said(call: ast.Call, texts: Texts, room: str) -> Iterator[Said]:
    given: dict[str, ast.expr] = {each.arg: each.value for each in call.keywords if each.arg}
    for name, argument in zip(WHERE[_name(call.func)], call.args, strict=False):
        if isinstance(argument, ast.Starred):
            break
        given.setdefault(name, argument)
    rule = given.get("rule")
    if rule is None and _name(call.func) == "report":
        rule = ast.Name("rule")
    severity = _severity(given.get("severity"), texts, room)
    messages, remedies = texts.of(given.get("message")) or ["…"], texts.of(given.get("remedy"))
    for name in [*texts.of(rule), *(_references() if isinstance(rule, ast.Attribute) else ())]:
        for each in NAMES.get(name, (name,)):
            if each != "…":
                yield Said(each, severity, _cell(messages), _cell(remedies))


def _cell(texts: list[str]) -> str:
    """Texts under each other; the tags that they name are no tags of the page."""
    return "<br>".join(text.replace("<", "&lt;") for text in texts)


def _severity(given: ast.expr | None, texts: Texts, room: str) -> str:
    if given is None:
        return BY_PLACE if room == "parse" else "error"
    found = texts.of(given)
    return BY_PLACE if "…" in found else " or ".join(dict.fromkeys(found))


def _references() -> list[str]:
    """The rules of the table of references."""
    rows = [*TEXT_REFERENCES.values(), *(each for row in ATTRIBUTE_REFERENCES.values() for each in row.values())]
    return sorted({row.rule for row in rows})


def _name(function: ast.expr) -> str:
    """How a report is called: `.report` of an object, `report` of the function itself, and the like."""
    if isinstance(function, ast.Attribute):
        return f".{function.attr}"
    return function.id if isinstance(function, ast.Name) else ""
