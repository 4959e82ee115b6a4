"""Asking on behalf of a caller: who it is for the log, what their idempotency key means, and what they may see."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated, TypeAlias, TypeVar

from litestar.di import NamedDependency
from litestar.params import HeaderParameter

from procession.base.failure import NotFound
from procession.runtime import requests as q
from procession.services.access import Caller
from procession.services.backend import Who
from procession.services.reading import Reader
from procession.services.views import InstanceView
from procession.web.site import Site

_T = TypeVar("_T")

TheCaller: TypeAlias = NamedDependency[Caller]
TheSite: TypeAlias = NamedDependency[Site]
"""What `web.app` gives to every route."""

Idempotent: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Any text of the caller's choice. Asked again with it, a request is not carried out again: it is "
        "answered as the first time.",
    ),
]


def who(caller: Caller, key: str | None, request: q.Plain) -> Who:
    """Who asks for a request, under their idempotency key if they gave one."""
    if key is None:
        return Who(caller.subject, caller.origin)
    # Two callers may choose the same key without knowing of each other.
    place = hashlib.sha256(f"{caller.subject}\0{key}".encode()).hexdigest()
    return Who(caller.subject, caller.origin, place, hashlib.sha256(q.encode(request)).digest())


async def visible(site: Site, caller: Caller, instance: int, question: Callable[[Reader, InstanceView], _T]) -> _T:
    """What `question` gives of an instance that the caller may read. Raises `Forbidden`, and `NotFound` for one of a
    process that is not theirs, as if it were not there."""
    permission = "instances:read"
    caller.need(permission)
    return await site.backend.read(
        caller.tenant, lambda reader: question(reader, seen(reader, caller, instance, permission))
    )


def seen(reader: Reader, caller: Caller, instance: int, permission: str) -> InstanceView:
    """An instance of a process with which the caller may do this; raises `NotFound`."""
    found = reader.instance(caller.tenant, instance)
    if not caller.may(permission, found.process_id):
        raise NotFound(f"no instance {instance}")
    return found


async def allow(site: Site, caller: Caller, permission: str, instance: int) -> None:
    """Raises `Forbidden` when the caller may not do this at all, `NotFound` where not with this instance's process."""
    caller.need(permission)
    if caller.within(permission) is not None:
        await site.backend.read(caller.tenant, lambda reader: seen(reader, caller, instance, permission))
