"""The site: what every route needs of the process that serves it. Contracts and data only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, final

import msgspec

from procession.services.access import Caller
from procession.services.backend import Backend
from procession.services.tenancy.deleting import Keys


class Gate(Protocol):
    """Tells who asks."""

    async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
        """The caller of a request with these headers (names in lower case) from an address.

        Raises `Unauthorized` for nobody that is known, `Forbidden` for a tenant that is not theirs."""
        ...


@final
class Site:
    """One server process."""

    __slots__ = ("backend", "gate", "keys", "neighbours", "version")

    def __init__(
        self,
        backend: Backend,
        gate: Gate,
        *,
        version: str,
        keys: Keys | None = None,
        neighbours: Callable[[], Sequence[msgspec.Struct]] | None = None,
    ) -> None:
        """`keys`: those of tenants, where the store is sealed. `neighbours`: who takes how much of the writer."""
        self.backend = backend
        self.gate = gate
        self.version = version
        self.keys = keys
        self.neighbours = neighbours


@final
class OpenGate:
    """Lets everybody in as the admin of the tenant that they name (header `procession-tenant`): for loopback alone."""

    async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
        """See `Gate.caller`."""
        tenant = headers.get("procession-tenant") or "<default>"
        return Caller(tenant, "user:dev", origin, frozenset({"*"}), user="dev")
