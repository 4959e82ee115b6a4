"""Catching up: reports that were lost with the worker that had them are made anew, by replaying the history.

What an instance decided is in its history, whoever was told of it. A replay with the code of this version gives the
same steps, and those that the store does not have are put into its inbox. What must not live here: when to do that.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, final

import msgspec
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHistory
from temporalio.service import RPCError
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from procession.base.failure import NotFound, ProcessionError
from procession.core.linked import Linked
from procession.hosts.temporal.cluster import Loop, explained, is_gone
from procession.hosts.temporal.definition import ProcessWorkflow
from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.payloads import Envelope
from procession.hosts.temporal.programs import Programs
from procession.hosts.temporal.replayer import committed, quiet_runtime
from procession.hosts.temporal.reporter import INDEX_BITS, trimmed
from procession.hosts.temporal.watching import Settling, Watching
from procession.hosts.temporal.worker import in_one_batch
from procession.runtime import requests
from procession.runtime.ports import Cells, Store
from procession.runtime.requests import Report
from procession.runtime.rows import IntRow, SnapshotRow
from procession.services.catalog import Catalog

RUNS_MAX: Final = 1_000
"""Runs of one workflow that are gone back at most."""
REPLAY_S: Final = 120.0

_LOG: Final = logging.getLogger("procession")


@final
class Told(msgspec.Struct, frozen=True):
    """What one run reported: reports, each with the event that started its task."""

    run: str
    reports: list[tuple[int, Report]]


@final
class CatchingUp:
    """One engine's. Used from one thread."""

    def __init__(self, of: Callable[[str], Client], loop: Loop, store: Store) -> None:
        """`of` gives the client of a tenant."""
        self._of = of
        self._loop = loop
        self._store = store
        self._programs = Programs(store)

    def linked(self, tenant: str, hash: str) -> Linked:
        """See `workflow.Surroundings.linked`."""
        return self._programs.linked(tenant, hash)

    def offer(self, envelope: Envelope, *, urgent: bool) -> None:
        """See `workflow.Surroundings.offer`. What a replay offers was seen already."""

    def repair(self, tenant: str, home: int) -> int:
        """Posts what the store does not know of the instances of a workflow; how many steps that were.

        Raises `NotFound` when the history is gone, `ProcessionError` when it cannot be replayed.
        """
        told = self._loop.run(self._told(tenant, home), REPLAY_S)
        number = Catalog(self._store, None).tenant(tenant)
        known: dict[int, int] = {}
        rows: list[Cells] = []
        steps = 0
        at = time.time_ns() // 1_000_000
        for run in told:
            for index, (task, report) in enumerate(run.reports):
                upto = known.setdefault(report.instance, last_step(self._store, number, report.instance))
                # Answers to what was sent were stored before their task was committed, so they are not lost.
                news = msgspec.structs.replace(trimmed(report, upto), refused=[], treated=[])
                if not news.steps:
                    continue
                known[report.instance] = news.steps[-1].seq
                steps += len(news.steps)
                place = (task << INDEX_BITS) + index
                rows.append((tenant, 0, f"r:{run.run}+", place, at, requests.encode(news)))
        if rows:
            self._store.post(rows)
            _LOG.warning("%s steps of %s were not reported: they are now", steps, workflow_id(tenant, home))
        return steps

    async def _told(self, tenant: str, home: int) -> list[Told]:
        """What the runs of a workflow reported, from the first of which something may be missing."""
        workflow, client = workflow_id(tenant, home), self._of(tenant)
        number = Catalog(self._store, None).tenant(tenant)
        run = await self._newest(client, workflow)
        found: list[Told] = []
        while run and len(found) < RUNS_MAX:
            history = await self._history(client, workflow, run)
            collected = await self._replayed(client, history)
            found.append(Told(run, collected))
            first: dict[int, int] = {}
            for _, report in collected:
                if report.steps:
                    first.setdefault(report.instance, report.steps[0].seq)
            if first and all(seq <= last_step(self._store, number, instance) + 1 for instance, seq in first.items()):
                break
            run = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
        return found[::-1]

    async def _newest(self, client: Client, workflow: str) -> str:
        request = DescribeWorkflowExecutionRequest(
            namespace=client.namespace, execution=WorkflowExecution(workflow_id=workflow)
        )
        try:
            found = await client.workflow_service.describe_workflow_execution(request, retry=True)
        except RPCError as error:
            raise _told(error, workflow) from error
        return found.workflow_execution_info.execution.run_id

    async def _history(self, client: Client, workflow: str, run: str) -> WorkflowHistory:
        try:
            return await client.get_workflow_handle(workflow, run_id=run).fetch_history()
        except RPCError as error:
            raise _told(error, workflow) from error

    async def _replayed(self, client: Client, history: WorkflowHistory) -> list[tuple[int, Report]]:
        """The reports of all tasks that were committed."""
        found: list[tuple[int, Report]] = []

        def saw(task: int, reports: list[Report]) -> None:
            found.extend((task, report) for report in reports)

        whole = committed(history)
        if not whole.events:
            return found
        with ThreadPoolExecutor(1, thread_name_prefix="procession-replay") as threads:
            replayer = Replayer(
                workflows=[ProcessWorkflow],
                workflow_task_executor=threads,
                workflow_runner=UnsandboxedWorkflowRunner(),
                namespace=client.namespace,
                data_converter=client.data_converter,
                interceptors=[Settling(self), Watching(saw)],
                build_id="catching-up",
                runtime=quiet_runtime(),
            )
            in_one_batch(replayer)
            result = await replayer.replay_workflow(whole, raise_on_replay_failure=False)
        if result.replay_failure is not None:
            raise ProcessionError(f"the history of {history.workflow_id} does not replay: {result.replay_failure}")
        return found


def last_step(store: Store, tenant: int, instance: int) -> int:
    """The last step of an instance that is known here, 0 for none."""
    rows = store.read("fact_last", (tenant, instance), IntRow)
    if rows and rows[0].value is not None:
        return rows[0].value
    # Its history may have been forgotten, up to a snapshot.
    snapshots = store.read("snapshot", (tenant, instance), SnapshotRow)
    return snapshots[-1].seq if snapshots else 0


def _told(error: RPCError, workflow: str) -> ProcessionError:
    if is_gone(error):
        return NotFound(f"Temporal has no history of {workflow}")
    return explained(error)
