"""Replaying histories with the code of this version: does it still do what was done then?

Two questions. Temporal's own: are the commands of every task those that the history has (the SDK's Replayer)? And
ours: are the facts and what they mean to the engine those that were kept? Temporal looks at kinds and ids of commands
alone; it would not see another variable, or a timer that is due at another time. What must not live here: where
histories come from (histories.py, sampling.py), and how a divergence is put into words (divergence.py).
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, Literal, Protocol, TypeAlias, final

import msgspec
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.common import RawValue
from temporalio.converter import DataConverter
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    Replayer,
    UnsandboxedWorkflowRunner,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)
from temporalio.workflow import NondeterminismError

from procession.base.failure import ProcessionError, Unreadable
from procession.core.flags import KNOWN, numbers
from procession.core.linked import Linked
from procession.core.snapshot import dump, load
from procession.core.state import State
from procession.hosts.temporal.cluster import DATA_CONVERTER
from procession.hosts.temporal.definition import ProcessWorkflow
from procession.hosts.temporal.divergence import Divergence, Made, of_commands, of_error, of_steps
from procession.hosts.temporal.histories import Kept
from procession.hosts.temporal.payloads import Envelope, Input, unpacked
from procession.hosts.temporal.replayer import committed, quiet_runtime
from procession.hosts.temporal.watching import Settling
from procession.hosts.temporal.worker import in_one_batch
from procession.runtime.elsewhere import Step
from procession.runtime.requests import Report

Status: TypeAlias = Literal["ok", "diverged", "unreadable"]

UNTOUCHED: Final = "no task of it was completed yet"


class Library(Protocol):
    """Where programs come from."""

    def linked(self, tenant: str, hash: str) -> Linked:
        """See `workflow.Surroundings.linked`."""
        ...


@final
class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one history.

    `flags` are the behaviour flags of the instance, as numbers. `explains` are those that make the replay equal when
    they are switched over. `steps` are how many steps the replay made, `compared` how many of them had kept facts.
    """

    name: str
    workflow: str
    run: str
    status: Status
    flags: list[int] = []
    steps: int = 0
    compared: int = 0
    divergence: Divergence | None = None
    explains: list[int] = []
    reason: str = ""


