"""Telling webhooks: for each tenant that has some, one process follows its feed, stores what is to be told, tells it.

Deliveries are at least once, and in no order: what was told, and not yet written down when the process stopped, is told
again, under the same id. Who follows holds a row of the store for `LEASE_MS` and renews it; that a clock is wrong
costs a message told twice, nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Final, TypeAlias, final

import msgspec

from procession.base.failure import Conflict, ProcessionError
from procession.base.values import Json
from procession.runtime import requests as q
from procession.runtime.ports import Cells
from procession.runtime.rows import HELD
from procession.runtime.rows_of_server import DeliveryRow
from procession.services.backend import Backend, News, Who
from procession.services.deliveries import FOLLOWER
from procession.services.following import Following
from procession.services.reading import Reader
from procession.web.webhooks import signing
from procession.web.webhooks.happenings import Happening, happenings
from procession.web.webhooks.sending import Sent, send
from procession.web.webhooks.subscriptions import KIND, Webhook, webhooks_of
from procession.web.webhooks.wall import Reach

_LOG: Final = logging.getLogger("procession.webhooks")

LEASE_MS: Final = 30_000
RENEW_S: Final = 10.0
LOOK_S: Final = 30.0
"""Pause between two looks for tenants that have webhooks and nobody who tells them."""
BACKOFF_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Pauses after each failed attempt, as Standard Webhooks has them; after the last nothing more is tried."""
KEPT_MS: Final = 7 * 86_400_000
"""How long what was told is kept, to be looked at and told again."""
NEWS_MAX: Final = 200
REPLAY_MAX: Final = 5_000
"""Events that one replay stores, or a few more."""
DUE_MAX: Final = 64
"""Deliveries of one tenant under way at once."""
EACH_MAX: Final = 8
"""The same, of one webhook: a slow one does not keep the others waiting."""
GRACE_S: Final = 3.0
"""For so long deliveries under way are waited for at the end."""
SYSTEM: Final = Who("service:webhooks")

Span: TypeAlias = tuple[int, int, int, int]
"""Steps in the feed: their number, their instance, the first and the last of them."""


def now_ms() -> int:
    """Unix ms."""
    return time.time_ns() // 1_000_000


