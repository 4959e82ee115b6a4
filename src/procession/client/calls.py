"""What may be asked of a server: one function an operation, which both clients send. Nothing is sent here."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import quote

from procession.base.failure import BadValue, ProcessionError
from procession.base.values import Json, checked_all
from procession.client import shapes as s
from procession.client.wire import Call, decoder, nothing

Source: TypeAlias = "str | Path | tuple[str, bytes]"
"""A document: the path of its file, or its name and bytes."""
Values: TypeAlias = "Mapping[str, object] | None"
LeasedOrKey: TypeAlias = "s.LeasedJob | str"
"""A job, under the token of its lease, or its key alone."""

_DEPLOYMENT: Final = decoder(s.Deployment)
_STARTED: Final = decoder(s.Started)
_INSTANCE: Final = decoder(s.Instance)
_INSTANCES: Final = decoder(s.Page[s.Instance])
_TASKS: Final = decoder(s.Page[s.Task])
_INCIDENTS: Final = decoder(s.Page[s.Incident])
_DECIDED: Final = decoder(s.Decided)
_VARIABLES: Final = decoder(s.Variables)
_KEYED: Final = decoder(s.Keyed)
_HEARD: Final = decoder(s.Heard)
_DOCUMENT: Final = decoder(s.Document)
_JOBS: Final = decoder(s.LeasedJobs)
_FINISHED: Final = decoder(s.Finished)
_FINISHED_ALL: Final = decoder(s.FinishedAll)
_ROOM_S: Final = 10.0
"""What an answer may take longer than what was waited for."""


def _given(**fields: object) -> dict[str, object]:
    """A body of the fields that say something."""
    return {name: value for name, value in fields.items() if value is not None and value != ""}


def deploy(sources: Sequence[Source], name: str, *, dry_run: bool, key: str | None) -> Call[s.Deployment]:
    """Deploys documents together."""
    resources = [_document(source) for source in sources]
    params = {"dry_run": True} if dry_run else {}
    body = _given(resources=resources, name=name)
    return Call("POST", "/v1/deployments", _DEPLOYMENT, params=params, body=body, key=key)


def _document(source: Source) -> dict[str, str]:
    if isinstance(source, tuple):
        name, data = source
    else:
        path = Path(source)
        try:
            name, data = path.name, path.read_bytes()
        except OSError as error:
            raise ProcessionError(f"{path}: {error.strerror or error}") from error
    return {"name": name, "base64": base64.b64encode(data).decode()}


def start(
    process_id: str,
    variables: Values,
    *,
    version: int | None,
    business_key: str,
    key: str | None,
    wait_s: float | None = None,
    fetch: Sequence[str] = (),
) -> Call[s.Started]:
    """Starts an instance of the latest version, or of `version`, and waits for its end if asked to."""
    body = _given(process_id=process_id, variables=checked_all(variables), version=version, business_key=business_key)
    params: dict[str, object] = {"fetch_variables": list(fetch)}
    if wait_s is not None:
        params["wait_ms"] = round(wait_s * 1000)
    timeout = None if wait_s is None else wait_s + _ROOM_S
    return Call("POST", "/v1/instances", _STARTED, params=params, body=body, key=key, timeout_s=timeout)


def instance(key: str) -> Call[s.Instance]:
    """One instance."""
    return Call("GET", f"/v1/instances/{_part(key)}", _INSTANCE)


def variables(key: str, names: Sequence[str], element: str) -> Call[s.Variables]:
    """The variables of an instance, or those that an element of it sees."""
    params = {"names": list(names), "element": element}
    return Call("GET", f"/v1/instances/{_part(key)}/variables", _VARIABLES, params=params)


def set_variables(key: str, values: Values, idempotency_key: str | None) -> Call[None]:
    """Sets variables of an instance."""
    path = f"/v1/instances/{_part(key)}/variables"
    return Call("PATCH", path, nothing, body={"variables": checked_all(values)}, key=idempotency_key)


def cancel(key: str, reason: str, idempotency_key: str | None) -> Call[None]:
    """Cancels an instance."""
    return Call("POST", f"/v1/instances/{_part(key)}/cancel", nothing, body={"reason": reason}, key=idempotency_key)


def search(filters: Mapping[str, object]) -> Call[s.Page[s.Instance]]:
    """A page of the instances for which all filters hold."""
    return Call("GET", "/v1/instances", _INSTANCES, params=filters)


def publish(
    name: str, correlation_key: str, values: Values, *, ttl_s: float, message_id: str, key: str | None
) -> Call[s.Keyed]:
    """Publishes a message."""
    body = _given(
        name=name,
        correlation_key=correlation_key,
        variables=checked_all(values),
        ttl_ms=round(ttl_s * 1000),
        message_id=message_id,
    )
    return Call("POST", "/v1/messages", _KEYED, body=body, key=key)


def broadcast(name: str, values: Values, key: str | None) -> Call[s.Heard]:
    """Broadcasts a signal."""
    return Call("POST", "/v1/signals", _HEARD, body={"name": name, "variables": checked_all(values)}, key=key)


def tasks(filters: Mapping[str, object]) -> Call[s.Page[s.Task]]:
    """A page of the open user tasks for which all filters hold."""
    return Call("GET", "/v1/tasks", _TASKS, params=filters)


def complete(task: str, values: Values, key: str | None) -> Call[None]:
    """Completes a user task."""
    body = {"variables": checked_all(values)}
    return Call("POST", f"/v1/tasks/{_part(task)}/complete", nothing, body=body, key=key)


def claim(task: str, key: str | None) -> Call[None]:
    """Makes a user task the caller's."""
    return Call("POST", f"/v1/tasks/{_part(task)}/claim", nothing, key=key)


