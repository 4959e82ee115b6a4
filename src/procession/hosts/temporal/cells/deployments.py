"""Versions of a worker deployment: which one new workflows start on, which is being tried, and the way back.

Workflows are pinned: each ends on the version that it began with, or goes over where it continues as new. So changing
the current version moves no running workflow, and changing it back is safe.
"""

from __future__ import annotations

from typing import final

import msgspec
from temporalio.api.deployment.v1 import WorkerDeploymentInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
)
from temporalio.service import RPCStatusCode

from procession.hosts.temporal.cells.cell import CellError
from procession.hosts.temporal.cells.cluster import CALL, Cluster
from procession.hosts.temporal.cells.wanted import ramping_text


@final
class Versions(msgspec.Struct, frozen=True):
    """The versions of a deployment. "" where there is none; `previous` was current before."""

    current: str = ""
    ramping: str = ""
    percent: float = 0.0
    previous: str = ""
    builds: tuple[str, ...] = ()

    @property
    def ramping_text(self) -> str | None:
        """The ramping version with its percentage, in a line."""
        return ramping_text(self.ramping, self.percent) if self.ramping else None

    def __str__(self) -> str:
        return f"current {self.current or 'unversioned'}, ramping {self.ramping_text or 'nothing'}"


async def described(cluster: Cluster, namespace: str, name: str) -> Versions | RPCStatusCode:
    """The versions of a deployment, or why there are none: NOT_FOUND, or UNIMPLEMENTED by this server."""
    request = DescribeWorkerDeploymentRequest(namespace=namespace, deployment_name=name)
    found = await cluster.ask(
        f"describing deployment {name} of {namespace}",
        lambda: cluster.client.workflow_service.describe_worker_deployment(request, timeout=CALL),
        RPCStatusCode.NOT_FOUND,
        RPCStatusCode.UNIMPLEMENTED,
    )
    return found if isinstance(found, RPCStatusCode) else _versions(found.worker_deployment_info)


async def set_current(cluster: Cluster, namespace: str, name: str, build_id: str, *, force: bool = False) -> None:
    """New workflows start on a build. A build that was ramping ramps no more.

    With `force` even if no worker of it polls, or it polls fewer task queues than the version before. Raises
    `CellError`.
    """
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=namespace,
        deployment_name=name,
        build_id=build_id,
        ignore_missing_task_queues=force,
        allow_no_pollers=force,
    )
    await cluster.do(
        f"making {build_id or 'unversioned workers'} current in {name} of {namespace}",
        lambda: cluster.client.workflow_service.set_worker_deployment_current_version(request, timeout=CALL),
    )


async def set_ramping(
    cluster: Cluster, namespace: str, name: str, build_id: str, percent: float, *, force: bool = False
) -> None:
    """A part of new workflows (0 to 100 %) starts on a build; with "" no build ramps. As `set_current` otherwise."""
    request = SetWorkerDeploymentRampingVersionRequest(
        namespace=namespace,
        deployment_name=name,
        build_id=build_id,
        percentage=percent,
        ignore_missing_task_queues=force,
        # Servers (1.29) take this for no build as a mistake.
        allow_no_pollers=force and bool(build_id),
    )
    await cluster.do(
        f"ramping {build_id or 'nothing'} in {name} of {namespace}",
        lambda: cluster.client.workflow_service.set_worker_deployment_ramping_version(request, timeout=CALL),
    )


async def ramp(
    cluster: Cluster, namespace: str, name: str, build_id: str, percent: float, *, force: bool = False
) -> Versions:
    """Gives a build a part of new workflows: 100 % makes it the current one, 0 % ends its ramp. The versions then."""
    before = await known(cluster, namespace, name, force)
    if build_id not in before.builds and not force:
        raise CellError(
            f"no worker of {build_id} has polled for {name} of {namespace}: start one, or use --force"
            f" (known: {', '.join(before.builds) or 'none'})"
        )
    if percent >= 100:
        await set_current(cluster, namespace, name, build_id, force=force)
    elif percent > 0:
        await set_ramping(cluster, namespace, name, build_id, percent, force=force)
    elif before.ramping == build_id:
        await set_ramping(cluster, namespace, name, "", 0, force=force)
    return await known(cluster, namespace, name, force)


async def rollback(cluster: Cluster, namespace: str, name: str, *, force: bool = False) -> Versions:
    """The way back: a ramp ends; without one, the version that was current before is current again.

    The versions then. Raises `CellError` if there is nothing to go back to.
    """
    before = await known(cluster, namespace, name, False)
    if before.ramping:
        await set_ramping(cluster, namespace, name, "", 0, force=force)
    elif before.previous:
        await set_current(cluster, namespace, name, before.previous, force=force)
    else:
        raise CellError(f"{name} of {namespace} has no ramp and no version before {before.current or 'this one'}")
    return await known(cluster, namespace, name, False)


async def known(cluster: Cluster, namespace: str, name: str, may_be_new: bool) -> Versions:
    """The versions of a deployment that is there. Raises `CellError` if it is not, unless it may be new."""
    found = await described(cluster, namespace, name)
    if isinstance(found, Versions):
        return found
    if found is RPCStatusCode.NOT_FOUND and may_be_new:
        return Versions()
    told = "is not there: a deployment begins with its first worker"
    if found is RPCStatusCode.UNIMPLEMENTED:
        told = "cannot be: this server has no worker deployments, 1.29.1 has"
    raise CellError(f"the deployment {name} of {namespace} {told}")


def _versions(info: WorkerDeploymentInfo) -> Versions:
    routing = info.routing_config
    current = routing.current_deployment_version.build_id
    # The version before is the one that lost its work in the very change that made this one current. Older servers
    # (1.29) say of no version when it was current, and one whose ramp was given up must not be taken for it.
    since = {each.current_since_time.ToNanoseconds() for each in info.version_summaries} - {0}
    previous = [
        each.deployment_version.build_id
        for each in info.version_summaries
        if each.last_deactivation_time.ToNanoseconds() in since
    ]
    return Versions(
        current=current,
        ramping=routing.ramping_deployment_version.build_id,
        percent=routing.ramping_version_percentage,
        previous=previous[0] if previous else "",
        builds=tuple(sorted(each.deployment_version.build_id for each in info.version_summaries)),
    )
