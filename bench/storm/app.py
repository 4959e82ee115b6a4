"""The Celery app of the storm: one function for all jobs, which leaves its idempotency key in a file."""

from __future__ import annotations

import os

from celery import Celery

from procession import Job
from procession.hosts.celery import CeleryHost

app = Celery("storm", broker=os.environ["STORM_BROKER"])
app.conf.update(
    broker_connection_retry_on_startup=True, task_acks_late=True, worker_hijack_root_logger=False,
    broker_transport_options=(
        {"socket_connect_timeout": 2, "socket_timeout": 10}
        if os.environ["STORM_BROKER"].startswith("redis:") else {"connect_timeout": 2}
    ),
)  # fmt: skip
host = CeleryHost(app, os.environ["STORM_STORE"], queue="storm", lost=15, sweep=3)


def noted(line: str, file: str) -> None:
    """Writes a line to the file that a variable of the environment names, whole: so many processes may."""
    open_file = os.open(os.environ[file], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(open_file, f"{line}\n".encode())
    finally:
        os.close(open_file)


@host.worker("storm-work")
def work(job: Job) -> dict[str, bool]:
    """What the world sees of a job: a line."""
    noted(job.idempotency_key, "STORM_EFFECTS")
    return {"worked": True}
