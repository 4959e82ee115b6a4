"""Our own metrics, on the SDK's meter, so that they are where its own are. In a label stands no data of a tenant's.

Names and meanings are told in docs/how-to/run-temporal-workers.md. What is counted in a workflow is not in a replay.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, final

from temporalio import workflow
from temporalio.common import MetricMeter
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from procession.base.failure import NotFound, StoreError
from procession.base.keys import made_at_ms
from procession.core import commands as c
from procession.hosts.temporal.activities import Perform
from procession.runtime.elsewhere import Answer
from procession.runtime.ports import Store
from procession.runtime.requests import FailJob, FinishJob, Report, ThrowJob
from procession.runtime.rows import SizeRow

if TYPE_CHECKING:
    # The SDK has no other name for them.
    from temporalio.bridge.proto.workflow_activation import WorkflowActivation
    from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion

    from procession.hosts.temporal.reporter import Reporter
    from procession.hosts.temporal.watching import Activate

TASK_SECONDS: Final = "procession_task_seconds"
TASK_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
"""The SDK takes a task for a deadlock at 2 s."""


def serve_metrics(address: str) -> None:
    """Shows the metrics of this process at http://`address`/metrics. Before any connection is made.

    Raises `StoreError` when that address cannot be listened at.
    """
    config = PrometheusConfig(bind_address=address, histogram_bucket_overrides={TASK_SECONDS: TASK_BUCKETS})
    try:
        Runtime.set_default(Runtime(telemetry=TelemetryConfig(metrics=config)))
    except RuntimeError as error:
        raise StoreError(f"metrics cannot be shown at {address}: {error}") from error


def measures_of(*, tenants: bool = False) -> Measures:
    """The measures of this process; nobody sees them unless `serve_metrics` was called first."""
    return Measures(Runtime.default().metric_meter, tenants=tenants)


@final
class Measures:
    """One process's. With `tenants` the tenant's name is a label of what belongs to one."""

    def __init__(self, meter: MetricMeter, *, tenants: bool = False) -> None:
        self._tenants = tenants
        self._steps = meter.create_counter("procession_steps", "Steps of instances.")
        self._incidents = meter.create_counter("procession_incidents_opened", "Incidents that were opened.")
        self._renewals = meter.create_counter("procession_continue_as_new", "Runs that another one goes on for.")
        self._replays = meter.create_counter("procession_replays", "Instances read from their history.")
        self._tasks = meter.create_histogram_float(
            TASK_SECONDS, "How long our code took for an activation of a workflow.", "s"
        )
        self._jobs = meter.create_counter("procession_jobs", "Jobs done by functions here, by outcome.")
        self._reports = meter.create_gauge("procession_reports_waiting", "Reports whose task is not known to be over.")
        self._reports_age = meter.create_gauge_float("procession_reports_oldest_seconds", "Age of the oldest.", "s")
        self._outbox = meter.create_gauge("procession_outbox_rows", "What has to reach workflows and did not yet.")
        self._outbox_age = meter.create_gauge_float("procession_outbox_oldest_seconds", "Age of the oldest.", "s")
        self._held = meter.create_gauge("procession_held_rows", "Reports in the store whose task may be open.")
        self._held_age = meter.create_gauge_float("procession_held_oldest_seconds", "Age of the oldest.", "s")

    def saw(self, task: int, reports: list[Report]) -> None:
        """See `watching.Saw`."""
        if workflow.unsafe.is_replaying():
            return
        for report in reports:
            label = self._label(report.tenant)
            if report.steps:
                self._steps.add(len(report.steps), label)
            opened = sum(type(command) is c.OpenIncident for step in report.steps for command in step.commands)
            if opened:
                self._incidents.add(opened, label)

    def renewing(self, why: str) -> None:
        """A run ends, and another one goes on."""
        if not workflow.unsafe.is_replaying():
            self._renewals.add(1, {"reason": why})

    def timed(self, activate: Activate) -> Activate:
        """`activate`, with a watch; see `watching.Activations`."""

        def timed(act: WorkflowActivation) -> WorkflowActivationCompletion:
            if act.is_replaying and any(job.HasField("initialize_workflow") for job in act.jobs):
                self._replays.add(1)
            started = time.perf_counter()
            try:
                return activate(act)
            finally:
                self._tasks.record(time.perf_counter() - started, _REPLAY[act.is_replaying])

        return timed

    def jobs(self, perform: Perform) -> Perform:
        """`perform`, counted by outcome."""

        def counted(job: Answer, tenant: str) -> Future[Any]:
            label = {"type": str(job["type"]), **(self._label(tenant) or {})}
            try:
                done = perform(job, tenant)
            except NotFound:
                self._jobs.add(1, {**label, "outcome": "no-function"})
                raise
            done.add_done_callback(lambda each: self._jobs.add(1, {**label, "outcome": _outcome(each)}))
            return done

        return counted

    def reporter(self, reporter: Reporter) -> None:
        """Looks at what waits there."""
        count, age = reporter.waiting
        self._reports.set(count)
        self._reports_age.set(age)

    def store(self, store: Store) -> None:
        """Looks at what waits there."""
        outbox = store.read("outbox_size", (), SizeRow)[0]
        self._outbox.set(outbox.count)
        self._outbox_age.set(_age(made_at_ms(outbox.oldest)) if outbox.count else 0.0)
        held = store.read("inbox_held_size", (), SizeRow)[0]
        self._held.set(held.count)
        self._held_age.set(_age(held.oldest) if held.count else 0.0)

    def _label(self, tenant: str) -> Mapping[str, str] | None:
        return {"tenant": tenant} if self._tenants else None


def _age(at: int) -> float:
    return max(0.0, time.time() - at / 1000)


def _outcome(done: Future[Any]) -> str:
    if done.cancelled() or done.exception() is not None:
        return "lost"
    request: object = done.result()
    return "denied" if getattr(request, "denied", False) else OUTCOMES.get(type(request), "lost")


OUTCOMES: Final[Mapping[type[object], str]] = {FinishJob: "completed", FailJob: "failed", ThrowJob: "error"}


_REPLAY: Final = {False: {"replay": "false"}, True: {"replay": "true"}}
