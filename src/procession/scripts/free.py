"""The names that a script uses and does not declare: what it expects to be there.

A name that is declared anywhere counts as declared. What must not live here: what becomes of such a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import msgspec

from procession.scripts.syntax import Source, nodes, parsed

if TYPE_CHECKING:
    from tree_sitter import Node

_PATTERNS: Final = frozenset(
    "object_pattern array_pattern assignment_pattern object_assignment_pattern rest_pattern pair_pattern".split()
)
_NAMED: Final = frozenset(
    {"function_declaration", "generator_function_declaration", "class_declaration", "function_expression", "class"}
)


@final
class Uses(msgspec.Struct, frozen=True):
    """What a script uses: `free` names in the order of the text, and by free name the members that are called or read
    of it; "" where it stands by itself. `gives`: its last statement is an expression, or it returns a value."""

    free: tuple[str, ...]
    members: dict[str, tuple[str, ...]]
    gives: bool


def uses(text: str, name: str = "script") -> Uses:
    """What a script uses. Raises `Refused` for what is no JavaScript."""
    source = Source.of(text, name)
    root = parsed(source)
    declared: set[str] = set()
    used: dict[str, dict[str, None]] = {}
    for node, _ in nodes(root):
        for each in _declaring(node):
            declared.add(source.text(each))
        if node.type in {"identifier", "shorthand_property_identifier"}:
            used.setdefault(source.text(node), {})[_member(source, node)] = None
    free = {each: members for each, members in used.items() if each not in declared}
    statements = [node for node in root.named_children if node.type not in {"comment", "empty_statement"}]
    gives = bool(statements) and statements[-1].type in {"expression_statement", "return_statement"}
    return Uses(tuple(free), {each: tuple(members) for each, members in free.items()}, gives)


def _declaring(node: Node) -> list[Node]:
    """The names that a node declares."""
    if node.type == "variable_declarator" or node.type in _NAMED:
        pattern = node.child_by_field_name("name")
        return _bound(pattern)
    if node.type == "formal_parameters":
        patterns = [child.child_by_field_name("pattern") or child for child in node.named_children]
        return [found for pattern in patterns for found in _bound(pattern)]
    if node.type in {"arrow_function", "catch_clause"}:
        return _bound(node.child_by_field_name("parameter"))
    if node.type == "for_in_statement" and node.child_by_field_name("kind") is not None:
        return _bound(node.child_by_field_name("left"))
    if node.type in {"import_specifier", "namespace_import", "import_clause"}:
        return [child for child in node.named_children if child.type == "identifier"]
    return []


def _bound(pattern: Node | None) -> list[Node]:
    if pattern is None:
        return []
    if pattern.type in {"identifier", "shorthand_property_identifier_pattern"}:
        return [pattern]
    if pattern.type not in _PATTERNS:
        return []
    # The default of a pattern stands at its right, the key of a pair at its left: neither is declared.
    left = pattern.child_by_field_name("left") or pattern.child_by_field_name("value")
    children = [left] if left is not None else pattern.named_children
    return [found for child in children for found in _bound(child)]


def _member(source: Source, node: Node) -> str:
    parent = node.parent
    if parent is None or parent.type != "member_expression" or parent.child_by_field_name("object") != node:
        return ""
    name = parent.child_by_field_name("property")
    return source.text(name) if name is not None else ""
