"""An app on Celery for tests that run real workers: tasks that know nothing of processes, and workers that do.

What has an effect writes a line to the file EFFECTS: the kind, and the key under which it was done.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any, Final

from celery import Celery

from procession import BpmnError
from procession.base.job import Job
from procession.hosts.celery import CeleryHost

_SKEW_S: Final = float(os.environ.get("SHOP_SKEW", "0"))
if _SKEW_S:
    # A machine whose clock is wrong, as everything in this process sees it.
    _TIME, _TIME_NS = time.time, time.time_ns
    time.time = lambda: _TIME() + _SKEW_S
    time.time_ns = lambda: _TIME_NS() + int(_SKEW_S * 1e9)
EFFECTS: Final = Path(os.environ.get("SHOP_EFFECTS", os.devnull))
app = Celery("shop", broker=os.environ.get("SHOP_BROKER", "memory://"))
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "polling_interval": 0.05,
        "visibility_timeout": float(os.environ.get("SHOP_VISIBLE", "3600")),
    },
    task_default_queue=os.environ.get("SHOP_QUEUE", "shop"),
    worker_prefetch_multiplier=4,
)
host = CeleryHost(
    app,
    os.environ.get("SHOP_STORE", ":memory:"),
    lost=float(os.environ.get("SHOP_LOST", "2")),
    sweep=float(os.environ.get("SHOP_SWEEP", "0.5")),
    queues=os.environ.get("SHOP_QUEUES", ""),
)


def effect(kind: str, key: str) -> None:
    """Something that the world sees."""
    with EFFECTS.open("a") as file:
        file.write(f"{kind} {key}\n")


@app.task(name="charge")
def charge(total: float) -> dict[str, float]:
    """A task that an application had before."""
    return {"charged": total}


@app.task(name="count")
def count(total: int) -> int:
    """One whose result is no dict."""
    return total + 1


@app.task(name="flaky", bind=True, autoretry_for=(OSError,), max_retries=2, default_retry_delay=0)
def flaky(self: Any, goes_well_at: int) -> dict[str, int]:
    """One with retries of its own."""
    if self.request.retries < goes_well_at:
        raise OSError(f"attempt {self.request.retries}")
    return {"attempts": self.request.retries + 1}


@app.task(name="breaks")
def breaks() -> None:
    """One without."""
    raise ValueError("no luck")


@app.task(name="refuses")
def refuses() -> None:
    """One that raises an error of the business."""
    raise BpmnError("NO_STOCK", "sold out", {"left": 0})


@app.task(name="hangs", time_limit=1)
def hangs() -> None:
    """One that its time limit ends."""
    time.sleep(60)


@app.task(name="dies")
def dies(sign: str) -> dict[str, bool]:
    """One that takes its process along, once."""
    if not Path(sign).exists():
        Path(sign).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"lived": True}


@host.worker("pick")
def pick(job: Job, total: int) -> dict[str, object]:
    """A worker as the engine has them."""
    effect("pick", job.idempotency_key)
    return {"picked": total, "by": os.getpid()}


@host.worker("slow")
async def slow(job: Job) -> dict[str, str]:
    """Another one, which takes a while."""
    await asyncio.sleep(0.02)
    effect("slow", job.idempotency_key)
    return {"key": job.idempotency_key}
