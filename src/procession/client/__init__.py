"""The client of a server: what a caller or a worker in another process needs, beside httpx and the base.

`Client` and `AsyncClient` ask, `Worker` does jobs. Keys are texts, as the API gives them.
"""

from __future__ import annotations

from procession.base.failure import BadValue, Busy, Conflict, NotFound, ProcessionError, StoreError
from procession.base.job import BpmnError, Choice, Denied, Job, JobFailed
from procession.client.aio import AsyncClient
from procession.client.credentials import ClientCredentials
from procession.client.errors import Forbidden, ServerError, Unauthorized, Unreachable
from procession.client.shapes import (
    Deployment,
    Document,
    Finished,
    Incident,
    Instance,
    LeasedJob,
    Page,
    Started,
    Task,
)
from procession.client.sync import Client
from procession.client.worker import Worker

__all__ = [
    "AsyncClient",
    "BadValue",
    "BpmnError",
    "Busy",
    "Choice",
    "Client",
    "ClientCredentials",
    "Conflict",
    "Denied",
    "Deployment",
    "Document",
    "Finished",
    "Forbidden",
    "Incident",
    "Instance",
    "Job",
    "JobFailed",
    "LeasedJob",
    "NotFound",
    "Page",
    "ProcessionError",
    "ServerError",
    "Started",
    "StoreError",
    "Task",
    "Unauthorized",
    "Unreachable",
    "Worker",
]
