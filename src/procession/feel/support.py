"""Small run-time functions that generated code calls and that are no operator: unknown names, bad literals, tests."""

from __future__ import annotations

from decimal import Context, getcontext, setcontext
from functools import cache
from typing import NoReturn

from procession.feel import ops
from procession.feel.builtins import BUILTINS, Dialect
from procession.feel.builtins.table import function_value
from procession.feel.errors import BudgetExceeded
from procession.feel.functions import host_function
from procession.feel.numbers import CONTEXT
from procession.feel.runtime import Runtime
from procession.feel.values import is_list, shown


def unknown(dialect: Dialect, name: str, rt: Runtime, at: int) -> object:
    """A name that no variable has: a function of the host, a built-in as a value, or null and a note."""
    result = quiet(dialect, name, rt, at)
    if result is None:
        meant = _squeezed(dialect).get(_squeeze(name))
        hint = "" if meant is None else f"; the function is written `{meant}`"
        rt.note("unknown-name", f"there is no variable `{name}`{hint}", at)
    return result


@cache
def _squeezed(dialect: Dialect) -> dict[str, str]:
    """The built-in functions by their names as other languages would write them: `stringLength`, `list_contains`."""
    return {_squeeze(name): name for name in BUILTINS[dialect]}


def _squeeze(name: str) -> str:
    return name.replace(" ", "").replace("_", "").lower()


def quiet(dialect: Dialect, name: str, rt: Runtime, at: int) -> object:
    """`unknown` in a filter, where an item without the entry is nothing unusual."""
    del at
    function = rt.functions.get(name)
    if function is not None:
        return host_function(name, function)
    builtin = BUILTINS[dialect].get(name)
    return None if builtin is None else function_value(name, builtin)


def enter(rt: Runtime) -> Context:
    """Makes FEEL's decimal context the current one, once for a whole evaluation; gives the one to go back to."""
    outer = getcontext()
    if outer is not CONTEXT:
        rt.outside = outer
        setcontext(CONTEXT)
    return outer


def bad_literal(message: str, rt: Runtime, at: int) -> None:
    """A literal without a value."""
    rt.note("literal", message, at)


def bad_call(name: str, rt: Runtime, at: int) -> None:
    """A built-in with a number or names of arguments that it does not take."""
    rt.note("arguments", f"`{name}` does not take these arguments", at)


def overflow() -> NoReturn:
    """The stack is used up: values nested too deeply, or functions that call each other for ever."""
    raise BudgetExceeded("the expression or its values are nested too deeply")


def verdict(value: object, rt: Runtime, at: int) -> None:
    """The outcome of a quantifier whose condition is neither true nor false."""
    if value is not None and type(value) is not bool:
        rt.note("type", f"a condition must be true or false, not {shown(value)}", at)


def merge_tests(first: object, second: object) -> bool | None:
    """One of two tests: true if one is, null if both are, else false."""
    if first is True or second is True:
        return True
    return None if first is None and second is None else False


def negated_test(result: object) -> bool | None:
    """`not(tests)`; tests that cannot be decided stay undecided."""
    return None if result is None else result is not True


def question_test(value: object, result: object, rt: Runtime, at: int) -> bool | None:
    """A test that uses `?`: its own verdict if it is one, else the value must equal it or lie in it (table 55)."""
    if type(result) is bool or result is None:
        return result
    return ops.unary_test(value, result, rt, at)


def table_test(value: object, result: object, rt: Runtime, at: int) -> bool | None:
    """A test without `?` that is no literal: a condition decides for an input that is no boolean itself."""
    if type(result) is bool and value is not None and type(value) is not bool and not is_list(value):
        return result
    return ops.unary_test(value, result, rt, at)
