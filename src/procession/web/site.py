"""The site: what every route needs of the process that serves it. Contracts and data only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias, cast, final

import msgspec

from procession.runtime.tenants import DEFAULT_TENANT
from procession.services.access import Caller
from procession.services.backend import PLATFORM, Backend
from procession.services.tenancy.deleting import Keys
from procession.services.tenancy.directory import Directory, page_of
from procession.web.desk import Desk
from procession.web.documents import Archive
from procession.web.identity.denials import Denials
from procession.web.limits import Rates, SameForAll
from procession.web.papers import Papers
from procession.web.playing import Playing
from procession.web.webhooks.delivering import Webhooks

BODY_BYTES_MAX: Final = 20_000_000
"""Largest body of a request if nothing else is set: the variables of one call, and some room."""


SITE: Final = "procession.site"
"""Where an ASGI scope holds the site."""
KeysOf: TypeAlias = Callable[[str], Awaitable[Keys | None]]
"""Gives the keys of the store of a tenant; None where that is not sealed."""


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
class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What the API takes. `origins` are web origins whose pages may use it (`https://app.example.com`)."""

    body_bytes_max: int = BODY_BYTES_MAX
    wait_ms_max: int = 60_000
    origins: tuple[str, ...] = ()


@final
class Site:
    """One server process."""

    __slots__ = (
        "archive",
        "backend",
        "bounds",
        "denials",
        "desk",
        "directory",
        "gate",
        "keys",
        "neighbours",
        "papers",
        "playing",
        "rates",
        "version",
        "webhooks",
    )

    def __init__(
        self,
        backend: Backend,
        gate: Gate,
        *,
        version: str,
        bounds: Bounds | None = None,
        rates: Rates | None = None,
        webhooks: Webhooks | None = None,
        archive: Archive | None = None,
        keys: KeysOf | None = None,
        directory: Directory | None = None,
        neighbours: Callable[[], Sequence[msgspec.Struct]] | None = None,
        papers: Papers | None = None,
        playing: Playing | None = None,
    ) -> None:
        """`keys`: those of a tenant, where its store is sealed. `directory`: whom the server serves; without one all
        live in the store of the backend. `neighbours`: who takes how much of the writer."""
        self.backend = backend
        self.desk = Desk(backend)
        self.gate = gate
        self.version = version
        self.denials = Denials()
        self.bounds = bounds or Bounds()
        self.rates: Rates = rates or SameForAll(0)
        self.archive = archive or Archive(backend)
        self.papers = papers or Papers(self.archive)
        self.webhooks = webhooks or Webhooks(backend)
        self.keys = keys
        self.directory = directory or _pooled(backend)
        self.neighbours = neighbours
        self.playing = playing or Playing(backend)


def _pooled(backend: Backend) -> Directory:
    async def names(_: str, behind: str, limit: int) -> list[str]:
        return await backend.read(PLATFORM, lambda reader: page_of(reader.store, behind, limit))

    return Directory(names)


@final
class OpenGate:
    """Lets everybody in as the admin of the tenant that they name (header `procession-tenant`): for loopback alone."""

    async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
        """See `Gate.caller`."""
        tenant = headers.get("procession-tenant") or DEFAULT_TENANT
        return Caller(tenant, "user:dev", origin, frozenset({"*"}), user="dev")

    def forget(self) -> None:
        """See `Gate.forget`."""


def site_in(scope: Mapping[str, Any]) -> Site:
    """The site that an ASGI scope is asked of."""
    return cast("Site", scope[SITE])
