"""Names, keys and texts for people: bounded, storable, refused by name or made readable (docs/design/0008)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

import drawn as d
from host_rig import FakeClock, opened
from procession import BpmnError, Engine
from procession.base.failure import BadValue, NotFound
from procession.base.values import TEXT_CHARACTERS_MAX, VARIABLE_BYTES_MAX, VARIABLES_BYTES_MAX

SURROGATE: Final = "\ud800"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with opened(tmp_path / "e.db") as opened_engine:
        opened_engine.deploy(d.one_task())
        yield opened_engine


NAMES: Final[dict[str, Callable[[Engine, str], object]]] = {
    "business key": lambda e, text: e.start("p", business_key=text),
    "process id": lambda e, text: e.start(text),
    "start_many's process id": lambda e, text: e.start_many(text, [{}]),
    "variable's name": lambda e, text: e.start("p", {text: 1}),
    "message's name": lambda e, text: e.publish(text, "k", ttl=5),
    "message's key": lambda e, text: e.publish("n", text, ttl=5),
    "message's id": lambda e, text: e.publish("n", "k", ttl=5, message_id=text),
    "signal's name": lambda e, text: e.broadcast(text),
    "tenant": lambda e, text: e.deploy(d.one_task(), tenant=text),
    "deployment's name": lambda e, text: e.deploy(d.one_task(type="x"), name=text),
    "assignee": lambda e, text: e.assign_task(1, text),
    "error code": lambda e, text: e.throw_job_error(e.jobs()[0].key, text),
    "job type": lambda e, text: e.activate_jobs(text),
    "worker": lambda e, text: e.activate_jobs("work", worker=text),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", [SURROGATE, "x" * (TEXT_CHARACTERS_MAX + 1)], ids=["surrogate", "long"])
def test_a_name_that_cannot_be_stored_is_refused_and_nothing_happens(engine: Engine, name: str, text: str) -> None:
    engine.start("p")
    with pytest.raises(BadValue, match=r"surrogate|limit"):
        NAMES[name](engine, text)
    assert engine.counts() == {"active": 1}
    assert engine.faults() == []


@pytest.mark.parametrize("name", ["business key", "message's name", "message's key", "message's id", "variable's name"])
def test_any_other_name_is_taken(engine: Engine, name: str) -> None:
    NAMES[name](engine, "ü€😀" * 333)


def test_looking_for_what_cannot_be_stored_finds_nothing_or_says_why(engine: Engine) -> None:
    with pytest.raises(BadValue, match="surrogate"):
        engine.instances(business_key=SURROGATE)
    assert engine.instances(tenant=SURROGATE) == []
    with pytest.raises(NotFound):
        engine.instance(1, tenant=SURROGATE)


def test_what_a_worker_says_is_made_readable_and_costs_one_attempt(engine: Engine) -> None:
    instance = engine.start("p")
    clock = engine.clock
    assert isinstance(clock, FakeClock)

    @engine.worker("work")
    def work() -> None:
        raise ValueError(f"no file {SURROGATE}" + "x" * 2 * TEXT_CHARACTERS_MAX)

    engine.run_until_idle()
    (job,) = engine.jobs()
    assert job.retries == 2
    assert job.error.startswith(r"ValueError: no file \ud800xxx")
    for _ in range(3):
        clock.pass_by(600)
        engine.run_until_idle()
    (incident,) = instance.incidents
    assert len(incident.message) < 2 * TEXT_CHARACTERS_MAX
    assert engine.faults() == []


def test_an_error_code_that_cannot_be_stored_is_a_failed_attempt(engine: Engine) -> None:
    engine.start("p")

    @engine.worker("work")
    def work() -> None:
        raise BpmnError(SURROGATE)

    engine.run_until_idle()
    assert "code of a BpmnError" in engine.jobs()[0].error


def test_reasons_are_made_readable(engine: Engine) -> None:
    instance = engine.start("p")
    engine.fail_job(instance.jobs[0].key, SURROGATE)
    assert instance.jobs[0].error == r"\ud800"
    with pytest.raises(BadValue, match="the reason"):
        instance.cancel(SURROGATE)
    assert instance.state == "active"


def test_variables_are_bounded_together_too(engine: Engine) -> None:
    large = "x" * (VARIABLE_BYTES_MAX - 2)
    count = VARIABLES_BYTES_MAX // VARIABLE_BYTES_MAX
    with pytest.raises(BadValue, match=f"together; the limit is {VARIABLES_BYTES_MAX}"):
        engine.start("p", {f"v{n}": large for n in range(count + 1)})
    assert engine.counts() == {}
