"""Bad values, through every door: each is refused by its name, with the limit, and nothing of it stays."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

import pytest

import drawn as d
from host_rig import check_stored, opened
from procession import BpmnError, Engine
from procession.base.failure import BadValue, Conflict, NotFound
from procession.base.values import DIGITS_MAX, NAME_CHARACTERS_MAX, NESTING_MAX, TEXT_CHARACTERS_MAX, VARIABLE_BYTES_MAX
from procession.core.catches import KEY_MAX
from procession.core.jobs import RETRIES_MAX
from procession.core.timers import TEXT_MAX
from procession.feel.values import VALUES_MAX
from procession.hosts.embedded.door import DURATION_MS_MAX
from procession.runtime.rows import IntRow
from procession.runtime.tenants import EVERYBODY

Door: TypeAlias = Callable[[Engine, Any], object]

SURROGATE: Final = "\ud800"
USER: Final = ("u.bpmn", d.document(d.process("u", "a -> t, t -> b", "u_", a=d.start(), t=d.user(), b=d.end())))


@pytest.fixture(scope="module")
def shut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One engine for everything that is refused: after all of it, it is still as it was."""
    with opened(tmp_path_factory.mktemp("doors") / "e.db") as found:
        found.deploy(d.one_task(retries=1))
        found.deploy(USER)
        found.start("p", business_key="first")
        found.start("u")
        yield found


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with opened(tmp_path / "e.db") as found:
        found.deploy(d.one_task(retries=1))
        found.deploy(USER)
        found.start("p", business_key="first")
        found.start("u")
        yield found


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def shared(levels: int) -> object:
    """A list that takes no room in memory and all the room of the world when it is written out."""
    value: object = "x" * 10_000
    for _ in range(levels):
        value = [value, value]
    return value


def endless() -> object:
    value: list[object] = []
    value.append(value)
    return value


def in_transaction(engine: Engine, variables: Any) -> object:
    connection = sqlite3.connect(engine.store.name)
    try:
        return engine.start("p", variables, connection=connection)
    finally:
        connection.rollback()
        connection.close()


VARIABLE_DOORS: Final[dict[str, Door]] = {
    "start": lambda e, v: e.start("p", v),
    "start_many": lambda e, v: e.start_many("p", [{}, v]),
    "start in a transaction": in_transaction,
    "publish": lambda e, v: e.publish("go", "k", v, ttl=60),
    "broadcast": lambda e, v: e.broadcast("alarm", v),
    "complete_task": lambda e, v: e.complete_task(e.tasks()[0].key, v),
    "complete_job": lambda e, v: e.complete_job(e.jobs()[0].key, v),
    "throw_job_error": lambda e, v: e.throw_job_error(e.jobs()[0].key, "E", "", v),
    "set_variables": lambda e, v: e.instances()[0].set_variables(v),
    "instance.complete_task": lambda e, v: e.instances(process_id="u")[0].complete_task("u_t", v),
    "instance.publish": lambda e, v: e.instances()[0].publish("go", "k", v),
    "decide": lambda e, v: e.decide("none", v),
}

