"""What becomes of instances that a batch awaits: it is told once of each, and counted (docs/design/0010).

What must not live here: who asked for it (batches.py), and who tells it (elsewhere.py, handover.py, moving.py).
"""

from __future__ import annotations

from procession.base.values import told
from procession.hosts.embedded.shard import Shard
from procession.runtime.rows import IntRow


def awaits(shard: Shard, tenant: int, batch: int, instance: int) -> None:
    """A batch waits for what becomes of an instance. Who does counts it in the batch's row."""
    place = (tenant, batch, instance)
    shard.batch["batch_sent"].insert(place, place)


def heard(shard: Shard, tenant: int, batch: int, instance: int, text: str, *, moved: bool = False) -> None:
    """What became of an instance: `text` says why it was refused, "" if it was not. That the batch has `moved` it to
    another host is kept, so that it can be moved back."""
    place = (tenant, batch, instance)
    if place in shard.heard or not shard.store.read("batch_sent", place, IntRow):
        return  # it was told before
    shard.heard.add(place)
    sent = shard.batch["batch_sent"]
    if moved:
        sent.change("batch_sent_moved", place)
    else:
        sent.delete(place, place)
    shard.batch["batch"].change("batch_heard", (int(not text), int(bool(text)), tenant, batch))
    if text:
        note(shard, place, text)
    for waiting in shard.parked.pop((tenant, batch), ()):
        shard.batches.setdefault(tenant, {})[waiting] = None


def note(shard: Shard, place: tuple[int, int, int], text: str) -> None:
    """What a batch could not do, beside it: `place` is (tenant, batch, instance)."""
    shard.batch["batch_error"].insert(place[1:], (*place, told(text)))


def park(shard: Shard, tenant: int, batch: int, until: int) -> None:
    """A batch has no next portion until one, or itself, heard what became of an instance: `shard.parked` has, by
    (tenant, batch), those that go on then."""
    shard.batch_over(tenant, batch)
    shard.parked.setdefault((tenant, until), set()).add(batch)
