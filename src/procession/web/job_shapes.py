"""Jobs in JSON: what a worker is given, and what it says of them. Data, and what it means as a request."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias, cast, final

import msgspec

from procession.base.failure import BadValue
from procession.base.values import Json
from procession.core.events import Choice
from procession.runtime import requests as q
from procession.web.problems import Problem
from procession.web.shapes import Key, Moment, key_of, moment, variables_in

FINISHED_MAX: Final = 1_000
"""Outcomes of one request."""
LEASE_MS_MAX: Final = 366 * 86_400_000
"""Longest lease of a job, and longest pause before it is tried again."""

Token: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{0,19}$",
        description="The lease under which the work was done. Without one, whoever has the job loses it.",
    ),
]
Duration: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=LEASE_MS_MAX)]
LeaseTime: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=LEASE_MS_MAX)]


@final
class JobOut(msgspec.Struct, frozen=True, gc=False):
    """A job that is leased to whoever got it, until `deadline`. `idempotency_key` is the same for every attempt."""

    key: Key
    type: str
    tenant: str
    instance: Key
    element: Key
    element_id: str
    process_id: str
    version: int
    headers: dict[str, str]
    retries: int
    attempt: int
    idempotency_key: str
    token: str
    deadline: Moment
    variables: dict[str, Json]


class JobsOut(msgspec.Struct):
    """Jobs that were leased."""

    items: list[JobOut]


class ActivateJobsIn(msgspec.Struct, forbid_unknown_fields=True):
    """Which jobs a worker wants. With `fetch_variables` only these come with them; `request_timeout_ms` is how long to
    wait for the first job."""

    types: Annotated[list[Annotated[str, msgspec.Meta(min_length=1)]], msgspec.Meta(min_length=1, max_length=100)]
    max_jobs: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 32
    timeout_ms: LeaseTime = 300_000
    worker: str = ""
    fetch_variables: list[str] = []
    request_timeout_ms: Annotated[int, msgspec.Meta(ge=0, le=60_000)] = 0


class ChosenIn(msgspec.Struct, forbid_unknown_fields=True):
    """An activity to begin, with variables of its own."""

    element_id: str
    variables: dict[str, Json] = {}


class ChoiceIn(msgspec.Struct, forbid_unknown_fields=True):
    """How an ad-hoc sub-process goes on: activities to begin, or that it is done."""

    activities: list[ChosenIn] = []
    done: bool = False
    cancel_remaining: bool = False


class CompleteIn(msgspec.Struct, forbid_unknown_fields=True, tag="complete", tag_field="outcome", omit_defaults=True):
    """The work is done; `variables` are its result. `choice` is for jobs of ad-hoc sub-processes."""

    key: Key
    token: Token = ""
    variables: dict[str, Json] = {}
    choice: ChoiceIn | None = None


class FailIn(msgspec.Struct, forbid_unknown_fields=True, tag="fail", tag_field="outcome", omit_defaults=True):
    """An attempt failed. `retries` are those left (default: one less), `backoff_ms` the pause (default: the job's)."""

    key: Key
    token: Token = ""
    error: str = ""
    retries: Annotated[int, msgspec.Meta(ge=0)] | None = None
    backoff_ms: Duration | None = None


class ThrowIn(msgspec.Struct, forbid_unknown_fields=True, tag="throw", tag_field="outcome", omit_defaults=True):
    """A BPMN error instead of a result: the process catches `code`, or an incident shows it."""

    key: Key
    code: str
    token: Token = ""
    message: str = ""
    variables: dict[str, Json] = {}


class DenyIn(msgspec.Struct, forbid_unknown_fields=True, tag="deny", tag_field="outcome", omit_defaults=True):
    """A task listener says no: the user task stays as it was."""

    key: Key
    token: Token = ""
    reason: str = ""


class ExtendIn(msgspec.Struct, forbid_unknown_fields=True, tag="extend", tag_field="outcome", omit_defaults=True):
    """The work takes longer: the lease ends `timeout_ms` from now."""

    key: Key
    timeout_ms: LeaseTime
    token: Token = ""


class ReturnIn(msgspec.Struct, forbid_unknown_fields=True, tag="return", tag_field="outcome", omit_defaults=True):
    """Nobody worked on it: the job is given out again at once, and it was no attempt."""

    key: Key
    token: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,19}$")]


AnyOutcome: TypeAlias = CompleteIn | FailIn | ThrowIn | DenyIn | ExtendIn | ReturnIn


class FinishIn(msgspec.Struct, forbid_unknown_fields=True):
    """What became of jobs. They share commits, and each stands alone: one that is refused hinders no other."""

    items: Annotated[list[AnyOutcome], msgspec.Meta(max_length=FINISHED_MAX)]


class Finished(msgspec.Struct, omit_defaults=True):
    """What became of an outcome: a `problem`, or none. A failed attempt tells the `retries` left, a lease that was
    extended its new `deadline`."""

    key: Key
    problem: Problem | None = None
    retries: int | None = None
    deadline: Moment | None = None


class FinishedAll(msgspec.Struct):
    """What became of each, in the order in which they were given."""

    items: list[Finished]


def request_of(tenant: str, outcome: AnyOutcome) -> q.Plain:
    """What an outcome asks of the engine. Raises `BadValue`."""
    job, token = key_of(outcome.key, "job"), token_of(outcome.token)
    match outcome:
        case CompleteIn():
            variables = variables_in(outcome.variables)
            return q.FinishJob(tenant, job, variables, token, choice=_choice(outcome.choice))
        case FailIn():
            return q.FailJob(tenant, job, outcome.error, token, outcome.retries, outcome.backoff_ms)
        case ThrowIn():
            variables = variables_in(outcome.variables)
            return q.ThrowJob(tenant, job, outcome.code, outcome.message, variables, token)
        case DenyIn():
            return q.FinishJob(tenant, job, {}, token, True, outcome.reason)
        case ExtendIn():
            return q.ExtendJob(tenant, job, outcome.timeout_ms, token)
        case ReturnIn():
            return q.ReturnJob(tenant, job, token)


def _choice(choice: ChoiceIn | None) -> Choice | None:
    if choice is None:
        return None
    if choice.done and choice.activities:
        raise BadValue("a choice either begins activities or is done, not both")
    chosen = [(each.element_id, variables_in(each.variables)) for each in choice.activities]
    return Choice(chosen, choice.done, choice.cancel_remaining)


def token_of(text: str) -> int:
    """The token of a lease; 0 for none. Raises `BadValue` for what can be nobody's."""
    token = int(text or "0")
    if token >= 1 << 63:
        raise BadValue(f"{text} is no token of a lease")
    return token


def shown(job: dict[str, Json], tenant: str) -> dict[str, Json]:
    """A job of `ActivateJobs` as `JobOut`."""
    return {**job, "tenant": tenant, "deadline": moment(cast("int", job["deadline"]))}
