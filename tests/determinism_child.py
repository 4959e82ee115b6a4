"""Runs or replays the same work in a process of its own, and prints what must not depend on that process.

Run as `python determinism_child.py run|some|scenarios|replay DATABASE`; the caller sets TZ and PYTHONHASHSEED.
"""

from __future__ import annotations

import hashlib
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

import drawn as d
from host_rig import FakeClock
from procession import Engine
from procession.core.snapshot import dump
from procession.testing import run_scenario
from store_audit import audit

EXPRESSIONS = {
    "moment": "string(now())",
    "day": "string(today())",
    "chance": "random number()",
    "uuid": "uuid()",
    "later": 'string(now() + duration("P1M"))',
    "local": 'string(date and time("2026-03-29T02:30:00@Europe/Berlin"))',
    "weekday": "day of week(today())",
    "names": "get entries({b: 1, a: 2, c: {z: 1, y: 2}})",
    "merged": "context merge([{b: 1, a: 2}, {c: 3, a: 4}])",
    "distinct": "distinct values([3, 1, 3, 2, 1])",
    "union": "union([3, 1], [2, 3])",
    "several": "for x in [1, 2, 3] return random number()",
}


def model() -> tuple[str, bytes]:
    """Scripts of everything that could differ, parallel branches, a message and a timer in local time."""
    names = list(EXPRESSIONS)
    flows = ", ".join([f"a -> {names[0]}", *(f"{x} -> {y}" for x, y in pairwise(names))])
    scripts = {name: d.script(text.replace('"', "&quot;"), name) for name, text in EXPRESSIONS.items()}
    drawn = d.process(
        "p",
        f"{flows}, {names[-1]} -> s, s -> w, s -> m, s -> t, w -> j, m -> j, t -> j, j -> b",
        a=d.start(),
        **scripts,
        s=d.parallel(),
        w=d.service("work"),
        m=d.catch(d.on_message("news")),
        t=d.catch(d.on_timer("cycle", "R1/2026-01-02T03:00:00/PT1H")),
        j=d.parallel(),
        b=d.end(),
    )
    return "p.bpmn", d.document(drawn, roots=d.message("news", "news", "&quot;k&quot;"))


def run(path: Path) -> None:
    """The work: three instances, all moved on, one to its end."""
    clock = FakeClock()
    with Engine(path, clock=clock, zone="America/New_York") as engine:
        engine.deploy(model())
        instances = engine.start_many("p", [{"n": n, "z": 1, "a": {"y": [n], "b": None}} for n in range(3)])
        clock.pass_by(1)
        engine.complete_job(instances[1].jobs[0].key, {"done": True})
        engine.publish_many([("news", "k")] * 3)
        clock.pass_by(2 * 86_400)
        engine.run_until_idle()
        assert not engine.incidents(), engine.incidents()
        assert sorted(each.state for each in instances) == ["active", "active", "completed"], instances


def run_scenarios(path: Path, step: int = 1) -> None:
    """Every scenario of the repository, or one in so many, each in a tenant of its own."""
    for each in sorted((Path(__file__).parent / "scenarios").rglob("*.scenario.yaml"))[::step]:
        result = run_scenario(each, store=str(path))
        assert result.passed, result.error


def digest(path: Path) -> str:
    """Of every stored fact as its bytes, and of every state that replaying them gives."""
    found = hashlib.sha256()
    with closing(sqlite3.connect(path)) as connection:
        for row in connection.execute("SELECT * FROM procession_fact ORDER BY tenant, instance, seq"):
            found.update(repr(row).encode())
        for row in connection.execute("SELECT hash FROM procession_program ORDER BY hash"):
            found.update(repr(row).encode())
    for key, state in audit(path).items():
        found.update(repr((key, dump(state))).encode())
    return found.hexdigest()


WORK: Final[dict[str, Callable[[Path], None]]] = {
    "run": run,
    "some": partial(run_scenarios, step=5),
    "scenarios": run_scenarios,
}

if __name__ == "__main__":
    database = Path(sys.argv[2])
    if sys.argv[1] != "replay":
        WORK[sys.argv[1]](database)
    # Then what the caller changed, so that it can see that it did.
    place = (datetime.fromtimestamp(0).astimezone().utcoffset(), time.tzname, hash("procession"))
    sys.stdout.write(f"{digest(database)}\n{place}\n")