BAD_VARIABLES: Final[dict[str, tuple[Callable[[], object], str]]] = {
    "NaN": (lambda: {"bad": float("nan")}, "bad is NaN"),
    "infinity": (lambda: {"bad": [Decimal("-Infinity")]}, r"bad\[1\] is -Infinity"),
    "too many digits": (lambda: {"bad": 10**DIGITS_MAX}, f"bad is a number of more than {DIGITS_MAX} digits"),
    "an exponent too large": (lambda: {"bad": Decimal("1e9999")}, f"bad is a number of more than {DIGITS_MAX}"),
    "too deep": (lambda: {"bad": nested(NESTING_MAX + 1)}, f"bad.* is nested deeper than {NESTING_MAX}"),
    "endless": (lambda: {"bad": endless()}, f"bad.* is nested deeper than {NESTING_MAX}"),
    "5 MB": (lambda: {"bad": "x" * 5_000_000}, f"'bad' has more than {VARIABLE_BYTES_MAX} bytes.*store a reference"),
    "5 MB in lists": (lambda: {"bad": [["x" * 1_000_000] * 5]}, f"'bad' has more than {VARIABLE_BYTES_MAX} bytes"),
    "shared parts": (lambda: {"bad": shared(60)}, f"'bad' has more than {VARIABLE_BYTES_MAX} bytes"),
    "a lone surrogate": (lambda: {"bad": SURROGATE}, "'bad' holds a lone surrogate"),
    "a surrogate as a key": (lambda: {"bad": {SURROGATE: 1}}, "'bad' holds a lone surrogate"),
    "a surrogate as a name": (lambda: {SURROGATE: 1}, "name of a variable .* lone surrogate"),
    "a name too long": (lambda: {"n" * 1_001: 1}, f"name of a variable has 1001 characters.* {NAME_CHARACTERS_MAX}"),
    "no name": (lambda: {"": 1}, "non-empty string"),
    "a number as a name": (lambda: {1: 1}, "non-empty string, not 1"),
    "a number as a key": (lambda: {"bad": {1: 2}}, "bad has the key 1"),
    "bytes": (lambda: {"bad": b"x"}, "bad is of type bytes, which JSON cannot hold"),
    "an object": (lambda: {"bad": [object()]}, r"bad\[1\] is of type object, which JSON cannot hold"),
    "a generator": (lambda: ((name, 1) for name in "ab"), "mapping of names to values, not a generator"),
    "a text": (lambda: "abc", "mapping of names to values, not a str"),
    "a list": (lambda: ["a"], "mapping of names to values, not a list"),
}  # fmt: skip


def facts(engine: Engine) -> int | None:
    return sum(1 for each in engine.instances() for _ in each.history)


@pytest.mark.parametrize("door", list(VARIABLE_DOORS))
@pytest.mark.parametrize("bad", list(BAD_VARIABLES))
def test_a_value_that_no_variable_can_hold_is_refused_by_name(shut: Engine, door: str, bad: str) -> None:
    make, says = BAD_VARIABLES[bad]
    before = facts(shut)
    with pytest.raises(BadValue, match=says):
        VARIABLE_DOORS[door](shut, make())
    assert facts(shut) == before
    assert shut.faults() == []
    assert shut.store.read("message_any", EVERYBODY, IntRow) == []
    check_stored(shut)


@pytest.mark.parametrize("bad", list(BAD_VARIABLES))
def test_a_worker_that_returns_such_a_value_failed_and_the_incident_says_why(engine: Engine, bad: str) -> None:
    make, says = BAD_VARIABLES[bad]
    value = make()
    engine.worker("work")(lambda: value)
    engine.run_until_idle()
    (incident,) = engine.incidents()
    assert re.search(says if isinstance(value, dict) else "must return a dict of variables", incident.message)
    assert engine.faults() == []


@pytest.mark.parametrize("bad", [name for name, (make, _) in BAD_VARIABLES.items() if isinstance(make(), dict)])
def test_a_worker_that_throws_such_a_value_failed_and_the_incident_says_why(engine: Engine, bad: str) -> None:
    make, says = BAD_VARIABLES[bad]

    @engine.worker("work")
    def work() -> None:
        raise BpmnError("E", "", cast("dict[str, object]", make()))

    engine.run_until_idle()
    (incident,) = engine.incidents()
    assert incident.code == "job-no-retries"
    assert re.search(says, incident.message)
    assert engine.faults() == []