@final
class Webhooks:
    """The webhooks of one process. Belongs to its event loop."""

    def __init__(
        self,
        backend: Backend,
        reach: Reach | None = None,
        *,
        backoff_s: tuple[float, ...] = BACKOFF_S,
        followed: Callable[[], Awaitable[Iterable[str]]] | None = None,
    ) -> None:
        """`followed` gives the names of the tenants that have webhooks, which no tenant's own reader can see."""
        self._backend = backend
        self.reach = reach or Reach()
        self.backoff_s = backoff_s
        """Pauses after failed attempts."""
        self._followed = followed
        self.owner = secrets.token_hex(8)
        """The name under which this process holds rows."""
        self._tenants: dict[str, asyncio.Task[None]] = {}
        self._woken: dict[str, asyncio.Event] = {}
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look for tenants that have webhooks."""
        if self._followed is not None and self._looking is None:
            self._looking = asyncio.ensure_future(self._look())

    async def close(self) -> None:
        """Ends, and lets other processes go on at once. Idempotent."""
        tasks = [*self._tenants.values(), *([self._looking] if self._looking is not None else [])]
        self._tenants.clear()
        self._looking = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def watch(self, tenant: str) -> None:
        """Tells for a tenant from now on, unless another process does; wakes who does so already."""
        self._woken.setdefault(tenant, asyncio.Event()).set()
        task = self._tenants.get(tenant)
        if task is None or task.done():
            self._tenants[tenant] = asyncio.ensure_future(self._serve(tenant))

    async def look(self) -> None:
        """Looks now for tenants that have webhooks."""
        if self._followed is None:
            return
        try:
            for tenant in await self._followed():
                if tenant not in self._tenants:
                    self.watch(tenant)
        except ProcessionError as error:
            _LOG.warning("tenants with webhooks could not be read: %s", error)

    async def _look(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def _serve(self, tenant: str) -> None:
        """Follows while the row is held, and waits for it while it is not."""
        while True:
            try:
                number = await self._backend.read(tenant, lambda reader: reader.views.tenant(tenant))
                if number is not None and await self._take(tenant, number):
                    try:
                        await self._work(tenant, number)
                    finally:
                        await self._backend.write(tenant, "follower_leave", [(number, FOLLOWER, self.owner)])
            except ProcessionError as error:
                _LOG.warning("webhooks of %s wait: %s", tenant, error)
            await asyncio.sleep(RENEW_S)

    async def _take(self, tenant: str, number: int) -> bool:
        now = now_ms()
        begin = await self._backend.read(tenant, lambda reader: reader.views.last_news(tenant))
        row = (number, FOLLOWER, self.owner, now + LEASE_MS, begin, now)
        await self._backend.write(tenant, "follower_take", [row])
        held = await self._backend.read(tenant, lambda reader: reader.deliveries.follower(tenant))
        return held is not None and held.owner == self.owner

    async def _work(self, tenant: str, number: int) -> None:
        """Three of one tenant, of which none goes on without the others."""
        work = _Work(self._backend, tenant, number, self)
        parts = [asyncio.ensure_future(part) for part in (work.derive(), work.deliver(), self._renew(tenant, number))]
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def _renew(self, tenant: str, number: int) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            if not await self._take(tenant, number):
                return

    def woken(self, tenant: str) -> asyncio.Event:
        """Set when there may be something to tell."""
        return self._woken.setdefault(tenant, asyncio.Event())


@final
class _Work:
    """What is done for one tenant while its row is held."""

    def __init__(self, backend: Backend, tenant: str, number: int, webhooks: Webhooks) -> None:
        self._backend = backend
        self._tenant = tenant
        self._number = number
        self._webhooks = webhooks
        self._following = Following(tenant)
        self._busy: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def derive(self) -> None:
        """Stores what is to be told of what happens, then moves on in the feed."""
        row = await self._backend.read(self._tenant, lambda reader: reader.deliveries.follower(self._tenant))
        news = self._backend.news(self._tenant, row.number if row is not None else 0)
        coming: asyncio.Future[News] | None = None
        page: list[News] = []
        try:
            while True:
                coming = coming or asyncio.ensure_future(_next(news))
                # What comes at once is stored at once: each look costs two commits.
                await asyncio.wait({coming}, timeout=0.02 if page else None)
                if coming.done():
                    page.append(coming.result())
                    coming = None
                if page and (coming is not None or len(page) >= NEWS_MAX):
                    await self._store(page, whole=coming is not None)
                    page = []
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    async def _store(self, page: list[News], *, whole: bool) -> None:
        hooks = await self._backend.read(self._tenant, lambda reader: webhooks_of(reader, self._tenant))
        if any(not each.disabled for each in hooks.values()):
            found: list[Happening] = []
            for news in page:
                span = (news.number, news.instance, news.first, news.last)
                found += await _happened(self._backend, self._tenant, self._following, span)
            rows = [
                _delivery(self._number, id, each) for each in found for id, hook in hooks.items() if hook.wants(each)
            ]
            if rows:
                await self._backend.write(self._tenant, "delivery_insert", rows)
                self._webhooks.woken(self._tenant).set()
        # More news of the last number may be coming: they are read once more, and are known by their ids.
        number = page[-1].number if whole else page[-1].number - 1
        await self._backend.write(
            self._tenant, "follower_moved", [(number, self._number, FOLLOWER, self._webhooks.owner)]
        )

    async def deliver(self) -> None:
        """Tells what is due, some at a time."""
        woken = self._webhooks.woken(self._tenant)
        swept = 0
        try:
            while True:
                woken.clear()
                now = now_ms()
                if now - swept > 3_600_000:
                    await self._backend.write(self._tenant, "deliveries_sweep", [(self._number, now - KEPT_MS)])
                    swept = now
                wait_ms = await self._begin(now)
                try:
                    async with asyncio.timeout(min(LOOK_S, wait_ms / 1000)):
                        await woken.wait()
                except TimeoutError:
                    continue
        finally:
            tasks = list(self._busy.values())
            if tasks:
                # What is under way is told twice unless its answer is written down.
                await asyncio.wait(tasks, timeout=GRACE_S)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin(self, now: int) -> int:
        """Begins what is due and has room; in how many ms there is more to do."""

        def asked(reader: Reader) -> tuple[list[DeliveryRow], int, Mapping[str, Webhook]]:
            hooks = webhooks_of(reader, self._tenant)
            # Of each some: a webhook with many messages in arrears does not stand before the others.
            due = [row for id in hooks for row in reader.deliveries.due(self._tenant, id, now, EACH_MAX * 2)]
            return due, min((reader.deliveries.next_due(self._tenant, id, now) for id in hooks), default=HELD), hooks

        due, next_due, hooks = await self._backend.read(self._tenant, asked)
        under_way = Counter(webhook for webhook, _ in self._busy)
        for row in due:
            place = (row.webhook, row.id)
            if place in self._busy or len(self._busy) >= DUE_MAX or under_way[row.webhook] >= EACH_MAX:
                continue
            under_way[row.webhook] += 1
            task = self._busy[place] = asyncio.ensure_future(self._tell(row, hooks.get(row.webhook)))
            task.add_done_callback(partial(self._told, place))
        return max(0, min(next_due - now, 3_600_000))

    def _told(self, place: tuple[str, str], task: asyncio.Task[None]) -> None:
        self._busy.pop(place, None)
        self._webhooks.woken(self._tenant).set()
        if not task.cancelled() and task.exception() is not None:
            _LOG.error("a fault while telling a webhook", exc_info=task.exception())

    async def _tell(self, row: DeliveryRow, hook: Webhook | None) -> None:
        if hook is None or hook.disabled:
            await self._written(row, (2, row.attempt, row.due, 0, "the webhook is gone or disabled"))
            return
        sent = await told(row, hook, self._webhooks.reach)
        attempt = row.attempt + 1
        if sent.good:
            await self._written(row, (1, attempt, row.due, sent.status, ""))
            return
        backoff = self._webhooks.backoff_s
        over = attempt > len(backoff) or sent.status == 410
        pause = 0 if over else max(backoff[attempt - 1], sent.retry_after_s)
        due = now_ms() + round(pause * 1000)
        await self._written(row, (2 if over else 0, attempt, due, sent.status, sent.error))
        if over:
            await self._maybe_disable(row, sent)

    async def _written(self, row: DeliveryRow, cells: tuple[int, int, int, int, str]) -> None:
        await self._backend.write(self._tenant, "delivery_tried", [(*cells, self._number, row.webhook, row.id)])

    async def _maybe_disable(self, row: DeliveryRow, sent: Sent) -> None:
        """A webhook that wants no more, or that took nothing since what is given up now happened, is disabled."""
        good = await self._backend.read(
            self._tenant, lambda reader: reader.deliveries.any_good(self._tenant, row.webhook, row.at)
        )
        if good and sent.status != 410:
            return
        reason = "it answered with 410" if sent.status == 410 else f"nothing was delivered for long: {sent.error}"
        await disable(self._backend, self._tenant, row.webhook, reason)
        cells = ("the webhook was disabled", self._number, row.webhook)
        await self._backend.write(self._tenant, "deliveries_give_up", [cells])


async def told(row: DeliveryRow, hook: Webhook, reach: Reach) -> Sent:
    """Sends a delivery once."""
    now = now_ms()
    headers = signing.headers(hook.signing(now), row.id, now // 1000, row.body)
    return await send(hook.url, headers, row.body, reach)


async def disable(backend: Backend, tenant: str, webhook: str, reason: str) -> None:
    """Writes down that a webhook is told nothing any more, unless somebody changed it just now."""
    record = await backend.read(tenant, lambda reader: reader.records.find(tenant, KIND, webhook))
    if record is None:
        return
    hook = msgspec.structs.replace(record.read(Webhook), disabled=True, reason=reason)
    body: Json = hook.body()
    try:
        await backend.ask(q.PutRecord(tenant, KIND, webhook, body, record.version), SYSTEM)
    except Conflict:
        return


async def replay(backend: Backend, tenant: str, webhook: str, after: int, upto: int) -> tuple[int, int]:
    """Stores anew what a webhook was to be told between two numbers of the feed: how many events that are, and the
    number up to which it is done; not all of a long time is done at once."""
    number = await backend.read(tenant, lambda reader: reader.views.tenant(tenant))
    hook = (await backend.read(tenant, lambda reader: webhooks_of(reader, tenant))).get(webhook)
    if number is None or hook is None:
        return 0, upto
    following, count = Following(tenant), 0
    wanting = msgspec.structs.replace(hook, since=0, disabled=False)
    while after < upto and count < REPLAY_MAX:
        page = await backend.read(tenant, partial(_feed, tenant, after))
        rows: list[Cells] = []
        for span in page:
            if span[0] > upto:
                break
            found = await _happened(backend, tenant, following, span)
            rows += [_delivery(number, webhook, each) for each in found if wanting.wants(each)]
        if rows:
            await backend.write(tenant, "delivery_again", rows)
        count += len(rows)
        after = min(page[-1][0], upto) if page else upto
    return count, after


async def _happened(backend: Backend, tenant: str, following: Following, span: Span) -> list[Happening]:
    """The events of some steps."""
    number, instance, first, last = span
    heard = await backend.read(tenant, partial(following.entries, instance=instance, first=first, last=last))
    return list(happenings(heard, instance, number))


def _delivery(number: int, webhook: str, happening: Happening) -> Cells:
    """A row of what is to be told; `number` is the tenant's."""
    return number, webhook, happening.id, happening.type, happening.number, happening.at, now_ms(), happening.body


def _feed(tenant: str, after: int, reader: Reader) -> list[Span]:
    return reader.deliveries.feed(tenant, after)


async def _next(news: AsyncIterator[News]) -> News:
    return await anext(news)
