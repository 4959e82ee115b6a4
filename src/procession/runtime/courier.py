"""Couriers: who takes jobs and wake-ups of a SQL store to workers elsewhere (docs/design/0018). Data and a port.

Where an engine has a courier, all processes that have the same one own the shards of a store together and take turns in
them. A row is the truth; what a courier carries only makes it prompt, so it may be lost, doubled or late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, final

import msgspec

from procession.base.values import Json


@final
class Parcel(msgspec.Struct, frozen=True, gc=False):
    """A job for a worker. `job` is what `requests.ActivateJobs` answers, its lease included; `number` is its tenant's.

    `due` is when it shall be done, in Unix ms. `own` are the variables of its element alone, as its input mappings made
    them: None where it has none.
    """

    tenant: str
    number: int
    job: Mapping[str, Json]
    due: int
    own: Mapping[str, Json] | None = None


@final
class Wake(msgspec.Struct, frozen=True, gc=False):
    """Something is due in a shard at a time, in Unix ms."""

    shard: int
    due: int


class Courier(Protocol):
    """See the module. `send` may be called by any thread, in no transaction."""

    @property
    def host(self) -> str:
        """The name of the host, under which the shards are owned."""
        ...

    @property
    def lost_ms(self) -> int:
        """After how long a job that nobody answered counts as lost and is sent again, in ms."""
        ...

    @property
    def horizon_ms(self) -> int:
        """What is due later than so many ms from now is not sent yet: the sweeper will do that."""
        ...

    def carries(self, type: str) -> bool:
        """Whether jobs of this type are taken to workers. The others are offered in the store, as always."""
        ...

    def send(self, parcels: Sequence[Parcel | Wake]) -> None:
        """Takes them, as well as it can. Raises nothing: what is lost will be sent again."""
        ...
