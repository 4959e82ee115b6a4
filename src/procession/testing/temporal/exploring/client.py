"""The cluster as the placement and the reporter see it: what they ask of the SDK's client, answered by the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, ParamSpec, TypeVar, cast, final

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import WorkflowActivationJob
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from procession.hosts.temporal import payloads as p
from procession.hosts.temporal.taking import TOOK
from procession.testing.temporal.exploring.cluster import Cluster, Run, Update
from procession.testing.temporal.exploring.tasks import CONVERTER

_T = TypeVar("_T")
_P = ParamSpec("_P")
_LOOP: Final = asyncio.new_event_loop()


@final
class _AtOnce(ThreadPoolExecutor):
    """What would be done in a thread is done now."""

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """See `Executor.submit`."""
        done: Future[_T] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


_LOOP.set_default_executor(_AtOnce(1))


@final
class Died(BaseException):
    """A process is gone. No `except Exception` may survive it."""


@final
class Waits(BaseException):
    """Whoever asks has to wait for what others do: he asks again later, from the beginning."""


@final
class Now:
    """In the place of the placement's event loop: what would wait, ends with `Waits`."""

    def run(self, work: Coroutine[Any, Any, _T], timeout: float = 0.0) -> _T:
        """Runs a coroutine to its end."""
        try:
            work.send(None)
        except StopIteration as done:
            return cast("_T", done.value)
        work.close()
        raise Waits

    def finish(self, work: Coroutine[Any, Any, _T]) -> _T:
        """The same for one that has tasks of its own."""
        return _LOOP.run_until_complete(work)


@final
class ModelClient:
    """The client. `dies_after` calls that change something the process is gone; -1 for never."""

    namespace = "model"

    def __init__(self, cluster: Cluster, now: int) -> None:
        self.cluster = cluster
        self.now = now
        self.calls = 0
        self.dies_after = -1
        self.asks = ""
        """The update of whoever asks: one who goes on waits for the one that he asked before."""
        self.sends = False
        """Whether it is the sender who asks. All that is known of what he asked, is in the cluster: he is another one
        whenever he asks, and repeats what he asked, as one."""

    def changed(self) -> None:
        """A call that changed something was answered, unless whoever called is gone."""
        self.calls += 1
        if self.calls == self.dies_after:
            raise Died

    async def start_workflow(self, type: str, given: p.Input, **how: Any) -> None:
        """See `Client.start_workflow`."""
        self._start(type, given, how)
        self.changed()

    async def execute_update_with_start_workflow(
        self, name: str, *arguments: object, start_workflow_operation: object, **_: object
    ) -> None:
        """See `Client.execute_update_with_start_workflow`: the workflow and the update are there at once, or neither.

        Nobody goes on waiting for the answer: whoever asks may be gone by then, and the next one finds the workflow.
        """
        operation: dict[str, Any] = vars(start_workflow_operation)
        wanted = operation["_start_workflow_input"]
        started = operation["_workflow_handle"]
        try:
            self._start(wanted.workflow, wanted.args[0], cast("dict[str, Any]", vars(wanted)))
        except WorkflowAlreadyStartedError as error:
            if wanted.id_conflict_policy is not WorkflowIDConflictPolicy.USE_EXISTING:
                started.set_exception(error)
                raise
        started.set_result(self.get_workflow_handle(wanted.id))
        self.ask(wanted.id, name, name, arguments)
        self.changed()
        raise Waits

    def _start(self, type: str, given: p.Input, how: Mapping[str, Any]) -> None:
        job = WorkflowActivationJob()
        first = job.initialize_workflow
        first.workflow_type, first.workflow_id = type, how["id"]
        first.arguments.add().CopyFrom(CONVERTER.to_payload(given))
        again = how["id_reuse_policy"] is WorkflowIDReusePolicy.ALLOW_DUPLICATE
        memo: dict[str, int] = how.get("memo") or {}
        self.cluster.start(how["id"], type, memo.get(TOOK, 0), self.now, job.SerializeToString(), again=again)

    def ask(self, workflow: str, id: str, name: str, arguments: Sequence[object]) -> None:
        """A run that goes on is given an update. Raises `RPCError` if there is none."""
        job = WorkflowActivationJob()
        wanted = job.do_update
        wanted.id = wanted.protocol_instance_id = id
        wanted.name, wanted.run_validator = name, True
        for each in arguments:
            wanted.input.add().CopyFrom(CONVERTER.to_payload(each))
        self.cluster.alive(workflow).updates[id] = Update(job.SerializeToString())

    def get_workflow_handle(self, workflow: str, *, run_id: str = "") -> Handle:
        """See `Client.get_workflow_handle`."""
        return Handle(self, workflow, run_id)


@final
class Described:
    """What is told of a workflow."""

    def __init__(self, run: Run) -> None:
        statuses = WorkflowExecutionStatus
        self.status = {"running": statuses.RUNNING, "completed": statuses.COMPLETED, "failed": statuses.FAILED}[
            run.status
        ]
        self.run_id = run.run
        self._took = run.took

    async def memo_value(self, name: str, default: int) -> int:
        """See the SDK's."""
        return self._took or default


@final
class Handle:
    """One workflow."""

    def __init__(self, client: ModelClient, workflow: str, run: str) -> None:
        self._client = client
        self._workflow = workflow
        self._run = run

    async def signal(self, name: str, argument: object) -> None:
        """See `WorkflowHandle.signal`."""
        job = WorkflowActivationJob()
        job.signal_workflow.signal_name = name
        job.signal_workflow.input.add().CopyFrom(CONVERTER.to_payload(argument))
        self._client.cluster.signal(self._workflow, job)
        self._client.changed()

    async def describe(self) -> Described:
        """See `WorkflowHandle.describe`."""
        run = self._client.cluster.newest(self._workflow)
        if run is None:
            raise RPCError("workflow not found", RPCStatusCode.NOT_FOUND, b"")
        return Described(run)

    async def result(self) -> object:
        """See `WorkflowHandle.result`."""
        [run] = [run for run in self._client.cluster.runs if run.run == self._run]
        return _value(run.result, object)

    async def execute_update(self, name: str, *arguments: object, result_type: type[_T], **_: object) -> _T:
        """See `WorkflowHandle.execute_update`."""
        client = self._client
        if client.sends:
            return self._repeated(name, arguments, result_type)
        for run in client.cluster.runs:
            update = run.updates.get(client.asks)
            if update is None:
                continue
            if update.state == "done":
                return _value(update.result, result_type)
            if update.state == "refused":
                client.asks = ""
                # The run has ended over it: who asks finds that out, or asks the next one.
                raise RPCError("workflow execution already completed", RPCStatusCode.NOT_FOUND, b"")
            raise Waits
        id = f"u{client.cluster.asked + 1}"
        client.ask(self._workflow, id, name, arguments)
        client.cluster.asked += 1
        client.asks = id
        raise Waits

    def _repeated(self, name: str, arguments: Sequence[object], type: type[_T]) -> _T:
        updates = self._client.cluster.alive(self._workflow).updates
        id = f"{name}{arguments}"
        update = updates.get(id)
        if update is None:
            self._client.ask(self._workflow, id, name, arguments)
            self._client.changed()
        elif update.state == "done":
            return _value(update.result, type)
        raise Waits


def _value(data: bytes, type: type[_T]) -> _T:
    payload = Payload()
    payload.ParseFromString(data)
    return CONVERTER.from_payload(payload, type)


__all__ = ["Died", "ModelClient", "Now", "Waits", "WorkflowUpdateFailedError"]
