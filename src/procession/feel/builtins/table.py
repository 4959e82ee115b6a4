"""How built-in functions are declared and called: one row each, with the types of its parameters as a text.

    "substring": overloads("string: string, start position: number, length?: number", substring)

`name?` may be left out, `*name` takes all that remain, `+name` at least one, `|` joins kinds, `|null` allows null. What
gets has been checked, and unwrapped from a list of one where FEEL says so; it raises `DomainError` for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, final

from procession.feel.errors import DomainError
from procession.feel.numbers import number_of
from procession.feel.runtime import Runtime
from procession.feel.values import KINDS, Function, is_list, shown

Implementation: TypeAlias = Callable[..., Any]


@final
class Absent:
    """The type of `ABSENT`: an argument that was not given, which is not the same as null."""

    __slots__ = ()


ABSENT: Final = Absent()
_ANY_COUNT: Final = 1 << 30
_TYPES: Final[dict[str, frozenset[type]]] = {
    kind: frozenset(python for python, name in KINDS.items() if name == kind) for kind in set(KINDS.values())
}


@final
class Parameter:
    """One parameter. `types` are the Python types that pass as they are; None lets everything pass."""

    __slots__ = ("kinds", "name", "optional", "rest", "types")

    def __init__(self, text: str) -> None:
        label, _, kinds = text.partition(":")
        label = label.strip()
        self.rest = label.startswith(("*", "+"))
        self.optional = label.endswith("?") or label.startswith("*")
        self.name = label.strip("*+?")
        self.kinds = tuple(kind.strip() for kind in kinds.split("|"))
        types = frozenset[type]().union(*(_TYPES.get(kind, frozenset()) for kind in self.kinds)) - {float}
        self.types = None if "any" in self.kinds else types


@final
class Overload:
    """One signature of a built-in function and what carries it out."""

    __slots__ = ("call", "name", "names", "parameters", "required", "rest", "runtime")

    def __init__(self, name: str, signature: str, call: Implementation, *, runtime: bool) -> None:
        self.name = name
        rows = signature.split(",") if signature else []
        self.parameters: tuple[Parameter, ...] = tuple(Parameter(text) for text in rows)
        self.names = tuple(parameter.name for parameter in self.parameters)
        self.required = frozenset(p.name for p in self.parameters if not p.optional)
        self.rest = bool(self.parameters) and self.parameters[-1].rest
        self.call = call
        self.runtime = runtime

    def takes(self, count: int) -> bool:
        """Whether so many positional arguments fit."""
        return len(self.required) <= count <= (_ANY_COUNT if self.rest else len(self.parameters))

    def takes_names(self, names: tuple[str, ...]) -> bool:
        """Whether arguments of these names fit."""
        given = set(names)
        return len(given) == len(names) and self.required <= given <= set(self.names)


Builtin: TypeAlias = tuple[Overload, ...]
Rows: TypeAlias = dict[str, list[tuple[str, Implementation]]]


def declare(rows: Rows, with_runtime: frozenset[str] = frozenset()) -> dict[str, Builtin]:
    """The table of a family. Functions of the names in `with_runtime` get the runtime as first argument."""
    return {
        name: tuple(Overload(name, signature, call, runtime=name in with_runtime) for signature, call in overloads)
        for name, overloads in rows.items()
    }


def call_builtin(overload: Overload, arguments: list[object], rt: Runtime, at: int) -> object:
    """Carries out one built-in function. The arguments are in order; ABSENT stands for one left out."""
    rt.charge(1)
    try:
        values = _checked(overload, arguments)
        return overload.call(rt, *values) if overload.runtime else overload.call(*values)
    except DomainError as error:
        rt.note(error.code, f"{overload.name}: {error.message}", at)
        return None


def choose(candidates: Builtin, arguments: list[object]) -> Overload | None:
    """The overload whose number of parameters and types fit best; None if no number fits."""
    counted = [overload for overload in candidates if overload.takes(len(arguments))]
    for overload in counted:
        pairs = zip(overload.parameters, arguments, strict=False)
        if all(p.types is None or type(a) in p.types for p, a in pairs):
            return overload
    return counted[0] if counted else None


def call_overloaded(candidates: Builtin, arguments: list[object], rt: Runtime, at: int) -> object:
    """Carries out the overload that fits the arguments' types best; all candidates fit their number."""
    for overload in candidates:
        for parameter, argument in zip(overload.parameters, arguments, strict=False):
            if parameter.types is not None and type(argument) not in parameter.types:
                break
        else:
            if overload.rest:
                return call_builtin(overload, arguments, rt, at)
            # All of them are given and fit: there is nothing to convert.
            rt.charge(1)
            try:
                return overload.call(rt, *arguments) if overload.runtime else overload.call(*arguments)
            except DomainError as error:
                rt.note(error.code, f"{overload.name}: {error.message}", at)
                return None
    return call_builtin(candidates[0], arguments, rt, at)


def function_value(name: str, builtin: Builtin) -> Function:
    """The built-in function as a value, to be passed to another one."""

    def call(arguments: list[object], rt: Runtime, at: int) -> object:
        overload = choose(builtin, arguments)
        if overload is None:
            rt.note("arguments", f"`{name}` does not take {len(arguments)} arguments", at)
            return None
        return call_builtin(overload, arguments, rt, at)

    return Function(name, builtin[0].names, call)


def _checked(overload: Overload, arguments: list[object]) -> list[object]:
    while arguments and arguments[-1] is ABSENT:
        arguments = arguments[:-1]
    parameters = overload.parameters
    values: list[object] = []
    for index, argument in enumerate(arguments):
        parameter = parameters[index] if index < len(parameters) else parameters[-1]
        if parameter.types is None or type(argument) in parameter.types:
            values.append(None if argument is ABSENT else argument)
        else:
            values.append(_converted(parameter, argument))
    return values


def _converted(parameter: Parameter, value: object) -> object:
    if value is ABSENT:
        return None
    types = parameter.types or frozenset()
    if type(value) is float:
        value = number_of(value)
    if type(value) in types:
        return value
    # A list of one null is no list of one string (10.3.2.9.4), even where null may stand for a string.
    if is_list(value) and len(value) == 1 and type(value[0]) in types and value[0] is not None:
        return value[0]
    if value is not None and list in types:
        return [value]
    if value is None:
        raise DomainError(f"`{parameter.name}` is null", "null")
    raise DomainError(f"`{parameter.name}` must be a {' or '.join(parameter.kinds)}, not {shown(value)}", "type")
