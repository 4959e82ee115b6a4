"""The programs of a form: every condition, limit and rule that a browser can evaluate by itself (docs/design/0017).

They stand beside the view, by the place of the component: a page that has both shows and hides, and judges, without
asking. What only the server can say is named in `ask`: also what reads variables, since a browser has the form's fields
and no other data of the process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, final

import msgspec

from procession.feel import Expression
from procession.feel.javascript import Program, subset
from procession.forms.compiled import Compiled, Given, Node, Texts

RULE: Final = "rule:"
"""What stands before the names of rules, among those of properties."""


@final
class Programs(msgspec.Struct, frozen=True, gc=False):
    """Programs by name: of components by their place, of pages by id, and of the form. `ask` names those that only the
    server has; `server` tells that texts, options or tables depend on answers, too, so that it is asked for them.
    """

    components: dict[str, dict[str, Program]]
    pages: dict[str, dict[str, Program]]
    form: dict[str, Program]
    ask: list[str]
    server: bool


def programs(compiled: Compiled) -> Programs:
    """The programs of a form; the same for all data and languages."""
    ask: list[str] = []
    fields = _fields(compiled)
    components: dict[str, dict[str, Program]] = {}
    pages: dict[str, dict[str, Program]] = {}
    for node in compiled.walk():
        found = _programs(_expressions(node), node.component.place, fields, ask)
        if node.type == "page":
            pages[node.component.name] = found
        elif found:
            components[node.component.place] = found
    form = _programs(((RULE + rule.name, rule.when) for rule in compiled.rules), "", fields, ask)
    return Programs(components, pages, form, ask, any(_depends(node) for node in compiled.walk()))


def _programs(
    expressions: Iterator[tuple[str, Expression]], place: str, fields: frozenset[str], ask: list[str]
) -> dict[str, Program]:
    found: dict[str, Program] = {}
    for name, expression in expressions:
        program = subset(expression)
        if isinstance(program, tuple) or not all(_known(path, fields) for path in expression.paths):
            ask.append(f"{place}#{name}")
        else:
            found[name] = program
    return found


def _fields(compiled: Compiled) -> frozenset[str]:
    """The paths of all fields and lists, the numbers of rows left out, and what fields are called in their row."""
    found: set[str] = set()

    def walk(nodes: Iterable[Node], at: tuple[str, ...], row: tuple[str, ...]) -> None:
        for node in nodes:
            inner, key = node.component.path, node.component.key
            if node.is_field:
                found.update((".".join((*at, *key)), ".".join(("this", *row, *key))))
            if node.value == "rows":
                found.update((".".join((*at, *inner)), ".".join(("this", *row, *inner))))
            walk(node.children, (*at, *inner), () if node.value == "rows" else (*row, *inner))

    walk(compiled.nodes, (), ())
    return frozenset(found)


def _known(path: str, fields: frozenset[str]) -> bool:
    """Whether a browser has what an expression reads: a field, or a part of its value."""
    head, _, rest = path.partition(".")
    if head in {"i", "_i_"}:
        return True
    if head in {"this", "_this_", "parent", "_parent_"}:
        path = f"this.{rest}"
    steps = path.split(".")
    return any(".".join(steps[:count]) in fields for count in range(1, len(steps) + 1))


def _expressions(node: Node) -> Iterator[tuple[str, Expression]]:
    limits = node.limits
    for name, given in (
        ("readonly", node.readonly),
        ("disabled", node.disabled),
        ("minLength", limits.min_length),
        ("maxLength", limits.max_length),
        ("min", limits.min),
        ("max", limits.max),
    ):
        if given is not None and given.expression is not None:
            yield name, given.expression
    # What is computed when the form is sent is nothing before.
    compute = node.compute if node.component.text("computeOn") != "presubmit" else None
    for name, expression in (
        ("hide", node.hide),
        ("compute", compute),
        ("minDate", node.min_date),
        ("maxDate", node.max_date),
        ("amount", node.amount),
    ):
        if expression is not None:
            yield name, expression
    for rule in node.rules:
        yield RULE + rule.name, rule.when


def _depends(node: Node) -> bool:
    """Whether what is shown of a component, beyond its limits, is made of answers."""
    options = node.options
    return (
        any(_varies(texts) for texts in (node.texts, *node.translations.values()))
        or any(_varies(texts) for rule in node.rules for texts in (rule.texts, *rule.translations.values()))
        or any(_asked(each) for each in (node.data, node.columns, node.accept, node.multiple))
        or (options is not None and (bool(options.key) or options.expression is not None))
    )


def _varies(texts: Texts) -> bool:
    return any(each.expressions or each.whole is not None for each in texts.values())


def _asked(given: Given | None) -> bool:
    return given is not None and given.expression is not None
