"""Asking on behalf of a caller: who it is for the log, and what their idempotency key means."""

from __future__ import annotations

import hashlib
from typing import Annotated, TypeAlias

from litestar.di import NamedDependency
from litestar.params import HeaderParameter

from procession.runtime import requests as q
from procession.services.access import Caller
from procession.services.backend import Who
from procession.web.site import Site

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
