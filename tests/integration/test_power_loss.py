"""The power goes off: what a caller was told has happened is there, whole and once (decision 17).

A session of calls is recorded on a disk that knows what was synced (power_rig.py). Then the power is cut at many
moments of it, with every kind of damage to what was not synced, and the survivors are opened.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any, Final

import pytest

from fault_models import CHAIN, ORDER
from needs import require
from procession import Engine, Job
from procession.base.failure import ProcessionError
from procession.store.sqlite import SQLiteStore
from store_audit import Facts, audit, facts_of, rows

require("apsw", "pip install apsw")

from power_rig import DAMAGES, SECTORS, Damage, Tape  # noqa: E402 - it needs apsw

FACTS: Final = "SELECT instance, seq, data FROM procession_fact"


@dataclass
class Told:
    """What a call's return told its caller: everything committed by then."""

    call: str
    facts: Facts = field(default_factory=dict)
    definitions: int = 0
    message: int = 0
    lease: tuple[int, int] | None = None
    started: int = 0


@dataclass(frozen=True)
class Effect:
    """What a worker did to the world outside, which no power cut undoes."""

    place: tuple[int, str, object]
    key: str


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: these tests copy a file hundreds of times."""
    shared = Path("/dev/shm")
    path = Path(mkdtemp(dir=shared if shared.is_dir() else None))
    yield path
    shutil.rmtree(path)


class Session:
    """An engine on a recording disk, and a seeded series of calls."""

    def __init__(self, tape: Tape, path: Path, seed: int) -> None:
        self.tape = tape
        self.path = path
        self.random = Random(seed)
        self.number = 0
        self.known: Facts = {}
        self.engine = self._open()

    def _open(self) -> Engine:
        engine = Engine(store=SQLiteStore(self.path, connect=self.tape.connect))
        register(engine, self.tape.ack)
        # The same copy of SQLite as the engine's: another one in this process would break its file locks.
        self.reader = self.tape.connect(str(self.path), 1000)
        return engine

    def run(self, calls: int) -> Facts:
        """The session; gives all facts in the end."""
        self.told("deploy", self.engine.deploy(CHAIN, ORDER), definitions=2)
        for _ in range(calls):
            call = self.random.choices(
                ("start", "many", "work", "approve", "pay", "early", "lease", "set", "cancel", "reopen"),
                (6, 2, 8, 8, 8, 2, 3, 2, 1, 1),
            )[0]
            getattr(self, f"_{call}")()
        self.close()
        return self.known

    def told(self, call: str, answer: object = None, **more: Any) -> None:
        """A call returned: what is committed now must survive."""
        new = {
            (row[0], row[1]): row[2]
            for row in self.reader.execute(FACTS).fetchall()
            if (row[0], row[1]) not in self.known
        }
        self.known.update(new)
        self.tape.ack(Told(call, new, **more))

    def close(self) -> None:
        self.reader.close()
        self.engine.close()

    def _start(self) -> None:
        self.number += 1
        variables = {"number": f"N{self.number}", "items": [1, 2]}
        self.told("start", started=self.engine.start(self.random.choice(("order", "chain")), variables).key)

    def _many(self) -> None:
        self.engine.start_many("chain", [{"x": n} for n in range(3)])
        self.told("start_many")

    def _work(self) -> None:
        self.engine.run_until_idle()
        self.told("run_until_idle")

    def _approve(self) -> None:
        for task in self.engine.tasks()[:2]:
            self.engine.complete_task(task.key, {"approved": True})
            self.told("complete_task")

    def _pay(self) -> None:
        name = f"N{self.random.randint(1, max(1, self.number))}"
        self.told("publish", message=self.engine.publish("paid", name, {"amount": 12}, ttl=3600))

    def _early(self) -> None:
        # Published before anybody can wait for it: it is buffered, and waits for its instance.
        name = f"N{self.number + 1}"
        self.told("publish early", message=self.engine.publish("paid", name, {"amount": 13}, ttl=3600))

    def _lease(self) -> None:
        for job in self.engine.activate_jobs("second", 2, timeout=0.001):
            self.told("activate_jobs", lease=(job.key, job.token))
            self.tape.ack(effect_of(job))
            if self.random.random() < 0.3:
                self.engine.fail_job(job, "once more", retries=2, backoff=0)
                self.told("fail_job")
            else:
                self.engine.complete_job(job, {"by": "hand"})
                self.told("complete_job")

    def _set(self) -> None:
        for instance in self.engine.instances(state="active", limit=1):
            instance.set_variables({"note": self.random.random()})
            self.told("set_variables")

    def _cancel(self) -> None:
        for instance in self.engine.instances(process_id="chain", state="active", limit=1):
            instance.cancel("no longer wanted")
            self.told("cancel")

    def _reopen(self) -> None:
        self.close()
        self.engine = self._open()


def effect_of(job: Job) -> Effect:
    return Effect((job.instance, job.element_id, job.variables.get("item")), job.idempotency_key)


def register(engine: Engine, report: Any) -> None:
    """Workers whose effects are reported; each is done before its job is completed."""
    for type in ("first", "second", "third", "charge", "ship"):

        @engine.worker(type)
        def work(job: Job) -> dict[str, int]:
            report(effect_of(job))
            return {"done": job.element}


def check(tape: Tape, cut: int, damage: Damage, sector: int, final: Facts, folder: Path) -> None:
    """Everything that was told before the cut is in what survived, and nothing that never happened."""
    path = materialize(tape, cut, damage, sector, folder)
    told = [note for note in tape.acks(cut) if isinstance(note, Told)]
    if not told and not path.exists():
        return
    SQLiteStore(path).close()
    states = audit(path)
    facts = facts_of(path)
    for note in told:
        for key, data in note.facts.items():
            assert facts.get(key) == data, f"{note.call}: a fact that was acknowledged is lost: {key}"
        assert not note.started or note.started in states, f"{note.call}: an instance is lost"
        stored = len(rows(path, "SELECT 1 FROM procession_definition"))
        assert stored >= note.definitions, f"{note.call}: a definition is lost"
        _check_message(path, facts, note)
        _check_lease(path, facts, note)
    for key, data in facts.items():
        assert key not in final or final[key] == data, f"a fact that never happened: {key}"


def _check_message(path: Path, facts: Facts, note: Told) -> None:
    if not note.message:
        return
    if not rows(path, "SELECT 1 FROM procession_message WHERE key = ?", note.message):
        text = str(note.message).encode()
        assert any(text in data for data in facts.values()), f"{note.call}: a message is lost: {note.message}"


def _check_lease(path: Path, facts: Facts, note: Told) -> None:
    if note.lease is None:
        return
    job, token = note.lease
    stored = rows(path, "SELECT token, attempt FROM procession_job WHERE key = ?", job)
    if stored:
        assert stored[0][0] in {token, 0} or stored[0][0] > token, f"{note.call}: a lease is lost"
        assert stored[0][1] >= 1, f"{note.call}: an attempt is lost"


def finish(tape: Tape, cut: int, damage: Damage, folder: Path) -> None:
    """A new engine goes on with what survived: all ends, and no effect has two keys."""
    path = materialize(tape, cut, damage, 512, folder)
    SQLiteStore(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        # Its owner is this very process, which in life would be gone with the machine.
        connection.execute("UPDATE procession_shard SET expires = 0")
    keys: dict[object, set[str]] = defaultdict(set)
    for note in tape.acks(cut):
        if isinstance(note, Effect):
            keys[note.place].add(note.key)
    with Engine(path) as engine:
        register(engine, lambda effect: keys[effect.place].add(effect.key))
        engine.deploy(CHAIN, ORDER)
        engine.run_until_idle()
        for task in engine.tasks():
            engine.complete_task(task.key)
        engine.run_until_idle()
        for instance in engine.instances(process_id="order", state="active"):
            if "paid" in instance.tokens:
                engine.publish("paid", str(instance.variables["number"]))
        engine.run_until_idle()
        assert not engine.instances(state="active"), [i.tokens for i in engine.instances(state="active")]
    audit(path)
    doubled = {place: found for place, found in keys.items() if len(found) > 1}
    assert not doubled, f"effects under two keys: {doubled}"


def materialize(tape: Tape, cut: int, damage: Damage, sector: int, folder: Path) -> Path:
    place = folder / "after"
    if place.exists():
        shutil.rmtree(place)
    place.mkdir()
    for name, data in tape.survivors(cut, damage, seed=1, sector=sector).items():
        (place / name).write_bytes(data)
    return place / "engine.db"


def losses(tape: Tape, final: Facts, folder: Path, *, cuts: int, seed: int) -> list[str]:
    """What a power cut would lose, one line a cut; [] is what we promise."""
    found: list[str] = []
    for number, cut in enumerate(tape.cuts(cuts, seed)):
        damage = DAMAGES[number % len(DAMAGES)]
        sector = SECTORS[number // 4 % 2]
        try:
            check(tape, cut, damage, sector, final, folder)
        except (AssertionError, ProcessionError, sqlite3.Error) as error:
            found.append(f"seed {seed}, cut {cut} of {len(tape.ops)}, {damage}, sector {sector}: {error}")
    return found


@pytest.mark.parametrize("checkpoint_pages", [0, 12], ids=["long log", "many checkpoints"])
@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_acknowledged_survives_a_power_loss(folder: Path, seed: int, checkpoint_pages: int) -> None:
    tape = Tape(checkpoint_pages=checkpoint_pages)
    final = Session(tape, folder / "engine.db", seed).run(calls=40)
    assert losses(tape, final, folder, cuts=80, seed=seed) == []


@pytest.mark.parametrize("seed", [3, 4])
def test_after_a_power_loss_everything_ends_and_nothing_is_doubled(folder: Path, seed: int) -> None:
    tape = Tape(checkpoint_pages=40)
    Session(tape, folder / "engine.db", seed).run(calls=30)
    for number, cut in enumerate(tape.cuts(12, seed)):
        finish(tape, cut, DAMAGES[number % len(DAMAGES)], folder)


@pytest.mark.parametrize("synchronous", ["NORMAL", "OFF"])
def test_this_test_can_fail_less_syncing_loses_acknowledged_work(folder: Path, synchronous: str) -> None:
    tape = Tape(synchronous=synchronous, checkpoint_pages=12)
    final = Session(tape, folder / "engine.db", seed=1).run(calls=40)
    found = losses(tape, final, folder, cuts=40, seed=1)
    assert found, "nothing was lost without syncing: the disk of this test is too kind"


def test_every_acknowledgement_comes_after_a_sync_of_the_log(folder: Path) -> None:
    tape = Tape()
    Session(tape, folder / "engine.db", seed=5).run(calls=30)
    told = [at for at, op in enumerate(tape.ops) if op.kind == "ack"]
    late = [tape.ops[at].note for at in told if any(name.endswith("-wal") for name in tape.unsynced(at))]
    assert not late


def test_each_commit_syncs_exactly_once(folder: Path) -> None:
    tape = Tape()
    with Engine(store=SQLiteStore(folder / "engine.db", connect=tape.connect)) as engine:
        engine.deploy(CHAIN)
        for count in (1, 50):
            before = len(tape.ops)
            engine.start_many("chain", [{} for _ in range(count)])
            assert tape.syncs(before) == 1, f"{count} starts that share a commit"


def test_callers_that_share_a_commit_are_told_after_it(folder: Path) -> None:
    tape = Tape(checkpoint_pages=12)
    path = folder / "engine.db"
    with Engine(store=SQLiteStore(path, connect=tape.connect)) as engine:
        register(engine, tape.ack)
        engine.deploy(CHAIN)
        engine.serve(threads=2)

        def call() -> None:
            for _ in range(15):
                tape.ack(Told("start", started=engine.start("chain").key))

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        engine.wait_until(lambda: engine.counts() == {"completed": 60}, timeout=10)
    for number, cut in enumerate(tape.cuts(40, seed=6)):
        check(tape, cut, DAMAGES[number % len(DAMAGES)], 512, {}, folder)


@pytest.mark.large
@pytest.mark.parametrize("seed", range(100, 140))
def test_many_sessions_survive_many_power_losses(folder: Path, seed: int) -> None:
    tape = Tape(checkpoint_pages=(0, 12, 40)[seed % 3])
    final = Session(tape, folder / "engine.db", seed).run(calls=60)
    assert losses(tape, final, folder, cuts=200, seed=seed) == []
    for number, cut in enumerate(tape.cuts(20, seed)):
        finish(tape, cut, DAMAGES[number % len(DAMAGES)], folder)
