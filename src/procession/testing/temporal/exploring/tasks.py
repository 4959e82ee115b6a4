"""The code of workflows, run by the SDK's own instances: activations in, commands out, as the SDK's core would do it.

A worker keeps no object between two tasks of the model; it makes one, and takes it through the history as the object
that the worker had went through it: what that one had only replayed is a replay, and what it had run is run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias, final

from temporalio import workflow
from temporalio.api.common.v1 import Payloads
from temporalio.bridge.proto.workflow_activation import RemoveFromCache, WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import ScheduleLocalActivity, WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.common import Priority, TypedSearchAttributes
from temporalio.converter import DefaultFailureConverter
from temporalio.worker import (
    Interceptor,
    UnsandboxedWorkflowRunner,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowInterceptorClassInput,
)

from procession.core.linked import Linked
from procession.hosts.temporal import payloads as p
from procession.hosts.temporal.cluster import DATA_CONVERTER
from procession.hosts.temporal.definition import ProcessWorkflow
from procession.hosts.temporal.watching import Settling, Watching
from procession.hosts.temporal.worker import SINGLE_BATCH
from procession.runtime.requests import Report
from procession.testing.temporal.exploring.cluster import Run, Task

LocalActivity: TypeAlias = Callable[[ScheduleLocalActivity], object]
"""Does a local activity; gives its result."""
CONVERTER: Final = DATA_CONVERTER.payload_converter
_DEFINITION: Final = vars(ProcessWorkflow)["__temporal_workflow_definition"]
_LOOP: Final = asyncio.new_event_loop()


@final
class Around:
    """What the worker's process has for its workflows. While it only makes an object anew, nothing is told."""

    def __init__(self, linked: Callable[[str, str], Linked], offer: Callable[[p.Envelope, bool], None]) -> None:
        self._linked = linked
        self._offer = offer
        self.silent = False

    def linked(self, tenant: str, hash: str) -> Linked:
        """See `Surroundings.linked`."""
        return self._linked(tenant, hash)

    def offer(self, envelope: p.Envelope, *, urgent: bool) -> None:
        """See `Surroundings.offer`."""
        if not self.silent:
            self._offer(envelope, urgent)


class TaskFailed(AssertionError):
    """The code of a workflow raised what fails its task, and would again."""


def told(run: Run, around: Around) -> list[tuple[int, Report]]:
    """What the tasks of a run reported, made anew from its history."""
    found: list[tuple[int, Report]] = []
    watching = Watching(lambda task, reports: found.extend((task, report) for report in reports))
    instance = _made(run, around, watching)
    around.silent = True
    for each in run.tasks:
        for given in each.given:
            _activate(instance, run, each, given, replaying=True)
    if run.tasks:
        _activate(instance, run, run.tasks[-1], [_evicted()], replaying=True)
    return found


def run_task(run: Run, around: Around, local: LocalActivity, now: int) -> Task:
    """Runs the code of a run's next task to where it is completed, local activities included."""
    run.events += 2
    task = Task(run.events, now, [], [])
    asked = [update.job for update in run.updates.values() if update.state == "asked"]
    jobs = [*run.pending, *asked]
    run.taken, run.pending, run.open = run.pending, [], task
    instance = _made(run, around)
    try:
        for n, each in enumerate(run.tasks):
            around.silent = True
            for given in each.given:
                _activate(instance, run, each, given, replaying=n < run.replayed)
        around.silent = False
        while jobs:
            task.given.append(jobs)
            completion = _activate(instance, run, task, jobs, replaying=False)
            jobs = list[bytes]()
            for command in completion.successful.commands:
                task.decided.append(command.SerializeToString())
                jobs += _at_once(command, local)
    finally:
        around.silent = True
        _activate(instance, run, task, [_evicted()], replaying=True)
    return task


def _at_once(command: WorkflowCommand, local: LocalActivity) -> Iterable[bytes]:
    """What follows a command within the task."""
    job = WorkflowActivationJob()
    resolved = job.resolve_activity
    if command.HasField("schedule_local_activity"):
        wanted = command.schedule_local_activity
        resolved.seq, resolved.is_local = wanted.seq, True
        resolved.result.completed.result.CopyFrom(CONVERTER.to_payload(local(wanted)))
    elif command.HasField("request_cancel_activity"):
        resolved.seq = command.request_cancel_activity.seq
        failure = resolved.result.cancelled.failure
        failure.message = "cancelled"
        failure.canceled_failure_info.SetInParent()
    else:
        return ()
    return (job.SerializeToString(),)


def _activate(
    instance: WorkflowInstance, run: Run, task: Task, jobs: Sequence[bytes], *, replaying: bool
) -> WorkflowActivationCompletion:
    act = WorkflowActivation(run_id=run.run, is_replaying=replaying, history_length=task.number)
    act.available_internal_flags.append(SINGLE_BATCH)
    act.timestamp.FromMilliseconds(task.at)
    for data in jobs:
        act.jobs.add().ParseFromString(data)
    completion = instance.activate(act)
    if completion.HasField("failed"):
        raise TaskFailed(completion.failed.failure.message + "\n" + completion.failed.failure.stack_trace)
    return completion


def _evicted() -> bytes:
    return WorkflowActivationJob(remove_from_cache=RemoveFromCache()).SerializeToString()


def _known(name: str) -> None:
    """All local activities are there."""


def _made(run: Run, around: Around, *others: Interceptor) -> WorkflowInstance:
    at = datetime.fromtimestamp(run.started / 1000, UTC)
    info = workflow.Info(
        attempt=1,
        continued_run_id=None,
        cron_schedule=None,
        execution_timeout=None,
        first_execution_run_id=run.run,
        headers={},
        namespace="model",
        original_execution_run_id=run.run,
        parent=None,
        priority=Priority.default,
        raw_memo={},
        retry_policy=None,
        root=None,
        run_id=run.run,
        run_timeout=None,
        search_attributes={},
        start_time=at,
        task_queue="model",
        task_timeout=(at - at),
        typed_search_attributes=TypedSearchAttributes([]),
        workflow_id=run.workflow,
        workflow_start_time=at,
        workflow_type=run.type,
    )
    wanted = WorkflowInterceptorClassInput(unsafe_extern_functions={})
    inbound = [each.workflow_interceptor_class(wanted) for each in (Settling(around), *others)]
    details = WorkflowInstanceDetails(
        payload_converter_factory=lambda: CONVERTER,
        failure_converter_class=DefaultFailureConverter,
        interceptor_classes=[each for each in inbound if each is not None],
        defn=_DEFINITION,
        info=info,
        randomness_seed=1,
        extern_functions={"__temporal_assert_local_activity_valid": _known},
        disable_eager_activity_execution=True,
        worker_level_failure_exception_types=(),
        patch_activation_callback=None,
        last_completion_result=Payloads(),
        last_failure=None,
    )
    runner = UnsandboxedWorkflowRunner()

    async def make() -> WorkflowInstance:
        return runner.create_instance(details)

    return _LOOP.run_until_complete(make())
