"""Boxed expressions (DMN 1.5, 7.3): one function for each, in the table `LOGIC`. Tables are in `tables.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from procession.dmn.compilation import Compilation, null, typed
from procession.dmn.item_types import ANY, ItemType, component_names, converted, refusal
from procession.dmn.scope import Evaluate, Names, names_with, nothing, within
from procession.dmn.tables import decision_table
from procession.feel import BudgetExceeded, Lookup, Runtime, compile_expression
from procession.feel.access import copied, domain, filter_
from procession.feel.functions import NOT_RUN, call_value
from procession.feel.runtime import CALLS_MAX
from procession.feel.values import Function, is_context, shown
from procession.model.dmn import (
    Conditional,
    Context,
    DecisionTable,
    Filter,
    FunctionDefinition,
    InformationItem,
    Invocation,
    Iterator,
    ListExpression,
    LiteralExpression,
    Logic,
    Relation,
)


def compile_logic(cx: Compilation, logic: Logic | None, names: Names) -> Evaluate:
    """The function of a boxed expression, with its own typeRef applied."""
    if logic is None:
        return null
    evaluate = LOGIC[type(logic)](cx, logic, names)
    return typed(evaluate, cx.type_named(logic.type_ref, logic.span), "the result")


def _literal(cx: Compilation, logic: LiteralExpression, names: Names) -> Evaluate:
    return cx.expression(logic, names)


def _context(cx: Compilation, logic: Context, names: Names) -> Evaluate:
    entries: list[tuple[str, Evaluate]] = []
    for entry in logic.entries:
        value = compile_logic(cx, entry.value, names)
        name = entry.variable.name if entry.variable is not None else ""
        if entry.variable is not None:
            type = cx.type_named(entry.variable.type_ref, entry.variable.span)
            value = typed(value, type, f"`{name}`")
            names = names_with(names, [name, *component_names(type), *shape(entry.value)])
        entries.append((name, value))

    def evaluate(lookup: Lookup, rt: Runtime) -> object:
        made: dict[str, object] = {}
        scope = within(made, lookup)
        for name, value in entries:
            if not name:
                return value(scope, rt)
            made[name] = value(scope, rt)
        return made

    return evaluate


def _invocation(cx: Compilation, logic: Invocation, names: Names) -> Evaluate:
    callee = compile_logic(cx, logic.function, names)
    if isinstance(logic.function, LiteralExpression):
        callee = _named_function(cx, logic.function, callee)
    parameters = tuple([binding.parameter.name for binding in logic.bindings])
    arguments = [
        typed(
            compile_logic(cx, binding.value, names),
            cx.type_named(binding.parameter.type_ref, binding.parameter.span),
            f"`{binding.parameter.name}`",
        )
        for binding in logic.bindings
    ]

    def evaluate(lookup: Lookup, rt: Runtime) -> object:
        given = [argument(lookup, rt) for argument in arguments]
        return call_value(callee(lookup, rt), given, parameters, rt, 0)

    return evaluate


def _named_function(cx: Compilation, logic: LiteralExpression, otherwise: Evaluate) -> Evaluate:
    """A function by its plain name, which may hold spaces; any other text is an expression that gives one."""
    name = " ".join(logic.text.split())

    def evaluate(lookup: Lookup, rt: Runtime) -> object:
        found = lookup(name)
        return found if isinstance(found, Function) else otherwise(lookup, rt)

    return evaluate


def _function(cx: Compilation, logic: FunctionDefinition, names: Names) -> Evaluate:
    make = function_maker(cx, logic, names, "function", ANY)

    def evaluate(lookup: Lookup, rt: Runtime) -> object:
        del rt
        return make(lookup)

    return evaluate


def function_maker(
    cx: Compilation, logic: FunctionDefinition, names: Names, name: str, result: ItemType
) -> Callable[[Lookup], Function]:
    """What makes the function value of a definition in a scope. `result` is the type of what it gives."""
    if logic.kind.upper() not in {"", "FEEL", "F"}:
        text = f"the function {name!r} is written in {logic.kind[:40]}"
        cx.report("dmn-element", logic.span, text, NOT_RUN)
        return _foreign(name, [parameter.name for parameter in logic.parameters], logic.kind)
    types = [cx.type_named(parameter.type_ref, parameter.span) for parameter in logic.parameters]
    known = [part for type in types for part in component_names(type)]
    inner = names_with(names, [*(parameter.name for parameter in logic.parameters), *known])
    body = typed(compile_logic(cx, logic.body, inner), result, f"the result of `{name}`")
    parameters = tuple([parameter.name for parameter in logic.parameters])
    return lambda scope: closure(name, parameters, types, _with_arguments(parameters, body, scope))


def _foreign(name: str, parameters: Sequence[str], language: str) -> Callable[[Lookup], Function]:
    """A function that is not written in FEEL: every call is null and a note."""

    def call(given: list[object], rt: Runtime) -> None:
        del given
        rt.note("not-a-function", f"`{name}` is written in {language[:40]}, which is not run: {NOT_RUN}", 0)

    return lambda scope: closure(name, parameters, [ANY] * len(parameters), call)


def closure(
    name: str,
    parameters: Sequence[str],
    types: Sequence[ItemType],
    body: Callable[[list[object], Runtime], object],
) -> Function:
    """A function value. An argument that is not of its type prevents the call: the result is null (10.3.2.13.2)."""

    def call(arguments: list[object], rt: Runtime, at: int) -> object:
        if len(arguments) != len(parameters):
            rt.note("arguments", f"`{name}` takes {len(parameters)} arguments, not {len(arguments)}", at)
            return None
        given: list[object] = []
        for parameter, type, argument in zip(parameters, types, arguments, strict=True):
            value, fits = converted(argument, type, rt)
            if not fits:
                rt.note("type", refusal(value, type, f"`{parameter}` of `{name}`"), at)
                return None
            given.append(value)
        return _called(body, given, rt)

    return Function(name, tuple(parameters), call)


def _called(body: Callable[[list[object], Runtime], object], given: list[object], rt: Runtime) -> object:
    rt.charge(8)
    if rt.calls >= CALLS_MAX:
        raise BudgetExceeded(f"functions call each other more than {CALLS_MAX} deep")
    rt.calls += 1
    try:
        return body(given, rt)
    finally:
        rt.calls -= 1


def _with_arguments(
    parameters: Sequence[str], body: Evaluate, scope: Lookup
) -> Callable[[list[object], Runtime], object]:
    def run(given: list[object], rt: Runtime) -> object:
        return body(within(dict(zip(parameters, given, strict=True)), scope), rt)

    return run


def _list(cx: Compilation, logic: ListExpression, names: Names) -> Evaluate:
    items = [compile_logic(cx, item, names) for item in logic.items]

    def evaluate(lookup: Lookup, rt: Runtime) -> object:
        rt.charge(len(items))
        return [item(lookup, rt) for item in items]

    return evaluate


def _relation(cx: Compilation, logic: Relation, names: Names) -> Evaluate:
    types = [cx.type_named(column.type_ref, column.span) for column in logic.columns]
    rows = [
        [
            (column.name, typed(compile_logic(cx, cell, names), type, f"`{column.name}`"))
            for column, type, cell in zip(logic.columns, types, row.cells, strict=False)
        ]
        for row in logic.rows
    ]

    def evaluate(lookup: Lookup, rt: Runtime) -> object:
        rt.charge(len(rows))
        return [{name: cell(lookup, rt) for name, cell in row} for row in rows]

    return evaluate


def _conditional(cx: Compilation, logic: Conditional, names: Names) -> Evaluate:
    condition = compile_logic(cx, logic.condition, names)
    then = compile_logic(cx, logic.then, names)
    otherwise = compile_logic(cx, logic.otherwise, names)

    def evaluate(lookup: Lookup, rt: Runtime) -> object:
        value = condition(lookup, rt)
        if value is True:
            return then(lookup, rt)
        if value is not False:
            rt.note("type", f"the condition must be true or false, not {shown(value)}", 0)
        # Null is not true; any other value makes the whole expression null (7.3.10).
        return otherwise(lookup, rt) if value is False or value is None else None

    return evaluate


def _filter(cx: Compilation, logic: Filter, names: Names) -> Evaluate:
    collection = compile_logic(cx, logic.collection, names)
    known = list(shape(logic.collection))
    match = compile_logic(cx, logic.match, names_with(names, known))

    def evaluate(lookup: Lookup, rt: Runtime) -> object:
        def passes(item: object) -> object:
            inner = within({"item": item}, lookup)
            return match(within(item, inner) if is_context(item) else inner, rt)

        return filter_(collection(lookup, rt), passes, rt, 0)

    return evaluate


def _iterator(cx: Compilation, logic: Iterator, names: Names) -> Evaluate:
    collection = compile_logic(cx, logic.collection, names)
    body = compile_logic(cx, logic.body, names_with(names, [logic.variable]))
    # `some` and `every` are the functions any() and all() of what their body gives: the three values of logic.
    summary = _SUMMARIES.get(logic.kind)
    reduce = compile_expression(summary, dialect="feel").function if summary is not None else None

    def evaluate(lookup: Lookup, rt: Runtime) -> object:
        items = domain(collection(lookup, rt), rt, 0)
        if items is None:
            return None
        made: list[object] = []
        for item in items:
            made.append(body(_turn(logic.variable, item, made, lookup, rt), rt))
        return made if reduce is None else reduce(within({"made": made}, nothing), rt)

    return evaluate


def _turn(variable: str, item: object, made: list[object], outer: Lookup, rt: Runtime) -> Lookup:
    """The scope of one turn. `partial` is a copy, made where it is asked for: the list grows on."""

    def look(name: str) -> object:
        if name == variable:
            return item
        return copied(made, rt) if name == "partial" else outer(name)

    return look


_SUMMARIES: Final = {"some": "any(made)", "every": "all(made)"}


def shape(logic: Logic | None) -> list[str]:
    """The names of the entries of what a boxed expression gives, as far as the drawing tells."""
    if isinstance(logic, DecisionTable):
        return [output.name for output in logic.outputs if output.name]
    if isinstance(logic, Relation):
        return [column.name for column in logic.columns]
    if isinstance(logic, Context):
        return _entry_names(logic)
    if isinstance(logic, Filter):
        return shape(logic.collection)
    return []


def _entry_names(logic: Context) -> list[str]:
    if logic.entries and logic.entries[-1].variable is None:
        return shape(logic.entries[-1].value)
    variables = [entry.variable for entry in logic.entries]
    names = [variable.name for variable in variables if isinstance(variable, InformationItem)]
    return names + [name for entry in logic.entries for name in shape(entry.value)]


LOGIC: Final[dict[type, Callable[[Compilation, Any, Names], Evaluate]]] = {
    LiteralExpression: _literal,
    DecisionTable: decision_table,
    Context: _context,
    Invocation: _invocation,
    FunctionDefinition: _function,
    ListExpression: _list,
    Relation: _relation,
    Conditional: _conditional,
    Filter: _filter,
    Iterator: _iterator,
}
"""How each boxed expression is compiled."""
