"""Keys that are kept elsewhere (a key management service, a vault): asked for, bounded in time, kept for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, final

from procession.hosts.temporal.codec.errors import KeyUnavailable
from procession.hosts.temporal.codec.keys import Key

KEPT_MAX: Final = 10_000
"""Most keys of a key service that are kept in memory."""

Fetch: TypeAlias = Callable[[str, str | None], Awaitable[Key]]
"""Given a tenant and the id of a key (None for the active one): the key. An exception means that there is none."""

_Place: TypeAlias = tuple[asyncio.AbstractEventLoop, str, str | None]


@final
class ServiceKeyring:
    """A `Keyring` that asks `fetch`, and asks again when a key is `ttl_seconds` old.

    The time to live is how long a key that was taken away goes on to work, and how long a new active key goes
    unnoticed. A service that does not answer within `timeout_seconds` is `KeyUnavailable`; so is every exception of
    `fetch`, whatever its class: one that ends workflows must not come from there.
    """

    __slots__ = ("_asked", "_clock", "_fetch", "_kept", "_timeout_seconds", "_ttl_seconds")

    def __init__(
        self,
        fetch: Fetch,
        *,
        ttl_seconds: float = 300.0,
        timeout_seconds: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._ttl_seconds = ttl_seconds
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._kept: dict[tuple[str, str | None], tuple[float, Key]] = {}
        # Tasks belong to a loop, and clients in several threads may share a keyring.
        self._asked: dict[_Place, asyncio.Task[Key]] = {}

    async def active(self, tenant: str, /) -> Key:
        """See `Keyring.active`."""
        return await self._key(tenant, None)

    async def find(self, tenant: str, key_id: str, /) -> Key:
        """See `Keyring.find`."""
        key = await self._key(tenant, key_id)
        if key.id != key_id:
            raise KeyUnavailable(f"asked for key {key_id!r} of tenant {tenant!r}, the key service gave {key.id!r}")
        return key

    async def _key(self, tenant: str, key_id: str | None) -> Key:
        kept = self._kept.get((tenant, key_id))
        if kept is not None and self._clock() - kept[0] < self._ttl_seconds:
            return kept[1]
        # A hundred payloads of one tenant are one question. Whoever is cancelled leaves it to the others.
        place = (asyncio.get_running_loop(), tenant, key_id)
        task = self._asked.get(place)
        if task is None:
            task = self._asked[place] = asyncio.ensure_future(self._ask(tenant, key_id))
            task.add_done_callback(lambda done: self._done(place, done))
        return await asyncio.shield(task)

    def _done(self, place: _Place, task: asyncio.Task[Key]) -> None:
        del self._asked[place]
        # Where everybody who waited was cancelled, nobody else takes the exception, and asyncio would complain.
        if not task.cancelled():
            task.exception()

    async def _ask(self, tenant: str, key_id: str | None) -> Key:
        what = f"the active key of tenant {tenant!r}" if key_id is None else f"key {key_id!r} of tenant {tenant!r}"
        try:
            async with asyncio.timeout(self._timeout_seconds):
                key = await self._fetch(tenant, key_id)
        except TimeoutError:
            raise KeyUnavailable(f"{what}: the key service gave no answer in {self._timeout_seconds:g} s") from None
        except KeyUnavailable:
            raise
        except Exception as error:
            # What a foreign library says may hold what it was asked with.
            raise KeyUnavailable(f"{what}: the key service failed with {type(error).__name__}") from error
        while len(self._kept) >= KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[tenant, key_id] = self._clock(), key
        return key
