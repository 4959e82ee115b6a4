"""The explored world: a real engine with its placement over a store in memory, a worker's reporter, and the cluster.

All of it can be put into a `Moment` and made again from one. What is made again is an engine that was opened anew: a
crash of the engine at the border of a commit is therefore no state of its own, as long as memory is what the store
says, which is checked. What must not live here: what may happen (actions.py), and what must hold (holds.py).
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections import OrderedDict
from sqlite3 import Connection
from typing import Any, Final, cast, final

import msgspec

from procession.base.decoding import known
from procession.core.snapshot import dump
from procession.hosts.embedded.crew import Crew
from procession.hosts.embedded.hosting import Hosting
from procession.hosts.embedded.pumps import Pumps
from procession.hosts.embedded.shard import Shard
from procession.hosts.temporal.cluster import Loop
from procession.hosts.temporal.moving import Movers
from procession.hosts.temporal.payloads import Settings
from procession.hosts.temporal.placement import TemporalPlacement
from procession.hosts.temporal.programs import Programs
from procession.hosts.temporal.reporter import Reporter
from procession.runtime.elsewhere import Door, Placement
from procession.runtime.ports import Batch, Cells, Fence, Store
from procession.runtime.requests import AnyRequest, Arrived, DeployResources, MoveOn, StartProcess
from procession.runtime.rows import BatchRow
from procession.store.sqlite import SQLiteStore
from procession.testing.temporal.exploring.client import Died, ModelClient, Now, Waits
from procession.testing.temporal.exploring.cluster import Cluster
from procession.testing.temporal.exploring.models import Model
from procession.testing.temporal.exploring.tasks import Around

START_MS: Final = 1_798_761_600_000
"""2027-01-01T00:00:00Z: its keys are long, so that none is taken for another number."""
TENANT: Final = "<default>"
RUNNING: Final = 0
FINISHED: Final = 2
"""States of a batch."""
BATCHES_MAX: Final = 100
NEVER_CHANGED: Final = frozenset(
    f"procession_{name}" for name in ("deployment", "resource", "program", "definition", "decision", "form", "tenant")
)
_LARGE: Final = re.compile(rb"\d{12,}")
_BLIND: Final = {"procession_shard": (), "procession_inbox": (0, 2, 3, 4, 6, 7, 8), "procession_source": (0, 1, 2)}
"""Of these tables only these columns tell states apart: the others are clocks, and counts of openings."""
_ASIDE: Final = ("procession_audit", "procession_feed", "procession_answered", "sqlite_sequence")


@final
class Letter(msgspec.Struct, array_like=True, frozen=True):
    """A request that is on its way to the engine: what it is about, and its body."""

    about: str
    body: bytes


@final
class Mover(msgspec.Struct, array_like=True, frozen=True):
    """Somebody who moves the instance; `number` names him. `asks` is his update that is under way."""

    number: int
    to: str
    jobs: str
    asks: str = ""


@final
class Moment(msgspec.Struct):
    """All of a world at one moment. `memory` is what the engine had of instances, by key."""

    rows: dict[str, list[Cells]]
    cluster: bytes
    reporter: dict[str, Any]
    letters: list[Letter]
    movers: list[Mover]
    left: dict[str, int]
    """How often something may still happen."""
    now: int
    memory: dict[int, tuple[str, bytes]]


@final
class World:
    """Everything that is explored. `restore` comes first."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.store = SQLiteStore(":memory:")
        self._connection = cast("Connection", vars(self.store)["_writer"])
        self._tables = [
            name
            for (name,) in self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            if name.startswith("procession_") or name == "sqlite_sequence"
        ]
        self._tables = [name for name in self._tables if name not in NEVER_CHANGED]
        self._commit = self.store.commit
        vars(self.store)["commit"] = self._committed
        self.commits = 0
        self.dies_at = -1
        """The commit after which the engine is gone."""
        self._programs = Programs(self.store)
        self.around = Around(
            self._programs.linked, lambda envelope, urgent: self.reporter.offer(envelope, urgent=urgent)
        )
        self.now = START_MS
        self.root = 0
        self.workflow = ""
        self.letters: list[Letter] = []
        self.movers: list[Mover] = []
        self.left: dict[str, int] = {}
        self.cluster = Cluster()
        self.reporter = Reporter(self.store, self, threaded=False)
        self._open()

    def begin(self) -> None:
        """Deploys the model and starts its instance, here."""
        model = self.model
        self.hosting.call(DeployResources(TENANT, list(model.documents)))
        self.root = cast("int", self.hosting.call(StartProcess(TENANT, model.process_id, dict(model.variables))))
        self.workflow = f"%3Cdefault%3E/{self.root}"
        self.left = dict(model.budget)

    # --- processes

    def _open(self) -> None:
        """An engine is opened on the store, with a placement on the cluster."""
        self.client = ModelClient(self.cluster, self.now)
        self.loop = Now()
        settings = Settings()
        self.placement = TemporalPlacement(
            cast("Any", self.client),
            cast("Loop", self.loop),
            self.store,
            queue="model",
            settings=settings,
            takes=lambda tenant, process: False,
        )
        vars(self.placement)["_names"] = {0: TENANT}
        vars(self.placement)["wake"] = lambda: None
        self.sending: Movers = vars(self.placement)["_movers"]
        self._told: list[AnyRequest] = []
        self.tells_late = False
        """Whether what those who carry moves on ask the engine reaches it later."""
        vars(self.sending).update(_told=self._tell, _over=lambda: None)
        self.hosting = Hosting(_Host(self.placement), self.store)
        vars(self.hosting)["_turn"] = _waits
        self.pumps: Pumps = self.hosting.pumps(lambda: self.now, "UTC", takeover=True)
        self.hosting.attach(Crew(self.pumps))

    async def _tell(self, request: Arrived | MoveOn) -> bool:
        if isinstance(request, Arrived) or self.tells_late:
            self._told.append(request)
        elif not self.hosting.call(request):
            raise Waits
        return True

    def told(self) -> list[AnyRequest]:
        """What those who carry moves on have to tell the engine."""
        told, self._told = self._told, []
        return told

    def committed(self, workflow: str, run: str, tasks: set[int]) -> dict[int, bool]:
        """See `reporter.Histories`."""
        for each in self.cluster.runs:
            if each.run == run:
                return {task: each.over[task] for task in tasks if task in each.over}
        raise AssertionError(f"nobody started {run} of {workflow}")

    @property
    def shard(self) -> Shard:
        """The engine's shard."""
        shard = self.pumps.all[0].shard
        assert shard is not None, "the engine lost its shard"
        return shard

    def select(self, sql: str) -> list[Cells]:
        """Rows that no query of the engine reads."""
        return cast("list[Cells]", self._connection.execute(sql).fetchall())

    def worker_dies(self) -> None:
        """The worker is gone, with what it had in memory; another one is there."""
        for run in self.cluster.runs:
            if run.open is not None:
                self.cluster.fail(run)
            run.replayed = len(run.tasks)
        self.reporter = Reporter(self.store, self, threaded=False)

    def _committed(self, fence: Fence, batch: Batch) -> None:
        self._commit(fence, batch)
        self.commits += 1
        if self.commits == self.dies_at:
            raise Died

    # --- moments

    def moment(self) -> Moment:
        """All that is, as data."""
        rows = {
            table: cast("list[Cells]", found)
            for table in self._tables
            if (found := self._connection.execute(f"SELECT * FROM {table}").fetchall())
        }
        shard = self.pumps.all[0].shard
        memory = (
            {key: (each.host, dump(each.state)) for key, each in shard.residents.items() if each.state.seq}
            if shard is not None
            else {}
        )
        return Moment(
            rows,
            msgspec.msgpack.encode(self.cluster),
            _kept(self.reporter),
            list(self.letters),
            list(self.movers),
            dict(self.left),
            self.now,
            memory,
        )

    def restore(self, moment: Moment) -> None:
        """Makes the world what it was, with an engine that is opened now."""
        run = self._connection.execute
        run("BEGIN")
        for table in self._tables:
            run(f"DELETE FROM {table}")
        for table, rows in moment.rows.items():
            marks = ", ".join("?" * len(rows[0]))
            self._connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        run("COMMIT")
        self.cluster = msgspec.msgpack.decode(moment.cluster, type=known(Cluster))
        self.reporter = Reporter(self.store, self, threaded=False)
        vars(self.reporter).update(_copied(moment.reporter))
        self.letters, self.movers, self.left = list(moment.letters), list(moment.movers), dict(moment.left)
        self.now = moment.now
        self.dies_at = -1
        self._open()
        self.commits = 0


