"""Versions of workers on Temporal: which build takes new instances, and the way back from one.

An instance is pinned to the build that it began with. What must not live here: what a worker runs (worker.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final, final

import msgspec
from google.protobuf.field_mask_pb2 import FieldMask
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.deployment.v1 import WorkerDeploymentInfo, WorkerDeploymentVersion
from temporalio.api.workflow.v1 import VersioningOverride, WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
    UpdateWorkflowExecutionOptionsRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from procession.hosts.temporal.cluster import explained
from procession.hosts.temporal.histories import Kept
from procession.hosts.temporal.payloads import TRAMPOLINE
from procession.hosts.temporal.replaying import Library, Replayed, replayed

IDENTITY: Final = "procession"
ROUNDS: Final = 3
"""How often in a row nothing more must be found: what Temporal lists is a moment behind."""
PAUSE_S: Final = 0.5


@final
class Rolled(msgspec.Struct, frozen=True):
    """What a rollback did: instances by the ids of their workflows, and those that stay, with why."""

    moved: list[str]
    kept: list[Replayed]


async def current(client: Client, deployment: str, build: str) -> None:
    """New instances start with this build, and instances that are pinned to no other one go on with it."""
    service = client.workflow_service
    try:
        await service.set_worker_deployment_current_version(
            SetWorkerDeploymentCurrentVersionRequest(
                namespace=client.namespace, deployment_name=deployment, build_id=build, identity=IDENTITY
            )
        )
    except RPCError as error:
        raise explained(error) from error


async def ramp(client: Client, deployment: str, build: str, percent: float) -> None:
    """So many of a hundred new instances start with this build; 0 ends the ramp."""
    request = SetWorkerDeploymentRampingVersionRequest(
        namespace=client.namespace,
        deployment_name=deployment,
        build_id=build if percent else "",
        percentage=percent,
        identity=IDENTITY,
    )
    try:
        await client.workflow_service.set_worker_deployment_ramping_version(request)
    except RPCError as error:
        raise explained(error) from error


async def described(client: Client, deployment: str) -> WorkerDeploymentInfo:
    """What Temporal knows of the deployment: its builds, which is current, which ramps."""
    request = DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=deployment)
    try:
        return (await client.workflow_service.describe_worker_deployment(request, retry=True)).worker_deployment_info
    except RPCError as error:
        raise explained(error) from error


async def rollback(
    client: Client, deployment: str, from_build: str, to_build: str, *, library: Library | None = None
) -> Rolled:
    """Goes back to `to_build`: no instance starts with `from_build` any more, and those that did are moved.

    Run it where the code of `to_build` is installed, while workers of both builds run. First the ramp ends and
    `to_build` becomes current. Then each open instance that is pinned to `from_build` is told to run its next task with
    `to_build`, which replays its history and pins it there. With a `library` of programs its history is replayed here
    first: one that this code cannot continue (it was started with a behaviour that only `from_build` knows) is left
    where it is, and told; workers of `from_build` must stay until it has ended. Moving an instance twice is harmless.
    """
    if (await described(client, deployment)).routing_config.ramping_deployment_version.build_id:
        await ramp(client, deployment, "", 0)
    await current(client, deployment, to_build)
    moved: dict[str, None] = {}
    kept: dict[str, Replayed] = {}
    quiet = 0
    while quiet < ROUNDS:
        quiet += 1
        async for workflow, run in _pinned(client, deployment, from_build):
            if workflow in moved or workflow in kept:
                continue
            quiet = 0
            refused = await _refused(client, workflow, run, library) if library is not None else None
            if refused is not None:
                kept[workflow] = refused
            elif await move(client, workflow, run, deployment, to_build):
                moved[workflow] = None
        await asyncio.sleep(PAUSE_S)
    return Rolled(list(moved), list(kept.values()))


async def upgrade(client: Client, deployment: str, build: str) -> list[str]:
    """Tells the open instances that are pinned to `build` to go on in a new run, as soon as nothing of them is in
    flight; gives the ids of their workflows.

    The new run starts with the build that new workflows get, where the instance was started with `upgrade`; else with
    the same build. An instance that waits is not woken by anything else. Telling it twice costs a run.
    """
    told: list[str] = []
    async for workflow, run in _pinned(client, deployment, build):
        try:
            await client.get_workflow_handle(workflow, run_id=run).signal(TRAMPOLINE)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise explained(error) from error
        else:
            told.append(workflow)
    return told


async def _pinned(client: Client, deployment: str, build: str) -> AsyncIterator[tuple[str, str]]:
    query = f"TemporalWorkerDeploymentVersion = '{deployment}:{build}' AND ExecutionStatus = 'Running'"
    try:
        async for each in client.list_workflows(query):
            yield each.id, each.run_id
    except RPCError as error:
        raise explained(error) from error


async def _refused(client: Client, workflow: str, run: str, library: Library) -> Replayed | None:
    history = await client.get_workflow_handle(workflow, run_id=run).fetch_history()
    kept = Kept(workflow, workflow, msgspec.Raw(history.to_json().encode()), None, False)
    result = await replayed(kept, library, namespace=client.namespace, converter=client.data_converter)
    return None if result.status == "ok" else result


async def move(client: Client, workflow: str, run: str, deployment: str, build: str) -> bool:
    """Runs the next task of an instance with another build, to which it is pinned from then on.

    False when it has ended. Servers before 1.32 know no move for once: there the instance stays overridden.
    """
    version = WorkerDeploymentVersion(deployment_name=deployment, build_id=build)
    once = VersioningOverride(one_time=VersioningOverride.OneTimeOverride(target_deployment_version=version))
    try:
        return await _override(client, workflow, run, once)
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise explained(error) from error
    behavior = VersioningOverride.PinnedOverrideBehavior.PINNED_OVERRIDE_BEHAVIOR_PINNED
    pinned = VersioningOverride(pinned=VersioningOverride.PinnedOverride(behavior=behavior, version=version))
    try:
        return await _override(client, workflow, run, pinned)
    except RPCError as error:
        raise explained(error) from error


async def _override(client: Client, workflow: str, run: str, override: VersioningOverride) -> bool:
    request = UpdateWorkflowExecutionOptionsRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=workflow, run_id=run),
        workflow_execution_options=WorkflowExecutionOptions(versioning_override=override),
        update_mask=FieldMask(paths=["versioning_override"]),
        identity=IDENTITY,
    )
    try:
        await client.workflow_service.update_workflow_execution_options(request)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True
