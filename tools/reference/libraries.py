"""`procession.feel` and `procession.dmn` as libraries: every public name, read from the source."""

from __future__ import annotations

import ast
from typing import Final

from tools.reference.api import class_parts, doc, fields, signature
from tools.reference.text import class_of, code, line, module_path, table, tree

from procession import dmn, feel

_STRUCTS: Final = frozenset({
    "Note", "Range", "Date", "Time", "DateTime", "YearsMonthsDuration", "DaysTimeDuration", "DecisionInfo",
    "ServiceInfo",
})  # fmt: skip
"""Classes whose fields are all that they are."""
_MADE: Final = frozenset({"Runtime"})
"""Classes that callers make; the others they are given."""


def page() -> str:
    """The whole page."""
    parts = [
        line(
            """The expression language and the decisions need no engine: `from procession import feel, dmn`. Clauses are
            those of DMN 1.5. [FEEL in ten minutes](../feel.md) and [DMN decisions](../dmn.md) show them at work, the
            functions of FEEL have [a page of their own](feel.md)."""
        ),
        "## Values",
        "A FEEL value is a plain Python value (10.3.2.2), in both directions:",
        table(("FEEL", "Python", ""), VALUES),
        "## procession.feel",
        *(part for name in feel.__all__ for part in _named(feel.__name__, name)),
        "## procession.dmn",
        *(part for name in dmn.__all__ for part in _named(dmn.__name__, name)),
    ]
    return "\n\n".join(part for part in parts if part)


VALUES: Final = (
    ("null", "`None`", ""),
    ("boolean", "`bool`", ""),
    ("number", "`int`, `Decimal`", "34 digits, half to even; a `float` is read as the decimal that its `repr` shows"),
    ("string", "`str`", "positions and lengths count code points"),
    ("date", "`feel.Date`", "years -999999999 to 999999999"),
    ("time", "`feel.Time`", "nanoseconds of the day; local, with an offset in seconds, or with a zone"),
    ("date and time", "`feel.DateTime`", "a date and a time"),
    ("years and months duration", "`feel.YearsMonthsDuration`", "in months"),
    ("days and time duration", "`feel.DaysTimeDuration`", "in nanoseconds"),
    ("list", "`list`", "places count from 1"),
    ("context", "`dict` with string keys", "in the order of the entries"),
    ("range", "`feel.Range`", ""),
    ("function", "`feel.Function`", ""),
)
"""(kind, Python, unit or remark)."""


def _named(package: str, name: str) -> list[str]:
    module, node = _definition(package.removeprefix("procession."), name)
    if isinstance(node, ast.ClassDef):
        if name in _STRUCTS:
            table_of = table(("field", "type", "default"), fields(class_of(module, name)))
            return [f"### {name}", doc(node), table_of]
        return [f"### {name}", *(_deeper(part) for part in _shown(module, name))]
    if isinstance(node, ast.FunctionDef):
        return [f"### `{signature(node)}`", doc(node)]
    return [f"### {name}", _constant(module, name)]


def _shown(module: str, name: str) -> list[str]:
    parts = list(class_parts(module, name))
    if name in _MADE:
        return parts
    made = next((number for number, part in enumerate(parts) if part.startswith(f"### `{name}(")), None)
    # Its docstring follows it.
    return parts if made is None else parts[:made] + parts[made + 2 :]


def _deeper(part: str) -> str:
    return f"#{part}" if part.startswith("### ") else part


def _definition(package: str, name: str) -> tuple[str, ast.stmt | None]:
    """The module that a package takes a name from, and the definition; None for a constant."""
    for statement in tree(module_path(package)).body:
        if isinstance(statement, ast.ImportFrom) and any(each.name == name for each in statement.names):
            module = (statement.module or "").removeprefix("procession.")
            for node in tree(module_path(module)).body:
                if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
                    return module, node
            return module, None
    raise LookupError(f"{package} does not import {name}")


def _constant(module: str, name: str) -> str:
    """A constant or an alias, with the text that stands below it."""
    body = tree(module_path(module)).body
    for number, node in enumerate(body):
        target = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(target, ast.Name) and target.id == name and isinstance(node, ast.AnnAssign) and node.value:
            following = body[number + 1] if number + 1 < len(body) else None
            is_text = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            text = line(str(following.value.value)) if is_text else ""  # type: ignore[union-attr]
            assert text, f"{module}.{name} has no description"
            return f"{code(ast.unparse(node.value))}: {text}"
    raise LookupError(f"{module} has no {name}")
