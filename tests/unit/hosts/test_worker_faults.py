"""Workers that fail in every way: the attempt failed, the incident says why, the engine goes on, the key stays."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

import drawn as d
from host_rig import FakeClock, check_stored, opened
from procession import BpmnError, Engine, Job
from procession.base.failure import Conflict, NotFound
from procession.base.values import TEXT_CHARACTERS_MAX

PATIENCE_S: Final = 20.0


class Mute(Exception):
    """An exception whose own text raises."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Address(msgspec.Struct):
    street: str


@dataclass
class Parcel:
    content: object


def raising(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


async def cancelled() -> None:
    raise asyncio.CancelledError


async def cancelled_from_inside() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


def asynchronous(error: BaseException) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        raise error

    return work


def endless() -> None:
    endless()


def typed(n: Address) -> None: ...


FAULTS: Final[dict[str, tuple[Callable[..., object], str]]] = {
    "an exception": (raising(ValueError("no stock")), "^ValueError: no stock$"),
    "without a text": (raising(ValueError()), "^ValueError: $"),
    "with a text that raises": (raising(Mute()), "^Mute, whose text cannot be read: RuntimeError$"),
    "with a lone surrogate": (raising(ValueError("a\ud800b")), r"^ValueError: a\\ud800b$"),
    "with 5 MB of text": (raising(ValueError("x" * 5_000_000)), f"^ValueError: x{{{TEXT_CHARACTERS_MAX - 12}}}$"),
    "several": (raising(ExceptionGroup("both", [ValueError("a"), OSError("b")])), "^ExceptionGroup: both"),
    "StopIteration": (raising(StopIteration()), "^StopIteration"),
    "recursion": (endless, "^RecursionError: maximum recursion depth"),
    "memory": (raising(MemoryError()), "^MemoryError"),
    "an error of the engine": (raising(NotFound("no instance 5")), "^no instance 5$"),
    "a bug": (lambda n: n.missing, "^AttributeError: 'int' object has no attribute 'missing'$"),
    "cancelled": (cancelled, "^CancelledError"),
    "cancelled from inside": (cancelled_from_inside, "^CancelledError"),
    "sys.exit in a coroutine": (asynchronous(SystemExit(3)), "^SystemExit: 3$"),
    "interrupted coroutine": (asynchronous(KeyboardInterrupt()), "^KeyboardInterrupt"),
    "an exception in a coroutine": (asynchronous(OSError("gone")), "^OSError: gone$"),
    "a coroutine not awaited": (lambda: cancelled(), "returned a coroutine; it must return a dict of variables"),  # noqa: PLW0108
    "a generator": (lambda: (n for n in [1]), "returned a generator; it must return a dict"),
    "a set": (lambda: {"a": {1}}, "^a is of type set, which JSON cannot hold$"),
    "a struct of what is no JSON": (lambda: Parcel(object()), "^its result .Parcel.: .*object.* is unsupported"),
    "a variable of another type": (typed, "cannot take the variable 'n': Expected `object`, got `int`"),
    "a variable that is not there": (lambda nowhere: None, "needs the variable 'nowhere', which is not set"),
    "a code that is no text": (raising(BpmnError(5)), r"the code of a BpmnError must be a string, not 5 \(int\)"),  # type: ignore[arg-type]
    "a code with a surrogate": (raising(BpmnError("\ud800")), "the code of a BpmnError .* lone surrogate"),
    "a code of 5 MB": (raising(BpmnError("X" * 5_000_000)), f"the limit is {TEXT_CHARACTERS_MAX}"),
}  # fmt: skip


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def engine(tmp_path: Path, clock: FakeClock) -> Iterator[Engine]:
    with opened(tmp_path / "e.db", clock) as found:
        found.deploy(d.one_task(retries=1))
        yield found


@pytest.mark.parametrize("name", list(FAULTS))
@pytest.mark.parametrize("served", [False, True], ids=["in turn", "served"])
def test_a_worker_that_fails_is_a_failed_attempt_and_its_incident_says_why(
    engine: Engine, name: str, served: bool
) -> None:
    work, says = FAULTS[name]
    engine.worker("work")(work)
    instance, other = engine.start("p", {"n": 1}), engine.start("p", {"n": 2})
    if served:
        engine.serve(1)
        assert engine.wait_until(lambda: len(engine.incidents()) == 2, PATIENCE_S)
    else:
        engine.run_until_idle()
    (incident,) = instance.incidents
    assert (incident.code, incident.element_id) == ("job-no-retries", "work")
    assert re.search(says, incident.message), incident.message
    assert engine.faults() == []
    # The engine goes on, and so do both instances once somebody mended the worker.
    engine.worker("work")(lambda: {"mended": True})
    for each in (instance, other):
        each.resolve_incident()
    if served:
        assert engine.wait_until(lambda: engine.counts() == {"completed": 2}, PATIENCE_S)
    else:
        engine.run_until_idle()
    assert engine.counts() == {"completed": 2}
    engine.stop()
    check_stored(engine)


def test_a_worker_that_interrupts_its_thread_does_not_end_it(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("procession.hosts.embedded.serving.RETRY_S", 0.01)
    calls: list[str] = []

    @engine.worker("work")
    def work(job: Job) -> None:
        calls.append(job.idempotency_key)
        if len(calls) == 1:
            raise KeyboardInterrupt

    instance = engine.start("p")
    engine.serve(1)
    assert engine.wait_until(lambda: instance.state == "completed", PATIENCE_S)
    engine.stop()
    assert len(calls) == 2
    assert len(set(calls)) == 1


def test_a_lease_that_ran_out_gives_the_job_away_and_the_late_result_is_refused(
    engine: Engine, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    slow, release = threading.Event(), threading.Event()
    calls: list[tuple[str, int]] = []

    @engine.worker("work", timeout=60)
    def work(job: Job) -> dict[str, int]:
        calls.append((job.idempotency_key, job.attempt))
        number = len(calls)
        if number == 1:
            slow.set()
            assert release.wait(PATIENCE_S)
        return {"by": number}

    instance = engine.start("p")
    engine.serve(2)
    assert slow.wait(PATIENCE_S)
    clock.pass_by(61)
    assert engine.wait_until(lambda: instance.state == "completed", PATIENCE_S)
    release.set()
    engine.stop()
    assert instance.variables == {"by": 2}
    assert len(calls) == 2
    assert len({key for key, _ in calls}) == 1
    assert "a worker's result was refused: job" in caplog.text
    done = [each for each in instance.history if each.kind == "job done"]
    assert len(done) <= 1


LATE: Final[dict[str, tuple[Callable[[Engine, Job], object], str]]] = {
    "completed": (lambda e, job: e.complete_job(job), "is not open: it was completed, or its element has ended"),
    "failed": (lambda e, job: e.fail_job(job, "late"), "is not open"),
    "threw": (lambda e, job: e.throw_job_error(job, "E"), "is not open"),
    "completed by key": (lambda e, job: e.complete_job(job.key), "is not open"),
}


def complete(engine: Engine, job: Job) -> None:
    engine.complete_job(job, {"by": "first"})


def cancel(engine: Engine, job: Job) -> None:
    engine.instance(job.instance).cancel()


@pytest.mark.parametrize("name", list(LATE))
@pytest.mark.parametrize("before", [complete, cancel])
def test_what_comes_when_a_job_is_over_is_refused_and_changes_nothing(
    engine: Engine, name: str, before: Callable[[Engine, Job], None]
) -> None:
    call, says = LATE[name]
    instance = engine.start("p")
    (job,) = engine.activate_jobs("work")
    before(engine, job)
    state, variables, facts = instance.state, instance.variables, len(instance.history)
    with pytest.raises(NotFound, match=f"job {job.key} {says}"):
        call(engine, job)
    assert (instance.state, instance.variables, len(instance.history)) == (state, variables, facts)


def test_a_job_that_is_out_of_retries_takes_no_more_failures(engine: Engine) -> None:
    instance = engine.start("p")
    (job,) = engine.activate_jobs("work")
    assert engine.fail_job(job, "the last one", retries=0) == 0
    with pytest.raises((Conflict, NotFound)):
        engine.fail_job(job, "one more")
    assert [each.message for each in instance.incidents] == ["the last one"]


def test_the_key_of_a_job_is_the_same_for_every_attempt_restart_and_takeover(tmp_path: Path) -> None:
    path, clock = tmp_path / "e.db", FakeClock()
    keys: list[str] = []

    def failing(job: Job) -> None:
        keys.append(job.idempotency_key)
        raise ValueError("not yet")

    engines = [opened(path, clock)]
    engines[0].deploy(d.one_task(retries=2))
    instance = engines[0].start("p")
    for turn in range(6):
        engine = engines[-1]
        engine.worker("work", backoff=[1])(failing)
        engine.run_until_idle()
        clock.pass_by(2)
        if engine.incidents():
            engine.instance(instance.key).resolve_incident(retries=2)
        if turn % 2:
            engine.close()
            engines.append(opened(path, clock))
        else:
            engines.append(Engine(path, clock=clock, takeover=True))
    last = engines[-1]
    (job,) = last.activate_jobs("work")
    keys.append(job.idempotency_key)
    last.complete_job(job)
    assert len(keys) >= 6
    assert len(set(keys)) == 1
    assert last.counts() == {"completed": 1}
    for engine in engines:
        engine.close()


def test_a_worker_that_comes_late_finds_the_jobs_that_wait(engine: Engine) -> None:
    instances = engine.start_many("p", [{}] * 50)
    engine.serve(2)
    registered: list[str] = []

    @engine.worker("work")
    def work() -> None:
        # Registering while others look for work disturbs nobody.
        type = f"other-{len(registered)}"
        registered.append(type)
        engine.worker(type)(lambda: None)

    assert engine.wait_until(lambda: engine.counts() == {"completed": 50}, PATIENCE_S)
    engine.stop()
    assert all(each.state == "completed" for each in instances)


def unknown(n: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda n, /: None, "parameter 'n' has no name that a variable could have"),
        (lambda *all: None, "parameter 'all' has no name"),
        (unknown, "name 'Missing' is not defined; a name in its annotations"),
        (5, "signature of its function cannot be read"),
    ],
)
def test_a_function_that_no_variables_can_call_is_refused_when_it_is_registered(
    engine: Engine, function: Any, says: str
) -> None:
    with pytest.raises(TypeError, match=f"worker 'work': .*{says}"):
        engine.worker("work")(function)


class Clerk:
    """A worker with a memory."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def __call__(self, n: int, job: Job) -> dict[str, object]:
        self.seen.append(n)
        return {"m": n + 1}

    def method(self, n: int) -> dict[str, object]:
        return {"m": n + 1}

    async def coroutine(self, n: int) -> dict[str, object]:
        return {"m": n + 1}


def shared(base: int, n: int) -> dict[str, object]:
    return {"m": base + n}


@pytest.mark.parametrize(
    "function", [Clerk(), Clerk().method, Clerk().coroutine, partial(shared, 1), partial(shared, base=1)]
)
def test_anything_that_can_be_called_by_name_is_a_worker(engine: Engine, function: Any) -> None:
    engine.worker("work")(function)
    instance = engine.start("p", {"n": 41})
    engine.run_until_idle()
    assert instance.incidents == []
    assert instance.variables["m"] == 42
