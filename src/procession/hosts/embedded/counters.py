"""Counters of what engines store, for who measures them. It looks at each commit, after it, and changes nothing.

What must not live here: names of metrics, and anything that a commit waits for.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias, final

from procession.hosts.embedded.ownership import wall_ms
from procession.hosts.embedded.pumps import Pumps
from procession.hosts.embedded.shard import Shard
from procession.runtime.ports import Batch, Tenants
from procession.runtime.rows import SizeRow
from procession.services.views import STATES

TYPES_MAX: Final = 100
"""Job types with a name of their own; those that come later are one."""
OTHER: Final = "(other)"
OPEN_MAX: Final = 200_000
"""Open jobs whose type is remembered, so that their end is counted under it."""

Figures: TypeAlias = Mapping[str, Mapping[str, float]]
"""Name to label ("" for none) to number."""


@final
class Tally:
    """What was counted, of one engine or of several: what an engine counted stays when it closes. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[str]] = {"commits": Counter({"": 0})}
        self._types: dict[str, None] = {}

    def count(self, name: str, label: str, count: int) -> None:
        """So many more."""
        if count:
            with self._lock:
                self._counts.setdefault(name, Counter())[label] += count

    def type(self, type: str) -> str:
        """The label of a job type: its name, or `OTHER` when there are enough."""
        with self._lock:
            if type not in self._types:
                if len(self._types) >= TYPES_MAX:
                    return OTHER
                self._types[type] = None
        return type

    def figures(self) -> dict[str, dict[str, float]]:
        """All counts now."""
        with self._lock:
            return {name: dict(counts) for name, counts in self._counts.items()}


class Gauges(NamedTuple):
    """How one engine is now. Lags in seconds."""

    shards_owned: int
    due_lag: float
    inbox_waiting: int
    inbox_lag: float


def gauges_of(pumps: Pumps) -> Gauges:
    """Those of an engine. It asks the store once."""
    due = pumps.next_due()
    waiting = pumps.store.read("inbox_size", (), SizeRow)[0]
    return Gauges(
        sum(pump.shard is not None for pump in pumps.all),
        max(0.0, (pumps.clock() - due) / 1000) if due is not None else 0.0,
        waiting.count,
        max(0.0, (wall_ms() - waiting.oldest) / 1000) if waiting.count else 0.0,
    )


@final
class Counters:
    """One engine's. `used` is told how many steps of a tenant each commit stored; `tally` may be that of several."""

    def __init__(self, pumps: Pumps, used: Callable[[str, float], object], tally: Tally | None = None) -> None:
        self._pumps = pumps
        self._used = used
        self._tally = tally or Tally()
        self._lock = threading.Lock()
        self._open: dict[int, str] = {}
        self._seen: dict[int, tuple[int, int]] = {}
        """Shard to its epoch, and its commits that were seen."""
        pumps.bell.listeners.append(self._committed)

    def close(self) -> None:
        """Counts no more."""
        self._pumps.bell.listeners.remove(self._committed)

    def read(self) -> Figures:
        """All counts of the tally, and how this engine is now. It asks the store once."""
        gauges = gauges_of(self._pumps)
        return self._tally.figures() | {name: {"": value} for name, value in gauges._asdict().items()}

    def _committed(self, number: int, tenants: Tenants) -> None:
        """Called by the thread that committed, which still has the shard to itself."""
        shard = self._pumps.all[number].shard
        if shard is None:
            return
        with self._lock:
            epoch, seen = self._seen.get(number, (0, 0))
            # Who takes a shard again counts its commits anew.
            commits = shard.commits - (seen if epoch == shard.epoch else 0)
            self._seen[number] = (shard.epoch, shard.commits)
            self._tally.count("commits", "", commits)
            if commits > 0:
                self._look(shard, shard.batch)

    def _look(self, shard: Shard, batch: Batch) -> None:
        steps = Counter(row[0] for rows in (batch.first, batch.next) for row in rows)
        for tenant, count in steps.items():
            assert isinstance(tenant, int)
            self._tally.count("steps", "", count)
            self._used(shard.catalog.names.get(tenant, OTHER), count)
        tables = batch.tables
        if "instance" in tables:
            self._tally.count("instances_started", "", len(tables["instance"].new))
            for statement, row in tables["instance"].changed:
                if statement == "instance_end":
                    self._tally.count("instances_ended", _NAMES.get(_integer(row[0]), OTHER), 1)
        if "incident" in tables:
            self._tally.count("incidents_opened", "", len(tables["incident"].new))
            self._tally.count("incidents_closed", "", len(tables["incident"].gone))
        if "job" in tables:
            self._jobs(batch)

    def _jobs(self, batch: Batch) -> None:
        changes = batch.tables["job"]
        for key, row in changes.new.items():
            type = self._tally.type(str(row[_TYPE]))
            self._tally.count("jobs_created", type, 1)
            if isinstance(key, int) and len(self._open) < OPEN_MAX:
                self._open[key] = type
        for statement, row in changes.changed:
            if statement in _ATTEMPTS:
                self._tally.count(_ATTEMPTS[statement], self._open.get(_integer(row[-1]), OTHER), 1)
        for key in changes.gone:
            self._tally.count("jobs_ended", self._open.pop(_integer(key), OTHER), 1)


_TYPE: Final = 5
"""The cell of a job's row that holds its type."""
_ATTEMPTS: Final = {"job_leased": "jobs_leased", "job_failed": "jobs_failed"}
_NAMES: Final = dict(enumerate(STATES))


def _integer(cell: object) -> int:
    assert isinstance(cell, int)
    return cell
