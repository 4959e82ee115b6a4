"""What workflows are given before they run: their surroundings, and who watches what they report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, final

from temporalio import workflow
from temporalio.bridge.proto.workflow_activation import RemoveFromCache
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    UnsandboxedWorkflowRunner,
    WorkflowInboundInterceptor,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowInterceptorClassInput,
    WorkflowRunner,
)

from procession.hosts.temporal.definition import ProcessWorkflow
from procession.hosts.temporal.workflow import Surroundings
from procession.runtime.requests import Report

if TYPE_CHECKING:
    # The SDK has no other name for them.
    from temporalio.bridge.proto.workflow_activation import WorkflowActivation
    from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion

Activate: TypeAlias = "Callable[[WorkflowActivation], WorkflowActivationCompletion]"
"""What the SDK calls for an activation of a workflow."""
Saw: TypeAlias = Callable[[int, list[Report]], None]
"""Told the event that started the task, and what was stepped in it. In a replay too."""


@final
class Watching(Interceptor):
    """For a worker, or a replay. Both functions are called within the workflow, so they may ask the SDK about it."""

    def __init__(self, saw: Saw, renewing: Callable[[str], None] | None = None) -> None:
        self._saw = saw
        self._renewing = renewing

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        """See `Interceptor`."""
        saw, renewing = self._saw, self._renewing

        class Inbound(WorkflowInboundInterceptor):
            async def execute_workflow(self, input: ExecuteWorkflowInput) -> object:
                found: object = workflow.instance()
                if isinstance(found, ProcessWorkflow):
                    found.machine.watched = saw
                    found.machine.renewing = renewing
                return await super().execute_workflow(input)

        return Inbound


@final
class Settling(Interceptor):
    """Gives every workflow of a worker, or of a replay, its surroundings before it runs."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        """See `Interceptor`."""
        around = self._around

        class Inbound(WorkflowInboundInterceptor):
            async def execute_workflow(self, input: ExecuteWorkflowInput) -> object:
                found: object = workflow.instance()
                if isinstance(found, ProcessWorkflow):
                    found.machine.around = around
                return await super().execute_workflow(input)

        return Inbound


@final
class Activations(WorkflowRunner):
    """The SDK's runner without its sandbox. Each of `around` makes, of what is called for an activation, what is called
    instead; the last one is outermost. What the SDK adds to the class of instances later stays whole."""

    def __init__(self, *around: Callable[[Activate], Activate]) -> None:
        self._inner = UnsandboxedWorkflowRunner()
        self._around = around

    def prepare_workflow(self, defn: Any) -> None:
        """See `WorkflowRunner`."""
        self._inner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """See `WorkflowRunner`."""
        instance = self._inner.create_instance(det)
        activate: Activate = instance.activate
        for each in self._around:
            activate = each(activate)
        vars(instance)["activate"] = activate
        return instance


def endings(ended: Callable[[str], None]) -> Callable[[Activate], Activate]:
    """Tells of each run whose end was committed: the SDK lets go of it for that reason and no other."""

    def around(activate: Activate) -> Activate:
        def seen(act: WorkflowActivation) -> WorkflowActivationCompletion:
            last = act.jobs[-1] if act.jobs else None
            if last is not None and last.remove_from_cache.reason == RemoveFromCache.WORKFLOW_EXECUTION_ENDING:
                ended(act.run_id)
            return activate(act)

        return seen

    return around