def batches(world: World) -> list[BatchRow]:
    """All batches of moves."""
    return world.store.read("batches", (0, 0, BATCHES_MAX), BatchRow)


def digest(world: World, moment: Moment) -> bytes:
    """What tells moments apart. Keys and times are replaced by their rank among all that occur."""
    parts: list[object] = []
    for table, rows in moment.rows.items():
        if table in _ASIDE:
            continue
        columns = _BLIND.get(table)
        seen = rows if columns is None else [tuple(row[n] for n in columns) for row in rows]
        if table == "procession_outbox":
            seen = [(tenant, number, home, bool(due), body) for tenant, number, home, due, body in rows]
        parts += [table, sorted(seen, key=repr) if table == "procession_source" else seen]
    waiting = cast("OrderedDict[str, list[Any]]", moment.reporter["_waiting"])
    told = [
        (run, [(msgspec.json.encode(each.envelope), each.held, each.committed) for each in queue])
        for run, queue in waiting.items()
    ]
    parts += [repr(world.cluster), told, sorted(moment.reporter["_reported"].items())]
    parts += [moment.letters, moment.movers, sorted(moment.left.items()), moment.now]
    text = repr(parts).encode()
    ranks = {each: b"#%d" % n for n, each in enumerate(sorted(set(_LARGE.findall(text)), key=int))}
    return hashlib.blake2b(_LARGE.sub(lambda found: ranks[found[0]], text), digest_size=16).digest()


@final
class _Host:
    """The host that the engine is opened with."""

    def __init__(self, placement: TemporalPlacement) -> None:
        self._placement = placement

    def open(self, store: Store) -> Placement:
        """See `runtime.elsewhere.Host`."""
        return self._placement

    def attach(self, door: Door) -> None:
        """See `runtime.elsewhere.Host`."""

    def serve(self, type: str, spare: bool) -> None:
        """See `runtime.elsewhere.Host`."""

    def close(self) -> None:
        """See `runtime.elsewhere.Host`."""


def _waits(seconds: float) -> None:
    raise Waits


def _kept(reporter: Reporter) -> dict[str, Any]:
    """What a reporter has in memory."""
    had = vars(reporter)
    return _copied({name: had[name] for name in ("_waiting", "_reported", "_runs")})


def _copied(kept: dict[str, Any]) -> dict[str, Any]:
    waiting: OrderedDict[str, list[Any]] = kept["_waiting"]
    return {
        "_waiting": OrderedDict((run, [copy.copy(each) for each in queue]) for run, queue in waiting.items()),
        "_reported": OrderedDict(kept["_reported"]),
        "_runs": OrderedDict(kept["_runs"]),
    }
