"""The site of a server, made of its settings: what the API takes, who is told of what, where documents lie."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from procession import __version__
from procession.runtime.ports import Store
from procession.runtime.rows import TextRow
from procession.services.backend import Backend
from procession.services.deliveries import FOLLOWER
from procession.web.desk import Offers
from procession.web.documents import Archive, Rules
from procession.web.limits import SameForAll
from procession.web.settings import Settings
from procession.web.site import Bounds, Gate, Site
from procession.web.webhooks.delivering import Webhooks
from procession.web.webhooks.wall import Reach

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128")
"""What webhooks reach beside the public internet where the settings allow private networks."""


def site_of(settings: Settings, backend: Backend, gate: Gate, store: Store, offers: Offers) -> Site:
    """The site of a server; its webhooks are not started."""
    limits = settings.limits

    async def followed() -> Iterable[str]:
        rows = await asyncio.to_thread(store.read, "followed", (FOLLOWER,), TextRow)
        return [row.value for row in rows]

    private = settings.webhooks.allow_private
    reach = Reach(http=private, networks=PRIVATE if private else ())
    return Site(
        backend,
        gate,
        version=__version__,
        offers=offers,
        bounds=Bounds(body_bytes_max=limits.body_bytes_max, origins=tuple(settings.cors.origins)),
        rates=SameForAll(limits.requests_per_second, limits.requests_burst),
        webhooks=Webhooks(backend, reach, followed=followed),
        archive=Archive(backend, Rules(bytes_max=settings.documents.bytes_max)),
    )