@final
class _Around:
    """See `workflow.Surroundings`: nothing leaves a replay."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.missing: ProcessionError | None = None

    def linked(self, tenant: str, hash: str) -> Linked:
        """See `Surroundings.linked`."""
        try:
            return self._library.linked(tenant, hash)
        except ProcessionError as error:
            self.missing = error
            raise

    def offer(self, envelope: Envelope, *, urgent: bool) -> None:
        """See `Surroundings.offer`. What is behind the last task of a history that was committed is not compared."""


@final
class _Watching(Interceptor):
    """Sees the steps that the workflows of a replay make, and what stops them."""

    def __init__(self, flip: int = 0) -> None:
        self.made: dict[int, list[Made]] = {}
        self.flags = 0
        self.carried: dict[int, State] = {}
        """What the run before left, by instance."""
        self.error: BaseException | None = None
        self.task = 0
        """The event that started the task in which it was raised."""
        self._flip = flip

    def saw(self, task: int, reports: list[Report]) -> None:
        for report in reports:
            self.made.setdefault(report.instance, []).extend(Made(task, step) for step in report.steps)

    def started(self, input: ExecuteWorkflowInput) -> None:
        """Reads the flags of the instances, and switches those over that it was told to."""
        raw: Sequence[RawValue] = input.args[0]
        converter = workflow.payload_converter()
        given: Input = converter.from_payload(raw[0].payload, Input)
        if given.begin is not None:
            start = given.begin.start
            self.flags = start.flags
            start = msgspec.structs.replace(start, flags=start.flags ^ self._flip)
            given = msgspec.structs.replace(given, begin=msgspec.structs.replace(given.begin, start=start))
        if given.carried is not None:
            self.carried = {key: load(bytes(body)) for key, body in unpacked(given.carried).items()}
            bodies = {key: self._flipped(state) for key, state in self.carried.items()}
            given = msgspec.structs.replace(given, carried=msgspec.structs.replace(given.carried, bodies=bodies))
        if self._flip:
            input.args = [[RawValue(converter.to_payload(given)), *raw[1:]]]

    def _flipped(self, state: State) -> msgspec.Raw:
        self.flags |= state.flags
        state.flags ^= self._flip
        return msgspec.Raw(dump(state))

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        """See `Interceptor`."""
        watching = self

        class Inbound(WorkflowInboundInterceptor):
            async def execute_workflow(self, input: ExecuteWorkflowInput) -> object:
                found: object = workflow.instance()
                if isinstance(found, ProcessWorkflow):
                    found.machine.watched = watching.saw
                    watching.started(input)
                try:
                    return await super().execute_workflow(input)
                except Exception as error:
                    watching.error, watching.task = error, workflow.info().get_current_history_length()
                    raise

        return Inbound


async def replayed(
    kept: Kept, library: Library, *, namespace: str = "default", converter: DataConverter = DATA_CONVERTER
) -> Replayed:
    """Replays one history, and compares its facts with those that were kept."""
    return (await remade(kept, library, namespace=namespace, converter=converter))[0]


async def remade(
    kept: Kept, library: Library, *, namespace: str = "default", converter: DataConverter = DATA_CONVERTER
) -> tuple[Replayed, dict[int, list[Step]]]:
    """As `replayed`, with the steps that the replay made, by instance."""
    try:
        whole = kept.read()
        run = whole.run_id
        history = committed(whole)
    except (Unreadable, RuntimeError) as error:
        return Replayed(name=kept.name, workflow=kept.workflow, run="", status="unreadable", reason=str(error)), {}
    if not history.events:
        return Replayed(name=kept.name, workflow=kept.workflow, run=run, status="ok", reason=UNTOUCHED), {}
    replay = _Replay(kept, library, namespace, converter)
    watching, status, divergence, reason = await replay.once(history)
    explains: list[int] = []
    if status == "diverged":
        for number in KNOWN:
            if (await replay.once(history, 1 << number))[1] == "ok":
                explains.append(number)
    steps = {instance: [each.step for each in made] for instance, made in watching.made.items()}
    result = Replayed(
        name=kept.name,
        workflow=kept.workflow,
        run=run,
        status=status,
        flags=numbers(watching.flags),
        steps=sum(map(len, steps.values())),
        compared=_compared(watching, kept),
        divergence=divergence,
        explains=explains,
        reason=reason,
    )
    return result, steps


def _compared(watching: _Watching, kept: Kept) -> int:
    known = {(instance, step.seq) for instance, steps in (kept.facts or {}).items() for step in steps}
    return sum((key, made.step.seq) in known for key, steps in watching.made.items() for made in steps)


@final
class _Replay:
    """What replays of one history have in common."""

    def __init__(self, kept: Kept, library: Library, namespace: str, converter: DataConverter) -> None:
        self._kept = kept
        self._library = library
        self._namespace = namespace
        self._converter = converter

    async def once(self, history: WorkflowHistory, flip: int = 0) -> tuple[_Watching, Status, Divergence | None, str]:
        """One replay; `flip` are flags that are switched over."""
        around, watching = _Around(self._library), _Watching(flip)
        failure = await _run(history, [Settling(around), watching], self._namespace, self._converter)
        unreadable = around.missing or (watching.error if isinstance(watching.error, Unreadable) else None)
        if unreadable is not None:
            return watching, "unreadable", None, str(unreadable)
        ended = failure is None
        steps = of_steps(
            history, self._kept, watching.made, around.linked, carried=watching.carried, flip=flip, ended=ended
        )
        if failure is None:
            return watching, "diverged" if steps is not None else "ok", steps, ""
        told = (
            of_error(history, watching.error, watching.task)
            if watching.error is not None and not isinstance(failure, NondeterminismError)
            else of_commands(history, failure, watching.made, around.linked, watching.carried)
        )
        if steps is not None:
            # What was decided otherwise says more than what Temporal saw of it.
            told = msgspec.structs.replace(steps, commands=told.commands or told.made)
        return watching, "diverged", told, ""


async def _run(
    history: WorkflowHistory, interceptors: Sequence[Interceptor], namespace: str, converter: DataConverter
) -> Exception | None:
    with ThreadPoolExecutor(1, thread_name_prefix="procession-replay") as threads, _quiet():
        replayer = Replayer(
            workflows=[ProcessWorkflow],
            workflow_task_executor=threads,
            workflow_runner=UnsandboxedWorkflowRunner(),
            namespace=namespace,
            data_converter=converter,
            interceptors=interceptors,
            build_id="replay",
            runtime=quiet_runtime(),
        )
        in_one_batch(replayer)
        result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        return result.replay_failure


@contextmanager
def _quiet() -> Generator[None]:
    log = logging.getLogger("temporalio")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)
