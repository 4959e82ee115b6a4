"""Leases: under which token a job was handed out over a connection. Clients name jobs by their key alone.

So a worker that answers late is told so, as long as it asks over the connection by which it got the job, of the same
gateway. Otherwise its answer counts, as any other would, without a lease.
"""

from __future__ import annotations

from typing import Final, NamedTuple, final

LEASES_MAX: Final = 100_000
"""Most leases that are remembered; the oldest goes first."""


class Lease(NamedTuple):
    """A job in somebody's hands."""

    tenant: str
    token: int


@final
class Leases:
    """Those of one server."""

    __slots__ = ("_found", "_last")

    def __init__(self) -> None:
        self._found: dict[tuple[int, str], Lease] = {}
        self._last: dict[int, str] = {}

    def remember(self, job: int, peer: str, lease: Lease) -> None:
        """A job was handed out over a connection."""
        place = (job, peer)
        self._found.pop(place, None)
        self._found[place] = lease
        self._last.pop(job, None)
        self._last[job] = peer
        if len(self._found) > LEASES_MAX:
            oldest = next(iter(self._found))
            self.forget(*oldest)

    def find(self, job: int, peer: str) -> Lease | None:
        """The lease under which the connection got the job; if it never did, the job's last one, without a token."""
        found = self._found.get((job, peer))
        if found is not None:
            return found
        other = self._found.get((job, self._last.get(job, "")))
        return None if other is None else other._replace(token=0)

    def forget(self, job: int, peer: str) -> None:
        """The job is no longer in these hands."""
        self._found.pop((job, peer), None)
        if self._last.get(job) == peer:
            del self._last[job]
