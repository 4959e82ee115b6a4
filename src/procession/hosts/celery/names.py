"""Names of messages: which tasks are the host's own, and the id of the task that does a job."""

from __future__ import annotations

from typing import Final, NamedTuple

HOST: Final = "celery"
"""The name under which all processes with Celery own the shards of a store together."""
WAKE: Final = "procession.wake"
SWEEP: Final = "procession.sweep"
LOST: Final = "procession.lost"
"""A task that ended without a word from its process: killed, or stopped by a hard time limit."""
HEADER: Final = "procession"
"""The header of a message in which the job stands, without its variables."""
ATTRIBUTE: Final = "procession_host"
"""The attribute of a Celery app that is its host."""

_ID: Final = "procession"


class Place(NamedTuple):
    """Which attempt a task makes: at the job `job` of the tenant `number`, under the lease `token`."""

    number: int
    job: int
    token: int

    def __str__(self) -> str:
        return f"{_ID}-{self.number}-{self.job}-{self.token}"


def place_of(id: str | None) -> Place | None:
    """Which attempt the task of this id makes; None for a task that does no job."""
    name, _, rest = (id or "").partition("-")
    parts = rest.split("-")
    if name != _ID or len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    number, job, token = map(int, parts)
    return Place(number, job, token)
