"""A message is an offer: taken in the commit that records it, or back in the buffer (decision 2)."""

from __future__ import annotations

from pathlib import Path

import pytest

import drawn as d
from host_rig import FakeClock, FaultyStore
from procession import Engine
from procession.base.failure import StoreError
from procession.core.events import Cancel
from procession.core.facts import MessageCorrelated
from procession.hosts.embedded.tickets import Ticket
from procession.runtime import codec
from procession.runtime.ports import Batch
from procession.runtime.requests import Deliver, PublishMessage
from procession.store.sqlite import SQLiteStore

WAITING = (
    "p.bpmn",
    d.document(
        d.process("p", "a -> m, m -> b", a=d.start(), m=d.catch(d.on_message("news")), b=d.end()),
        roots=d.message("news", "news", "&quot;k&quot;"),
    ),
)


@pytest.mark.parametrize("ttl", [0, 60_000])
def test_an_offer_that_is_refused_goes_to_the_next_and_else_back_into_the_buffer(tmp_path: Path, ttl: int) -> None:
    clock = FakeClock()
    with Engine(tmp_path / "e.db", clock=clock) as engine:
        engine.deploy(WAITING)
        first = engine.start("p")
        # In one batch: the message is on its way to the instance when that is cancelled.
        tickets = [
            Ticket(PublishMessage("<default>", "news", "k", {"x": 1}, ttl)),
            Ticket(Deliver("<default>", first.key, Cancel(""))),
        ]
        engine.pump.submit(tickets)
        assert [ticket.error for ticket in tickets] == [None, None]
        assert first.state == "terminated"
        second = engine.start("p")
        assert second.state == ("completed" if ttl else "active")


def test_two_waiting_instances_and_one_that_leaves_lose_no_message(tmp_path: Path) -> None:
    with Engine(tmp_path / "e.db", clock=FakeClock()) as engine:
        engine.deploy(WAITING)
        first, second = engine.start_many("p", [{}, {}])
        tickets = [
            Ticket(PublishMessage("<default>", "news", "k", {"x": 1})),
            Ticket(Deliver("<default>", first.key, Cancel(""))),
        ]
        engine.pump.submit(tickets)
        assert (first.state, second.state, second.variables) == ("terminated", "completed", {"x": 1})


def test_a_message_is_consumed_in_the_commit_that_records_it(tmp_path: Path) -> None:
    store = FaultyStore(SQLiteStore(tmp_path / "e.db"))
    batches: list[Batch] = []
    store.before = batches.append
    with Engine(store=store, clock=FakeClock()) as engine:
        engine.deploy(WAITING)
        message = engine.publish("news", "k", {"x": 1}, ttl=60)
        assert [list(batch["message"].new) for batch in batches if batch["message"].new] == [[message]]
        batches.clear()
        instance = engine.start("p")
        # It stays for other processes until its time is over; this one is noted in its row.
        consuming = [
            batch for batch in batches if any(b'"p"' in _blob(row[6]) for row in batch["message"].new.values())
        ]
        recording = [batch for batch in batches if _correlated(batch)]
        assert consuming == recording
        assert len(consuming) == 1
        assert instance.state == "completed"


def test_if_that_commit_fails_the_message_is_still_there(tmp_path: Path) -> None:
    store = FaultyStore(SQLiteStore(tmp_path / "e.db"))
    with Engine(store=store, clock=FakeClock()) as engine:
        engine.deploy(WAITING)
        engine.publish("news", "k", {"x": 1}, ttl=60)

        def full(batch: Batch) -> None:
            raise StoreError("the disk is full")

        store.before = full
        with pytest.raises(StoreError):
            engine.start("p")
        store.before = None
        assert engine.start("p").variables == {"x": 1}
        assert engine.start("p").state == "active"


def _blob(cell: object) -> bytes:
    assert isinstance(cell, bytes)
    return cell


def _correlated(batch: Batch) -> bool:
    rows = [*batch.first, *batch.next]
    facts = [fact for row in rows if isinstance(row[4], bytes) for fact in codec.decode_facts(row[4])]
    return any(isinstance(fact, MessageCorrelated) for fact in facts)
