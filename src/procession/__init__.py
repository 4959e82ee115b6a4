"""Procession: a durable BPMN process engine. Here live the public names, loaded at first use; nothing else.

`import procession` must stay cheap (tests/tidy/test_import_weight.py), so a name imports its room when asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from procession import dmn, feel
    from procession.base.diagnostics import Refused
    from procession.base.failure import BadValue, Conflict, NotFound, ProcessionError, StoreError
    from procession.core.instructions import Activate
    from procession.core.plans import MigrationChoice, MigrationPlan
    from procession.hosts.celery.host import CeleryHost
    from procession.hosts.embedded import BpmnError, Choice, Denied, Engine, Instance, Job, JobFailed
    from procession.hosts.embedded.aio import AsyncEngine
    from procession.hosts.embedded.aio_instance import AsyncInstance
    from procession.hosts.embedded.flagged import Flags
    from procession.hosts.embedded.impact import Impact
    from procession.hosts.embedded.rolling import Rollouts
    from procession.hosts.embedded.routed import Routing
    from procession.hosts.temporal.host import Temporal
    from procession.rollout.running import shadow_run
    from procession.rollout.shadow import HostLost, Shadowed
    from procession.runtime.batches import Filter
    from procession.services.shadows import ShadowReport
    from procession.services.standard import check_standard

__version__ = "0.1.0"

__all__ = [
    "Activate",
    "AsyncEngine",
    "AsyncInstance",
    "BadValue",
    "BpmnError",
    "CeleryHost",
    "Choice",
    "Conflict",
    "Denied",
    "Engine",
    "Filter",
    "Flags",
    "HostLost",
    "Impact",
    "Instance",
    "Job",
    "JobFailed",
    "MigrationChoice",
    "MigrationPlan",
    "NotFound",
    "ProcessionError",
    "Refused",
    "Rollouts",
    "Routing",
    "ShadowReport",
    "Shadowed",
    "StoreError",
    "Temporal",
    "__version__",
    "check_standard",
    "dmn",
    "feel",
    "shadow_run",
]

_HOME: Final = {
    "Activate": "procession.core.instructions",
    "AsyncEngine": "procession.hosts.embedded.aio",
    "AsyncInstance": "procession.hosts.embedded.aio_instance",
    "BadValue": "procession.base.failure",
    "BpmnError": "procession.hosts.embedded",
    "MigrationChoice": "procession.core.plans",
    "CeleryHost": "procession.hosts.celery.host",
    "Choice": "procession.hosts.embedded",
    "Conflict": "procession.base.failure",
    "Denied": "procession.hosts.embedded",
    "Engine": "procession.hosts.embedded",
    "Filter": "procession.runtime.batches",
    "Flags": "procession.hosts.embedded.flagged",
    "Impact": "procession.hosts.embedded.impact",
    "HostLost": "procession.rollout.shadow",
    "Instance": "procession.hosts.embedded",
    "Job": "procession.hosts.embedded",
    "JobFailed": "procession.hosts.embedded",
    "MigrationPlan": "procession.core.plans",
    "NotFound": "procession.base.failure",
    "ProcessionError": "procession.base.failure",
    "Refused": "procession.base.diagnostics",
    "Rollouts": "procession.hosts.embedded.rolling",
    "Routing": "procession.hosts.embedded.routed",
    "ShadowReport": "procession.services.shadows",
    "Shadowed": "procession.rollout.shadow",
    "StoreError": "procession.base.failure",
    "Temporal": "procession.hosts.temporal.host",
    "check_standard": "procession.services.standard",
    "shadow_run": "procession.rollout.running",
}
_ROOMS: Final = frozenset({"dmn", "feel"})


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _ROOMS:
        return import_module(f"procession.{name}")
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'procession' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
