"""Workflow ids: `{tenant}/{instance}`, so that a codec and an operator know whose a workflow is by its id alone."""

from __future__ import annotations

from urllib.parse import quote, unquote

from procession.base.failure import BadValue


def workflow_id(tenant: str, instance: int) -> str:
    """The id of the workflow of an instance. A tenant's name is quoted as in a URL, so that it holds no `/`."""
    return f"{quote(tenant, safe='')}/{instance}"


def tenant_of(workflow: str) -> str:
    """The tenant whose a workflow is. Raises `BadValue` for an id that is none of ours."""
    tenant, mark, instance = workflow.partition("/")
    if not (tenant and mark and instance.isascii() and instance.isdecimal()):
        raise BadValue(f"{workflow!r} is no id of an instance: it would be `tenant/key`")
    return unquote(tenant)


def instance_of(workflow: str) -> int:
    """The instance that a workflow holds. Raises `BadValue` as `tenant_of` does."""
    tenant_of(workflow)
    return int(workflow.partition("/")[2])
