"""What the player of a server is made of: journeys, who sends their messages, how often strangers may ask."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, final

import msgspec

from procession.services.access import TooMany
from procession.services.backend import Backend
from procession.services.journeys.doors import Doors
from procession.services.journeys.funnel import Funnel
from procession.services.journeys.playing import Play
from procession.services.journeys.ports import NoPost, Post
from procession.services.journeys.scripted import Runner
from procession.web.limits import Limiter, SameForAll
from procession.web.streams import Streams

HANDOVERS: Final = 5
"""Messages that one session may have sent at once; after that one every ten minutes."""
STREAMS_MAX: Final = 4
"""Streams of one session."""


@final
class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """`url` is where people reach the server, which stands in messages; "" sends none. `frame_ancestors` are origins
    whose pages may show journeys in a frame. Rates are of one session, and of one address without a session."""

    url: str = ""
    frame_ancestors: tuple[str, ...] = ()
    requests_per_second: int = 20
    starts_per_minute: int = 30
    zone: str = "UTC"


@final
class Playing:
    """Of one server process. Belongs to its event loop."""

    __slots__ = ("_messages", "_sessions", "_strangers", "bounds", "doors", "funnel", "play", "streams")

    def __init__(
        self,
        backend: Backend,
        bounds: Bounds | None = None,
        post: Post | None = None,
        *,
        clock: Callable[[], int] | None = None,
        scripts: Runner | None = None,
    ) -> None:
        """`clock` gives Unix ms; `scripts` runs those of forms."""
        self.bounds = bounds or Bounds()
        clock = clock or now_ms
        self.funnel = Funnel(backend, clock)
        self.doors = Doors(backend, post or NoPost(), clock, self.funnel)
        self.play = Play(backend, clock, self.bounds.zone, scripts)
        self.streams = Streams(STREAMS_MAX)
        of = self.bounds
        self._sessions = Limiter(SameForAll(of.requests_per_second, of.requests_per_second * 3))
        self._messages = Limiter(SameForAll(1 / 600, HANDOVERS))
        self._strangers = Limiter(SameForAll(of.starts_per_minute / 60, of.starts_per_minute))

    async def count_session(self, session: str) -> None:
        """Counts a request of a session. Raises `TooMany`."""
        await _count(self._sessions, session, "this journey is asked too often: wait a moment")

    async def count_message(self, session: str) -> None:
        """Counts a message that a session has sent, which may go to an address that was typed. Raises `TooMany`."""
        await _count(self._messages, session, "too many messages were sent for this journey: wait some minutes")

    async def count_stranger(self, address: str, what: str = "") -> None:
        """Counts something that is dear: a start, a link that is opened, a code. Raises `TooMany`."""
        await _count(self._strangers, f"{what}\0{network(address)}", "too much is asked for from this address")


async def _count(limiter: Limiter, who: str, said: str) -> None:
    try:
        await limiter.take(who)
    except TooMany as refused:
        raise TooMany(said, refused.seconds) from None


def network(address: str) -> str:
    """Who is counted as one: an IPv4 address, or the network of an IPv6 address, of which one person has all."""
    return ":".join(address.split(":")[:4]) if ":" in address else address


def now_ms() -> int:
    """Unix ms."""
    return int(time.time() * 1000)
