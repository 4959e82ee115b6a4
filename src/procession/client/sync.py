"""The client for threads. See `aio.py` for event loops: the two have the same methods."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TypeVar, final

import httpx

from procession.base.values import Json
from procession.client import calls
from procession.client import shapes as s
from procession.client.credentials import Provider, token_now
from procession.client.wire import Attempts, Call, Settings

_T = TypeVar("_T")


@final
class Client:
    """Speaks to a server from any thread.

    `token` is an API key, a token, or what gives one whenever it is asked, such as `ClientCredentials`. `tenant` names
    the tenant where the credentials do not. `timeout` is the seconds of one attempt. Connections that fail, and answers
    that say so (429, 502, 503, 504), are tried `retries` times more: each write carries an idempotency key, so it
    happens once. `verify` is a context of TLS, or a file with the authorities to trust.

    Errors are the engine's own: `NotFound`, `Conflict`, `BadValue`, `Refused`, `Busy`, `StoreError`; beside them
    `Unauthorized`, `Forbidden`, `Unreachable` and `ServerError`."""

    def __init__(
        self,
        url: str,
        *,
        token: str | Provider | None = None,
        tenant: str = "",
        timeout: float = 30.0,
        retries: int = 5,
        verify: bool | str | ssl.SSLContext = True,
    ) -> None:
        self.settings = Settings(url, token, tenant, timeout, retries=retries, verify=verify)
        self._http = httpx.Client(**self.settings.httpx())

    def close(self) -> None:
        """Closes the connections. Idempotent."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    # --- models

    def deploy(
        self, *sources: calls.Source, name: str = "", dry_run: bool = False, key: str | None = None
    ) -> s.Deployment:
        """Deploys documents (paths, or (name, bytes)) together; raises `Refused` with all that is wrong in them."""
        return self.send(calls.deploy(sources, name, dry_run=dry_run, key=key))

    def decide(
        self, decision_id: str, variables: Mapping[str, object] | None = None, *, version: int | None = None
    ) -> Json:
        """The result of a decision, in its latest version or in this one."""
        return self.send(calls.decide(decision_id, variables, version)).result

    # --- instances

    def start(
        self,
        process_id: str,
        variables: Mapping[str, object] | None = None,
        *,
        version: int | None = None,
        business_key: str = "",
        key: str | None = None,
    ) -> str:
        """Starts an instance; gives its key. With the same `key` (of idempotency) it is started once."""
        call = calls.start(process_id, variables, version=version, business_key=business_key, key=key)
        return self.send(call).key

    def start_and_wait(
        self,
        process_id: str,
        variables: Mapping[str, object] | None = None,
        *,
        wait: float = 30.0,
        fetch: Sequence[str] = (),
        version: int | None = None,
        business_key: str = "",
        key: str | None = None,
    ) -> s.Started:
        """Starts an instance and waits for its end, at most `wait` seconds; `ended` is None when it goes on then."""
        call = calls.start(
            process_id, variables, version=version, business_key=business_key, key=key, wait_s=wait, fetch=fetch
        )
        return self.send(call)

    def instance(self, key: str) -> s.Instance:
        """An instance; raises `NotFound`."""
        return self.send(calls.instance(key))

    def variables(self, key: str, *names: str, element: str = "") -> dict[str, Json]:
        """The variables of an instance, or all that an element of it sees."""
        return self.send(calls.variables(key, names, element)).variables

    def set_variables(self, instance: str, variables: Mapping[str, object], *, key: str | None = None) -> None:
        """Sets variables of an instance."""
        self.send(calls.set_variables(instance, variables, key))

    def cancel(self, instance: str, reason: str = "", *, key: str | None = None) -> None:
        """Cancels an instance."""
        self.send(calls.cancel(instance, reason, key))

    def search(self, **filters: object) -> s.Page[s.Instance]:
        """A page of the instances for which all filters hold: `process_id`, `state` …, `limit`, `after`."""
        return self.send(calls.search(filters))

    # --- messages, signals, tasks, incidents

    def publish(
        self,
        name: str,
        correlation_key: str = "",
        variables: Mapping[str, object] | None = None,
        *,
        ttl: float = 0.0,
        message_id: str = "",
        key: str | None = None,
    ) -> str:
        """Publishes a message; gives its own key. Nobody waiting: it is kept for `ttl` seconds, else gone."""
        call = calls.publish(name, correlation_key, variables, ttl_s=ttl, message_id=message_id, key=key)
        return self.send(call).key

    def broadcast(self, name: str, variables: Mapping[str, object] | None = None, *, key: str | None = None) -> int:
        """Broadcasts a signal; gives the number of those who waited for it."""
        return self.send(calls.broadcast(name, variables, key)).received

    def tasks(self, **filters: object) -> s.Page[s.Task]:
        """A page of the open user tasks for which all filters hold: `assignee`, `process_id` …, `limit`, `after`."""
        return self.send(calls.tasks(filters))

    def complete(self, task: str, variables: Mapping[str, object] | None = None, *, key: str | None = None) -> None:
        """Completes a user task."""
        self.send(calls.complete(task, variables, key))

    def claim(self, task: str, *, key: str | None = None) -> None:
        """Makes a user task the caller's; raises `Conflict` when somebody else has it."""
        self.send(calls.claim(task, key))

    def incidents(self, **filters: object) -> s.Page[s.Incident]:
        """A page of the open incidents for which all filters hold."""
        return self.send(calls.incidents(filters))

    def resolve(self, incident: str, *, retries: int = 1, key: str | None = None) -> None:
        """Does again what failed; a job gets `retries` anew."""
        self.send(calls.resolve(incident, retries, key))

    # --- documents

    def store_document(
        self, name: str, data: bytes, content_type: str = "application/octet-stream", *, key: str | None = None
    ) -> s.Document:
        """Stores a document."""
        return self.send(calls.store_document(name, data, content_type, key))

    def document(self, id: str) -> s.Document:
        """What a document is."""
        return self.send(calls.document(id))

    def document_content(self, id: str) -> bytes:
        """The bytes of a document, all at once in memory."""
        return self.send(calls.document_content(id))

    def delete_document(self, id: str, *, key: str | None = None) -> None:
        """Deletes a document."""
        self.send(calls.delete_document(id, key))

    # --- jobs

    def activate_jobs(
        self,
        *types: str,
        max_jobs: int = 1,
        lease: float = 300.0,
        worker: str = "",
        fetch: Sequence[str] = (),
        wait: float = 0.0,
    ) -> list[s.LeasedJob]:
        """Leases jobs of these types for `lease` seconds; waits at most `wait` seconds for the first.

        With `fetch` only these variables come with them."""
        call = calls.activate(types, max_jobs=max_jobs, timeout_s=lease, worker=worker, fetch=fetch, wait_s=wait)
        return self.send(call).items

    def complete_job(
        self, job: s.LeasedJob | str, variables: Mapping[str, object] | None = None, *, key: str | None = None
    ) -> None:
        """Completes a job. Raises `NotFound` when it is over, or when its lease ran out."""
        self.send(calls.complete_job(job, variables, key))

    def fail_job(
        self,
        job: s.LeasedJob | str,
        error: str,
        *,
        retries: int | None = None,
        backoff: float | None = None,
        key: str | None = None,
    ) -> int:
        """A failed attempt; gives the retries left (default: one less; at 0 an incident). `backoff` is in seconds."""
        call = calls.fail_job(job, error, retries=retries, backoff_s=backoff, key=key)
        return self.send(call).retries or 0

    def throw_job_error(
        self,
        job: s.LeasedJob | str,
        code: str,
        message: str = "",
        variables: Mapping[str, object] | None = None,
        *,
        key: str | None = None,
    ) -> None:
        """A BPMN error instead of a result."""
        self.send(calls.throw_job_error(job, code, message, variables, key))

    def deny_job(self, job: s.LeasedJob | str, reason: str = "", *, key: str | None = None) -> None:
        """A task listener says no."""
        self.send(calls.deny_job(job, reason, key))

    def extend_job(self, job: s.LeasedJob | str, lease: float, *, key: str | None = None) -> None:
        """Lets a lease end `lease` seconds from now."""
        self.send(calls.extend_job(job, lease, key))

    def finish_jobs(self, outcomes: Sequence[Mapping[str, Json]]) -> list[s.Finished]:
        """Tells what became of many jobs at once (the API's `FinishIn`); each is answered for itself."""
        return self.send(calls.finish(outcomes)).items

    # --- sending

    def send(self, call: Call[_T]) -> _T:
        """Sends a call until its answer counts, and gives what it says."""
        attempts = Attempts(self.settings)
        while True:
            request = call.httpx(token_now(self.settings.token))
            try:
                answer = self._http.request(**request)
            except httpx.TransportError as error:
                pause = attempts.failed(error)
            else:
                again = attempts.answered(answer)
                if again is None:
                    return call.decode(answer.content)
                pause = again
            time.sleep(pause)
