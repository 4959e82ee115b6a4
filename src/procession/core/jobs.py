"""Jobs: planning and creating. Attempts are telemetry of the host, not facts."""

from __future__ import annotations

from typing import Final

from procession.base.failure import Failure
from procession.core import facts as f
from procession.core.commands import CloseJob, CreateJob
from procession.core.context import Context, Rejected
from procession.core.events import ReissueJobs
from procession.core.state import ElementInstance, Job, State
from procession.core.timers import duration_ms
from procession.ir.kinds import ListenerEvent
from procession.ir.program import JobSpec, Listener, Node

RETRIES_MAX: Final = 1_000_000
REISSUED_MAX: Final = 1_000
"""Jobs that one step issues anew; each takes a key."""


def plan_job(cx: Context, element: ElementInstance, spec: JobSpec, listener: int = -1) -> f.JobCreated:
    """The job of a spec, its expressions evaluated, nothing written yet."""
    type_ = cx.text(spec.type, element, "job type") if spec.type.expression >= 0 else spec.type.literal
    if not type_:
        raise Failure("job", "the job type is empty")
    retries = _whole(cx, spec.retries.literal, spec.retries.expression, element, "retries")
    if not 1 <= retries <= RETRIES_MAX:
        raise Failure("job", f"the retries are {retries}; a job needs at least 1 and at most {RETRIES_MAX}")
    priority = 0
    if spec.priority.literal or spec.priority.expression >= 0:
        priority = _whole(cx, spec.priority.literal, spec.priority.expression, element, "priority")
    return f.JobCreated(cx.new_key(), element.key, type_, retries, element.groups, listener, priority)


def create(cx: Context, fact: f.JobCreated) -> None:
    """Writes a planned job and offers it."""
    cx.write(fact)
    cx.send(command_of(cx.nodes, cx.state, cx.state.jobs[fact.job]))


def reissue(cx: Context, event: ReissueJobs) -> None:
    """Cancels open jobs and issues them anew, under the next numbers of their element instances. One that is out of
    retries is left alone: it is nobody's until its incident is resolved."""
    state = cx.state
    for key in event.jobs:
        if key not in state.jobs:
            raise Rejected("not-found", f"job {key} is not open: it was completed, or its element has ended")
        if state.jobs[key].held:
            raise Rejected("conflict", f"job {key} is out of retries: resolve its incident")
    jobs = list(dict.fromkeys(event.jobs)) or [job.key for job in state.jobs.values() if not job.held]
    if not jobs:
        raise Rejected("not-found", f"no job of instance {state.instance} is open that could be issued anew")
    if len(jobs) > REISSUED_MAX:
        raise Rejected("conflict", f"{len(jobs)} jobs cannot be issued anew at once, but {REISSUED_MAX:,}: name them")
    for key in jobs:
        fact = f.JobReissued(key, cx.new_key(), state.elements[state.jobs[key].element].groups)
        cx.send(CloseJob(key))
        cx.write(fact)
        cx.send(command_of(cx.nodes, state, state.jobs[fact.again]))


def command_of(nodes: tuple[Node, ...], state: State, job: Job) -> CreateJob:
    """The command that offers a job, from the state alone."""
    node = nodes[state.elements[job.element].node]
    spec = node.job if job.listener < 0 else node.listeners[job.listener].job
    headers = spec.headers if spec is not None else {}
    backoff = tuple(duration_ms(text) for text in spec.backoff) if spec is not None and spec.backoff else ()
    key = f"{state.instance}:{job.element}:{state.epoch}:{job.group}"
    return CreateJob(
        job.key,
        job.element,
        node.index,
        job.type,
        job.retries,
        key,
        headers,
        backoff,
        job.listener,
        job.priority,
    )


def next_listener(node: Node, event: ListenerEvent, after: int = -1) -> tuple[int, Listener] | None:
    """The first listener for an event behind index `after`."""
    for index, each in enumerate(node.listeners):
        if index > after and each.event is event:
            return index, each
    return None


def _whole(cx: Context, literal: str, expression: int, element: ElementInstance, what: str) -> int:
    if expression < 0:
        text = literal
    else:
        value = cx.evaluate(expression, element)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        text = str(value)
    try:
        return int(text)
    except ValueError:
        raise Failure("job", f"the {what} of the job must be a whole number, not {text!r}") from None