TEXT_DOORS: Final[dict[str, tuple[Door, str]]] = {
    "start process": (lambda e, v: e.start(v), "process id"),
    "start business key": (lambda e, v: e.start("p", business_key=v), "business key"),
    "start tenant": (lambda e, v: e.start("p", tenant=v), "tenant"),
    "deploy name": (lambda e, v: e.deploy(USER, name=v), "name of what is sent"),
    "deploy tenant": (lambda e, v: e.deploy(USER, tenant=v), "tenant"),
    "deploy file": (lambda e, v: e.deploy((v, USER[1])), "name of a document"),
    "message name": (lambda e, v: e.publish(v, "k", ttl=60), "name of what is sent"),
    "message key": (lambda e, v: e.publish("go", v, ttl=60), "key of the message"),
    "message keys": (lambda e, v: e.publish_many([("go", v)], ttl=60), "key of the message"),
    "message id": (lambda e, v: e.publish("go", "k", ttl=60, message_id=v), "message id"),
    "signal": (lambda e, v: e.broadcast(v), "name of what is sent"),
    "assignee": (lambda e, v: e.assign_task(e.tasks()[0].key, v), "assignee"),
    "error code": (lambda e, v: e.throw_job_error(e.jobs()[0].key, v), "code"),
    "error message": (lambda e, v: e.throw_job_error(e.jobs()[0].key, "E", v), "message"),
    "job type": (lambda e, v: e.activate_jobs(v), "type"),
    "worker name": (lambda e, v: e.activate_jobs("work", worker=v), "worker"),
    "reason": (lambda e, v: e.instances()[0].cancel(v), "reason"),
    "worker type": (lambda e, v: e.worker(v)(lambda: None), "type of a worker"),
}
BAD_TEXTS: Final[dict[str, tuple[object, str]]] = {
    "a lone surrogate": ("k" + SURROGATE, "holds a lone surrogate"),
    "too long": (
        "x" * (TEXT_CHARACTERS_MAX + 1),
        f"has 4001 characters; the limit is ({TEXT_CHARACTERS_MAX}|{KEY_MAX})",
    ),
    "a number": (5, r"must be a string, not 5 \(int\)"),
    "nothing": (None, "must be a string, not None"),
}


@pytest.mark.parametrize("door", list(TEXT_DOORS))
@pytest.mark.parametrize("bad", list(BAD_TEXTS))
def test_a_text_that_no_store_holds_is_refused_by_name(shut: Engine, door: str, bad: str) -> None:
    call, name = TEXT_DOORS[door]
    value, says = BAD_TEXTS[bad]
    before = facts(shut), len(shut.definitions())
    with pytest.raises(BadValue, match=f"the {name} .*{says}"):
        call(shut, value)
    assert (facts(shut), len(shut.definitions())) == before
    assert shut.faults() == []


BIG: Final = 10**30
NUMBER_DOORS: Final[dict[str, tuple[Door, object, str]]] = {
    "version": (lambda e, v: e.start("p", version=v), BIG, "the version .* more than 63 bits"),
    "task": (lambda e, v: e.complete_task(v), BIG, "the key of the task .* more than 63 bits"),
    "task as text": (lambda e, v: e.complete_task(v), "7", "the key of the task must be a whole number, not '7'"),
    "job": (lambda e, v: e.complete_job(v), BIG, "the key of the job .* more than 63 bits"),
    "incident": (lambda e, v: e.resolve_incident(v), BIG, "the key of the incident .* more than 63 bits"),
    "instance": (lambda e, v: e.instance(v), BIG, "more than 63 bits"),
    "limit": (lambda e, v: e.jobs(limit=v), BIG, "more than 63 bits"),
    "limit of jobs": (lambda e, v: e.activate_jobs("work", v), BIG, "the limit .* more than 63 bits"),
    "element": (lambda e, v: e.instances()[0].set_variables({}, element=v), BIG, "the element .* more than 63 bits"),
    "retries": (lambda e, v: e.fail_job(e.jobs()[0].key, "", retries=v), RETRIES_MAX + 1, f"limit is {RETRIES_MAX}"),
    "retries anew": (lambda e, v: e.resolve_incident(1, retries=v), RETRIES_MAX + 1, f"limit is {RETRIES_MAX}"),
    "back-off": (lambda e, v: e.fail_job(e.jobs()[0].key, "", backoff=v), float("inf"), "back-off is inf; .*from 0 to"),
    "ttl NaN": (lambda e, v: e.publish("go", ttl=v), float("nan"), "the time to live is nan; .*from 0 to"),
    "ttl below 0": (lambda e, v: e.publish("go", ttl=v), -1, "the time to live is -1; .*from 0 to"),
    "ttl of ages": (lambda e, v: e.publish("go", ttl=v), "P11Y", f"'P11Y'; .*from 0 to {DURATION_MS_MAX // 1000} s"),
    "ttl in words": (lambda e, v: e.publish("go", ttl=v), "soon", "the time to live: 'soon' is no ISO 8601 duration"),
    "ttl of digits": (lambda e, v: e.publish("go", ttl=v), f"P{'9' * 5_000}D", f"at most {TEXT_MAX}"),
    "lease": (lambda e, v: e.activate_jobs("work", timeout=v), float("inf"), "the timeout is inf"),
    "worker's timeout": (lambda e, v: e.worker("w", timeout=v)(lambda: None), float("nan"), "timeout of worker 'w'"),
    "worker's back-off": (lambda e, v: e.worker("w", backoff=[v])(lambda: None), -1, "back-off of worker 'w' is -1"),
    "worker's jobs": (lambda e, v: e.worker("w", max_jobs=v)(lambda: None), 0, "max_jobs .* at least 1"),
    "document": (lambda e, v: e.deploy(("a.bpmn", v)), "<x/>", "document 'a.bpmn' must be bytes, not str"),
}  # fmt: skip


