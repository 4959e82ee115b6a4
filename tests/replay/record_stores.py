"""Records the golden stores: `make golden`, or `python -m tests.replay.record_stores [RELEASE [STORE ...]]`.

A store is what an engine of a release left: the file itself, compressed, in the schema of that time. `embedded` and
`celery` hold the same scenarios, each in a tenant of its name, on the clock of the scenario; for `celery` every job and
wake-up went over a real Redis, and two processes' worth of engines took turns. For `disturbed` the broker was away and
came back, messages came twice, and another engine took the shard for a while. A release's stores are recorded until it
is released and never after: they stand for the instances of users that were started then.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import zstandard

from procession import Engine
from procession.base.failure import NotFound
from procession.hosts.celery.names import Place
from procession.runtime import requests as q
from procession.runtime.rows import JobRow
from procession.services.catalog import Catalog
from procession.store.sqlite import SQLiteStore
from procession.testing import run_scenario
from procession.testing.celery.kit import DESK, CeleryKit, OnCelery
from procession.testing.driver import Driver
from procession.testing.engines import Calm, Engines

sys.path.append(str(Path(__file__).parents[1]))

from broker_rig import Broker, queue, require
from replay.record import HISTORIES, RELEASE, SCENARIOS, chosen

LEVEL: Final = 19
FIRST: Final = 3
"""So many scenarios of each family, of those that are recorded of Temporal."""
BEGINS: Final = 1_767_225_600_000
"""2026-01-01: when the disturbed store begins."""
LOST_MS: Final = 3_601_000
"""Whoever has not answered for so long is sent his job again."""


def names() -> dict[str, Path]:
    """The scenarios that `embedded` and `celery` hold, by the tenant of each."""
    folders = [path.name for path in sorted(SCENARIOS.iterdir()) if path.is_dir() and path.name != "refused"]
    paths = [path for folder in folders for path in chosen(folder)[:FIRST]]
    return {f"{path.parent.name}/{path.name.removesuffix('.scenario.yaml')}": path for path in paths}


class _Named:
    """Engines in a tenant of a chosen name."""

    def __init__(self, engines: Engines, name: str) -> None:
        self._engines = engines
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engines, name)

    def take_tenant(self, known: int) -> str:
        if isinstance(self._engines, OnCelery):
            self._engines.tenant = self._name
        return self._name


def _run(make: Callable[[Callable[[], int], str], Engines]) -> None:
    for name, path in names().items():

        def engines(clock: Callable[[], int], zone: str, name: str = name) -> Engines:
            return cast("Engines", _Named(make(clock, zone), name))

        result = run_scenario(path, engines=engines)
        if not result.passed:
            raise SystemExit(f"{path}: {result.error}")


def embedded(path: Path) -> None:
    """The engine alone."""
    _run(lambda clock, zone: Calm(SQLiteStore(path), clock, zone))


def celery(path: Path) -> None:
    """The same over a broker."""
    with closing(_Broker()) as broker, closing(_kit(broker, path)) as kit:
        _run(partial(OnCelery, kit))


def disturbed(path: Path) -> None:
    """Three instances of one process, and all that may befall their messages."""
    with closing(_Broker()) as broker, closing(_kit(broker, path)) as kit:

        def engines(clock: Callable[[], int], zone: str) -> Engines:
            return cast("Engines", _Named(OnCelery(kit, clock, zone), "disturbed"))

        driver = Driver(":memory:", clock=BEGINS, zone="UTC", engines=engines)
        driver.deploy([Path(__file__).parent / "real_time.bpmn"])
        request = q.StartProcess(driver.tenant, "real_time", {"amount": 12})
        first = cast("int", driver.call(request))
        for _ in range(2):
            _again(kit, _job(driver, first))
        kit.settled()
        broker.stop()
        second = cast("int", kit.pump.call(request))
        broker.start()
        driver.move(driver.now + LOST_MS)
        finished = q.FinishJob(driver.tenant, _job(driver, first), {"amount": 13})
        driver.call(finished)
        with suppress(NotFound):
            driver.call(finished)
            raise SystemExit("a job was done twice")
        with Engine(path, takeover=True, clock=lambda: driver.now) as other:
            other.complete_job(_job(driver, second), {"amount": 14}, tenant=driver.tenant)
        kit.pump.lost()
        third = cast("int", driver.call(request))
        driver.call(q.FailJob(driver.tenant, _job(driver, third), "not yet", retries=1, backoff=0))
        driver.move(driver.now + LOST_MS)
        driver.call(q.FinishJob(driver.tenant, _job(driver, third), {"amount": 15}))
        driver.move(driver.now + 1_000)
        left = {key: case.status for key, case in driver.cases.items() if case.status != "completed"}
        if left or len(driver.cases) != 3:
            raise SystemExit(f"they did not come to an end: {left}")
        # And one that waits.
        driver.call(request)


def _kit(broker: _Broker, path: Path) -> CeleryKit:
    return CeleryKit(broker.url, queue(), store=lambda: SQLiteStore(path))


def _job(driver: Driver, instance: int) -> int:
    [job] = driver.cases[instance].state.jobs
    return job


def _again(kit: CeleryKit, job: int) -> None:
    """The message of a job comes another time, as brokers may do."""
    number = Catalog(kit.store).tenants["disturbed"]
    row = kit.store.read("job", (number, job), JobRow)[0]
    kit.courier.sent += 1
    kit.app.send_task(DESK, task_id=str(Place(number, job, row.token)))


class _Broker:
    """A Redis of this process alone, which keeps what it was told."""

    def __init__(self) -> None:
        require("redis")
        self._inner = Broker("redis")
        self.url, self.stop, self.start, self.close = (
            self._inner.url,
            self._inner.stop,
            self._inner.start,
            self._inner.remove,
        )


STORES: Final[dict[str, Callable[[Path], None]]] = {"embedded": embedded, "celery": celery, "disturbed": disturbed}
"""What is recorded, by name."""


def packed(path: Path) -> bytes:
    """The store without what tells of a machine or of a moment, in one compressed file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM procession_process")
        connection.execute("UPDATE procession_shard SET owner = '', expires = 0")
        connection.execute("DELETE FROM procession_inbox WHERE state <> 0")
        connection.execute("DELETE FROM procession_source")
        connection.commit()
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
    return zstandard.ZstdCompressor(level=LEVEL).compress(path.read_bytes())


def main() -> None:
    """Records the stores that are named, or all."""
    release, *wanted = sys.argv[1:] or [RELEASE]
    for name in wanted or STORES:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "store.db"
            STORES[name](path)
            data = packed(path)
        (HISTORIES / release / f"{name}.db.zst").write_bytes(data)
        sys.stdout.write(f"{name:<20} {len(data):>8,} bytes {time.monotonic() - began:>6.1f} s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
