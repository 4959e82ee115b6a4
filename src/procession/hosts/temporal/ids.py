"""The ids of workflows: `{tenant}/{instance}`. The tenant in it chooses the key that its payloads are sealed with."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote

from procession.base.failure import BadValue
from procession.base.values import checked_integer, checked_text

WORKFLOW_ID_CHARACTERS_MAX: Final = 255
"""Longest id of a workflow, in characters: what the server's SQL schemas hold."""
_DOTS: Final = {".": "%2E", "..": "%2E%2E"}
"""Names that mean a folder to whatever makes a path of them, and that quoting leaves as they are."""


def workflow_id(tenant: str, instance: int) -> str:
    """The id of the workflow that runs `instance` (a key) for `tenant`.

    The tenant is quoted as in URLs, so it holds no `/` and has one spelling. Raises `BadValue` for an empty tenant, a
    negative key, and an id of more than `WORKFLOW_ID_CHARACTERS_MAX` characters.
    """
    key = checked_integer("key of an instance", instance)
    if key < 0:
        raise BadValue(f"the key of an instance is not negative: {key}")
    made = f"{quoted(tenant)}/{key}"
    if len(made) > WORKFLOW_ID_CHARACTERS_MAX:
        raise BadValue(
            f"the workflow id of tenant {tenant!r:.80} has {len(made)} characters; the limit is "
            f"{WORKFLOW_ID_CHARACTERS_MAX}: use a shorter name"
        )
    return made


@lru_cache(maxsize=10_000)  # Asked for every payload; what raises is not kept.
def tenant_of(workflow_id: str) -> str:
    """The tenant in a workflow's id: what stands before its first `/`, unquoted.

    Raises `BadValue` for an id without a tenant, and for one that spells its tenant in another way than `workflow_id`
    does: two spellings of one tenant would be two folders and one key.
    """
    name, slash, _ = workflow_id.partition("/")
    tenant = unquote(name, errors="replace")
    if not slash or not tenant or quoted(tenant) != name:
        raise BadValue(f"the workflow id {workflow_id!r:.120} names no tenant: ids are TENANT/INSTANCE")
    return tenant


def quoted(tenant: str) -> str:
    """A tenant as the part of an id or of a path. Raises `BadValue` for an empty one."""
    if not checked_text("tenant", tenant):
        raise BadValue("the tenant must not be empty")
    return _DOTS.get(tenant) or quote(tenant, safe="")
