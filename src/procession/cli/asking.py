"""Use cases of the server, from the command line: with an engine of this process behind them, and under a name."""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from procession import Engine
    from procession.services.backend import Backend, Who

_T = TypeVar("_T")


def asked(engine: Engine, ask: Callable[[Backend], Awaitable[_T]]) -> _T:
    """What a use case of the server gives, with this engine behind it."""
    import asyncio

    from procession.hosts.embedded.backend import EngineBackend

    async def run() -> _T:
        backend = EngineBackend(engine)
        try:
            return await ask(backend)
        finally:
            await backend.close()

    return asyncio.run(run())


def who() -> Who:
    """Who asks, as the audit log names it."""
    from procession.services.backend import Who

    try:
        return Who(f"user:{getpass.getuser()}", "the command line")
    except (OSError, KeyError):
        return Who("user:unknown", "the command line")
