"""Decision tables (DMN 1.5, 8): inputs are evaluated once, rules from the top. What hits mean: `hit_policies.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias, cast

from procession.dmn.audit import Asked, Hit, Table
from procession.dmn.compilation import Compilation, null, typed
from procession.dmn.hit_policies import HIT_POLICIES, ONE_RESULT, Column, Hits
from procession.dmn.item_types import ItemType, from_json, is_temporal, values_as_they_are
from procession.dmn.rule_index import MakeSearch, Row, indexed, literals_of
from procession.dmn.scope import Evaluate, Names, nothing, tested
from procession.feel import Lookup, Runtime
from procession.feel.codegen import compile_node
from procession.feel.nodes import ListNode, Literal
from procession.feel.values import is_list, shown
from procession.model.dmn import DecisionTable, InputClause, LiteralExpression, OutputClause, Rule


def decision_table(
    cx: Compilation,
    table: DecisionTable,
    names: Names,
    search_of: MakeSearch = indexed,
) -> Evaluate:
    """The function of a table. `search_of` makes what finds the rules that match."""
    inputs, checks = _inputs(cx, table, names)
    types = [cx.type_named(clause.type_ref, clause.span) for clause in table.outputs]
    columns = tuple([_column(cx, table, clause, names) for clause in table.outputs])
    rows = [_row(cx, (table, types), rule, names, number) for number, rule in enumerate(table.rules, 1)]
    default = _default(cx, table, types, names)
    _check(cx, table)
    policy = HIT_POLICIES[table.hit_policy]
    aggregation = table.aggregation if table.hit_policy == "COLLECT" else ""
    drawn = Table(
        cx.owner,
        table.id,
        table.hit_policy,
        tuple([clause.label or clause.expression.text.strip() for clause in table.inputs]),
        tuple([rule.annotations or ((rule.description,) if rule.description else ()) for rule in table.rules]),
    )

    cells = {test: literals_of(cx.trees[test]) for row in rows for _, test in row.tests if test in cx.trees}
    search = search_of(rows, cells, first=table.hit_policy == "FIRST")
    count = len(rows)
    single = table.hit_policy in ONE_RESULT and all(len(row.outputs) == 1 for row in rows)

    def evaluate(lookup: Lookup, rt: Runtime) -> object:
        values = cast("list[object]", inputs(lookup, rt))
        for column, kinds, check in checks:
            if values[column].__class__ not in kinds:
                values[column] = check(tested(values[column], lookup), rt)
        rt.left -= count
        if rt.left < 0:
            rt.charge(0)
        found = search(values, lookup, rt)
        if rt.trail is not None:
            rt.leave(Asked(drawn, tuple(values)))
            return policy(Hits(_watched(drawn, found, rt), columns, aggregation, lookup, rt), default)
        if single and isinstance(found, tuple):
            # The usual case: the one rule is known, so no policy has anything to decide.
            for row in found:
                return row.outputs[0](lookup, rt)
        return policy(Hits(found, columns, aggregation, lookup, rt), default)

    return evaluate


_Check: TypeAlias = tuple[int, frozenset[type], Evaluate]
"""A column, the Python types of the values that pass as they are, and what becomes of the others, each as `?`."""


def _watched(table: Table, found: Iterable[Row], rt: Runtime) -> Iterator[Row]:
    """The rules that match, with a trail of each when it is asked for."""
    for row in found:
        rt.leave(Hit(table, row.number, row.id))
        yield row


def _inputs(cx: Compilation, table: DecisionTable, names: Names) -> tuple[Evaluate, tuple[_Check, ...]]:
    """The function that gives the list of all input values, and what these must be: one call instead of many."""
    functions = [cx.expression(clause.expression, names) for clause in table.inputs]
    nodes = [cx.trees.get(function, Literal(0, 0, None)) for function in functions]
    checks = [_check_of(cx, column, clause, names) for column, clause in enumerate(table.inputs)]
    evaluate = compile_node(ListNode(0, 0, tuple(nodes)), cx.dialect, cx.type_refs)
    return evaluate, tuple([check for check in checks if check])


def _check_of(cx: Compilation, column: int, clause: InputClause, names: Names) -> _Check | None:
    place = f"the input `{clause.label or clause.expression.text.strip()[:60]}`"
    type = cx.type_named(clause.expression.type_ref, clause.expression.span)
    evaluate = typed(_read(type) if is_temporal(type) else _question, type, place, lenient=cx.lenient)
    allowed = cx.tests(clause.values, names) if clause.values is not None else None
    if allowed is not None:
        return column, frozenset(), _allowed(evaluate, allowed, place)
    return None if evaluate is _question else (column, values_as_they_are(type), evaluate)


def _question(lookup: Lookup, rt: Runtime) -> object:
    del rt
    return lookup("?")


def _read(type: ItemType) -> Evaluate:
    return lambda lookup, rt: from_json(lookup("?"), type)


def _allowed(evaluate: Evaluate, allowed: Evaluate, place: str) -> Evaluate:
    """A value that is not among the input values is kept, and noted: no rule was written for it."""

    def checked(lookup: Lookup, rt: Runtime) -> object:
        value = evaluate(lookup, rt)
        if value is not None and allowed(tested(value, lookup), rt) is not True:
            rt.note("not-allowed", f"{place} is {shown(value)}, which is none of its input values", 0)
        return value

    return checked


def _row(cx: Compilation, table: tuple[DecisionTable, list[ItemType]], rule: Rule, names: Names, number: int) -> Row:
    drawn, types = table
    tests = [(index, cx.tests(entry, names)) for index, entry in enumerate(rule.inputs[: len(drawn.inputs)])]
    outputs = [
        _output(cx, entry, clause, type, names)
        for entry, clause, type in zip(rule.outputs, drawn.outputs, types, strict=False)
    ]
    return Row(
        rule.id or f"rule {number}",
        number,
        tuple([(index, test) for index, test in tests if test is not None]),
        tuple(outputs),
    )


def _output(cx: Compilation, entry: LiteralExpression, clause: OutputClause, type: ItemType, names: Names) -> Evaluate:
    # A dash in an output is no expression; modelers leave it where nothing was filled in.
    evaluate = null if entry.text.strip() == "-" else cx.expression(entry, names)
    place = f"the output `{clause.name or clause.label}`" if clause.name or clause.label else "the output"
    return typed(evaluate, type, place, lenient=cx.lenient)


def _column(cx: Compilation, table: DecisionTable, clause: OutputClause, names: Names) -> Column:
    """An output column; its values in the order of their priority, if the policy needs it."""
    if table.hit_policy not in {"PRIORITY", "OUTPUT ORDER"} or clause.values is None:
        return Column(clause.name)
    listed = LiteralExpression(
        text=f"[{clause.values.text}]", language=clause.values.language, span=clause.values.span
    )  # fmt: skip
    values = cx.expression(listed, names)(nothing, Runtime())
    return Column(clause.name, tuple(values) if is_list(values) else ())


def _default(cx: Compilation, table: DecisionTable, types: list[ItemType], names: Names) -> Evaluate | None:
    """What a table gives where no rule matches, or None."""
    if not any(clause.default is not None and clause.default.text.strip() for clause in table.outputs):
        return None
    values = [
        _output(cx, clause.default, clause, type, names) if clause.default is not None else null
        for clause, type in zip(table.outputs, types, strict=True)
    ]
    if len(values) == 1:
        return values[0]
    keys = [clause.name for clause in table.outputs]

    def evaluate(lookup: Lookup, rt: Runtime) -> object:
        return {key: value(lookup, rt) for key, value in zip(keys, values, strict=True)}

    return evaluate


def _check(cx: Compilation, table: DecisionTable) -> None:
    """What contradicts itself."""
    keys = [clause.name for clause in table.outputs]
    if len(keys) > 1 and (not all(keys) or len(set(keys)) < len(keys)):
        text = "several outputs need names, and each its own"
        cx.report("dmn-table", table.span, text, "name each output column")
    if table.hit_policy != "COLLECT" and table.aggregation:
        text = f"the hit policy {table.hit_policy} cannot aggregate with {table.aggregation}"
        cx.report("dmn-table", table.span, text, "use the hit policy COLLECT, or remove the aggregation")
    elif table.aggregation and table.aggregation != "COUNT" and len(keys) > 1:
        text = f"{table.aggregation} of several outputs has no meaning"
        cx.report("dmn-table", table.span, text, "keep one output column, or remove the aggregation")
    if table.hit_policy in {"PRIORITY", "OUTPUT ORDER"} and not any(
        clause.values is not None and clause.values.text.strip() for clause in table.outputs
    ):
        text = f"the hit policy {table.hit_policy} needs the order of the output values"
        cx.report("dmn-table", table.span, text, "list the output values of a column, the first being the highest")
