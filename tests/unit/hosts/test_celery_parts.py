"""The host on Celery in parts: what a task is given, what its result is, where it goes. Whole: tests/integration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from celery import Celery

from procession.base.failure import BadValue
from procession.base.values import Json
from procession.hosts.celery import CeleryHost
from procession.hosts.celery.arguments import arguments, headers_of, plain, results
from procession.hosts.celery.names import Place, place_of
from procession.hosts.celery.options import Options
from procession.runtime.courier import Parcel

VARIABLES: dict[str, Json] = {"a": 1, "b": Decimal("2.5"), "c": {"d": [Decimal("0.1")]}, "own": True}


def parcel(headers: Mapping[str, str] | None = None, own: Mapping[str, Json] | None = None) -> Parcel:
    job: dict[str, Json] = {"type": "t", "process_id": "p", "headers": dict(headers or {}), "variables": VARIABLES}
    return Parcel("ac/me", 3, job, 0, own)


def named(a: int, own: bool) -> None: ...
def everything(a: int, **rest: object) -> None: ...
def bound(self: object, a: int, *, b: float = 0, missing: int = 1) -> None: ...


@pytest.mark.parametrize(
    ("headers", "function", "own", "wanted"),
    [
        ({}, named, {"own": True}, ["a", "own"]),
        ({}, everything, None, ["a", "b", "c", "own"]),
        ({}, bound, None, ["a", "b"]),
        ({}, None, {"own": True}, ["own"]),
        ({}, None, None, ["a", "b", "c", "own"]),
        ({"kwargs": "b, c"}, named, {"own": True}, ["b", "c"]),
        ({"kwargs": ""}, named, None, []),
    ],
)
def test_a_task_is_given_what_it_names(
    headers: Mapping[str, str], function: Callable[..., Any] | None, own: Mapping[str, Json] | None, wanted: list[str]
) -> None:
    assert list(arguments(parcel(headers, own), function)) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (Decimal("2.5"), 2.5),
        (Decimal("0.1"), 0.1),
        (Decimal("0.12345678901234567890123"), Decimal("0.12345678901234567890123")),
        ({"a": [Decimal("1.5"), "x", None]}, {"a": [1.5, "x", None]}),
        (7, 7),
    ],
)
def test_numbers_are_what_serializers_take(value: object, wanted: object) -> None:
    found = plain(value)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("headers", "result", "wanted"),
    [
        ({}, None, {}),
        ({}, {"x": 1}, {"x": 1}),
        ({}, [1, 2], {"result": [1, 2]}),
        ({}, 0, {"result": 0}),
        ({"result": "r"}, {"x": 1}, {"r": {"x": 1}}),
        ({"result": "r"}, None, {"r": None}),
    ],
)
def test_a_result_is_variables(headers: Mapping[str, str], result: object, wanted: dict[str, Json]) -> None:
    assert results("t", headers, result) == wanted


def test_a_result_that_no_variable_holds_is_refused() -> None:
    with pytest.raises(BadValue):
        results("t", {}, {"x": object()})


@pytest.mark.parametrize("header", [None, {}, {"headers": 1}, "x"])
def test_a_message_without_a_job_is_none(header: object) -> None:
    with pytest.raises(BadValue):
        headers_of(header)


@pytest.mark.parametrize(
    ("id", "wanted"),
    [
        ("procession-3-44-55", Place(3, 44, 55)),
        (str(Place(0, 1, 2)), Place(0, 1, 2)),
        ("procession-3-44", None),
        ("procession-3-44-x", None),
        ("procession-3-44-²", None),
        ("other-3-44-55", None),
        ("", None),
        (None, None),
    ],
)
def test_the_id_of_a_task_says_which_attempt_it_makes(id: str | None, wanted: Place | None) -> None:
    assert place_of(id) == wanted


@pytest.mark.parametrize(
    ("queues", "wanted"),
    [
        ("", None),
        ("jobs", "jobs"),
        ("q.{tenant}.{process}.{type}", "q.ac_me.p.t"),
        (lambda job: f"of-{job['tenant']}", "of-ac/me"),
        (lambda job: None, None),
    ],
)
def test_a_job_has_a_queue(queues: Any, wanted: str | None) -> None:
    assert Options(queues=queues).queue_of(parcel()) == wanted


@pytest.mark.parametrize(
    "wrong",
    [{"queues": "q.{who}"}, {"queues": "q.{"}, {"queues": "{}"}, {"lost": 0}, {"sweep": -1}, {"sweep": 4_000}],
)
def test_options_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadValue):
        Options(**wrong)


@pytest.mark.parametrize("places", [{}, {"store": "a.db", "open": lambda courier: None}])
def test_a_host_has_one_store(places: dict[str, Any]) -> None:
    with pytest.raises(BadValue, match="either the store"):
        CeleryHost(Celery("none", set_as_current=False), **places)


def test_a_worker_of_the_host_is_no_task_for_others() -> None:
    app = Celery("some", broker="memory://", set_as_current=False)
    host = CeleryHost(app, ":memory:")

    @host.worker("work", time_limit=5)
    def work(total: int) -> None:
        """Its words."""

    task = app.tasks["work"]
    assert task.__doc__ == "Its words."
    assert task.time_limit == 5
    with pytest.raises(BadValue, match="sent by them alone"):
        task(total=1)
