"""A call: who asks, for which tenant, until when; and what all methods read of a request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final, TypeVar, final

from procession.base.values import Json, Variables, checked_all, decode, encode
from procession.runtime.requests import Plain
from procession.runtime.tenants import DEFAULT_TENANT
from procession.services.access import Caller
from procession.services.backend import Who
from procession.services.reading import Reader
from procession.services.views import InstanceView
from procession.web.limits import Limiter
from procession.web.site import Site
from procession.web.zeebe.definitions import Definitions
from procession.web.zeebe.endings import Endings
from procession.web.zeebe.leases import Leases
from procession.web.zeebe.statuses import invalid

_T = TypeVar("_T")

UNNAMED: Final = frozenset({"", DEFAULT_TENANT})
"""Tenants that clients name when they mean none: the caller's own is meant."""
TENANT_HEADER: Final = "procession-tenant"
LEEWAY_S: Final = 0.05
"""How long before the client's deadline an answer that says "nothing" leaves, so that it arrives."""


@final
class Gateway:
    """What the calls of one server share."""

    __slots__ = ("address", "closed", "definitions", "endings", "leases", "limiter", "site")

    def __init__(self, site: Site, address: tuple[str, int]) -> None:
        self.site = site
        self.address = address
        self.closed = asyncio.Event()
        """Whether nothing new is begun, and nobody waits any longer."""
        self.limiter = Limiter(site.rates)
        self.leases = Leases()
        self.endings = Endings(site.backend)
        self.definitions = Definitions(site.backend)

    @property
    def closing(self) -> bool:
        """See `closed`."""
        return self.closed.is_set()

    def close(self) -> None:
        """Whoever waits is answered now."""
        self.closed.set()
        self.endings.close()


@final
class Call:
    """One call. `peer` names the connection; `until` is when the client gives up, in monotonic seconds, or None."""

    __slots__ = ("_headers", "_origin", "gateway", "peer", "until")

    def __init__(self, gateway: Gateway, headers: Mapping[str, str], peer: str, until: float | None) -> None:
        self.gateway = gateway
        self.peer = peer
        self.until = until
        self._headers = headers
        self._origin = origin_of(peer)

    async def caller(self, tenant: str = "") -> Caller:
        """Who asks, for a tenant; it counts as one request of it. Raises `Unauthorized`, `Forbidden`, `TooMany`."""
        headers = self._headers if tenant in UNNAMED else {**self._headers, TENANT_HEADER: tenant}
        caller = await self.gateway.site.gate.caller(headers, self._origin)
        await self.gateway.limiter.take(caller.tenant)
        return caller

    async def ask(self, caller: Caller, request: Plain) -> object:
        """Carries out a request of a caller."""
        return await self.gateway.site.backend.ask(request, Who(caller.subject, caller.origin))

    async def read(self, caller: Caller, question: Callable[[Reader], _T]) -> _T:
        """What a reader of the caller's tenant answers."""
        return await self.gateway.site.backend.read(caller.tenant, question)

    async def instance(self, caller: Caller, key: int, permission: str) -> InstanceView:
        """An instance with which the caller may do something. Raises `NotFound`, `Forbidden`."""
        # Who may do it with no instance at all learns nothing of which there are.
        caller.need(permission)
        found = await self.read(caller, lambda reader: reader.instance(caller.tenant, key))
        caller.need(permission, found.process_id)
        return found

    def seconds(self, wanted_ms: int, otherwise_s: float) -> float:
        """How long a call may wait: as long as it asks for (0: `otherwise_s`), and not beyond the client's deadline."""
        wanted = wanted_ms / 1000 if wanted_ms > 0 else otherwise_s
        if self.until is None:
            return wanted
        return max(0.0, min(wanted, self.until - time.monotonic() - LEEWAY_S))


def origin_of(peer: str) -> str:
    """The address in the name of a connection (`ipv4:127.0.0.1:4711`, `ipv6:[::1]:4711`)."""
    _, _, place = peer.partition(":")
    address, _, port = place.rpartition(":")
    return address.replace("%5B", "").replace("%5D", "").strip("[]") if port.isdigit() else place


def variables_in(text: str, what: str = "variables") -> Variables:
    """The variables of a JSON text, "" for none. Raises `BadValue`, or says that it is no object."""
    found: Json = decode(text) if text else {}
    if not isinstance(found, dict):
        raise invalid(f"the {what} must be a JSON object, not {text:.60}")
    return checked_all(found)


def text_of(value: Json) -> str:
    """A value as JSON text."""
    return encode(value).decode()
