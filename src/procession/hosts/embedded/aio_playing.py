"""AsyncPlay: the names of `Play` as coroutines; see `hosts.embedded.aio`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from procession.hosts.embedded.aio_calls import off
from procession.hosts.embedded.door import DEFAULT_TENANT
from procession.hosts.embedded.playing import Play
from procession.runtime.elsewhere import Screen


@final
class AsyncPlay:
    """See `Play`. What a method does is said there."""

    __slots__ = ("_play",)

    def __init__(self, play: Play) -> None:
        self._play = play

    async def start(
        self,
        process_id: str,
        variables: Mapping[str, object] | None = None,
        *,
        version: int | None = None,
        business_key: str = "",
        tenant: str = DEFAULT_TENANT,
    ) -> Screen:
        """See `Play.start`."""
        return await off(
            self._play.start, process_id, variables, version=version, business_key=business_key, tenant=tenant
        )

    async def screen(self, instance: int, *, tenant: str = DEFAULT_TENANT) -> Screen:
        """See `Play.screen`."""
        return await off(self._play.screen, instance, tenant=tenant)
