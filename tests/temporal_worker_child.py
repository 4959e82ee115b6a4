"""A workflow process of a worker that dies at a chosen point, for tests of what it leaves behind.

Run as `python temporal_worker_child.py FAULT PLACE`, PLACE as JSON. FAULT: `held:2` dies after it stored the second
report that is held, before the task is committed; `committed:2` when the task of the second held report is known to be
committed, before it is confirmed; `untold:3` when the task of the third report at all is, before it is handed over.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

import msgspec

from procession.hosts.temporal.cluster import Histories
from procession.hosts.temporal.payloads import Envelope
from procession.hosts.temporal.place import Place
from procession.hosts.temporal.reporter import Reporter
from procession.hosts.temporal.roles import run_workflows

WHEN, _, TEXT = sys.argv[1].partition(":")
NUMBER = int(TEXT)
_seen: list[tuple[str, int]] = []
"""Run and task of each report, in order."""


def die() -> None:
    """As if the power went."""
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Runs with one method in the place of another."""
    plain_hold, plain_offer, plain_ended = Reporter.hold, Reporter.offer, Reporter.ended
    plain_committed = Histories.committed

    def hold(self: Reporter, envelope: Envelope) -> None:
        plain_hold(self, envelope)
        _seen.append((envelope.run, envelope.task))
        if WHEN == "held" and len(_seen) == NUMBER:
            die()

    def offer(self: Reporter, envelope: Envelope, *, urgent: bool = True) -> None:
        if WHEN == "untold":
            _seen.append((envelope.run, envelope.task))
        plain_offer(self, envelope, urgent=urgent)

    def committed(self: Histories, workflow: str, run: str, tasks: set[int]) -> dict[int, bool]:
        known = plain_committed(self, workflow, run, tasks)
        if WHEN in {"committed", "untold"} and len(_seen) >= NUMBER:
            dying = _seen[NUMBER - 1]
            if dying[0] == run and known.get(dying[1]):
                die()
        return known

    def ended(self: Reporter, run: str) -> None:
        if WHEN in {"committed", "untold"} and len(_seen) >= NUMBER and _seen[NUMBER - 1][0] == run:
            die()
        plain_ended(self, run)

    changed: dict[str, Any] = {"hold": hold, "offer": offer, "ended": ended}
    for name, method in changed.items():
        setattr(Reporter, name, method)
    setattr(Histories, "committed", committed)  # noqa: B010 - a method of a class that is not ours to change
    run_workflows(msgspec.json.decode(sys.argv[2].encode(), type=Place), say)


def say(line: Mapping[str, object]) -> None:
    """A line for the test."""
    os.write(1, msgspec.json.encode(line) + b"\n")


if __name__ == "__main__":
    main()
