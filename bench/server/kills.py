"""Two servers on one database under load: one is killed, both are restarted in turn, and nobody may notice more than a
pause.

Callers do what docs/server.md asks of clients: every write has an idempotency key, and what got no answer, or 429, 502
or 503, is asked again, at the other server.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from pathlib import Path
from typing import Final, NamedTuple, final

import msgspec

from bench.server import rig
from bench.server.http import Line, encoded
from bench.server.parts import drained
from procession.testing.ports import free_port

TENANTS: Final = [f"tenant-{number}" for number in range(8)]
CALLERS: Final = 12
TRIES_MAX: Final = 60
AGAIN: Final = frozenset({429, 502, 503})
BODY: Final = encoded({"process_id": "one", "variables": {}})


class Told(NamedTuple):
    """A start that was acknowledged."""

    tenant: str
    key: str
    at: float
    seconds: float
    tries: int


@final
class Pair:
    """Two servers, each with a worker, and who calls them."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url
        self.ports = [free_port(), free_port()]
        self.servers = [rig.start_server(folder, url, port) for port in self.ports]
        self.workers: list[rig.Process] = []
        self.told: list[Told] = []
        self.failed: list[str] = []
        self._stopped = False

    def ready(self) -> None:
        """Waits for both, and starts their workers."""
        for port, server in zip(self.ports, self.servers, strict=True):
            rig.wait_ready(port, server)
        for tenant in TENANTS:
            rig.run(rig.deploy(self.ports[0], rig.model("one", 1, "noop"), tenant=tenant))
        self.workers = [
            rig.start_worker(self._folder, self.ports[number % 2], "noop", tenant=tenant)
            for number, tenant in enumerate(TENANTS)
        ]

    def restart(self, number: int) -> None:
        """What a supervisor does."""
        self.servers[number] = rig.start_server(self._folder, self._url, self.ports[number])

    async def call(self) -> None:
        """Starts instances until `stop`, over and over."""
        await asyncio.gather(*[self._caller(number) for number in range(CALLERS)])

    def stop(self) -> None:
        """Ends the callers after what they are at."""
        self._stopped = True

    async def _caller(self, number: int) -> None:
        turn = number
        while not self._stopped:
            turn += 1
            await self._start(TENANTS[turn % len(TENANTS)], turn)

    async def _start(self, tenant: str, turn: int) -> None:
        key = uuid.uuid4().hex
        begun = time.perf_counter()
        said = "nothing"
        for tries in range(1, TRIES_MAX + 1):
            line = Line(self.ports[(turn + tries) % 2], tenant)
            try:
                async with asyncio.timeout(15):
                    status, answer = await line.post("/v1/instances", BODY, f"Idempotency-Key: {key}\r\n")
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                said = repr(error)
            else:
                if status == 201:
                    now = time.perf_counter()
                    found: str = msgspec.json.decode(answer)["key"]
                    self.told.append(Told(tenant, found, now, now - begun, tries))
                    return
                said = f"{status} {answer.decode(errors='replace')[:200]}"
                if status not in AGAIN:
                    break
            finally:
                line.close()
            await asyncio.sleep(min(0.02 * 2**tries, 0.3))
        self.failed.append(said)

    async def counted(self) -> dict[str, int]:
        """How many instances each tenant has, when all have ended."""
        found: dict[str, int] = {}
        for tenant in TENANTS:
            await drained(self.ports[1], tenant)
            line = Line(self.ports[1], tenant)
            after, count = "", 0
            while True:
                status, answer = await line.get(f"/v1/instances?state=completed&limit=1000{after}")
                assert status == 200, (status, answer)
                page = msgspec.json.decode(answer)
                count += len(page["items"])
                if not page["next"]:
                    break
                after = f"&after={page['next']}"
            found[tenant] = count
            line.close()
        return found

    def end(self) -> None:
        """Ends everything."""
        for process in (*self.workers, *self.servers):
            process.end()


async def killed(pair: Pair, before_s: float = 3, after_s: float = 8) -> float:
    """Kills one server in the middle, as `kill -9` does; gives the longest time that any start took since."""
    calling = asyncio.create_task(pair.call())
    await asyncio.sleep(before_s)
    await asyncio.to_thread(pair.servers[0].kill)
    begun = time.perf_counter()
    pair.restart(0)
    await asyncio.sleep(after_s)
    pair.stop()
    await calling
    return max((each.seconds for each in pair.told if each.at >= begun), default=0.0)


async def rolled(pair: Pair) -> float:
    """Restarts both servers in turn; gives the longest time that any start took."""
    calling = asyncio.create_task(pair.call())
    await asyncio.sleep(2)
    for number in (0, 1):
        await asyncio.to_thread(pair.servers[number].end)
        pair.restart(number)
        await asyncio.to_thread(rig.wait_ready, pair.ports[number], pair.servers[number])
        await asyncio.sleep(2)
    pair.stop()
    await calling
    return max(each.seconds for each in pair.told)


def audited(pair: Pair, counts: dict[str, int]) -> tuple[int, int]:
    """(lost, doubled): acknowledged starts without an instance, and instances that nobody was told of."""
    lost = doubled = 0
    for tenant in TENANTS:
        keys = [each.key for each in pair.told if each.tenant == tenant]
        doubled += len(keys) - len(set(keys))
        lost += max(0, len(set(keys)) - counts[tenant])
        doubled += max(0, counts[tenant] - len(set(keys)))
    return lost, doubled


def killed_and_rolled(folder: Path, url: str) -> list[tuple[str, str, str]]:
    """(what, asked, reached)."""
    rows: list[tuple[str, str, str]] = []
    for what, mishap in (("kill -9 of a server", killed), ("rolling restart", rolled)):
        pair = Pair(folder, url)
        try:
            pair.ready()
            before = rig.run(pair.counted())
            longest = rig.run(mishap(pair))
            after = rig.run(pair.counted())
            counts = {tenant: after[tenant] - before[tenant] for tenant in TENANTS}
            lost, doubled = audited(pair, counts)
        finally:
            pair.end()
        again = sum(each.tries > 1 for each in pair.told)
        rows += [
            (f"{what}: longest start, s", "<= 5", f"{longest:.2f}"),
            (
                f"{what}: starts / asked again / failed / lost / doubled",
                "0 failed, lost, doubled",
                f"{len(pair.told)} / {again} / {len(pair.failed)} / {lost} / {doubled}",
            ),
        ]
        if pair.failed:
            rows.append(("  first failure", "", pair.failed[0]))
    return rows
