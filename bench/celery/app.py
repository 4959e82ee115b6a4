"""The Celery app of both sides: ten tasks in a chain, or ten service tasks in a process."""

from __future__ import annotations

import os

from celery import Celery

from procession.hosts.celery import CeleryHost

app = Celery("bench", broker=os.environ["BENCH_BROKER"], backend=os.environ["BENCH_BACKEND"])
app.conf.update(worker_prefetch_multiplier=8, broker_connection_retry_on_startup=True, task_acks_late=True)
host = CeleryHost(app, os.environ["BENCH_STORE"], queue="celery")


@app.task
def step(total: int) -> int:
    """A task of the chain."""
    return total


@app.task(name="noop", typing=False)
def noop() -> None:
    """A task of the process, which knows nothing of it."""
