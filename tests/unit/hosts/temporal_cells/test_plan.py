"""The difference between what is wanted and what is found: a table, and what holds for all of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.hosts.temporal.cells.cell import CellError
from procession.hosts.temporal.cells.plan import Change, extras, plan
from procession.hosts.temporal.cells.things import Found, Kind, Thing

WEIGHTS_REFUSED = {"task queue.activity.fairness_weights.": "too old"}


def thing(kind: Kind, name: str, /, **fields: Any) -> Thing:
    namespace = "" if kind in {"namespace", "nexus endpoint"} else "bank"
    return Thing(kind, namespace, name, {key.replace("__", "."): value for key, value in fields.items()})


def found(*things: Thing, **more: Any) -> Found:
    return Found(server="1.32.1", things={each.key: each for each in things}, **more)


def short(change: Change) -> str:
    """A change in a word or two: action, kind, field, and whether it is by hand or destructive."""
    marks = ("!" if change.by_hand else "") + ("-" if change.loses else "")
    return f"{change.action} {change.kind} {change.name}{f'.{change.field}' if change.field else ''}{marks}"


BANK = thing("namespace", "bank", retention="168 h", cell="eu")
QUEUE = thing("task queue", "jobs", activity__rps=5.0)


@pytest.mark.parametrize(
    ("wanted", "there", "prune", "changes"),
    [
        ([BANK], found(), False, ["create namespace bank"]),
        ([BANK], found(BANK), True, []),
        ([BANK], found(thing("namespace", "bank", retention="168 h", cell="eu", description="x")), True, []),
        (
            [BANK],
            found(thing("namespace", "bank", retention="720 h", cell=None)),
            False,
            ["change namespace bank.retention-", "change namespace bank.cell"],
        ),
        (
            [BANK],
            found(thing("namespace", "bank", retention="24 h", cell="eu")),
            False,
            ["change namespace bank.retention"],
        ),
        (
            [thing("namespace", "bank", **{"global": True})],
            found(thing("namespace", "bank", **{"global": False})),
            False,
            ["change namespace bank.global!"],
        ),
        ([QUEUE], found(), False, ["change task queue jobs.activity.rps"]),
        ([QUEUE], found(thing("task queue", "jobs", activity__rps=5.0, workflow__rps=None)), True, []),
        ([QUEUE], found(thing("task queue", "jobs", activity__rps=5.0, activity__fairness_key_rps=1.0)), False, []),
        (
            [QUEUE],
            found(
                thing(
                    "task queue",
                    "jobs",
                    activity__rps=4.0,
                    activity__fairness_key_rps=1.0,
                    workflow__fairness_weights__acme=2.0,
                )
            ),
            True,
            [
                "change task queue jobs.activity.rps",
                "remove task queue jobs.activity.fairness_key_rps",
                "remove task queue jobs.workflow.fairness_weights.acme",
            ],
        ),
        (
            [thing("task queue", "jobs", activity__fairness_weights__acme=2.0)],
            found(refused=WEIGHTS_REFUSED),
            False,
            ["change task queue jobs.activity.fairness_weights.acme!"],
        ),
        (
            [thing("search attribute", "Region", type="Keyword")],
            found(thing("search attribute", "Region", type="Text")),
            False,
            ["change search attribute Region.type!"],
        ),
        (
            [thing("search attribute", "Region", type="Keyword")],
            found(thing("search attribute", "Region", type="Text")),
            True,
            ["change search attribute Region.type-"],
        ),
        (
            [thing("deployment", "loans", current="1", ramping=None)],
            found(),
            False,
            ["create deployment loans!"],
        ),
        (
            [thing("deployment", "loans", current="2", ramping="3 at 10 %")],
            found(thing("deployment", "loans", current="1", ramping=None, builds=["1", "2", "3"])),
            False,
            ["change deployment loans.current", "change deployment loans.ramping"],
        ),
        (
            [thing("deployment", "loans", ramping="4 at 10 %")],
            found(thing("deployment", "loans", current="1", ramping=None, builds=["1"])),
            False,
            ["change deployment loans.ramping!"],
        ),
        (
            [thing("deployment", "loans", current="1", ramping=None)],
            found(refused={"deployment": "too old"}),
            False,
            ["create deployment loans!"],
        ),
        ([thing("dynamic config", "a.b", value=True)], found(), False, []),
        (
            [thing("dynamic config", "a.b", value=True)],
            found(thing("dynamic config", "a.b", value=False)),
            False,
            ["change dynamic config a.b.value!"],
        ),
    ],
)
def test_the_changes_are_those_that_are_needed(
    wanted: list[Thing], there: Found, prune: bool, changes: list[str]
) -> None:
    assert [short(change) for change in plan(wanted, there, prune=prune)] == changes


def test_a_build_that_nobody_polls_for_gets_work_only_by_force() -> None:
    wanted = [thing("deployment", "loans", current="9", ramping=None)]
    assert "no worker of 9 has polled" in plan(wanted, found())[0].by_hand
    assert plan(wanted, found(), force=True)[0].by_hand == ""


def test_what_the_file_does_not_name_goes_only_when_it_is_asked_for_and_first() -> None:
    old = [thing("search attribute", "Old", type="Keyword"), thing("schedule", "procession/a/b/c")]
    held = thing("namespace", "former")
    there = found(
        BANK,
        *old,
        held,
        removable=frozenset(each.key for each in (*old, held)),
        held={held.key: "it holds 3 workflows"},
    )
    wanted = [BANK, thing("search attribute", "New", type="Keyword")]
    assert [short(change) for change in plan(wanted, there)] == ["create search attribute New"]
    assert [short(change) for change in plan(wanted, there, prune=True)] == [
        "remove schedule procession/a/b/c-",
        "remove search attribute Old-",
        "remove namespace former!-",
        "create search attribute New",
    ]
    assert [key[2] for key in extras(wanted, there)] == ["former", "procession/a/b/c", "Old"]


def test_more_attributes_than_a_namespace_holds_are_an_error_before_anything_is_done() -> None:
    wanted = [thing("search attribute", f"K{n}", type="Keyword") for n in range(8)]
    old = [thing("search attribute", f"Old{n}", type="Keyword") for n in range(3)]
    there = found(*old, limits={"Keyword": 10}, removable=frozenset(each.key for each in old))
    with pytest.raises(CellError, match=r"would hold 11 search attributes of type Keyword, and .* room for 10: K0, K1"):
        plan(wanted, there)
    assert len(plan(wanted, there, prune=True)) == 11
    # A search engine has no such limit.
    assert len(plan(wanted, found(*old))) == 8


kinds = st.sampled_from(("namespace", "search attribute", "task queue", "nexus endpoint", "schedule"))
drawn = st.builds(
    lambda kind, name, one, other: Thing(kind, "bank", name, {"type": one, "activity.rps": other}),
    kinds,
    st.sampled_from("ab"),
    st.sampled_from([1, 2]),
    st.sampled_from([1, 2]),
)
things = st.lists(drawn, max_size=6, unique_by=lambda each: each.key)


@given(things, things, st.booleans())
def test_after_all_changes_nothing_is_left_but_what_is_by_hand(
    wanted: list[Thing], there: list[Thing], prune: bool
) -> None:
    may_go = frozenset(each.key for each in there if each.kind != "task queue")
    before = found(*there, removable=may_go)
    changes = plan(wanted, before, prune=prune)
    made = {key: dict(each.fields) for key, each in before.things.items()}
    for change in changes:
        if change.by_hand:
            continue
        if change.field:
            made.setdefault(change.key, {})[change.field] = change.after
        elif change.action == "create":
            made[change.key] = dict(change.after) if isinstance(change.after, dict) else {}
        else:
            del made[change.key]
    after = found(*(Thing(*key, each) for key, each in made.items()), removable=may_go & made.keys())
    left = plan(wanted, after, prune=prune)
    assert all(change.by_hand for change in left)
    assert [short(change) for change in left] == [short(change) for change in changes if change.by_hand]


def test_a_change_is_told_in_a_line() -> None:
    there = found(thing("namespace", "bank", retention="720 h", cell="eu"))
    assert str(plan([BANK], there)[0]) == (
        "change namespace bank: retention 720 h → 168 h [destructive: closed histories older than this are gone]"
    )
    assert str(plan([BANK], found())[0]) == "create namespace bank (retention 168 h, cell eu)"
    refused = found(refused=WEIGHTS_REFUSED)
    queue = thing("task queue", "jobs", activity__fairness_weights__acme=2.0)
    assert str(plan([queue], refused)[0]) == (
        "change task queue jobs of namespace bank: activity.fairness_weights.acme nothing → 2.0 [by hand: too old]"
    )