def incidents(filters: Mapping[str, object]) -> Call[s.Page[s.Incident]]:
    """A page of the open incidents for which all filters hold."""
    return Call("GET", "/v1/incidents", _INCIDENTS, params=filters)


def resolve(incident: str, retries: int, key: str | None) -> Call[None]:
    """Does again what failed."""
    path = f"/v1/incidents/{_part(incident)}/resolve"
    return Call("POST", path, nothing, body={"retries": retries}, key=key)


def decide(decision_id: str, values: Values, version: int | None) -> Call[s.Decided]:
    """Evaluates a decision, which changes nothing."""
    path = f"/v1/decisions/{_part(decision_id)}/evaluate"
    return Call("POST", path, _DECIDED, body=_given(variables=checked_all(values), version=version), key="")


def store_document(name: str, data: bytes, content_type: str, key: str | None) -> Call[s.Document]:
    """Stores a document, to be named by variables."""
    headers = {"Content-Type": content_type}
    return Call("POST", "/v1/documents", _DOCUMENT, params={"name": name}, content=data, headers=headers, key=key)


def document(id: str) -> Call[s.Document]:
    """What a document is."""
    return Call("GET", f"/v1/documents/{_part(id)}", _DOCUMENT)


def document_content(id: str) -> Call[bytes]:
    """The bytes of a document."""
    return Call("GET", f"/v1/documents/{_part(id)}/content", bytes, headers={"Accept": "*/*"})


def delete_document(id: str, key: str | None) -> Call[None]:
    """Deletes a document."""
    return Call("DELETE", f"/v1/documents/{_part(id)}", nothing, key=key)


def activate(
    types: Sequence[str], *, max_jobs: int, timeout_s: float, worker: str, fetch: Sequence[str], wait_s: float
) -> Call[s.LeasedJobs]:
    """Leases jobs; waits for the first. Should the answer be lost, so are the leases, which end by themselves."""
    body = _given(
        types=list(types),
        max_jobs=max_jobs,
        timeout_ms=lease_ms(timeout_s),
        worker=worker,
        fetch_variables=list(fetch),
        request_timeout_ms=round(wait_s * 1000),
    )
    return Call("POST", "/v1/jobs/activate", _JOBS, body=body, key="", timeout_s=wait_s + _ROOM_S)


def stream_jobs(
    types: Sequence[str], *, max_active: int, timeout_s: float, worker: str, fetch: Sequence[str]
) -> Call[bytes]:
    """Leases jobs as they come, a line each."""
    params = {
        "type": list(types),
        "max_active": max_active,
        "timeout_ms": lease_ms(timeout_s),
        "worker": worker,
        "fetch_variables": ",".join(fetch),
    }
    return Call("GET", "/v1/jobs/stream", bytes, params=params, headers={"Accept": "application/x-ndjson"})


def finish(outcomes: Sequence[Mapping[str, Json]]) -> Call[s.FinishedAll]:
    """Tells what became of jobs. Their tokens are what makes each of it happen once."""
    return Call("POST", "/v1/jobs/finish", _FINISHED_ALL, body={"items": list(outcomes)}, key="")


def complete_job(job: LeasedOrKey, values: Values, key: str | None) -> Call[s.Finished]:
    """Completes a job."""
    return _tell("complete", job, key, variables=checked_all(values))


def fail_job(
    job: LeasedOrKey, error: str, *, retries: int | None, backoff_s: float | None, key: str | None
) -> Call[s.Finished]:
    """A failed attempt at a job."""
    pause = None if backoff_s is None else round(backoff_s * 1000)
    return _tell("fail", job, key, error=error, retries=retries, backoff_ms=pause)


def throw_job_error(job: LeasedOrKey, code: str, message: str, values: Values, key: str | None) -> Call[s.Finished]:
    """A BPMN error instead of a job's result."""
    return _tell("throw", job, key, code=code, message=message, variables=checked_all(values))


def deny_job(job: LeasedOrKey, reason: str, key: str | None) -> Call[s.Finished]:
    """A task listener says no."""
    return _tell("deny", job, key, reason=reason)


def extend_job(job: LeasedOrKey, timeout_s: float, key: str | None) -> Call[s.Finished]:
    """Lets a lease end so long from now."""
    return _tell("extend", job, key, timeout_ms=lease_ms(timeout_s))


def lease_ms(timeout_s: float) -> int:
    """How long a job is leased, as the API takes it."""
    return max(1, round(timeout_s * 1000))


def _tell(verb: str, job: LeasedOrKey, key: str | None, **fields: object) -> Call[s.Finished]:
    place, token = (job, "") if isinstance(job, str) else (job.key, job.token)
    body = {**_given(**fields), "token": token}
    return Call("POST", f"/v1/jobs/{_part(place)}/{verb}", _FINISHED, body=body, key=key)


def _part(text: object) -> str:
    """A text as one part of a path."""
    if not isinstance(text, str) or not text or text in {".", ".."}:
        raise BadValue(f"{text!r:.80} is no key or id: it must be a text")
    return quote(text, safe="")
