"""Whether this process is well: /health/live, /health/ready with reasons. No authentication, so nothing that is secret.

What is degraded is one tenant's trouble, or one that waits: it is told, and takes nothing from the process's being
ready.
What is looked at is given by whoever composes the server. A look is good for a second, for however many who ask.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias, final

import msgspec

from procession.base.failure import ProcessionError, StoreError

GOOD_S: Final = 1.0
"""How long a look is good."""
LOOK_S: Final = 3.0
"""How long one may take."""

_LOG: Final = logging.getLogger("procession.web")

Degraded: TypeAlias = Callable[[], Awaitable[Mapping[str, str]]]
"""Gives what is not well of whom, though the process is: a sentence for each silo by its name, for `documents` (where
their bytes are) and for `scanner`."""
Check: TypeAlias = Callable[[], Awaitable[str]]
"""Gives why it is not well, as a sentence without names of anything; "" if it is."""


@final
class Ready(msgspec.Struct, frozen=True, omit_defaults=True):
    """What /health/ready answers: each check with "ok" or why not; and silos, places of documents and scanners that
    cannot be used, if any."""

    ready: bool
    checks: dict[str, str]
    degraded: dict[str, str] = {}


@final
class Health:
    """One process's. Belongs to its event loop."""

    def __init__(self, checks: Mapping[str, Check], degraded: Degraded | None = None) -> None:
        self._checks = checks
        self._degraded = degraded
        self._looked = 0.0
        self._found = Ready(False, {})
        self._looking: asyncio.Task[Ready] | None = None
        self.draining = False
        """Whether the process is about to end: it is live, and not ready."""

    async def ready(self) -> Ready:
        """All checks, looked at now or within the last second."""
        if time.monotonic() - self._looked > GOOD_S:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            # Whoever asks meanwhile waits for the same look; one who goes away does not end it.
            self._found = await asyncio.shield(self._looking)
        if not self.draining:
            return self._found
        checks = {**self._found.checks, "draining": "this process is about to end"}
        return Ready(False, checks, self._found.degraded)

    async def _look(self) -> Ready:
        looks = asyncio.gather(*(_asked(name, check) for name, check in self._checks.items()))
        texts, degraded = await asyncio.gather(looks, self._told())
        self._looked = time.monotonic()
        checks = {name: text or "ok" for name, text in zip(self._checks, texts, strict=True)}
        return Ready(not any(texts), checks, degraded)

    async def _told(self) -> dict[str, str]:
        return dict(await self._degraded()) if self._degraded is not None else {}


async def _asked(name: str, check: Check) -> str:
    try:
        return await asyncio.wait_for(check(), LOOK_S)
    except TimeoutError:
        return f"no answer within {LOOK_S:g} s"
    except (ProcessionError, OSError) as error:
        # The whole of it is for the log: paths and addresses stand in it.
        _LOG.warning("the check %r failed: %s", name, error)
        return (isinstance(error, StoreError) and error.why) or "it failed; the log says why"
