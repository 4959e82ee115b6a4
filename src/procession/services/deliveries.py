"""What webhooks are told, and who tells it: the rows of both. Reads only."""

from __future__ import annotations

from typing import Final, cast, final

from procession.base.keys import EPOCH_MS, made_at_ms, shard_of
from procession.runtime import codec
from procession.runtime.ports import Reads
from procession.runtime.rows import HELD, FeedRow, IntRow
from procession.runtime.rows_of_server import DeliveryRow, FollowerRow
from procession.services.views import Views

FOLLOWER: Final = "webhooks"
"""The name of the follower."""
PAGE: Final = 100


@final
class Deliveries:
    """Reading the deliveries of one store."""

    __slots__ = ("_store", "_views")

    def __init__(self, store: Reads, views: Views) -> None:
        self._store = store
        self._views = views

    def follower(self, tenant: str) -> FollowerRow | None:
        """Who tells for a tenant; None while nobody has to."""
        rows = self._store.read("follower", (self._views.tenant(tenant), FOLLOWER), FollowerRow)
        return rows[0] if rows else None

    def due(self, tenant: str, webhook: str, now: int, limit: int) -> list[DeliveryRow]:
        """What a webhook is to be told by now (Unix ms), the longest due first."""
        return self._store.read("deliveries_due", (self._views.tenant(tenant), webhook, now, limit), DeliveryRow)

    def next_due(self, tenant: str, webhook: str, now: int) -> int:
        """When (Unix ms) after now there is something to tell a webhook; `HELD` for never."""
        rows = self._store.read("deliveries_next", (self._views.tenant(tenant), webhook, now), IntRow)
        return HELD if not rows or rows[0].value is None else rows[0].value

    def listed(self, tenant: str, webhook: str, before: tuple[int, str], limit: int) -> list[DeliveryRow]:
        """What a webhook was told, the last first, before the (number, id) of one."""
        number = self._views.tenant(tenant)
        return self._store.read("deliveries", (number, webhook, *before, limit), DeliveryRow)

    def one(self, tenant: str, webhook: str, id: str) -> DeliveryRow | None:
        """A delivery."""
        rows = self._store.read("delivery", (self._views.tenant(tenant), webhook, id), DeliveryRow)
        return rows[0] if rows else None

    def any_good(self, tenant: str, webhook: str, since: int) -> bool:
        """Whether anything of what happened since then (Unix ms) was delivered."""
        rows = self._store.read("deliveries_good", (self._views.tenant(tenant), webhook, since), IntRow)
        return bool(rows and rows[0].value)

    def feed(self, tenant: str, after: int) -> list[tuple[int, int, int, int]]:
        """(number, instance, first step, last step) of what was stored behind a number: a page, none for the end."""
        rows = self._store.read("feed", (self._views.tenant(tenant), after, PAGE), FeedRow)
        return [
            (row.number, *span)
            for row in rows
            for span in cast("list[tuple[int, int, int]]", codec.decode_json(row.body))
        ]

    def number_at(self, tenant: str, at: int) -> int:
        """The number of the feed behind which everything happened at this time (Unix ms) or later."""
        last = self._views.last_news(tenant)
        if not last or made_at_ms(last) < at:
            return last
        # Numbers are keys: shard, time, counter.
        return (shard_of(last) << 53) + (max(0, at - EPOCH_MS) << 12) - 1
