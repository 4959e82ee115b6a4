"""Calling functions: values of kind function, functions of the host, and positional or named arguments for them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import localcontext
from typing import Final, cast

from procession.feel.errors import BudgetExceeded
from procession.feel.nodes import TypeRef
from procession.feel.runtime import CALLS_MAX, Runtime
from procession.feel.types import Types, conforms
from procession.feel.values import Function, is_list, shown


def call_value(callee: object, arguments: list[object], names: tuple[str, ...], rt: Runtime, at: int) -> object:
    """An invocation of a value. What is no function, or gets the wrong arguments, gives null."""
    if not isinstance(callee, Function):
        rt.note("not-a-function", f"{shown(callee)} is no function", at)
        return None
    if names:
        if len(set(names)) != len(names) or set(names) != set(callee.parameters):
            rt.note("arguments", f"`{callee.name}` takes ({', '.join(callee.parameters)})", at)
            return None
        given = dict(zip(names, arguments, strict=True))
        arguments = [given[name] for name in callee.parameters]
    return callee.call(arguments, rt, at)


NOT_RUN: Final = "write it in FEEL, or call a job from the process"
"""What to do about a function in another language."""


def user_function(
    parameters: tuple[str, ...], types: tuple[TypeRef | None, ...], defined: Types, body: Callable[..., object]
) -> Function:
    """The value of a `function(…) …` expression. `defined` are the types that the document defines."""

    def call(arguments: list[object], rt: Runtime, at: int) -> object:
        if len(arguments) != len(parameters):
            rt.note("arguments", f"the function takes {len(parameters)} arguments, not {len(arguments)}", at)
            return None
        for index, kind in enumerate(types):
            if kind is not None and not _fits(arguments, index, kind, defined):
                rt.note("type", f"`{parameters[index]}` must be of type {kind.name}, not {shown(arguments[index])}", at)
                return None
        rt.charge(8)
        if rt.calls >= CALLS_MAX:
            raise BudgetExceeded(f"functions call each other more than {CALLS_MAX} deep")
        rt.calls += 1
        try:
            return body(*arguments)
        finally:
            rt.calls -= 1

    return Function("function", parameters, call, types)


def external_function(parameters: tuple[str, ...], types: tuple[TypeRef | None, ...], language: str) -> Function:
    """The value of a `function(…) external …` expression (grammar rule 55): every call is null and a note."""

    def call(arguments: list[object], rt: Runtime, at: int) -> None:
        del arguments
        rt.note("not-a-function", f"the function is written in {language}, which is not run: {NOT_RUN}", at)

    return Function("function", parameters, call, types)


def _fits(arguments: list[object], index: int, kind: TypeRef, defined: Types) -> bool:
    """Whether an argument fits, after the conversions of 10.3.2.9.4 between an item and a list of one."""
    value = arguments[index]
    if value is None or conforms(value, kind, defined):
        return True
    if is_list(value) and len(value) == 1 and conforms(value[0], kind, defined):
        arguments[index] = value[0]
        return True
    if conforms([value], kind, defined):
        arguments[index] = [value]
        return True
    return False


def host_function(name: str, function: Callable[..., object]) -> Function:
    """A function of the host's registry. An exception that it raises is its own business and passes through."""

    def call(arguments: list[object], rt: Runtime, at: int) -> object:
        del at
        rt.charge(8)
        if rt.outside is None:
            return function(*arguments)
        with localcontext(rt.outside):
            # The host reckons in its own context: that of the expression traps nothing.
            return function(*arguments)

    return Function(name, cast("tuple[str, ...]", ()), call)
