"""Who owns a shard: taking the lease, and telling whether the process that holds it is alive.

A wrong guess is harmless: the epoch fences whoever lost the shard. It only decides how soon a restart goes on.
"""

from __future__ import annotations

import os
import socket
import time
from functools import cache
from itertools import count
from pathlib import Path
from typing import Final, final

from procession.runtime.ports import Store
from procession.runtime.rows import ShardRow

LEASE_MS: Final = 10_000
"""How long the shard is ours after a commit or a heartbeat."""
SHARED_LEASE_MS: Final = 4_000
"""The same where several processes share shards, and each waits to take over what another leaves."""
_ENGINES: Final = count(1)
_OPEN: Final[set[str]] = set()
"""The engines of this process that were not closed. One that could not give its lease back is gone all the same."""


@final
class Ownership:
    """What taking a shard gave: the epoch to prove, the highest key that was ever given in it, its commits so far."""

    __slots__ = ("epoch", "last_key", "turn")

    def __init__(self, row: ShardRow) -> None:
        self.epoch = row.epoch
        self.last_key = row.last_key
        self.turn = row.turn


def wall_ms() -> int:
    """Unix ms of the machine. Leases are about processes, so they never follow a virtual clock."""
    return time.time_ns() // 1_000_000


def owner_name() -> str:
    """A name for one engine of this process: host, process id, when the process started, a number."""
    name = f"{socket.gethostname()}|{os.getpid()}|{_started(os.getpid())}|{next(_ENGINES)}"
    _OPEN.add(name)
    return name


def closed(owner: str) -> None:
    """This engine of this process holds nothing any more, whatever a store may say."""
    _OPEN.discard(owner)


def acquire(
    store: Store, shard: int, owner: str, *, force: bool = False, lease_ms: int = LEASE_MS, joins: bool = False
) -> Ownership | None:
    """Takes the shard if nobody else holds it, if its holder's lease ran out, or if that process is gone.

    With `force` whoever holds it is fenced. Who holds it under the same name, as one of several that own it together,
    is joined.
    """
    row = store.read("shard_read", (shard,), ShardRow)[0]
    if joins and row.owner == owner and not force:
        return Ownership(row)
    now = wall_ms()
    others = row.owner not in {"", owner}
    if others and not force and row.expires > now and not gone(row.owner):
        return None
    if not store.take(shard, owner, row.epoch, now + lease_ms):
        return None
    taken = store.read("shard_read", (shard,), ShardRow)[0]
    if taken.owner != owner:
        return None
    return Ownership(taken)


def holder(store: Store, shard: int) -> str:
    """Who holds the shard, in words."""
    row = store.read("shard_read", (shard,), ShardRow)[0]
    host, _, pid = row.owner.partition("|")
    if row.owner and not pid:
        return f"the workers of {host} together"
    return f"process {pid.partition('|')[0]} on {host}" if row.owner else "nobody"


def gone(owner: str) -> bool:
    """Whether the process of an owner's name has certainly ended: it ran on this host and is not there any more."""
    host, _, rest = owner.partition("|")
    pid, _, rest = rest.partition("|")
    started = rest.partition("|")[0]
    if host != socket.gethostname() or not pid.isdigit():
        return False
    number = int(pid)
    if os.name == "nt":
        return False  # no way to ask there that is certain to leave the process alone: wait for the lease's end
    if number == os.getpid():
        return started != _started(number) or owner not in _OPEN
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    # The number may have been given to another process since.
    return bool(started) and _started.__wrapped__(number) not in {"", started}


@cache
def _started(pid: int) -> str:
    """When a process started, as the kernel counts it; "" where it does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    # A zombie has ended: only its parent has not noticed.
    return "" if len(fields) < 20 else "ended" if fields[0] == "Z" else fields[19]
