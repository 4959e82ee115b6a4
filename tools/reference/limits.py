"""The bounds: every public constant whose name ends in MAX, with its value and what stands below it."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import Final

from tools.reference.text import SRC, code, documented, modules, table, tree

ROOMS: Final = {
    "base": "Values",
    "parse": "Documents",
    "convert": "Import",
    "feel": "Expressions",
    "dmn": "Decisions",
    "forms": "Forms",
    "core": "Instances",
    "services": "Deployments and views",
    "runtime": "Memory for programs",
    "hosts": "The embedded engine, and the codec of Temporal",
    "testing": "Scenarios",
}


def page() -> str:
    """The whole page."""
    parts = ["Everything is bounded. What is over a limit is refused or stopped by name, never cut off silently."]
    for room, title in ROOMS.items():
        rows = [row for path in modules(room) for row in _rows(path)]
        if rows:
            parts += [f"## {title}", table(("limit", "value", "bounds"), rows)]
    return "\n\n".join(parts)


def _rows(path: Path) -> list[tuple[str, str, str]]:
    name = ".".join(path.relative_to(SRC).with_suffix("").parts)
    rows: list[tuple[str, str, str]] = []
    for statement, text in documented(tree(path).body):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        constant = statement.target.id
        if constant.endswith("_MAX") and not constant.startswith("_") and text:
            value = getattr(importlib.import_module(f"procession.{name}"), constant)
            rows.append((code(f"{name}.{constant}"), f"{value:,}", text))
    return rows
