"""The worker: what one process runs of the workflows of a task queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final, final

from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import PollerBehaviorSimpleMaximum, Replayer, Worker, WorkerDeploymentConfig

from procession.core.linked import Linked
from procession.hosts.temporal import tracing
from procession.hosts.temporal.definition import ProcessWorkflow
from procession.hosts.temporal.local import Local
from procession.hosts.temporal.metrics import Measures
from procession.hosts.temporal.payloads import Envelope
from procession.hosts.temporal.place import WorkerDeployment
from procession.hosts.temporal.programs import Programs
from procession.hosts.temporal.reporter import Reporter
from procession.hosts.temporal.watching import Activations, Saw, Settling, Watching, endings
from procession.runtime.ports import Store
from procession.runtime.requests import Report, TakeKeys

CACHED: Final = 1_000
TASKS: Final = 8
"""Workflow tasks at the same time. Most of that time their local activities write; each activation has two seconds."""
THREADS: Final = 4
"""Activations at the same time: they share one interpreter."""
POLLS: Final = 6
"""Half of them ask for tasks of workflows that are not in memory, as all are that begin. Fewer than `TASKS`, so that
who waits for a task of one kind holds up none of the other (measured in docs/design/0019)."""
GRACE_S: Final = 10
SINGLE_BATCH: Final = 2
"""The number of the SDK's flag "process workflow activation jobs as single batch"."""


@final
class Around:
    """See `workflow.Surroundings`."""

    def __init__(self, store: Store, reporter: Reporter, seen: Callable[[Linked], None] | None) -> None:
        self._programs = Programs(store, seen)
        self._reporter = reporter

    def linked(self, tenant: str, hash: str) -> Linked:
        """See `Surroundings.linked`."""
        return self._programs.linked(tenant, hash)

    def offer(self, envelope: Envelope, *, urgent: bool) -> None:
        """See `Surroundings.offer`."""
        self._reporter.offer(envelope, urgent=urgent)


def workflow_worker(
    client: Client,
    store: Store,
    reporter: Reporter,
    keys: Callable[[TakeKeys], tuple[int, int]],
    *,
    queue: str,
    activities: Sequence[Callable[..., Any]] = (),
    cached: int = CACHED,
    measures: Measures | None = None,
    deployment: WorkerDeployment | None = None,
    seen: Callable[[Linked], None] | None = None,
) -> Worker:
    """A worker for the workflows of a task queue; `activities` are those that it does besides its own local ones.

    `cached`: instances kept in memory between their tasks. `deployment`: instances are pinned to this build.
    `seen` is told of each program that comes up.
    """
    watching = Watching(*_watched(measures))
    timed = [measures.timed] if measures is not None else []
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[ProcessWorkflow],
        interceptors=[Settling(Around(store, reporter, seen)), watching],
        activities=[*Local(store, reporter, keys).activities(), *activities],
        workflow_runner=Activations(*timed, endings(reporter.ended)),
        max_cached_workflows=cached,
        # Without a cache a second task would push the first one out while its local activities run, and lose it.
        max_concurrent_workflow_tasks=TASKS if cached else 1,
        workflow_task_poller_behavior=PollerBehaviorSimpleMaximum(POLLS),
        nonsticky_to_sticky_poll_ratio=0.5,
        workflow_task_executor=ThreadPoolExecutor(THREADS, thread_name_prefix="procession-workflow"),
        graceful_shutdown_timeout=timedelta(seconds=GRACE_S),
        deployment_config=_pinning(deployment) if deployment is not None else None,
    )
    in_one_batch(worker)
    return worker


def _watched(measures: Measures | None) -> tuple[Saw, Callable[[str], None] | None]:
    """Who sees what is reported: spans, and numbers if they are wanted."""
    if measures is None:
        return tracing.saw, None

    def saw(task: int, reports: list[Report]) -> None:
        measures.saw(task, reports)
        tracing.saw(task, reports)

    return saw, measures.renewing


def _pinning(deployment: WorkerDeployment) -> WorkerDeploymentConfig:
    return WorkerDeploymentConfig(
        WorkerDeploymentVersion(deployment.name, deployment.build),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )


def in_one_batch(worker: Worker | Replayer) -> None:
    """All that an activation brings is applied before any of our code runs.

    The SDK's next default, which it recognizes and records in the history already; without it an update would run
    before an activity's result that was there first (docs/design/0011).
    """
    # By name: an SDK whose default it is has no such method any more. tests/integration holds the order itself.
    switch: Callable[..., None] | None = getattr(worker, "_set_default_workflow_logic_flag", None)
    if switch is not None:
        switch(SINGLE_BATCH, enabled=True)
