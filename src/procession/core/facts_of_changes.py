"""Facts of instances that somebody changes by hand: modified, suspended, restarted, migrated, its jobs issued anew."""

from __future__ import annotations

from procession.base.values import Json
from procession.core.fact import Fact


class InstanceModified(Fact, frozen=True, array_like=True, gc=False, tag="modified"):
    """Somebody changed the instance by hand; what follows in this step came of it. `instructions` as given."""

    instructions: list[Json]


class TokenTaken(Fact, frozen=True, array_like=True, gc=False, tag="token-taken"):
    """A token that waited at a join was taken away by hand."""

    flow: int
    scope: int


class InstanceRestarted(Fact, frozen=True, array_like=True, gc=False, tag="restarted"):
    """The instance begins at these elements: anew (`source` is itself), or with the variables of the instance `source`.
    `epoch` is part of the idempotency keys of what it does from here on."""

    source: int
    epoch: int
    elements: list[str]


class InstanceSuspended(Fact, frozen=True, array_like=True, gc=False, tag="suspended"):
    """The instance stands still until it is resumed: no jobs are given out, nothing fires or is correlated."""

    reason: str = ""


class InstanceResumed(Fact, frozen=True, array_like=True, gc=False, tag="resumed"):
    """A suspended instance goes on."""


class JobReissued(Fact, frozen=True, array_like=True, gc=False, tag="job-reissued"):
    """An open job was cancelled and issued anew: `again`, with all its retries, under a new idempotency key, of which
    `group` is part. Whoever works on `job` works on nothing any more."""

    job: int
    again: int
    group: int


class InstanceMigrated(Fact, frozen=True, array_like=True, gc=False, tag="migrated"):
    """From here on the instance runs another program: facts behind this one mean its nodes and flows.

    `nodes` and `flows` are pairs of numbers, source and target; `plan` is what was asked for, by ids.
    """

    source: str
    program: str
    version: int
    nodes: list[tuple[int, int]]
    flows: list[tuple[int, int]]
    plan: Json
