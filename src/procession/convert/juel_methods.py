"""Methods and functions that JUEL expressions of the engines call, and what each is in FEEL: two tables.

A row gives None where its arguments are not of the form that it knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from procession.convert.translation import (
    Kind,
    Notes,
    binary,
    call,
    choice,
    constant,
    instance_of,
    is_empty,
    is_short,
    item,
    path,
)
from procession.feel import nodes as n

Done: TypeAlias = tuple[n.Node, Kind]
Method: TypeAlias = Callable[[Notes, Done, tuple[Done, ...]], Done | None]
Function: TypeAlias = Callable[[Notes, tuple[Done, ...]], Done]

_SPECIAL: Final = re.compile(r"[\\^$.|?*+()\[\]{}-]")


def _contains(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done:
    """Of a text or of a collection: which of them is known only at run time."""
    text, wanted = on[0], args[0][0]
    if on[1] == "string":
        return call("contains", text, wanted), "boolean"
    if args[0][1] not in {"any", "string"}:
        if args[0][1] == "number":
            notes.change("a number equals every other of its amount; in Java only one of the same class")
        return call("list contains", text, wanted), "boolean"
    if not is_short(text):
        notes.change("contains() is taken as that of a text; for a list write list contains(list, item)")
        return call("contains", text, wanted), "boolean"
    both = choice(instance_of(text, "string"), call("contains", text, wanted), call("list contains", text, wanted))
    return both, "boolean"


def _equals(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done:
    return binary("=", on[0], args[0][0]), "boolean"


def _equals_ignoring_case(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done:
    return binary("=", call("lower case", on[0]), call("lower case", args[0][0])), "boolean"


def _size(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done:
    notes.remark("the size of a list; of a map write count(get entries(map))")
    return call("count", on[0]), "number"


def _is_empty(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done:
    return is_empty(on[0]), "boolean"


def _text(function: str, kind: Kind) -> Method:
    def row(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done:
        return call(function, on[0], *(arg[0] for arg in args)), kind

    return row


def _to_string(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done:
    if on[1] != "string":
        notes.remark("a value is written as FEEL writes it")
    return (on[0] if on[1] == "string" else call("string", on[0])), "string"


def _substring(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done | None:
    values = [arg[0].value if isinstance(arg[0], n.Literal) else None for arg in args]
    begin = values[0]
    if type(begin) is not int or begin < 0:
        return None
    if len(values) == 1:
        return call("substring", on[0], constant(begin + 1)), "string"
    end = values[1]
    if type(end) is not int or end <= begin:
        return None
    return call("substring", on[0], constant(begin + 1), constant(end - begin)), "string"


def _concat(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done:
    return binary("+", on[0], args[0][0]), "string"


def _index_of(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done | None:
    if "string" not in {on[1], args[0][1]} or not is_short(on[0]):
        return None
    before = call("string length", call("substring before", on[0], args[0][0]))
    return choice(call("contains", on[0], args[0][0]), before, constant(-1)), "number"


def _replace(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done | None:
    old, new = args[0][0], args[1][0]
    if not (isinstance(old, n.Literal) and isinstance(old.value, str) and old.value):
        return None
    if not (isinstance(new, n.Literal) and isinstance(new.value, str)):
        return None
    pattern = _SPECIAL.sub(r"\\\g<0>", old.value)
    text = new.value.replace("\\", "\\\\").replace("$", "\\$")
    return call("replace", on[0], constant(pattern), constant(text)), "string"


def _matches(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done | None:
    pattern = args[0][0]
    if not (isinstance(pattern, n.Literal) and isinstance(pattern.value, str)):
        return None
    notes.change("the pattern is read as one of XPath, not of Java")
    return call("matches", on[0], constant(f"^({pattern.value})$")), "boolean"


def _split(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done:
    notes.change("the pattern is read as one of XPath, and empty parts at the end are kept")
    return call("split", on[0], args[0][0]), "list"


def _get(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done | None:
    key, kind = args[0]
    if isinstance(key, n.Literal) and isinstance(key.value, str):
        return path(on[0], key.value), "any"
    if isinstance(key, n.Literal) and type(key.value) is int:
        return item(on[0], key.value + 1), "any"
    if kind == "number":
        return item(call("sublist", on[0], binary("+", key, constant(1)), constant(1)), 1), "any"
    notes.change("get(key) is taken as that of a map; for a list write list[place]")
    return call("get value", on[0], key), "any"


def _contains_key(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done:
    keys = path(call("get entries", on[0]), "key")
    return call("list contains", keys, args[0][0]), "boolean"


def _whole(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done:
    return call("round down", on[0]), "number"


def _itself(kind: Kind) -> Method:
    def row(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done:
        return on[0], kind

    return row


def _json_property(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done | None:
    key = args[0][0]
    if not (isinstance(key, n.Literal) and isinstance(key.value, str)):
        return None
    return path(on[0], key.value), "any"


def _has_property(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done:
    return _contains_key(notes, on, args)


def _plus(unit: str, sign: str = "+") -> Method:
    def row(notes: Notes, on: Done, args: tuple[Done, ...]) -> Done | None:
        amount = args[0][0]
        if on[1] != "time" or not (isinstance(amount, n.Literal) and type(amount.value) is int and amount.value >= 0):
            return None
        length = call("duration", constant(unit.format(amount.value)))
        return binary("+" if sign == "+" else "-", on[0], length), "time"

    return row


METHODS: Final[dict[tuple[str, int], Method]] = {
    ("contains", 1): _contains,
    ("equals", 1): _equals,
    ("equalsIgnoreCase", 1): _equals_ignoring_case,
    ("size", 0): _size,
    ("isEmpty", 0): _is_empty,
    ("length", 0): _text("string length", "number"),
    ("toString", 0): _to_string,
    ("toUpperCase", 0): _text("upper case", "string"),
    ("toLowerCase", 0): _text("lower case", "string"),
    ("trim", 0): _text("trim", "string"),
    ("startsWith", 1): _text("starts with", "boolean"),
    ("endsWith", 1): _text("ends with", "boolean"),
    ("substring", 1): _substring,
    ("substring", 2): _substring,
    ("concat", 1): _concat,
    ("indexOf", 1): _index_of,
    ("replace", 2): _replace,
    ("matches", 1): _matches,
    ("split", 1): _split,
    ("get", 1): _get,
    ("getEntry", 1): _get,
    ("containsKey", 1): _contains_key,
    ("intValue", 0): _whole,
    ("longValue", 0): _whole,
    ("doubleValue", 0): _itself("number"),
    ("booleanValue", 0): _itself("boolean"),
    ("prop", 1): _json_property,
    ("hasProp", 1): _has_property,
    ("elements", 0): _itself("list"),
    ("stringValue", 0): _itself("string"),
    ("numberValue", 0): _itself("number"),
    ("boolValue", 0): _itself("boolean"),
    ("value", 0): _itself("any"),
    ("plusYears", 1): _plus("P{}Y"),
    ("plusMonths", 1): _plus("P{}M"),
    ("plusWeeks", 1): _plus("P{}W"),
    ("plusDays", 1): _plus("P{}D"),
    ("plusHours", 1): _plus("PT{}H"),
    ("plusMinutes", 1): _plus("PT{}M"),
    ("plusSeconds", 1): _plus("PT{}S"),
    ("minusDays", 1): _plus("P{}D", "-"),
    ("minusHours", 1): _plus("PT{}H", "-"),
    ("minusMinutes", 1): _plus("PT{}M", "-"),
    ("toDate", 0): _itself("time"),
}
"""Methods by name and number of arguments."""


def _now(notes: Notes, args: tuple[Done, ...]) -> Done:
    return call("now"), "time"


def _json(notes: Notes, args: tuple[Done, ...]) -> Done:
    notes.remark("variables are JSON already: the value itself is meant")
    return args[0]


def _variable(notes: Notes, args: tuple[Done, ...]) -> Done:
    return args[0]


def _variable_or(notes: Notes, args: tuple[Done, ...]) -> Done:
    return call("get or else", args[0][0], args[1][0]), "any"


def _compare(operator: n.Operator) -> Function:
    def row(notes: Notes, args: tuple[Done, ...]) -> Done:
        return binary(operator, args[0][0], args[1][0]), "boolean"

    return row


def _exists(notes: Notes, args: tuple[Done, ...]) -> Done:
    notes.change("a variable that is null counts as one that is not there")
    return binary("!=", args[0][0], constant(None)), "boolean"


def _empty(notes: Notes, args: tuple[Done, ...]) -> Done:
    return is_empty(args[0][0]), "boolean"


def _not_empty(notes: Notes, args: tuple[Done, ...]) -> Done:
    return call("not", is_empty(args[0][0])), "boolean"


def _contains_in(notes: Notes, args: tuple[Done, ...]) -> Done:
    return _contains(notes, args[0], args[1:])


_OF_VARIABLES: Final[dict[tuple[str, int], Function]] = {
    ("get", 1): _variable,
    ("getOrDefault", 2): _variable_or,
    ("exists", 1): _exists,
    ("exist", 1): _exists,
    ("isEmpty", 1): _empty,
    ("empty", 1): _empty,
    ("isNotEmpty", 1): _not_empty,
    ("notEmpty", 1): _not_empty,
    ("equals", 2): _compare("="),
    ("eq", 2): _compare("="),
    ("notEquals", 2): _compare("!="),
    ("ne", 2): _compare("!="),
    ("lowerThan", 2): _compare("<"),
    ("lessThan", 2): _compare("<"),
    ("lt", 2): _compare("<"),
    ("lowerThanOrEquals", 2): _compare("<="),
    ("lessThanOrEquals", 2): _compare("<="),
    ("lte", 2): _compare("<="),
    ("greaterThan", 2): _compare(">"),
    ("gt", 2): _compare(">"),
    ("greaterThanOrEquals", 2): _compare(">="),
    ("gte", 2): _compare(">="),
    ("contains", 2): _contains_in,
}
VARIABLES: Final = frozenset({"bpmn", "variables", "vars", "var"})
"""Prefixes of functions whose first argument is a variable, by its name as text too: the standard's and Flowable's."""


def _is(value: bool | None) -> Function:
    def row(notes: Notes, args: tuple[Done, ...]) -> Done:
        return binary("=", args[0][0], constant(value)), "boolean"

    return row


def _method(method: Method) -> Function:
    def row(notes: Notes, args: tuple[Done, ...]) -> Done:
        found = method(notes, args[0], args[1:])
        assert found is not None
        return found

    return row


_KIE: Final[dict[tuple[str, int], Function]] = {
    ("isTrue", 1): _is(True),
    ("isFalse", 1): _is(False),
    ("isNull", 1): _is(None),
    ("isEmpty", 1): _empty,
    ("equalsTo", 2): _compare("="),
    ("greaterThan", 2): _compare(">"),
    ("greaterOrEqualThan", 2): _compare(">="),
    ("lessThan", 2): _compare("<"),
    ("lessOrEqualThan", 2): _compare("<="),
    ("contains", 2): _method(_text("contains", "boolean")),
    ("startsWith", 2): _method(_text("starts with", "boolean")),
    ("endsWith", 2): _method(_text("ends with", "boolean")),
}
FUNCTIONS: Final[dict[tuple[str, int], Function]] = {
    ("now", 0): _now,
    ("dateTime", 0): _now,
    ("bpmn:getDataObject", 1): _variable,
    ("S", 1): _json,
    ("JSON", 1): _json,
    **{
        (f"{prefix}:{function}", count): row
        for prefix in sorted(VARIABLES)
        for (function, count), row in _OF_VARIABLES.items()
    },
    **{(f"KieFunctions:{function}", count): row for (function, count), row in _KIE.items()},
}
"""Functions by name, with their prefix, and number of arguments."""
