"""Turns: how many requests of one caller are worked on at a time, while others are there too.

It stands before everything else, so it goes by what a request presents (its credentials and the tenant that it names)
and not by who that turns out to be: a request that waits here has cost nothing yet. Who is alone has all slots; as soon
as somebody else has asked within the last second, nobody holds more than his part of them: there is always a free one.

How large that is depends on what requests wait for. While it is the database, more of them at a time are answered
sooner; while it is this process, which has one core for what is Python, they are only in each other's way.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from itertools import islice
from typing import Any, Final, TypeAlias, final

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from procession.base.failure import Busy
from procession.web.envelope import request_id
from procession.web.problems import PROBLEM_JSON, problem_of

SLOTS: Final = 64
PART: Final = 8
"""Slots of one caller while others are there and the process has time: one of so many parts."""
PART_MIN: Final = 1
"""Slots of one caller while it has none, and nobody else wants more than he gets."""
BUSY: Final = 0.75
"""The part of a core that the process uses from which on it has no time."""
LOOK_S: Final = 0.1
"""How often it is looked at, while callers come."""
RECENT_S: Final = 1.0
WAITING_MAX: Final = 1_000
"""Requests of one caller that may wait; what comes then is told to come again."""

LINES_MAX: Final = 10_000

_Key: TypeAlias = tuple[bytes, bytes]


@final
class _Line:
    """The requests of one caller: those that are worked on, and those that wait."""

    __slots__ = ("busy", "seen", "waiting")

    def __init__(self) -> None:
        self.busy = 0
        self.seen = 0.0
        self.waiting: deque[asyncio.Future[None]] = deque()


@final
class Turn:
    """A request's slot. `let_go` is for who waits for something: nobody else should have to wait meanwhile."""

    __slots__ = ("_held", "_line", "_turns")

    def __init__(self, turns: Turns, line: _Line) -> None:
        self._turns = turns
        self._line = line
        self._held = True

    def let_go(self) -> None:
        """Gives the slot back. Idempotent."""
        if self._held:
            self._held = False
            self._turns.leave(self._line)


def step_aside(scope: Any) -> None:
    """Gives the slot of a request back, which waits for something that others of the same caller may have to do."""
    turn = scope.get("procession.turn")
    if isinstance(turn, Turn):
        turn.let_go()


@final
class Turns:
    """The ASGI middleware. One a process; it belongs to its event loop."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        slots: int = SLOTS,
        clock: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.process_time,
    ) -> None:
        """`clock` and `used` give seconds: of time, and of a core."""
        self._app = app
        self._slots = slots
        self._free = slots
        self._clock = clock
        self._used = used
        self._part = self._part_max = max(PART_MIN, slots // PART)
        self._looked = clock(), used()
        self._lines: OrderedDict[_Key, _Line] = OrderedDict()
        """Callers that were here lately, the last one at the end."""
        self._queued: OrderedDict[int, _Line] = OrderedDict()
        """Those of whom requests wait, in the order of their next turns."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        line = self._line_of(scope)
        if len(line.waiting) >= WAITING_MAX:
            await _come_again(scope, send)
            return
        await self._enter(line)
        turn = Turn(self, line)
        scope["procession.turn"] = turn  # type: ignore[typeddict-unknown-key]

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.body" and message.get("more_body"):
                turn.let_go()  # a stream is not worked on, it lasts
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            turn.let_go()

    def leave(self, line: _Line) -> None:
        """A request of this caller is done."""
        line.busy -= 1
        self._free += 1
        self._admit()

    async def _enter(self, line: _Line) -> None:
        if not line.waiting and self._free and line.busy < self._most():
            line.busy += 1
            self._free -= 1
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.waiting.append(waiting)
        self._queued.setdefault(id(line), line)
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self.leave(line)  # its turn had come
            else:
                line.waiting.remove(waiting)
                if not line.waiting:
                    del self._queued[id(line)]
            raise

    def _admit(self) -> None:
        """Gives free slots to who waits, in turns."""
        most = self._most()
        going = True
        while self._free and going:
            going = False
            for place, line in list(self._queued.items()):
                if not self._free:
                    return
                if line.busy >= most:
                    continue
                line.waiting.popleft().set_result(None)
                line.busy += 1
                self._free -= 1
                going = True
                if line.waiting:
                    self._queued.move_to_end(place)
                else:
                    del self._queued[place]

    def _most(self) -> int:
        """How many slots one caller may have now. Where many want more than they get, nobody is the one in the way."""
        if len(self._lines) < 2:
            return self._slots
        return min(max(self._part, len(self._queued)), self._part_max)

    def _look(self, now: float) -> None:
        """Makes the part smaller while the process has no time, and larger again while it has."""
        then, before = self._looked
        if now - then >= LOOK_S:
            used = self._used()
            step = -1 if (used - before) > BUSY * (now - then) else 1
            self._part = min(max(self._part + step, PART_MIN), self._part_max)
            self._looked = now, used

    def _line_of(self, scope: Scope) -> _Line:
        key = _key_of(scope)
        now = self._clock()
        self._look(now)
        line = self._lines.get(key)
        if line is None:
            if len(self._lines) >= LINES_MAX:
                key = (b"", b"")  # whoever makes up so many is one caller
            line = self._lines.setdefault(key, _Line())
        line.seen = now
        self._lines.move_to_end(key)
        # Who has not been here for a moment is forgotten: a caller who is idle costs nothing.
        for first, oldest in list(islice(self._lines.items(), 2)):
            if oldest.busy or oldest.waiting:
                self._lines.move_to_end(first)
            elif now - oldest.seen >= RECENT_S:
                del self._lines[first]
        return line


def _key_of(scope: Scope) -> _Key:
    credentials = tenant = b""
    for name, value in scope["headers"]:
        if name == b"authorization":
            credentials = value
        elif name == b"procession-tenant":
            tenant = value
    return credentials, tenant


async def _come_again(scope: Scope, send: Send) -> None:
    problem = problem_of(Busy("too many requests wait"), scope["path"], request_id(scope))
    body = msgspec.json.encode(problem)
    headers = [
        (b"content-type", PROBLEM_JSON.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", b"1"),
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
