"""The site: what every route needs of the process that serves it. Contracts and data only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, final

from procession.services.access import Caller
from procession.services.backend import Backend


class Gate(Protocol):
    """Tells who asks."""

    async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
        """The caller of a request with these headers (names in lower case) from an address.

        Raises `Unauthorized` for nobody that is known, `Forbidden` for a tenant that is not theirs."""
        ...

    def forget(self) -> None:
        """Somebody may have lost a right: whatever is kept of callers is read anew."""
        ...


@final
class Site:
    """One server process."""

    __slots__ = ("backend", "gate", "version")

    def __init__(self, backend: Backend, gate: Gate, *, version: str) -> None:
        self.backend = backend
        self.gate = gate
        self.version = version


@final
class OpenGate:
    """Lets everybody in as the admin of the tenant that they name (header `procession-tenant`): for loopback alone."""

    async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
        """See `Gate.caller`."""
        tenant = headers.get("procession-tenant") or "<default>"
        return Caller(tenant, "user:dev", origin, frozenset({"*"}), user="dev")

    def forget(self) -> None:
        """See `Gate.forget`."""
