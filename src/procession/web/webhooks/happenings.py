"""What webhooks are told: types of events, and which facts are such. A row a type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, final

import msgspec

from procession.base.values import Json
from procession.services.following import Heard
from procession.services.histories import Entry
from procession.web.body import exactly
from procession.web.shapes import moment, plain_fields

FACTS: Final[dict[str, str]] = {
    "started": "instance.started",
    "completed": "instance.completed",
    "terminated": "instance.terminated",
    "task": "task.created",
    "task-changed": "task.changed",
    "incident": "incident.created",
    "incident-resolved": "incident.resolved",
    "job": "job.created",
    "job-done": "job.completed",
    "job-exhausted": "job.failed",
    "correlated": "message.correlated",
    "publish": "message.published",
}
"""Kind of a fact -> type of the event."""
ENDS: Final[dict[str, str]] = {"done": "task.completed", "killed": "task.cancelled"}
"""The same, of the end of a user task."""
PING: Final = "webhook.ping"
TYPES: Final = (*FACTS.values(), *ENDS.values())
_UNSAID: Final = frozenset({"variables", "seed", "flags", "zone", "tz_release", "epoch", "program"})
"""Fields of facts that are not sent: a webhook says that something happened, and where to read more."""


@final
class Happening(msgspec.Struct, frozen=True, gc=False):
    """An event. The `id` is the same however often it is derived. `number` is that of the feed."""

    id: str
    type: str
    number: int
    at: int
    process_id: str
    body: bytes


def happenings(heard: Heard, instance: int, number: int) -> Iterator[Happening]:
    """The events among what was heard of an instance."""
    seq, place = 0, 0
    for entry in heard.entries:
        place = place + 1 if entry.seq == seq else 0
        seq = entry.seq
        type = FACTS.get(entry.kind, "")
        if not type and entry.kind in ENDS and entry.element_id in heard.tasks:
            type = ENDS[entry.kind]
        if type:
            body = _body(type, entry, instance, heard.process_id)
            yield Happening(f"msg_{instance}_{seq}_{place}", type, number, entry.at, heard.process_id, body)


def ping(at: int) -> bytes:
    """The body of a test."""
    return _encoded(PING, at, {})


def _body(type: str, entry: Entry, instance: int, process_id: str) -> bytes:
    said = {name: value for name, value in plain_fields(entry.fact).items() if name not in _UNSAID}
    said |= {
        "instance": str(instance),
        "process_id": process_id,
        "seq": entry.seq,
        "element": str(entry.element) if entry.element else None,
        "element_id": entry.element_id,
    }
    return _encoded(type, entry.at, said)


def _encoded(type: str, at: int, data: dict[str, Json]) -> bytes:
    return exactly({"type": type, "timestamp": moment(at), "data": data})
