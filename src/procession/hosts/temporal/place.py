"""Where the processes of a worker work, as data, and how large they are. Loads nothing of the SDK: it is read first."""

from __future__ import annotations

import gc
import os
import socket
from pathlib import Path
from typing import Final, final

import msgspec

GRACE_S: Final = 25.0
"""How long jobs under way may go on: less than the 30 s that most platforms give a process to end."""
CACHE_SHARE: Final = 0.25
"""Of the memory that there is, for the instances that all workflow processes together keep."""
CACHED_BYTES: Final = 65_536
"""What an instance in memory takes, with its history's machinery in the SDK."""
CACHED_LEAST: Final = 100
CACHED_MOST: Final = 10_000
YOUNG: Final = (10_000, 20, 100)
"""Thresholds of the garbage collector: a full collection with 1,000 instances costs some 100 ms."""
_CGROUP: Final = Path("/sys/fs/cgroup/memory.max")


@final
class WorkerDeployment(msgspec.Struct, frozen=True):
    """Which build of which deployment a worker is (docs/how-to/upgrade-without-surprises.md)."""

    name: str
    build: str


@final
class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a process works, and as who. `codec` is a file that says how payloads are sealed, `metrics` an address to
    show metrics at; "" for none.

    `cached` are the instances that a workflow process keeps in memory, `grace` seconds that jobs may go on at the end.
    `jobs` is the task queue of jobs, in which `{type}` stands for their type. `cell` is the file of a cell whose TLS
    and API key are used; what else it says stands here already.
    `deployment`: the build that instances are pinned to, None for workers without versions.
    """

    db: str
    address: str
    namespace: str
    queue: str
    identity: str
    jobs: str = ""
    cell: str = ""
    codec: str = ""
    metrics: str = ""
    tenants: bool = False
    cached: int = CACHED_LEAST
    grace: float = GRACE_S
    deployment: WorkerDeployment | None = None


def identity() -> str:
    """How this process shows itself to a cluster: one name a machine and process."""
    return f"procession:{socket.gethostname()}:{os.getpid()}"


def sized(processes: int) -> int:
    """Instances that each of so many workflow processes may keep in memory."""
    share = int(memory() * CACHE_SHARE / max(1, processes) / CACHED_BYTES)
    return min(CACHED_MOST, max(CACHED_LEAST, share))


def memory() -> int:
    """Bytes of memory that this machine, or the container around this process, has."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 1 << 32
    try:
        limit = _CGROUP.read_text(encoding="ascii").strip()
    except OSError:
        return found
    return min(found, int(limit)) if limit.isdecimal() else found


def job_queue(place: Place, type: str) -> str:
    """The task queue of a type of jobs, by default beside the task queue of workflows."""
    return (place.jobs or f"{place.queue}-jobs-{{type}}").replace("{type}", type)


def hurry() -> None:
    """No garbage is collected while a process loads what it needs: a fifth of that time."""
    gc.disable()


def settle() -> None:
    """What is loaded now stays, and no collection has to look at it again."""
    gc.freeze()
    gc.set_threshold(*YOUNG)
    gc.enable()
