"""Comparing: what a scenario expects and what is. Pure; every answer is a text for people, "" for equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

import msgspec

from procession.testing.driver import Case
from procession.testing.scenario import Expectation

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def same(a: object, b: object) -> bool:
    """JSON equality: numbers by value (1 is 1.0), but `true` is no number."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | Decimal) and isinstance(b, int | Decimal):
        return a == b
    if isinstance(a, list) and isinstance(b, list):
        left, right = cast("list[object]", a), cast("list[object]", b)
        return len(left) == len(right) and all(same(x, y) for x, y in zip(left, right, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        one, two = cast("dict[str, object]", a), cast("dict[str, object]", b)
        return one.keys() == two.keys() and all(same(one[name], two[name]) for name in one)
    return (isinstance(a, str) and isinstance(b, str) and a == b) or (a is None and b is None)


def multiset(what: str, expected: Sequence[str], found: Sequence[str]) -> str:
    """Whether two lists hold the same ids, in any order."""
    missing = list((Counter(expected) - Counter(found)).elements())
    surplus = list((Counter(found) - Counter(expected)).elements())
    if not missing and not surplus:
        return ""
    parts = [f"{word} {_listed(ids)}" for word, ids in (("missing", missing), ("unexpected", surplus)) if ids]
    return f"{what}: {', '.join(parts)}; found are {_listed(found)}"


def expectation(expected: Expectation, case: Case) -> str:
    """The first thing that an instance is not as expected."""
    if expected.state is not None and expected.state != case.status:
        return f"state: expected {expected.state}, found {case.status}{_why(case)}"
    if expected.path is not None:
        wrong = _path(expected.path, case.trace.path, order=expected.order)
        if wrong:
            return wrong
    if expected.variables is not None:
        return _variables(expected.variables, case.variables, exactly=expected.exactly)
    return ""


def _path(expected: Sequence[str], found: Sequence[str], *, order: bool) -> str:
    if not order:
        return multiset("path", expected, found)
    if list(expected) == list(found):
        return ""
    shorter = min(len(expected), len(found))
    at = next((n for n in range(shorter) if expected[n] != found[n]), shorter)
    return f"path: differs from place {at + 1} on; found is {_listed(found)}"


def _variables(expected: Mapping[str, object], found: Mapping[str, object], *, exactly: bool) -> str:
    for name, value in expected.items():
        if name not in found:
            return f"variables: {name} is missing; there are {_listed(sorted(found))}"
        if not same(value, found[name]):
            return f"variables: {name} is {_shown(found[name])}, expected {_shown(value)}"
    surplus = sorted(found.keys() - expected.keys())
    if exactly and surplus:
        return f"variables: unexpected {', '.join(f'{name} = {_shown(found[name])}' for name in surplus)}"
    return ""


def _why(case: Case) -> str:
    reasons = [f"{case.element_id(i.element)}: {i.message}" for i in case.state.incidents.values()]
    return f" ({'; '.join(reasons)})" if reasons else ""


def _listed(ids: Sequence[str]) -> str:
    return f"[{', '.join(ids)}]"


def _shown(value: object) -> str:
    text = _ENCODER.encode(value).decode()
    return text if len(text) <= 200 else f"{text[:200]}…"