@pytest.mark.parametrize("door", list(NUMBER_DOORS))
def test_a_number_that_cannot_be_meant_is_refused_by_name(shut: Engine, door: str) -> None:
    call, value, says = NUMBER_DOORS[door]
    before = facts(shut)
    with pytest.raises(BadValue, match=says):
        call(shut, value)
    assert facts(shut) == before
    assert shut.faults() == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"colour": "red"}, "no attribute 'colour' to change; there are candidate_groups, .*priority"),
        ({"assignee": "ann"}, "no attribute 'assignee'"),
        ({"priority": "high"}, "the priority .* whole number from 0 to 100, not 'high'"),
        ({"priority": 101}, "the priority .* not 101"),
        ({"candidate_groups": "sales"}, "the candidate_groups .* list of names, not 'sales'"),
        ({"candidate_users": [5]}, "the candidate_users .* list of names"),
        ({"due": "soon"}, "the due .* ISO 8601 date-time, not 'soon'"),
        ({"follow_up": 5}, "the follow_up .* ISO 8601 date-time"),
        ({"due": float("nan")}, "due is NaN"),
    ],
)
def test_a_user_task_takes_no_attribute_that_it_cannot_have(
    shut: Engine, changes: dict[str, object], says: str
) -> None:
    (task,) = shut.tasks()
    with pytest.raises((BadValue, Conflict), match=says):
        shut.update_task(task.key, changes)
    assert shut.tasks() == [task]


def test_a_user_task_takes_what_it_can_have(engine: Engine) -> None:
    (task,) = engine.tasks()
    changes = {"candidate_groups": ["a"], "due": "2026-05-01T10:00:00Z", "follow_up": None, "priority": 70}
    engine.update_task(task.key, changes)
    assert changes.items() <= engine.tasks()[0].attributes.items()


def test_a_zone_that_nobody_knows_is_refused_when_the_engine_is_opened(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="'Middle/Earth': give a name such as Europe/Berlin"):
        Engine(tmp_path / "e.db", zone="Middle/Earth")
    assert not (tmp_path / "e.db").exists()


class Colour(StrEnum):
    RED = "red"


class Loud(float):
    def __repr__(self) -> str:
        return "very loud"


def test_an_instance_holds_what_a_restored_one_would_hold(engine: Engine) -> None:
    instance = engine.start("p", {"c": Colour.RED, Colour.RED: {Colour.RED: (True, 1.5)}, "f": Loud(0.5)})
    check_stored(engine)
    held = instance.variables
    assert held == {"c": "red", "red": {"red": [True, Decimal("1.5")]}, "f": Decimal("0.5")}
    assert [type(held["c"]), *map(type, held)] == [str] * 4


