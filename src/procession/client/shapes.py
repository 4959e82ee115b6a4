"""What the server tells, as structs. Keys are the texts that the API gives; what is told beyond them is ignored."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar, final

import msgspec

from procession.base.diagnostics import Diagnostic
from procession.base.values import Json

_T = TypeVar("_T")


@final
class Page(msgspec.Struct, Generic[_T], frozen=True):
    """A part of a list; `next` is what to give as `after` for the following one, None at the end."""

    items: list[_T]
    next: str | None = None


@final
class DeployedProcess(msgspec.Struct, frozen=True):
    """A process of a deployment. `new` is false when this very version was there already."""

    process_id: str
    key: str | None = None
    version: int | None = None
    name: str = ""
    new: bool = True


@final
class DeployedDecision(msgspec.Struct, frozen=True):
    """A decision of a deployment; see `DeployedProcess`."""

    decision_id: str
    key: str | None = None
    version: int | None = None
    name: str = ""
    new: bool = True


@final
class DeployedForm(msgspec.Struct, frozen=True):
    """A form of a deployment; see `DeployedProcess`."""

    form_id: str
    key: str | None = None
    version: int | None = None
    name: str = ""
    new: bool = True


@final
class Deployment(msgspec.Struct, frozen=True):
    """What a deployment made. `diagnostics` are warnings."""

    key: str | None
    processes: list[DeployedProcess] = []
    decisions: list[DeployedDecision] = []
    diagnostics: list[Diagnostic] = []
    dry_run: bool = False
    forms: list[DeployedForm] = []


@final
class Started(msgspec.Struct, frozen=True):
    """An instance that was started. Who waited for its end is told `state`, `ended` and `variables`."""

    key: str
    state: str | None = None
    ended: datetime | None = None
    variables: dict[str, Json] | None = None


@final
class Instance(msgspec.Struct, frozen=True):
    """An instance. `state` is `active`, `incident`, `completed` or `terminated`."""

    key: str
    process_id: str
    version: int
    state: str
    started: datetime
    ended: datetime | None = None
    suspended: bool = False
    business_key: str = ""
    parent: str | None = None
    root: str | None = None
    failure: str = ""


@final
class Task(msgspec.Struct, frozen=True):
    """An open user task."""

    key: str
    instance: str
    process_id: str
    element_id: str
    created: datetime
    assignee: str | None = None
    candidate_users: list[str] = []
    candidate_groups: list[str] = []
    priority: int = 50
    due: datetime | None = None
    follow_up: datetime | None = None
    attributes: dict[str, Json] = {}


@final
class Incident(msgspec.Struct, frozen=True):
    """An open incident: `code` is stable, `message` for people."""

    key: str
    instance: str
    code: str
    message: str
    element_id: str = ""
    process_id: str = ""
    element: str | None = None
    job: str | None = None
    at: datetime | None = None


@final
class Decided(msgspec.Struct, frozen=True):
    """The result of a decision."""

    result: Json


@final
class Variables(msgspec.Struct, frozen=True):
    """Variables by name."""

    variables: dict[str, Json]


@final
class Keyed(msgspec.Struct, frozen=True):
    """The key of what was made."""

    key: str


@final
class Heard(msgspec.Struct, frozen=True):
    """How many waited for a signal."""

    received: int


@final
class Document(msgspec.Struct, frozen=True):
    """A document. `reference` is what a variable holds of it, `sha256` the hash of its bytes."""

    id: str
    name: str
    content_type: str
    size: int
    sha256: str
    reference: dict[str, Json] = {}
    created: datetime | None = None


@final
class LeasedJob(msgspec.Struct, frozen=True):
    """A job that is leased to whoever got it, until `deadline`. Finish it under its `token`."""

    key: str
    type: str
    token: str
    instance: str
    element_id: str
    process_id: str
    version: int
    retries: int
    attempt: int
    idempotency_key: str
    deadline: datetime
    tenant: str = ""
    element: str = ""
    headers: dict[str, str] = {}
    variables: dict[str, Json] = {}


@final
class LeasedJobs(msgspec.Struct, frozen=True):
    """Jobs that were leased."""

    items: list[LeasedJob]


@final
class Finished(msgspec.Struct, frozen=True):
    """What became of an outcome of a job."""

    key: str
    problem: dict[str, Json] | None = None
    retries: int | None = None
    deadline: datetime | None = None


@final
class FinishedAll(msgspec.Struct, frozen=True):
    """What became of each outcome, in their order."""

    items: list[Finished]
