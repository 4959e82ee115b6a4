"""Routes: which rule speaks of a start, how shares are drawn, what is no route, and who would be stranded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.base.failure import BadValue
from procession.services.routes import HERE, Compiled, Decision, Routes, Rule, document, read_routes, share, stranded


def routes(*rules: dict[str, Any], default: str = HERE) -> Routes:
    return read_routes(
        {"rules": [{"name": f"r{n}", "to": "t", **rule} for n, rule in enumerate(rules)], "default": default}
    )


@pytest.mark.parametrize(
    ("rule", "start", "taken"),
    [
        ({}, ("acme", "p", 1), True),
        ({"tenants": ["acme"]}, ("acme", "p", 1), True),
        ({"tenants": ["acme"]}, ("acme:test", "p", 1), True),
        ({"tenants": ["acme:test"]}, ("acme", "p", 1), False),
        ({"tenants": ["acme"]}, ("other", "p", 1), False),
        ({"processes": ["p", "q"]}, ("acme", "q", 1), True),
        ({"processes": ["p"]}, ("acme", "q", 1), False),
        ({"versions": [2, 3]}, ("acme", "p", 1), False),
        ({"versions": [2, 3]}, ("acme", "p", 2), True),
        ({"versions": [2, 3]}, ("acme", "p", 4), False),
        ({"versions": [2, 0]}, ("acme", "p", 99), True),
        ({"environments": ["prod"]}, ("acme", "p", 1), True),
        ({"environments": ["prod"]}, ("acme:test", "p", 1), False),
        ({"environments": ["test"]}, ("acme:test", "p", 1), True),
        ({"percent": 0}, ("acme", "p", 1), False),
    ],
)
def test_a_rule_speaks_of_some_starts(rule: dict[str, Any], start: tuple[str, str, int], taken: bool) -> None:
    wanted = Decision("t", "r0") if taken else Decision(HERE)
    assert Compiled(routes(rule)).decide(*start, "k") == wanted


def test_the_first_rule_that_speaks_of_a_start_decides() -> None:
    found = Compiled(routes({"tenants": ["a"], "to": "x"}, {"to": "y"}, {"to": "z"}, default="d"))
    assert found.decide("a", "p", 1, "k").host == "x"
    assert found.decide("b", "p", 1, "k") == Decision("y", "r1")


@pytest.mark.parametrize("percent", [1, 10, 33.3, 50, 99])
def test_shares_are_about_what_they_say(percent: float) -> None:
    found = Compiled(routes({"percent": percent}))
    taken = sum(found.decide("t", "p", 1, str(key)).host == "t" for key in range(10_000))
    assert abs(taken / 100 - percent) < 1.5


@given(st.floats(0, 100), st.floats(0, 100), st.text(max_size=20), st.text(max_size=20))
def test_whoever_is_in_a_small_share_is_in_a_larger_one(one: float, other: float, tenant: str, key: str) -> None:
    small, large = sorted((one, other))
    of = [
        Compiled(Routes((Rule("r", "t", percent=percent),))).decide(tenant, "p", 1, key) for percent in (small, large)
    ]
    assert of[0].host != "t" or of[1].host == "t"


def test_a_share_is_the_same_on_every_machine() -> None:
    assert [share("s", "acme", key) for key in ("A-1", "A-2", "ä", "")] == [9291, 4785, 9738, 9577]


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {"rules": {}},
        {"rules": [{"name": "a"}]},
        {"rules": [{"name": "", "to": "t"}]},
        {"rules": [{"name": "a", "to": "t"}, {"name": "a", "to": "t"}]},
        {"rules": [{"name": "a", "to": "t", "percent": 101}]},
        {"rules": [{"name": "a", "to": "t", "percent": -1}]},
        {"rules": [{"name": "a", "to": "t", "versions": [3, 2]}]},
        {"rules": [{"name": "a", "to": "t", "versions": [-1, 0]}]},
        {"rules": [{"name": "a", "to": "t", "whatever": 1}]},
        {"default": 7},
    ],
)
def test_what_is_no_route_is_refused(wrong: Any) -> None:
    with pytest.raises(BadValue):
        read_routes(wrong)


def test_what_was_read_is_written_the_same() -> None:
    given: Any = {"rules": [{"name": "a", "to": "t", "percent": Decimal("12.5"), "tenants": ["x"]}], "default": "t"}
    found = read_routes(given)
    assert found.rules[0].percent == 12.5
    assert read_routes(document(found)) == found


@pytest.mark.parametrize(
    ("rules", "default", "told"),
    [
        ([], HERE, 0),
        ([{}], HERE, 2),
        ([{"tenants": ["a"]}], HERE, 1),
        ([{"tenants": ["a"], "percent": 0}], HERE, 0),
        ([{"to": "here"}, {}], HERE, 0),
        ([{"to": "here", "processes": ["p"]}, {}], HERE, 2),
        ([{"to": "reached"}], HERE, 0),
        ([], "t", 2),
        ([{"tenants": ["a"], "to": "here"}], "t", 1),
    ],
)
def test_who_would_be_stranded_is_told_before(rules: list[dict[str, Any]], default: str, told: int) -> None:
    found = stranded(
        routes(*rules, default=default), ["a", "b"], lambda host, tenant: "" if host == "reached" else "it is away"
    )
    assert len(found) == told
    assert all("it is away" in line for line in found)