def test_a_start_in_a_transaction_that_could_never_happen_is_refused_at_once(engine: Engine, tmp_path: Path) -> None:
    here, elsewhere = sqlite3.connect(engine.store.name), sqlite3.connect(tmp_path / "other.db")
    with pytest.raises(NotFound, match="'nope'"):
        engine.start("nope", connection=here)
    with pytest.raises(NotFound, match="version 9"):
        engine.start("p", version=9, connection=here)
    with pytest.raises(Conflict, match="another database"):
        engine.start("p", connection=elsewhere)
    here.close()
    elsewhere.close()


SCRIPTS: Final[dict[str, tuple[str, str]]] = {
    "endless": ("for i in 1..1000000000 return i", "1000000"),
    "many values": ("for i in 1..999999 return [i]", f"more than {VALUES_MAX} values"),
    "6 MB": ("for i in 1..90000 return text", f"more than {VARIABLE_BYTES_MAX} bytes"),
    "long names": ("for i in 1..1000 return context put({}, string join(for j in 1..500 return text), 1)", "."),
    "deep": ("[[[deep]]]", f"nested deeper than {NESTING_MAX}"),
}


@pytest.mark.parametrize("name", list(SCRIPTS))
def test_an_expression_whose_result_no_variable_holds_is_an_incident(engine: Engine, name: str) -> None:
    script, says = SCRIPTS[name]
    drawn = d.process("s", "a -> w, w -> b", "s_", a=d.start(), w=d.script(script, "r"), b=d.end())
    engine.deploy(("s.bpmn", d.document(drawn)))
    instance = engine.start("s", {"text": "x" * 64, "deep": nested(NESTING_MAX - 1)})
    (incident,) = instance.incidents
    assert (incident.code, incident.element_id) == ("expression", "s_w")
    assert re.search(says, incident.message)
    assert "r" not in instance.variables
    assert engine.faults() == []


TIMERS: Final[dict[str, tuple[str, str]]] = {
    "too far": ("P999999999Y", "longer than 10000 years"),
    "days that no number holds": (f"P{'9' * 30}D", "longer than 10000 years"),
    "beyond the calendar": ("P9000Y", "years 1 to 9999"),
    "too long a text": (f"P{'9' * 5_000}D", f"5002 characters; a timer has at most {TEXT_MAX}"),
    "brackets": ("[" * 100_000, f"at most {TEXT_MAX}"),
}


@pytest.mark.parametrize("name", list(TIMERS))
@pytest.mark.parametrize("kind", ["duration", "date", "cycle"])
def test_a_timer_that_no_calendar_holds_is_an_incident(engine: Engine, kind: str, name: str) -> None:
    text, says = TIMERS[name]
    drawn = d.process("t", "a -> w, w -> b", "t_", a=d.start(), w=d.catch(d.on_timer(kind, "=text")), b=d.end())
    engine.deploy(("t.bpmn", d.document(drawn)))
    instance = engine.start("t", {"text": f"R/{text}" if kind == "cycle" else text})
    (incident,) = instance.incidents
    assert incident.code == "timer"
    if kind == "duration":
        assert re.search(says, incident.message)
    assert len(incident.message) < 1_000
    assert engine.faults() == []


def test_what_an_expression_had_to_guess_is_kept_with_its_element(engine: Engine) -> None:
    drawn = d.process("s", "a -> w, w -> b", "s_", a=d.start(), w=d.script("1 + word", "r"), b=d.end())
    engine.deploy(("s.bpmn", d.document(drawn)))
    instance = engine.start("s", {"word": "two"})
    assert (instance.state, instance.variables["r"]) == ("completed", None)
    (warning,) = [each for each in instance.history if each.kind == "warned"]
    assert warning.element_id == "s_w"
    assert "no result for number 1 and string" in str(warning.fact)
