"""What a tree says about itself before it runs: its free variables, the paths it reads, whether it is a constant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias, final

import msgspec

from procession.feel import nodes as n

READERS: Final = frozenset({"count", "sum", "min", "max", "mean", "product", "list contains"})
"""Built-ins that look at a list without keeping it."""

_LANGUAGES: Final = {"java": "Java", "pmml": "PMML"}
_Part: TypeAlias = tuple[n.Node, frozenset[str]]


@final
class Facts(msgspec.Struct, frozen=True):
    """The findings. A name in a filter may be an entry of the items; it counts as a variable all the same."""

    variables: frozenset[str]
    paths: tuple[str, ...]
    constant: bool


def analyse(node: n.Node, builtins: Mapping[str, object], impure: frozenset[str]) -> Facts:
    """The facts of a tree. Called built-ins are no variables."""
    variables: dict[str, None] = {}
    paths: dict[str, None] = {}
    pure = True
    stack: list[_Part] = [(node, frozenset())]
    while stack:
        current, bound = stack.pop()
        steps = _steps(current)
        if steps is not None:
            if steps[0] not in bound:
                variables[steps[0]] = None
                paths[".".join(steps)] = None
            continue
        if isinstance(current, n.Call) and isinstance(current.callee, n.Name):
            name = current.callee.name
            pure = pure and (name not in impure or name in bound)
            if name in builtins or name in bound:
                stack.extend((argument, bound) for argument in current.arguments)
                continue
        stack.extend(_parts(current, bound))
    return Facts(frozenset(variables), tuple(sorted(paths)), not variables and pure)


def mentions(node: n.Node, name: str) -> bool:
    """Whether a name occurs free in a tree."""
    stack: list[_Part] = [(node, frozenset())]
    while stack:
        current, bound = stack.pop()
        if isinstance(current, n.Name) and current.name == name and name not in bound:
            return True
        stack.extend(_parts(current, bound))
    return False


def foreign_languages(node: n.Node) -> tuple[str, ...]:
    """The languages of the external functions (grammar rule 55) that a tree defines."""
    found: dict[str, None] = {}
    stack: list[_Part] = [(node, frozenset())]
    while stack:
        current, bound = stack.pop()
        if isinstance(current, n.FunctionNode) and current.external:
            found[language_of(current)] = None
        stack.extend(_parts(current, bound))
    return tuple(found)


def language_of(node: n.FunctionNode) -> str:
    """What an external function says that it is written in."""
    keys = [key for key, _ in node.body.entries] if isinstance(node.body, n.ContextNode) else []
    return next((_LANGUAGES[key] for key in keys if key in _LANGUAGES), "another language")


def only_reads(node: n.Node, name: str) -> bool:
    """Whether a name is only indexed by a literal or given to built-ins that do not keep it."""
    stack: list[_Part] = [(node, frozenset())]
    while stack:
        current, bound = stack.pop()
        if isinstance(current, n.Name) and current.name == name and name not in bound:
            return False
        if isinstance(current, n.Filter) and _is_name(current.base, name) and isinstance(current.test, n.Literal):
            continue
        if isinstance(current, n.Call) and isinstance(current.callee, n.Name) and current.callee.name in READERS:
            stack.extend((part, bound) for part in current.arguments if not _is_name(part, name))
            continue
        stack.extend(_parts(current, bound))
    return True


def _is_name(node: n.Node, name: str) -> bool:
    return isinstance(node, n.Name) and node.name == name


def _steps(node: n.Node) -> list[str] | None:
    """A variable or a path of one, as its names; None for anything else."""
    steps: list[str] = []
    while isinstance(node, n.Path):
        steps.append(node.name)
        node = node.base
    if not isinstance(node, n.Name):
        return None
    return [node.name, *reversed(steps)]


def _parts(node: n.Node, bound: frozenset[str]) -> list[_Part]:
    """The parts of a node, each with the names that are bound in it."""
    match node:
        case n.For() | n.Quantified():
            return _loop_parts(node, bound)
        case n.FunctionNode() if node.external:
            return []
        case n.FunctionNode():
            return [(node.body, bound | {name for name, _ in node.parameters})]
        case n.ContextNode():
            parts: list[_Part] = []
            for key, entry in node.entries:
                own = {key} if isinstance(entry, n.FunctionNode) else frozenset[str]()
                parts.append((entry, bound | own))
                bound = bound | {key}
            return parts
        case n.Filter():
            return [(node.base, bound), (node.test, bound | {"item"})]
        case _:
            return [(part, bound) for part in _plain_parts(node)]


def _loop_parts(node: n.For | n.Quantified, bound: frozenset[str]) -> list[_Part]:
    parts: list[_Part] = []
    for iterator in node.iterators:
        parts.append((iterator.domain, bound))
        if iterator.until is not None:
            parts.append((iterator.until, bound))
        bound = bound | {iterator.name}
    parts.append((node.body, bound | {"partial"} if isinstance(node, n.For) else bound))
    return parts


def _plain_parts(node: n.Node) -> tuple[n.Node, ...]:
    match node:
        case n.Path():
            return (node.base,)
        case n.Call():
            return (node.callee, *node.arguments)
        case n.Negation() | n.InstanceOf() | n.Test():
            return (node.operand,)
        case n.Binary():
            return (node.left, node.right)
        case n.Logic():
            return node.operands
        case n.Between():
            return (node.operand, node.low, node.high)
        case n.In():
            return (node.operand, *node.tests)
        case n.UnaryTests():
            return (n.Name(node.start, node.end, "?"), *node.tests) if node.tests else ()
        case n.If():
            return (node.condition, node.yes, node.no)
        case n.ListNode():
            return node.items
        case n.RangeNode():
            return (node.low, node.high)
        case _:
            return ()
