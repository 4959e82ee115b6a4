"""The document of a cell: data, and what must hold inside it. How it is read from YAML is `cell_reader`'s.

A cell is one Temporal cluster with what this engine needs there. Nothing secret stands in it: keys and certificates are
named by the environment variables that hold them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from procession.base.failure import Failure, ProcessionError
from procession.base.values import Json
from procession.core.timers import duration_ms, is_zone

DEFAULT_ADDRESS: Final = "localhost:7233"
DEFAULT_TENANT: Final = "<default>"
RETENTION_MS_MIN: Final = 3_600_000
"""Shortest retention that a server takes for a namespace of one cluster."""
RETENTION_MS_MIN_GLOBAL: Final = 86_400_000
"""The same for a global namespace."""
WEIGHTS_MAX: Final = 1_000
"""Most fairness weights of one task queue that a server keeps."""

AttributeType: TypeAlias = Literal["Keyword", "KeywordList", "Text", "Int", "Double", "Bool", "Datetime"]
Isolation: TypeAlias = Literal["pooled", "task_queue", "namespace"]
Scalar: TypeAlias = bool | int | float | str
Rate: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
Weight: TypeAlias = Annotated[float, msgspec.Meta(ge=0.001, le=1000)]
Percent: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=100)]
PriorityKey: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=5)]

IMPLIED: Final[dict[str, AttributeType]] = {
    "BpmnProcess": "Keyword",
    "BpmnVersion": "Keyword",
    "BpmnTenant": "Keyword",
    "BpmnState": "Keyword",
    "BpmnIncident": "KeywordList",
}
"""Search attributes that the host sets: every namespace gets them."""
OPTIONAL: Final[dict[str, AttributeType]] = {"BpmnBusinessKey": "Keyword"}
"""Those that it sets only where the file declares them: a business key may be personal data, and is seen by whoever
may list workflows."""


class BadCell(ProcessionError):
    """A cell's file is wrong; each line of the text names file, line and remedy."""


class CellError(ProcessionError):
    """A cluster cannot be read or changed; the text says what was asked of it and what to do."""


class TaskQueue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of a queue. `rps` and `fairness_key_rps` (of each fairness key) are activities a second; servers have no
    such limits for workflow tasks. `fairness_weights` are by tenant and hold for both; they override what a task has.
    """

    rps: Rate | None = None
    fairness_key_rps: Rate | None = None
    fairness_weights: dict[str, Weight] = {}


class Tenant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a tenant's work is placed. `priority` 1 goes before 5; `weight` is its share among those of one priority."""

    priority: PriorityKey = 3
    weight: Weight = 1.0
    isolation: Isolation = "pooled"


class StartTimer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A timer start event as a schedule. `timer` is a date, a repeating interval or cron, as in the model.

    `first_due` (ISO 8601) is needed where the text has no beginning of its own, as `R/PT1H`. `input` is what the
    workflow gets, one JSON value. `paused` is compared only if it is given: operators pause schedules.
    """

    process: str
    node: str
    timer: str
    zone: str = "UTC"
    tenant: str = DEFAULT_TENANT
    first_due: str | None = None
    catch_up: bool = False
    input: Json = None
    paused: bool | None = None


class Ramping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The version that gets a part of new workflows, in percent."""

    build_id: str
    percent: Percent


class Deployment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A worker deployment: the build that new workflows start on, and the one that is being tried."""

    current: str | None = None
    ramping: Ramping | None = None


class Namespace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A namespace. `retention` of closed workflows is an ISO 8601 duration; tenants that are named here live here.

    The task queues are those of tenants that share them; in that of jobs `{queue}` stands for the tenant's task queue
    of workflows, and `{type}` for the type of the job. Of `dynamic_config` see `Cell`.
    """

    retention: str = "P7D"
    description: str | None = None
    is_global: bool = msgspec.field(default=False, name="global")
    workflow_task_queue: str = "procession"
    activity_task_queue: str = "{queue}-jobs-{type}"
    search_attributes: dict[str, AttributeType] = {}
    task_queues: dict[str, TaskQueue] = {}
    tenants: dict[str, Tenant] = {}
    schedules: list[StartTimer] = []
    deployments: dict[str, Deployment] = {}
    dynamic_config: dict[str, Scalar] = {}


class NexusEndpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where calls to an endpoint go: to the workers of a task queue, or to a URL outside."""

    namespace: str | None = None
    task_queue: str | None = None
    url: str | None = None


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """TLS; each `_env` names a variable that holds PEM text, or the path of a file with it."""

    server_name: str | None = None
    ca_env: str | None = None
    cert_env: str | None = None
    key_env: str | None = None


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One cluster and what it must hold.

    `default_namespace` is where tenants live that no namespace names; needed if there are several. `dynamic_config`
    is what the server's own file must say: no API sets it.
    """

    cell: str
    namespaces: dict[str, Namespace]
    address: str = DEFAULT_ADDRESS
    tls: Tls | bool = False
    api_key_env: str | None = None
    default_namespace: str | None = None
    nexus_endpoints: dict[str, NexusEndpoint] = {}
    dynamic_config: dict[str, Scalar] = {}


def problems(cell: Cell) -> Iterator[tuple[str, str]]:
    """(place such as `$.namespaces.bank.retention`, what is wrong and what to do) of all that types cannot say."""
    if not cell.cell:
        yield "$.cell", "a cell needs a name: what is made is marked with it"
    if not cell.namespaces:
        yield "$.namespaces", "a cell needs a namespace"
    if cell.default_namespace is None and len(cell.namespaces) > 1:
        yield "$.namespaces", "there are several namespaces: say in `default_namespace` where other tenants live"
    if cell.default_namespace is not None and cell.default_namespace not in cell.namespaces:
        yield "$.default_namespace", f"no namespace {cell.default_namespace!r} in this file"
    for name, namespace in cell.namespaces.items():
        yield from _namespace_problems(f"$.namespaces.{name}", namespace)
        yield from _tenant_problems(cell, name)
    for name, endpoint in cell.nexus_endpoints.items():
        inside = endpoint.namespace is not None and endpoint.task_queue is not None
        half = (endpoint.namespace is None) != (endpoint.task_queue is None)
        if half or inside == (endpoint.url is not None):
            yield f"$.nexus_endpoints.{name}", "an endpoint has `namespace` and `task_queue`, or `url`"


def _namespace_problems(place: str, namespace: Namespace) -> Iterator[tuple[str, str]]:
    shortest = RETENTION_MS_MIN_GLOBAL if namespace.is_global else RETENTION_MS_MIN
    try:
        if duration_ms(namespace.retention) < shortest:
            yield f"{place}.retention", f"a retention is at least {shortest // 3_600_000} h: write P7D"
    except Failure as failure:
        yield f"{place}.retention", failure.message
    for name, type_ in namespace.search_attributes.items():
        known = {**IMPLIED, **OPTIONAL}.get(name, type_)
        if type_ != known:
            yield f"{place}.search_attributes.{name}", f"the host needs {name} as {known}, not {type_}"
    for name, queue in namespace.task_queues.items():
        if len(queue.fairness_weights) > WEIGHTS_MAX:
            yield f"{place}.task_queues.{name}", f"a server keeps at most {WEIGHTS_MAX} weights of a queue"
    seen: set[tuple[str, str, str]] = set()
    for index, timer in enumerate(namespace.schedules):
        key = (timer.tenant, timer.process, timer.node)
        if key in seen:
            yield f"{place}.schedules[{index}]", f"{timer.process}/{timer.node} of {timer.tenant} is given twice"
        if not is_zone(timer.zone):
            yield f"{place}.schedules[{index}].zone", f"{timer.zone!r} is no known time zone: write Europe/Berlin"
        seen.add(key)


def _tenant_problems(cell: Cell, name: str) -> Iterator[tuple[str, str]]:
    tenants = cell.namespaces[name].tenants
    others = {tenant for other, each in cell.namespaces.items() if other != name for tenant in each.tenants}
    for tenant, placed in tenants.items():
        place = f"$.namespaces.{name}.tenants.{tenant}"
        if tenant in others:
            yield place, f"the tenant {tenant!r} is in two namespaces: keep one"
        alone = len(tenants) == 1 and name != (cell.default_namespace or next(iter(cell.namespaces)))
        if placed.isolation == "namespace" and not alone:
            yield f"{place}.isolation", "a tenant with a namespace of its own is alone in one that is not the default"
    timers = cell.namespaces[name].schedules
    for index, timer in enumerate(timers):
        lives = next((other for other, each in cell.namespaces.items() if timer.tenant in each.tenants), None)
        if (lives or cell.default_namespace or name) != name:
            yield (
                f"$.namespaces.{name}.schedules[{index}].tenant",
                f"the tenant {timer.tenant!r} lives in {lives or cell.default_namespace}: put the schedule there",
            )
