"""Multi-instance activities through the whole engine: the work of one item, in loops of different length."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

from bench import workloads
from bench.counting import Meter, Work
from procession import Engine
from procession.store.sqlite import SQLiteStore

KINDS: Final = ("sequential", "parallel")
"""Processes of models/items.bpmn: a service task for each item, its results collected."""


def each(path: Path, kind: str, n: int) -> Work:
    """The work of one of `n` items, jobs done by a worker of the process; on a fresh file.

    What a loop costs by itself (its start, its end) is shared by its items, so a short one shows a little more.
    """
    meter = Meter()
    store = SQLiteStore(path, connect=meter.connect)
    with closing(workloads.prepared(Engine(store=store), "items")) as engine:
        _run(engine, kind, _items(10))
        items = _items(n)
        work = meter.count(lambda: _run(engine, kind, items))
        (ended,) = [each for each in engine.instances() if each.variables["items"] == items]
        assert ended.state == "completed", ended.state
        assert ended.variables["results"] == items
        return work.each(n)


def _items(n: int) -> list[str]:
    """Of equal length: bytes are compared."""
    return [f"item-{i:06d}" for i in range(n)]


def _run(engine: Engine, kind: str, items: list[str]) -> None:
    engine.start(kind, {"items": items})
    engine.run_until_idle()
