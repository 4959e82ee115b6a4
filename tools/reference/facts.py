"""The facts of an instance's history, from the structs that are stored."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from tools.reference.text import code, line, module_path, table, tree

MODULES: Final = (
    "core.facts",
    "core.facts_of_scopes",
    "core.facts_of_events",
    "core.facts_of_data",
    "core.facts_of_decisions",
    "core.facts_of_changes",
)


def page() -> str:
    """The whole page."""
    return "\n\n".join(
        (
            "What was decided in an instance, in order: `Instance.history` and `procession show KEY --history`."
            " Facts are what is stored; the state is what they add up to, and replaying them gives it again. The"
            " meaning of a kind never changes. `element`, `scope` and the like are keys of element instances, `node`"
            " and `flow` numbers in the compiled program; an entry of the history has the id of the drawing beside"
            " them.",
            table(("kind", "means", "fields"), list(_rows())),
        )
    )


def _rows() -> Iterator[tuple[str, str, str]]:
    for node in (node for module in MODULES for node in tree(module_path(module)).body):
        if not isinstance(node, ast.ClassDef):
            continue
        tag = next((each.value for each in node.keywords if each.arg == "tag"), None)
        if isinstance(tag, ast.Constant):
            names = [each.target for each in node.body if isinstance(each, ast.AnnAssign)]
            fields = ", ".join(code(name.id) for name in names if isinstance(name, ast.Name))
            yield code(tag.value), line(ast.get_docstring(node)), fields
