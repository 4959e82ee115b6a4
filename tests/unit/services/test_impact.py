"""Which running instances a change touches, with the reason: by a flag, by types of jobs, by documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

import drawn as d
from flag_rig import know
from host_rig import opened
from procession import Engine, Impact
from procession.base.diagnostics import Refused
from procession.base.failure import NotFound
from procession.core import flags
from procession.core.events import Cancel
from procession.ir.kinds import Kind
from procession.runtime import requests as q
from procession.services import impact
from procession.services.impact import Total, Totals, Touched

Told: TypeAlias = dict[str, list[tuple[str, str]]]
FLOWS = "a -> check, late -> refund, refund -> c, check -> wait, wait -> pay, pay -> ship, ship -> b"
ORDER = {
    "a": d.start(),
    "check": d.service("check"),
    "late": d.boundary("check", d.on_timer("duration", "PT1H")),
    "refund": d.service("io.acme:http:2"),
    "c": d.end(),
    "wait": d.catch(d.on_message("go")),
    "pay": d.service("pay"),
    "ship": d.user(),
    "b": d.end(),
}
MESSAGE = d.message("go", "go", "k")
PLACES = ("check", "wait", "pay", "ship")


def order(flows: str = FLOWS, *without: str, **elements: str) -> tuple[str, bytes]:
    drawn = {id: text for id, text in {**ORDER, **elements}.items() if id not in without}
    return "order.bpmn", d.document(d.process("order", flows, **drawn), roots=MESSAGE)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with opened() as engine:
        engine.deploy(order())
        yield engine


@pytest.fixture
def at(engine: Engine) -> dict[str, int]:
    """An instance at each place."""
    return {place: started_at(engine, place) for place in PLACES}


def started_at(engine: Engine, place: str, tenant: str = "<default>") -> int:
    instance = engine.start("order", {"k": place}, tenant=tenant)
    for each in PLACES[: PLACES.index(place)]:
        if each == "wait":
            engine.publish("go", place, tenant=tenant)
            engine.run_until_idle()
        else:
            engine.complete_job(engine.instance(instance.key, tenant=tenant).jobs[0].key, tenant=tenant)
    assert engine.instance(instance.key, tenant=tenant).tokens == {place: 1}
    return instance.key


def told(found: Iterable[Touched], at: dict[str, int]) -> Told:
    """Reasons by the place where the instance stands."""
    places = {key: place for place, key in at.items()}
    return {places[each.instance]: [(r.what, r.element) for r in each.reasons] for each in found}


# --- types of jobs


@pytest.mark.parametrize(
    ("types", "connectors", "expected"),
    [
        (
            ["pay"],
            [],
            {"check": [("job-ahead", "pay")], "wait": [("job-ahead", "pay")], "pay": [("open-job", "pay")]},
        ),
        (["check"], [], {"check": [("open-job", "check")]}),
        ([], ["io.acme:http"], {"check": [("job-ahead", "refund")]}),
        ([], ["io.acme:http:2"], {"check": [("job-ahead", "refund")]}),
        ([], ["io.acme"], {"check": [("job-ahead", "refund")]}),
        ([], ["io.acm", "http"], {}),
        (["io.acme:http"], [], {}),
        (["check", "pay"], [], None),
        (["nobody"], [], {}),
    ],
)
def test_a_type_of_jobs_touches_who_has_one_or_can_still_come_to_one(
    types: list[str], connectors: list[str], expected: Told | None, engine: Engine, at: dict[str, int]
) -> None:
    found = told(Impact(engine).of_jobs(*types, connectors=connectors), at)
    if expected is None:
        assert set(found) == {"check", "wait", "pay"}
    else:
        assert found == expected


def test_the_reason_says_from_where_it_is_reached(engine: Engine, at: dict[str, int]) -> None:
    found = {each.instance: each.reasons[0].text for each in Impact(engine).of_jobs("pay")}
    assert found[at["check"]] == "it makes a job pay, and it can be reached from check"
    assert found[at["pay"]] == "a job pay is open"


def test_a_type_that_is_computed_may_be_the_one_that_is_meant(engine: Engine) -> None:
    engine.deploy(order(pay=d.service("= kind")))
    instance = engine.start("order", {"k": "1", "kind": "pay"})
    [found] = Impact(engine).of_jobs("other")
    assert found.instance == instance.key
    assert [reason.element for reason in found.reasons] == ["pay"]
    assert "is computed (kind), and may be this one" in found.reasons[0].text


def test_what_undoes_is_ahead_while_something_can_still_be_undone() -> None:
    event = '<bpmn:compensateEventDefinition id="@_c"/>'
    undo = f'<bpmn:boundaryEvent id="@" attachedToRef="book">{event}</bpmn:boundaryEvent>'
    handler = d.service("unbook").replace("<bpmn:serviceTask ", '<bpmn:serviceTask isForCompensation="true" ')
    drawn = d.process(
        "order",
        "a -> book, book -> check, check -> undone, undone -> ship, ship -> b",
        a=d.start(),
        book=d.service("book"),
        bound=undo,
        handler=handler,
        check=d.service("check"),
        undone=d.throw(event),
        ship=d.user(),
        b=d.end(),
    ).replace("</bpmn:process>", '<bpmn:association id="as" sourceRef="bound" targetRef="handler"/></bpmn:process>')
    with opened() as engine:
        engine.deploy(("order.bpmn", d.document(drawn)))
        first, booked, past = (engine.start("order") for _ in range(3))
        for instance, jobs in ((booked, 1), (past, 3)):
            for _ in range(jobs):
                engine.complete_job(instance.jobs[0].key)
        assert past.tokens == {"ship": 1}
        found = {each.instance: each.reasons for each in Impact(engine).of_jobs("unbook")}
        assert set(found) == {first.key, booked.key}
        assert found[booked.key][0].text == "it makes a job unbook, and it may still come to that"


# --- a flag


def test_a_flag_touches_what_was_started_without_it_where_its_program_is_affected(
    engine: Engine, at: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, 3, affects=flags.kinds(Kind.INTERMEDIATE_CATCH_EVENT))
    engine.deploy(d.one_task("other"))
    engine.start("other")
    engine.switch(3)
    engine.start("order", {"k": "2"})
    found = list(Impact(engine).of_flag(3))
    assert told(found, at) == {
        "check": [("old-behaviour", "wait")],
        "wait": [("old-behaviour", "wait")],
        "pay": [("blocks-removal", "")],
        "ship": [("blocks-removal", "")],
    }
    assert "keeps the old behaviour for ever (as ever)" in found[0].reasons[0].text
    assert all("until it has ended, no release can be without the old one" in r.text for e in found for r in e.reasons)


def test_a_flag_that_this_version_does_not_know_is_no_question(engine: Engine) -> None:
    with pytest.raises(NotFound, match="knows no behaviour flag 7"):
        Impact(engine).of_flag(7)


@pytest.mark.parametrize(
    ("affects", "expected"),
    [
        (flags.everything, {0}),
        (flags.kinds(Kind.USER_TASK), {"ship"}),
        (flags.nodes(lambda node: node.id.startswith("c")), {"check", "c"}),
        (flags.expressions(lambda each: "k" in each.text), {"wait"}),
        (flags.kinds(Kind.TRANSACTION), set()),
    ],
)
def test_which_nodes_a_flag_affects(affects: flags.Affects, expected: set[object], engine: Engine) -> None:
    views = engine.reader().views
    program = views.program("<default>", views.definitions("<default>")[0].program)
    assert {program.nodes[each].id if each else 0 for each in affects(program)} == expected


# --- documents


REMOVED = "a -> check, late -> refund, refund -> c, check -> pay, pay -> ship, ship -> b"


@pytest.mark.parametrize(
    ("document", "expected", "migrations"),
    [
        (order(), {}, {}),
        (
            order(pay=d.service("pay_2")),
            {
                "check": [("changed-ahead", "pay")],
                "wait": [("changed-ahead", "pay")],
                "pay": [("changed-here", "pay")],
            },
            dict.fromkeys(("check", "wait", "pay"), "possible"),
        ),
        (
            order(REMOVED, "wait"),
            {
                "check": [("changed-here", "check"), ("changed-ahead", "wait")],
                "wait": [("changed-here", "wait")],
            },
            {"check": "possible", "wait": "impossible"},
        ),
        (
            order(ship=d.service("ship")),
            {
                "check": [("changed-ahead", "ship")],
                "wait": [("changed-ahead", "ship")],
                "pay": [("changed-ahead", "ship")],
                "ship": [("changed-here", "ship")],
            },
            {"check": "possible", "wait": "possible", "pay": "possible", "ship": "impossible"},
        ),
    ],
)
def test_documents_touch_who_stands_at_what_they_change_or_can_come_to_it(
    document: tuple[str, bytes],
    expected: Told,
    migrations: dict[str, str],
    engine: Engine,
    at: dict[str, int],
) -> None:
    found = list(Impact(engine).of_deployment(document))
    assert told(found, at) == expected
    places = {key: place for place, key in at.items()}
    assert {places[each.instance]: each.migration for each in found} == migrations
    assert engine.reader().views.definitions("<default>")[-1].version == 1, "nothing was deployed"


def test_what_is_said_of_a_migration_is_what_becomes_of_it(engine: Engine, at: dict[str, int]) -> None:
    found = {each.instance: each for each in Impact(engine).of_deployment(order(REMOVED, "wait"))}
    assert "'wait'" in found[at["wait"]].problems[0]
    engine.deploy(order(REMOVED, "wait"))
    plan = engine.changes.migration_plan("order", 1)
    assert engine.changes.migrate(at["check"], plan) == 2
    with pytest.raises(Exception, match="'wait'"):
        engine.changes.migrate(at["wait"], plan)


def test_every_version_that_runs_is_compared(engine: Engine, at: dict[str, int]) -> None:
    engine.deploy(order(pay=d.service("pay_2")))
    second = engine.start("order", {"k": "9"}).key
    found = Impact(engine).of_deployment(order(pay=d.service("pay_2"), check=d.service("check_2")))
    versions = {(each.version, each.instance): [r.element for r in each.reasons] for each in found}
    assert versions[2, second] == ["check"]
    assert versions[1, at["check"]] == ["check", "pay"]


CALLER = "a -> first, first -> x, x -> b"


def caller(**elements: str) -> tuple[str, bytes]:
    drawn = {"a": d.start(), "first": d.service("first"), "x": d.call("order"), "b": d.end(), **elements}
    return "caller.bpmn", d.document(d.process("caller", CALLER, "c_", **drawn))


@pytest.mark.parametrize(
    ("process", "expected"),
    [("order", ["c_x"]), ("= which", ["c_x"]), ("another", [])],
)
def test_a_call_of_the_latest_version_is_touched_until_it_is_made(
    process: str, expected: list[str], engine: Engine
) -> None:
    call = d.call(process)
    engine.deploy(caller(x=call), d.one_task("another"))
    before, within = (engine.start("caller", {"k": "1", "which": "order"}) for _ in range(2))
    engine.complete_job(within.jobs[0].key)
    engine.run_until_idle()
    assert within.children
    found = list(Impact(engine, processes=["caller"]).of_deployment(order(pay=d.service("pay_2"))))
    assert [[reason.element for reason in each.reasons] for each in found] == [expected] * bool(expected)
    if expected:
        assert (found[0].instance, found[0].migration, found[0].reasons[0].what) == (before.key, "", "calls-latest")
        assert "without a migration; it can be reached from c_first" in found[0].reasons[0].text
    called = Impact(engine, processes=["order"]).of_deployment(order(pay=d.service("pay_2")))
    assert len(list(called)) == (process != "another"), "the called one runs the old version, and is told for itself"


DECISIONS = Path(__file__).parents[2] / "scenarios" / "decisions"


def test_decisions_and_forms_of_the_latest_version_are_touched_without_a_migration() -> None:
    table = (DECISIONS / "first.dmn").read_text()
    decide = '<zeebe:calledDecision decisionId="first" resultVariable="r"/>'
    extensions = f"<bpmn:extensionElements>{decide}</bpmn:extensionElements>"
    rule = f'<bpmn:businessRuleTask id="@">{extensions}~</bpmn:businessRuleTask>'
    form = '<zeebe:userTask/><zeebe:formDefinition formId="f"/>'
    task = f'<bpmn:userTask id="@"><bpmn:extensionElements>{form}</bpmn:extensionElements>~</bpmn:userTask>'
    drawn = d.process("p", "a -> w, w -> t, t -> u, u -> b", a=d.start(), w=d.service("w"), t=rule, u=task, b=d.end())
    fields = '{"id": "f", "type": "default", "schemaVersion": 16, "components": [%s]}'
    with opened() as engine:
        engine.deploy(("p.bpmn", d.document(drawn)), ("first.dmn", table.encode()), ("f.form", (fields % "").encode()))
        before, shown = engine.start("p", {"x": 1}), engine.start("p", {"x": 1})
        engine.complete_job(shown.jobs[0].key)
        engine.run_until_idle()
        text = '{"type": "text", "text": "Hello", "id": "t"}'
        changed = ("first.dmn", table.replace('hitPolicy="FIRST"', 'hitPolicy="ANY"').encode())
        new = ("f.form", (fields % text).encode())
        found = {each.instance: each.reasons for each in Impact(engine).of_deployment(changed, new)}
        assert [(r.what, r.element) for r in found[before.key]] == [("decides-latest", "t"), ("form-latest", "u")]
        assert shown.tokens == {"u": 1}
        assert [(r.what, r.element) for r in found[shown.key]] == [("form-latest", "u")]
        assert "it stands here" in found[shown.key][0].text


def test_documents_that_cannot_be_deployed_are_refused(engine: Engine) -> None:
    with pytest.raises(Refused):
        Impact(engine).of_deployment(("order.bpmn", b"<no/>"))
    with pytest.raises(NotFound, match="no tenant 'nobody'"):
        list(Impact(engine, tenants=["nobody"]).of_deployment(order()))


# --- which instances, and how many


def test_tenants_and_processes_are_told_apart(engine: Engine) -> None:
    engine.deploy(order(), tenant="acme")
    engine.deploy(d.one_task("other", "check"), tenant="acme")
    own = started_at(engine, "check")
    theirs = started_at(engine, "check", "acme")
    other = engine.start("other", tenant="acme").key

    def found(**which: list[str]) -> set[tuple[str, int]]:
        return {(each.tenant, each.instance) for each in Impact(engine, **which).of_jobs("check")}

    assert found() == {("<default>", own), ("acme", theirs), ("acme", other)}
    assert found(tenants=["acme"]) == {("acme", theirs), ("acme", other)}
    assert found(tenants=["acme"], processes=["order"]) == {("acme", theirs)}
    assert found(processes=["nothing"]) == set()


def test_only_what_is_active_is_told_page_by_page(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(impact, "PAGE", 3)
    keys = [engine.start("order", {"k": str(number)}).key for number in range(10)]
    engine.call(q.Deliver("<default>", keys[4], Cancel("not wanted")))
    totals = Totals()
    for each in Impact(engine).of_jobs("check", "pay"):
        totals.add(each)
    assert totals.instances == 9
    assert totals.rows() == [
        Total("order", 1, "check", "open-job", 9),
        Total("order", 1, "pay", "job-ahead", 9),
    ]


def test_an_instance_that_cannot_be_read_is_told_and_not_left_out(
    engine: Engine, at: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        know(newer, 3)
        engine.switch(3)
        ahead = engine.start("order", {"k": "2"}).key
    found = {each.instance: each.reasons for each in Impact(engine).of_jobs("pay")}
    assert [(r.what, "newer version" in r.text) for r in found[ahead]] == [("unreadable", True)]
    assert set(found) == {ahead, at["check"], at["wait"], at["pay"]}
