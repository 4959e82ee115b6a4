"""Worker functions: what their signatures ask for, what they give back, and where they run."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
import pytest

import drawn as d
from procession import BpmnError, Engine, Job


class Item(msgspec.Struct):
    sku: str
    n: int = 1
    price: Decimal = Decimal(0)


@dataclass
class Address:
    city: str
    moved: dt.date | None = None


class Color(Enum):
    RED = "red"


class Size(StrEnum):
    LARGE = "large"


class Twice:
    def __call__(self, x: int) -> dict[str, int]:
        return {"got": x * 2}


class TwiceLater:
    async def __call__(self, x: int) -> dict[str, int]:
        return {"got": x * 2}

    def method(self, x: int) -> dict[str, int]:
        return {"got": x * 2}


def logged(function: Callable[..., object]) -> Callable[..., object]:
    @functools.wraps(function)
    def around(*args: object, **kwargs: object) -> object:
        return function(*args, **kwargs)

    return around


def run(function: Callable[..., object], variables: dict[str, object]) -> tuple[str, dict[str, object], list[str]]:
    """State, variables and incidents after one attempt."""
    with Engine() as engine:
        engine.deploy(d.one_task(retries=1))
        engine.worker("work")(function)
        instance = engine.start("p", variables)
        engine.run_until_idle()
        return instance.state, dict(instance.variables), [each.message for each in instance.incidents]


# The annotation of one parameter `x`, the variable, and what the function gets.
ARGUMENTS: Final[list[tuple[object, object, object]]] = [
    (Decimal, 12, Decimal(12)),
    (Decimal, Decimal("1.50"), Decimal("1.50")),
    (Decimal, 0.1, Decimal("0.1")),
    (int, Decimal("3.0"), 3),
    (float, 3, 3.0),
    (float, Decimal("0.5"), 0.5),
    (str, "a", "a"),
    (list[int], [1, Decimal("2.0")], [1, 2]),
    (list[Item], [{"sku": "a", "n": Decimal("2.0"), "price": Decimal("1.5")}], [Item("a", 2, Decimal("1.5"))]),
    (dict[str, Item], {"k": {"sku": "a"}}, {"k": Item("a")}),
    (tuple[int, ...], [1, 2], (1, 2)),
    (Address, {"city": "Bonn", "moved": "2020-01-02"}, Address("Bonn", dt.date(2020, 1, 2))),
    (dt.date, "2026-01-02", dt.date(2026, 1, 2)),
    (dt.datetime, "2026-01-02T10:00:00Z", dt.datetime(2026, 1, 2, 10, tzinfo=dt.UTC)),
    (dt.timedelta, "PT1H", dt.timedelta(hours=1)),
    (int | None, 5, 5),
    (Color, "red", Color.RED),
    (Literal["a", "b"], "b", "b"),
    (UUID, "00000000-0000-0000-0000-000000000001", UUID(int=1)),
    (Any, {"a": [Decimal("1.5")]}, {"a": [Decimal("1.5")]}),
    (object, [1], [1]),
]


@pytest.mark.parametrize(("annotation", "value", "expected"), ARGUMENTS, ids=[str(row[0]) for row in ARGUMENTS])
def test_an_argument_is_what_the_signature_names(annotation: object, value: object, expected: object) -> None:
    seen: list[object] = []

    def work(x: object) -> None:
        seen.append(x)

    work.__annotations__ = {"x": annotation}
    assert run(work, {"x": value})[0] == "completed"
    assert seen == [expected]
    assert type(seen[0]) is type(expected)


# The annotation, the variables, and a part of the incident's text.
MISFITS: Final[list[tuple[object, dict[str, object], str]]] = [
    (int, {}, "needs the variable 'x', which is not set"),
    (int | None, {}, "needs the variable 'x', which is not set"),
    (int, {"x": Decimal("3.5")}, "'x': Expected `int`"),
    (int, {"x": "3"}, "'x': Expected `int`, got `str`"),
    (int, {"x": True}, "'x': Expected `int`, got `bool`"),
    (Annotated[int, msgspec.Meta(gt=0)], {"x": -1}, "'x': Expected `int` >= 1"),
    (list[Item], {"x": [{"sku": "a", "n": "two"}]}, "got `str` - at `$[0].n`"),
    (Decimal, {"x": None}, "'x': Expected `decimal`, got `null`"),
]


@pytest.mark.parametrize(("annotation", "variables", "text"), MISFITS, ids=[row[2] for row in MISFITS])
def test_a_variable_that_does_not_fit_is_an_incident_that_says_which(
    annotation: object, variables: dict[str, object], text: str
) -> None:
    def work(x: object) -> None: ...

    work.__annotations__ = {"x": annotation}
    state, _, incidents = run(work, variables)
    assert state == "incident"
    assert len(incidents) == 1
    assert text in incidents[0]
    assert "worker 'work'" in incidents[0]


def defaults(x: int = 7, y: int | None = None, z: str = "z") -> dict[str, object]:
    return {"got": [x, y, z]}


def everything(x: int, job: Job, **rest: int) -> dict[str, object]:
    return {"got": [x, job.element_id, dict(sorted(rest.items()))]}


def maybe_job(x: int, about: Job | None = None) -> dict[str, object]:
    return {"got": about.type if about else ""}


async def later(x: int, job: Job) -> dict[str, object]:
    await asyncio.sleep(0)
    return {"got": [x, job.attempt]}


# The function, the variables, and what it leaves in the variable `got`.
FUNCTIONS: Final[list[tuple[str, Callable[..., object], dict[str, object], object]]] = [
    ("defaults", defaults, {"y": 2}, [7, 2, "z"]),
    ("all others", everything, {"x": 1, "a": 2, "b": Decimal("3.0")}, [1, "work", {"a": 2, "b": 3}]),
    ("an optional job", maybe_job, {"x": 1}, "work"),
    ("coroutine", later, {"x": 1}, [1, 1]),
    ("decorated", logged(everything), {"x": 1}, [1, "work", {}]),
    ("object", Twice(), {"x": 1}, 2),
    ("object with a coroutine", TwiceLater(), {"x": 1}, 2),
    ("method", TwiceLater().method, {"x": 1}, 2),
    ("partial", functools.partial(defaults, z="p"), {"x": 1}, [1, None, "p"]),
    ("partial of a coroutine", functools.partial(later), {"x": 1}, [1, 1]),
]


@pytest.mark.parametrize(("name", "function", "variables", "expected"), FUNCTIONS, ids=[row[0] for row in FUNCTIONS])
def test_whatever_can_be_called_is_a_worker(
    name: str, function: Callable[..., object], variables: dict[str, object], expected: object
) -> None:
    state, after, incidents = run(function, variables)
    assert (state, incidents) == ("completed", [])
    assert after["got"] == expected


def test_others_that_do_not_fit_their_type_are_refused() -> None:
    assert "cannot take the variable 'a'" in run(everything, {"x": 1, "a": "text"})[2][0]


def positional(x: int, /) -> None: ...
def starred(*x: int) -> None: ...
def unknown_name(x: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821 - what the test is about
def no_value(x: Engine) -> None: ...


SIGNATURES: Final[list[tuple[Callable[..., object], str]]] = [
    (positional, "parameter 'x' has no name"),
    (starred, "parameter 'x' has no name"),
    (unknown_name, "name 'Nowhere' is not defined"),
    (no_value, "parameter 'x' is of type Engine"),
]


@pytest.mark.parametrize(("function", "text"), SIGNATURES, ids=[row[1] for row in SIGNATURES])
def test_a_signature_that_no_variables_can_fill_is_refused_at_once(function: Callable[..., object], text: str) -> None:
    with Engine() as engine, pytest.raises(TypeError, match="worker 'work': ") as refused:
        engine.worker("work")(function)
    assert text in str(refused.value)


class Receipt(msgspec.Struct):
    amount: Decimal
    paid: dt.date
    items: list[Item]


# What a worker returns, and the variables that this sets.
RESULTS: Final[list[tuple[object, dict[str, object]]]] = [
    (None, {}),
    ({}, {}),
    ({"a": 1, "b": (1, 2)}, {"a": 1, "b": [1, 2]}),
    (
        Receipt(Decimal("1.10"), dt.date(2026, 1, 2), [Item("a")]),
        {"amount": Decimal("1.10"), "paid": "2026-01-02", "items": [{"sku": "a", "n": 1, "price": 0}]},
    ),
    (Address("Bonn"), {"city": "Bonn", "moved": None}),
    (
        {"where": [Address("Bonn")], "when": dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "who": UUID(int=1)},
        {
            "where": [{"city": "Bonn", "moved": None}],
            "when": "2026-01-02T00:00:00Z",
            "who": "00000000-0000-0000-0000-000000000001",
        },
    ),
    ({"color": Color.RED, "size": Size.LARGE}, {"color": "red", "size": "large"}),
]


@pytest.mark.parametrize(("result", "expected"), RESULTS, ids=[str(row[0])[:40] for row in RESULTS])
def test_a_result_becomes_variables(result: object, expected: dict[str, object]) -> None:
    assert run(lambda: result, {}) == ("completed", expected, [])


BAD_RESULTS: Final[list[tuple[object, str]]] = [
    ([1], "worker 'work' returned a list"),
    ("text", "worker 'work' returned a str"),
    ({"a": {1, 2}}, "a is of type set"),
    ({"a": {"b": b"x"}}, "a.b is of type bytes"),
    ({"a": [object()]}, "a[1] is of type object"),
    ({"a": float("nan")}, "a is NaN"),
    ({"": 1}, "name must be a non-empty string"),
    (Receipt(Decimal("NaN"), dt.date(2026, 1, 2), []), "amount is NaN"),
]


@pytest.mark.parametrize(("result", "text"), BAD_RESULTS, ids=[row[1] for row in BAD_RESULTS])
def test_a_result_that_json_cannot_hold_is_a_failed_attempt_that_says_where(result: object, text: str) -> None:
    state, variables, incidents = run(lambda: result, {})
    assert (state, variables) == ("incident", {})
    assert text in incidents[0]


def test_one_function_does_the_jobs_of_several_types() -> None:
    with Engine() as engine:
        engine.deploy(d.one_task("a", "one"), d.one_task("b", "two"))
        types: list[str] = []

        @engine.worker("one")
        @engine.worker("two")
        def work(job: Job) -> None:
            types.append(job.type)

        instances = [engine.start("a"), engine.start("b")]
        engine.run_until_idle()
        assert sorted(types) == ["one", "two"]
        assert [each.state for each in instances] == ["completed"] * 2


def leave() -> None:
    sys.exit("told to leave")


async def leave_later() -> None:
    sys.exit("told to leave")


@pytest.mark.parametrize("function", [leave, leave_later])
def test_a_worker_that_exits_ends_its_attempt_and_not_the_threads(function: Callable[..., object]) -> None:
    with Engine() as engine:
        engine.deploy(d.one_task("p", "leave", retries=1), d.one_task("q"))
        engine.worker("leave")(function)
        engine.worker("work")(lambda: {"done": True})
        engine.serve(threads=1)
        left = engine.start("p")
        assert engine.wait_until(lambda: left.state == "incident", 20)
        assert left.incidents[0].message == "SystemExit: told to leave"
        assert engine.start("q").wait(20) == "completed"


def test_workers_run_in_other_threads_while_serving_and_none_waits_for_another() -> None:
    with Engine() as engine:
        engine.deploy(d.one_task())
        together = threading.Barrier(3, timeout=20)

        @engine.worker("work", max_jobs=3)
        def work() -> dict[str, str]:
            together.wait()
            return {"thread": threading.current_thread().name}

        instances = engine.start_many("p", [{}] * 3)
        engine.serve(threads=3)
        assert [each.wait(20) for each in instances] == ["completed"] * 3
        assert len({each.variables["thread"] for each in instances}) == 3


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_serving_in_the_foreground_ends_at_a_signal_after_the_job_under_way(ending: signal.Signals) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Engine() as engine:
        engine.deploy(d.one_task())

        @engine.worker("work")
        def work() -> dict[str, bool]:
            signal.raise_signal(ending)
            return {"done": True}

        instance = engine.start("p")
        engine.serve(threads=1, foreground=True)
        assert instance.variables == {"done": True}
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_serving_in_the_foreground_ends_when_another_thread_stops_it() -> None:
    with Engine() as engine:
        engine.deploy(d.one_task())
        stopper: list[threading.Thread] = []

        @engine.worker("work")
        def work() -> None:
            stopper.append(threading.Thread(target=engine.stop))
            stopper[0].start()

        instance = engine.start("p")
        engine.serve(threads=1, foreground=True)
        stopper[0].join()
        assert instance.state == "completed"


def test_a_bpmn_error_whose_variables_json_cannot_hold_is_a_failed_attempt() -> None:
    def work() -> None:
        raise BpmnError("E", "why", {"a": object()})

    assert "BpmnError E: why: a is of type object" in run(work, {})[2][0]


def test_a_worker_whose_place_was_taken_gets_no_more_jobs() -> None:
    with Engine() as engine:
        engine.deploy(d.one_task())
        engine.start("p")
        engine.worker("work")(lambda: {"by": "the first"})
        former = engine.crew.workers["work"]
        engine.worker("work")(lambda: {"by": "the second"})
        assert engine.crew.take(former, 1) == []
        engine.run_until_idle()
        assert engine.instances()[0].variables == {"by": "the second"}
