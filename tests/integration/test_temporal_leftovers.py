"""What a worker leaves that dies: a message is neither lost nor taken twice, and what nobody told is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from procession import Engine, Instance, NotFound, Temporal
from procession.hosts.temporal import reporter, sweeper
from procession.testing.temporal import DevServer
from store_audit import rows
from temporal_worker_rig import MODELS, Faulty, until


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left is looked after at once."""
    monkeypatch.setattr(reporter, "ORPHAN_MS", 500)
    monkeypatch.setattr(reporter, "SWEEP_S", 0.2)
    monkeypatch.setattr(sweeper, "TURN_S", 0.2)
    monkeypatch.setattr(sweeper, "ROUND_EVERY_S", 0.2)


@contextmanager
def office(server: DevServer, database: Path) -> Iterator[Engine]:
    host = Temporal(server.address, namespace=server.namespace, work=False, sweep_after=0.5)
    with Engine(database, host=host) as engine:
        engine.deploy(*MODELS)
        engine.serve(threads=1)
        yield engine


# The first report that is held says what is waited for, the second one that the message was taken.
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("held:1", marks=pytest.mark.large),
        pytest.param("committed:1", marks=pytest.mark.large),
        "held:2",
        "committed:2",
    ],
)
def test_a_message_is_taken_once_whenever_a_worker_dies(temporal_server: DevServer, tmp_path: Path, fault: str) -> None:
    database = tmp_path / "engine.db"
    with office(temporal_server, database) as engine:
        with Faulty(temporal_server, database, fault) as faulty:
            waiting = engine.start("letter", {"order": "O-1"})
            if fault.endswith("2"):
                until(lambda: waits(waiting) == {"answer": 1}, "the instance waits")
                engine.publish("answer", "O-1", {"number": 1}, ttl=600)
            faulty.died()
        with Faulty(temporal_server, database):
            if fault.endswith("1"):
                until(lambda: waits(waiting) == {"answer": 1}, "the instance waits")
                engine.publish("answer", "O-1", {"number": 1}, ttl=600)
            until(lambda: waiting.state == "completed", "the message arrived")
            assert waiting.variables["number"] == 1
            until(lambda: held(database) == 0, "nothing is held any more")
            # Had it been taken by nobody, or were it offered again, this one would get it.
            other = engine.start("letter", {"order": "O-1"})
            until(lambda: waits(other) == {"answer": 1}, "the other one waits")
            assert other.state == "active"
            engine.publish("answer", "O-1", {"number": 2})
            until(lambda: other.state == "completed", "the second message arrived")
            assert other.variables["number"] == 2
        assert engine.faults() == []


def waits(instance: Instance) -> dict[str, int]:
    """Where it is; nowhere as long as nothing is known of it."""
    try:
        return instance.tokens
    except NotFound:
        return {}


def held(database: Path) -> int:
    return int(rows(database, "SELECT count(*) FROM procession_inbox WHERE state = 3")[0][0])


def test_what_an_idle_instance_did_is_told_though_its_worker_died(temporal_server: DevServer, tmp_path: Path) -> None:
    """Nothing follows for an hour: no worker would ever tell it."""
    database = tmp_path / "engine.db"
    with office(temporal_server, database) as engine:
        with Faulty(temporal_server, database, "untold:1") as faulty:
            instance = engine.start("sleep")
            faulty.died()
        until(lambda: waits(instance) == {"nap": 1}, "it is told")
        assert instance.history
        assert engine.faults() == []


def test_that_an_instance_has_ended_is_told_though_its_worker_died(temporal_server: DevServer, tmp_path: Path) -> None:
    """Its workflow is closed: no task will ever come that would tell it."""
    database = tmp_path / "engine.db"
    with office(temporal_server, database) as engine:
        with Faulty(temporal_server, database, "untold:1") as faulty:
            instance = engine.start("blink")
            faulty.died()
        until(lambda: instance.state == "completed", "it is told")
        assert instance.history
        assert engine.faults() == []
