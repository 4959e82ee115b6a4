"""What an answer promises: an acknowledged request is durable, a refused one was rightly refused.

Checked against the ledger as soon as the answer is there. What is stored then can only be lost by losing facts, which
the ledger would see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias, cast

from procession.base.failure import Conflict, NotFound, StoreError
from procession.core.events import SetVariables
from procession.runtime.requests import Deliver, FailJob, FinishJob, PublishMessage, ThrowJob
from procession.runtime.rows import JobRow
from procession.testing.sim.ledger import Case, check
from procession.testing.sim.people import do_leased
from procession.testing.sim.run import Kind, Letter, Run


def answered(run: Run, letter: Letter, result: object, *, engine: int) -> None:
    """A request was acknowledged by the engine of this number (0: through the inbox)."""
    verify = _DURABLE.get(letter.about[0])
    if verify is not None:
        verify(run, letter, result, engine)


def refused(run: Run, letter: Letter, error: Exception, *, engine: int, fresh: bool) -> None:
    """A request was not carried out. `fresh`: the engine owned the store, and nothing else happened meanwhile."""
    if isinstance(error, StoreError):
        return
    check(
        isinstance(error, NotFound | Conflict),
        lambda: f"{letter.about} was refused by {type(error).__name__}: {error}",
    )
    kind, tenant, number = letter.about
    if kind == "publish" and isinstance(error, Conflict):
        run.published.add((tenant, number))
    elif kind in {"start", "publish", "signal", "lease", "deploy", "batch"}:
        check(False, f"{letter.about} was refused: {error}")
    elif fresh:
        wrongly = _OPEN.get(kind)
        check(
            wrongly is None or not wrongly(run, letter, engine),
            lambda: f"{letter.about} was refused although it is open: {error}",
        )


def _started(run: Run, letter: Letter, result: object, engine: int) -> None:
    case = run.ledger.cases.get(cast("int", result))
    check(case is not None and case.label == letter.label, f"the start of {letter.label} gave {result}: not stored")


def _published(run: Run, letter: Letter, result: object, engine: int) -> None:
    _, tenant, place = letter.about
    run.published.add((tenant, place))
    request = letter.request
    assert isinstance(request, PublishMessage)
    number = run.ledger.catalog.tenants[tenant]
    stored = any(taken == result for taken, _ in run.ledger.consumed) or result in run.ledger.buffered(
        number, request.name, request.correlation
    )
    check(stored, f"message {result} ({request.name}) was acknowledged and is neither buffered nor consumed")


def _task_done(run: Run, letter: Letter, result: object, engine: int) -> None:
    check(not _task_open(run, letter, engine), f"task {letter.about[2]} was completed and is still open")


def _resolved(run: Run, letter: Letter, result: object, engine: int) -> None:
    key = letter.about[2]
    open_still = any(key in case.state.incidents for case in run.ledger.cases.values())
    check(not open_still, f"incident {key} was resolved and is still open")


def _set(run: Run, letter: Letter, result: object, engine: int) -> None:
    case, event = _delivered(run, letter)
    assert isinstance(event, SetVariables)
    check(all(name in case.names for name in event.variables), f"{event} was acknowledged and is no fact")


def _cancelled(run: Run, letter: Letter, result: object, engine: int) -> None:
    case, _ = _delivered(run, letter)
    check(not case.active, f"instance {case.key} was cancelled and goes on")


def _delivered(run: Run, letter: Letter) -> tuple[Case, object]:
    request = letter.request
    assert isinstance(request, Deliver)
    return run.ledger.cases[request.instance], request.event


def _job_answered(run: Run, letter: Letter, result: object, engine: int) -> None:
    request = letter.request
    key = letter.about[2]
    assert isinstance(request, FinishJob | ThrowJob | FailJob)
    if isinstance(request, FailJob):
        _job_failed(run, letter, cast("int", result), engine)
        return
    run.accepted[key] += 1
    check(run.accepted[key] == 1, f"two results of job {key} were accepted")
    check(not _find_job(run, key), f"a result of job {key} was accepted and the job is still open")
    # A lease within a process ends with it, and nobody else knows that it was the newest.
    if engine and run.leased_by[key] == engine:
        check(request.token == run.tokens[key], f"job {key}: the result of a lease that had run out was accepted")


def _job_failed(run: Run, letter: Letter, retries: int, engine: int) -> None:
    number = run.ledger.catalog.tenants[letter.about[1]]
    rows = run.disk.truth.read("job", (number, letter.about[2]), JobRow)
    if engine and rows:
        found = rows[0].retries
        check(found == retries, f"job {letter.about[2]} has {found} retries, and the worker was told {retries}")


def _find_job(run: Run, key: int) -> Case | None:
    return next((case for case in run.ledger.cases.values() if key in case.state.jobs), None)


def _task_open(run: Run, letter: Letter, engine: int) -> bool:
    key = letter.about[2]
    for case in run.ledger.cases.values():
        element = case.state.elements.get(key)
        if element is not None and key in case.open.get("task", ()) and not case.state.suspended:
            # Task listeners hold the task open while they run.
            return element.held is None and not any(job.element == key for job in case.state.jobs.values())
    return False


def _job_open(run: Run, letter: Letter, engine: int) -> bool:
    """Whether the lease under which a worker answers must still hold."""
    request = letter.request
    assert isinstance(request, FinishJob | ThrowJob | FailJob)
    case = _find_job(run, letter.about[2])
    if case is None or case.state.jobs[letter.about[2]].held or case.state.suspended:
        return False
    newest = request.token == run.tokens[letter.about[2]] and request.token not in run.spent
    return newest and engine == letter.engine and run.latest < letter.deadline


def _moved(run: Run, letter: Letter, result: object, engine: int) -> None:
    case = run.ledger.cases[int(letter.label)]
    check(letter.about[2] not in case.state.elements, f"element {letter.about[2]} was moved and is still active")


def _move_open(run: Run, letter: Letter, engine: int) -> bool:
    case = run.ledger.cases[int(letter.label)]
    return case.active and letter.about[2] in case.state.elements


def _migrated(run: Run, letter: Letter, result: object, engine: int) -> None:
    case = run.ledger.cases[letter.about[2]]
    check(case.process_id != letter.label, f"instance {case.key} was migrated and still runs {letter.label}")


def _migration_open(run: Run, letter: Letter, engine: int) -> bool:
    case = run.ledger.cases[letter.about[2]]
    return case.active and case.process_id == letter.label


def _suspension_open(run: Run, letter: Letter, engine: int) -> bool:
    case = _delivered(run, letter)[0]
    return case.active and case.state.suspended is (letter.about[0] == "resume")


def _instance_open(run: Run, letter: Letter, engine: int) -> bool:
    return _delivered(run, letter)[0].active


def _incident_open(run: Run, letter: Letter, engine: int) -> bool:
    return any(letter.about[2] in case.state.incidents for case in run.ledger.cases.values())


def _leased(run: Run, letter: Letter, result: object, engine: int) -> None:
    do_leased(run, letter, result, engine)


_Durable: TypeAlias = Callable[[Run, Letter, object, int], None]
_DURABLE: Final[dict[Kind, _Durable]] = {
    "start": _started,
    "publish": _published,
    "task": _task_done,
    "resolve": _resolved,
    "repair": _set,
    "set": _set,
    "cancel": _cancelled,
    "job": _job_answered,
    "lease": _leased,
    "move": _moved,
    "migrate": _migrated,
}
_OPEN: Final[dict[Kind, Callable[[Run, Letter, int], bool]]] = {
    "task": _task_open,
    "job": _job_open,
    "set": _instance_open,
    "repair": _instance_open,
    "cancel": _instance_open,
    "resolve": _incident_open,
    "move": _move_open,
    "migrate": _migration_open,
    "suspend": _suspension_open,
    "resume": _suspension_open,
}
