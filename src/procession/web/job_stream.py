"""A stream of jobs over one response: a line of JSON each, as they come.

The worker says how many it takes at the same time; so many are leased to it and no more, and each that is finished
makes room for another. Leases of jobs that were sent and not finished end by themselves.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final

from procession.base.failure import ProcessionError
from procession.services.backend import Who
from procession.web.body import exactly
from procession.web.desk import LOOK_S, Desk, Wanted, place_of
from procession.web.job_shapes import shown
from procession.web.problems import problem_of

STREAM_S: Final = 300.0
"""A stream ends after so long, and the worker connects anew: who has lost the right to work is told so then."""
ALIVE_S: Final = 10.0
"""A stream without jobs sends an empty line so often: whoever hears nothing for much longer connects anew."""


async def stream(desk: Desk, wanted: Wanted, who: Who, max_active: int) -> AsyncIterator[bytes]:
    """The lines of a stream: jobs, empty ones while there are none, and at last a problem should there be one."""
    freed = asyncio.Event()
    active: list[int] = []
    until = time.monotonic() + STREAM_S
    # The first line tells that the stream stands.
    yield b"\n"
    try:
        while not desk.closing and time.monotonic() < until:
            freed.clear()
            active = desk.held(wanted.tenant, active)
            room = max_active - len(active)
            if room <= 0:
                if not await _wait(freed, LOOK_S):
                    await desk.look_after(wanted.tenant, active)
                continue
            jobs = await desk.take(wanted, who, room, seconds=ALIVE_S, freed=freed)
            active += [place_of(job)[0] for job in jobs]
            yield b"".join(exactly(shown(job, wanted.tenant)) + b"\n" for job in jobs) or b"\n"
    except ProcessionError as error:
        yield exactly({"problem": problem_of(error, "/v1/jobs/stream")}) + b"\n"


async def _wait(freed: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await freed.wait()
    except TimeoutError:
        return False
    return True
