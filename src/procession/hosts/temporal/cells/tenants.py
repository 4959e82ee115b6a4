"""Where a tenant's work goes: namespace, task queues, priority and share. Pure; the starter of workflows asks it."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Final, final

import msgspec
from temporalio.common import Priority

from procession.hosts.temporal.cells.cell import Cell, Isolation, Tenant

FAIRNESS_KEY_BYTES_MAX: Final = 64
"""Longest fairness key that a server takes, in bytes of UTF-8."""


@final
class Placement(msgspec.Struct, frozen=True):
    """Where the work of one tenant is started, and with which priority.

    In `activity_task_queue`, `{type}` stands for the type of a job: workers poll the queues of what they can do.
    """

    tenant: str
    namespace: str
    workflow_task_queue: str
    activity_task_queue: str
    priority: Priority


def place(cell: Cell, tenant: str) -> Placement:
    """The placement of a tenant. One that no namespace names is pooled in the default namespace."""
    name = next(
        (name for name, each in cell.namespaces.items() if tenant in each.tenants),
        cell.default_namespace or next(iter(cell.namespaces)),
    )
    namespace = cell.namespaces[name]
    placed = namespace.tenants.get(tenant, Tenant())
    queue_of = _QUEUES[placed.isolation]
    queue, jobs = queue_of(namespace.workflow_task_queue, tenant), namespace.activity_task_queue
    return Placement(
        tenant=tenant,
        namespace=name,
        workflow_task_queue=queue,
        activity_task_queue=jobs.replace("{queue}", queue) if "{queue}" in jobs else queue_of(jobs, tenant),
        priority=Priority(
            priority_key=placed.priority, fairness_key=fairness_key(tenant), fairness_weight=placed.weight
        ),
    )


def fairness_key(tenant: str) -> str:
    """The tenant itself, or the hex of its SHA-256, which has just as many bytes as a server takes."""
    encoded = tenant.encode()
    return tenant if len(encoded) <= FAIRNESS_KEY_BYTES_MAX else sha256(encoded).hexdigest()


_QUEUES: Final[dict[Isolation, Callable[[str, str], str]]] = {
    "pooled": lambda queue, tenant: queue,
    # The name of a queue is in every metric's labels: it is cut as the key of fairness is.
    "task_queue": lambda queue, tenant: f"{queue}.{fairness_key(tenant)}",
    "namespace": lambda queue, tenant: queue,
}
"""By isolation: what the tenant's queue is called. Alone in a namespace, it needs no queue of another name."""
