"""The process beside the workers that knows both hosts: `python -m bench.storm.bridge serve`, or `move HOST`.

`serve` runs workflows and jobs on Temporal until it is killed. `move` is the mover: it begins a batch, or finds the one
of a mover that was killed, and ends when nothing is left to be moved.
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial

from bench import owners
from bench.storm.app import host, noted, work
from procession import Engine, Filter, Temporal
from procession.base.failure import Busy, StoreError

LOOKS_S = 1.0


def main(what: str, to: str = "") -> None:
    """One of the two."""
    temporal = Temporal(os.environ["STORM_TEMPORAL"], queue="storm", work=what == "serve")
    beside = owners.Watched(temporal, lambda key, at: noted(f"{key} {at}", "STORM_BACK"))
    with Engine(os.environ["STORM_STORE"], courier=host.courier(), host=beside) as engine:
        if what == "serve":
            engine.worker("storm-work")(work)
            engine.serve()
            while True:
                time.sleep(LOOKS_S)
        move(engine, to)


def move(engine: Engine, to: str) -> None:
    """Moves what is left, by batches, until nothing is."""
    changes = engine.changes
    origin = "here" if to == "temporal" else "temporal"
    while True:
        running = next((each.key for each in changes.batches(limit=1_000) if each.state == "running"), 0)
        if running:
            engine.wait_until(partial(_over, engine, running), 60)
            continue
        if not left(engine, origin):
            return
        try:
            changes.move_each(Filter(host=origin), to)  # type: ignore[arg-type]
        except (Busy, StoreError) as error:
            sys.stderr.write(f"{error}\n")
            time.sleep(LOOKS_S)


def _over(engine: Engine, batch: int) -> bool:
    return engine.changes.batch(batch).state != "running"


def left(engine: Engine, origin: str) -> int:
    """How many are active on a host."""
    from bench.storm.state import hosts

    return hosts(engine.store)[origin]


if __name__ == "__main__":
    main(*sys.argv[1:])
