"""A cluster as data: runs of workflows, their histories, what waits for their next task. Only its rules are here.

It keeps the promises of Temporal that moves rely on: one run at a time under an id; a start that repeats is known;
signals and updates of a run that has ended are refused; a run does not end over an event that it has not seen; what a
task decided counts as a whole, or not at all; an activity's outcome counts once. What must not live here: the code
of workflows (tasks.py).
"""

from __future__ import annotations

from typing import Final, Literal, final

import msgspec
from temporalio.bridge.proto.workflow_activation import WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

Status = Literal["running", "completed", "failed"]

LEFT: Final = b'{"left":'
"""How the result of a run begins that let its instance go."""
FIRST: Final = 1
"""Events of a history at its start."""


@final
class Task(msgspec.Struct, array_like=True):
    """A workflow task whose code ran: `number` is the event that started it, `given` are its activations, each the
    jobs that it was given; `decided` are its commands."""

    number: int
    at: int
    given: list[list[bytes]]
    decided: list[bytes]


@final
class Update(msgspec.Struct, array_like=True):
    """An update. `state`: `asked`, `accepted`, `done`, `refused`; the last two have a `result`."""

    job: bytes
    state: Literal["asked", "accepted", "done", "refused"] = "asked"
    result: bytes = b""


@final
class Run(msgspec.Struct, array_like=True):
    """One run. `took` is its memo. `events` counts its history; `tasks` are those that were completed."""

    workflow: str
    run: str
    type: str
    took: int
    started: int
    status: Status = "running"
    result: bytes = b""
    events: int = FIRST
    tasks: list[Task] = []
    open: Task | None = None
    over: dict[int, bool] = {}
    """Tasks that are over, by their event: whether they were completed."""
    pending: list[bytes] = []
    """Events behind the last task."""
    taken: list[bytes] = []
    """Those that the open task was given."""
    updates: dict[str, Update] = {}
    activities: dict[int, bytes] = {}
    """What is scheduled: the command."""
    timers: dict[int, int] = {}
    """When they are due, in Unix ms."""
    replayed: int = 0
    """Tasks that the worker's object has only replayed; the others it has run."""

    @property
    def has_work(self) -> bool:
        """Whether there is anything for a task."""
        return self.status == "running" and (
            bool(self.pending) or any(each.state == "asked" for each in self.updates.values())
        )

    @property
    def let_go(self) -> bool:
        """Whether it has ended without its instance."""
        return self.status == "completed" and LEFT in self.result


@final
class Cluster(msgspec.Struct, array_like=True):
    """All runs, in the order of their starts."""

    runs: list[Run] = []
    asked: int = 0
    """Updates so far, in this life of the cluster."""

    def newest(self, workflow: str) -> Run | None:
        """The last run under an id."""
        return next((run for run in reversed(self.runs) if run.workflow == workflow), None)

    def alive(self, workflow: str) -> Run:
        """The run under an id that goes on. Raises `RPCError` if there is none."""
        run = self.newest(workflow)
        if run is None or run.status != "running":
            raise RPCError("workflow execution already completed", RPCStatusCode.NOT_FOUND, b"")
        return run

    def start(self, workflow: str, type: str, took: int, at: int, first: bytes, *, again: bool) -> None:
        """Starts a run; `again`: although one has ended under this id. Raises `WorkflowAlreadyStartedError`."""
        before = self.newest(workflow)
        if before is not None and (before.status == "running" or not again):
            raise WorkflowAlreadyStartedError(workflow, type)
        count = sum(run.workflow == workflow for run in self.runs)
        self.runs.append(Run(workflow, f"{workflow}.run{count + 1}", type, took, at, pending=[first]))

    def signal(self, workflow: str, job: WorkflowActivationJob) -> None:
        """Adds an event to a run that goes on."""
        run = self.alive(workflow)
        run.events += 1
        job.signal_workflow.originating_event_id = run.events
        run.pending.append(job.SerializeToString())

    def fire(self, run: Run, timer: int) -> None:
        """A timer fires."""
        del run.timers[timer]
        job = WorkflowActivationJob()
        job.fire_timer.seq = timer
        run.pending.append(job.SerializeToString())
        run.events += 1

    def do(self, run: Run, activity: int, result: bytes) -> None:
        """An activity has an outcome."""
        del run.activities[activity]
        job = WorkflowActivationJob()
        job.resolve_activity.seq = activity
        job.resolve_activity.result.completed.result.ParseFromString(result)
        run.pending.append(job.SerializeToString())
        run.events += 2

    def fail(self, run: Run) -> None:
        """The open task came to nothing: what it was given is given again."""
        assert run.open is not None
        run.over[run.open.number] = False
        run.pending = [*run.taken, *run.pending]
        run.taken, run.open = [], None
        run.events += 1
        run.replayed = len(run.tasks)

    def complete(self, run: Run) -> bool:
        """The open task is over; False if it came to nothing, because it ends the run over something unseen."""
        task = run.open
        assert task is not None
        commands = [_command(each) for each in task.decided]
        if run.pending and any(each.HasField("complete_workflow_execution") for each in commands):
            self.fail(run)
            return False
        run.over[task.number] = True
        run.tasks.append(task)
        run.taken, run.open = [], None
        run.events += 1 + len(commands)
        for each in commands:
            self._decide(run, task, each)
        if run.status != "running":
            for update in run.updates.values():
                if update.state in {"asked", "accepted"}:
                    update.state = "refused"
            run.activities.clear()
            run.timers.clear()
        return True

    def _decide(self, run: Run, task: Task, command: WorkflowCommand) -> None:
        kind = command.WhichOneof("variant")
        if kind == "schedule_activity":
            run.activities[command.schedule_activity.seq] = command.SerializeToString()
        elif kind == "request_cancel_activity":
            run.activities.pop(command.request_cancel_activity.seq, None)
        elif kind == "start_timer":
            wait = command.start_timer.start_to_fire_timeout.ToMilliseconds()
            run.timers[command.start_timer.seq] = task.at + wait
        elif kind == "cancel_timer":
            run.timers.pop(command.cancel_timer.seq, None)
        elif kind == "update_response":
            self._answer(run, command)
        elif kind == "complete_workflow_execution":
            run.status = "completed"
            run.result = command.complete_workflow_execution.result.SerializeToString()
        elif kind == "fail_workflow_execution":
            run.status = "failed"
        elif kind not in {"schedule_local_activity", "modify_workflow_properties"}:
            raise AssertionError(f"the model does not know the command {kind}")

    def _answer(self, run: Run, command: WorkflowCommand) -> None:
        answer = command.update_response
        update = run.updates[answer.protocol_instance_id]
        if answer.HasField("completed"):
            update.state, update.result = "done", answer.completed.SerializeToString()
        elif answer.HasField("rejected"):
            update.state = "refused"
        else:
            update.state = "accepted"


def _command(data: bytes) -> WorkflowCommand:
    command = WorkflowCommand()
    command.ParseFromString(data)
    return command
