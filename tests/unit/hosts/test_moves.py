"""Moves: who waits for a tenant is woken by what happens for it, and misses nothing between two waits."""

from __future__ import annotations

import asyncio

from procession.hosts.embedded import moves
from procession.hosts.embedded.moves import Moves


def test_what_happens_between_two_waits_is_not_missed() -> None:
    async def told() -> None:
        made = Moves()
        seen = await made.wait(0, "a", 0, 0)
        made.tell({0: frozenset({"a"})})
        async with asyncio.timeout(5):
            again = await made.wait(0, "a", seen, 60)
        assert again > seen

    asyncio.run(told())


def test_only_the_tenants_that_are_named_are_woken() -> None:
    async def told() -> None:
        made = Moves()
        waiting = {
            each: asyncio.create_task(made.wait(0, each, await made.wait(0, each, 0, 0), 60)) for each in ("a", "b")
        }
        await asyncio.sleep(0)
        made.tell({0: frozenset({"a"})})
        async with asyncio.timeout(5):
            await waiting["a"]
        assert not waiting["b"].done()
        made.tell({0: None})
        async with asyncio.timeout(5):
            await waiting["b"]

    asyncio.run(told())


def test_who_waited_in_vain_leaves_nothing_behind() -> None:
    async def told() -> None:
        made = Moves()
        for number in range(100):
            await made.wait(0, f"t{number}", 1, 0.0001)
        assert not made._waiting

    asyncio.run(told())


def test_a_tenant_that_fell_out_of_the_table_may_have_moved() -> None:
    async def told() -> None:
        made = Moves()
        seen = await made.wait(0, "a", 0, 0)
        made.tell({0: frozenset({"a"})})
        made.tell({0: frozenset(f"t{number}" for number in range(moves.TENANTS_MAX))})
        async with asyncio.timeout(5):
            assert await made.wait(0, "a", seen, 60) > seen

    asyncio.run(told())
