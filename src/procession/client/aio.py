"""The client for event loops. See `sync.py` for threads: the two have the same methods."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Final, TypeVar, final

import httpx
import msgspec

from procession.base.decoding import known
from procession.base.values import Json
from procession.client import calls
from procession.client import shapes as s
from procession.client.credentials import Provider, token_soon
from procession.client.errors import Problem, Unreachable, error_of, error_of_problem, said
from procession.client.wire import Attempts, Call, Settings

_T = TypeVar("_T")

SILENT_S: Final = 30.0
"""A stream that says nothing for so long is dead: the server speaks every ten seconds."""


@final
class AsyncClient:
    """Speaks to a server from an event loop.

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
        self._http = httpx.AsyncClient(**self.settings.httpx())

    async def close(self) -> None:
        """Closes the connections. Idempotent."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.close()

    # --- models

    async def deploy(
        self, *sources: calls.Source, name: str = "", dry_run: bool = False, key: str | None = None
    ) -> s.Deployment:
        """Deploys documents (paths, or (name, bytes)) together; raises `Refused` with all that is wrong in them."""
        return await self.send(calls.deploy(sources, name, dry_run=dry_run, key=key))

    async def decide(
        self, decision_id: str, variables: Mapping[str, object] | None = None, *, version: int | None = None
    ) -> Json:
        """The result of a decision, in its latest version or in this one."""
        return (await self.send(calls.decide(decision_id, variables, version))).result

    # --- instances

    async def start(
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
        return (await self.send(call)).key

    async def start_and_wait(
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
        return await self.send(call)

    async def instance(self, key: str) -> s.Instance:
        """An instance; raises `NotFound`."""
        return await self.send(calls.instance(key))

    async def variables(self, key: str, *names: str, element: str = "") -> dict[str, Json]:
        """The variables of an instance, or all that an element of it sees."""
        return (await self.send(calls.variables(key, names, element))).variables

    async def set_variables(self, instance: str, variables: Mapping[str, object], *, key: str | None = None) -> None:
        """Sets variables of an instance."""
        await self.send(calls.set_variables(instance, variables, key))

    async def cancel(self, instance: str, reason: str = "", *, key: str | None = None) -> None:
        """Cancels an instance."""
        await self.send(calls.cancel(instance, reason, key))

    async def search(self, **filters: object) -> s.Page[s.Instance]:
        """A page of the instances for which all filters hold: `process_id`, `state` …, `limit`, `after`."""
        return await self.send(calls.search(filters))

    # --- messages, signals, tasks, incidents

    async def publish(
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
        return (await self.send(call)).key

    async def broadcast(
        self, name: str, variables: Mapping[str, object] | None = None, *, key: str | None = None
    ) -> int:
        """Broadcasts a signal; gives the number of those who waited for it."""
        return (await self.send(calls.broadcast(name, variables, key))).received

    async def tasks(self, **filters: object) -> s.Page[s.Task]:
        """A page of the open user tasks for which all filters hold: `assignee`, `process_id` …, `limit`, `after`."""
        return await self.send(calls.tasks(filters))

    async def complete(
        self, task: str, variables: Mapping[str, object] | None = None, *, key: str | None = None
    ) -> None:
        """Completes a user task."""
        await self.send(calls.complete(task, variables, key))

    async def claim(self, task: str, *, key: str | None = None) -> None:
        """Makes a user task the caller's; raises `Conflict` when somebody else has it."""
        await self.send(calls.claim(task, key))

    async def incidents(self, **filters: object) -> s.Page[s.Incident]:
        """A page of the open incidents for which all filters hold."""
        return await self.send(calls.incidents(filters))

    async def resolve(self, incident: str, *, retries: int = 1, key: str | None = None) -> None:
        """Does again what failed; a job gets `retries` anew."""
        await self.send(calls.resolve(incident, retries, key))

    # --- documents

    async def store_document(
        self, name: str, data: bytes, content_type: str = "application/octet-stream", *, key: str | None = None
    ) -> s.Document:
        """Stores a document."""
        return await self.send(calls.store_document(name, data, content_type, key))

    async def document(self, id: str) -> s.Document:
        """What a document is."""
        return await self.send(calls.document(id))

    async def document_content(self, id: str) -> bytes:
        """The bytes of a document, all at once in memory."""
        return await self.send(calls.document_content(id))

    async def delete_document(self, id: str, *, key: str | None = None) -> None:
        """Deletes a document."""
        await self.send(calls.delete_document(id, key))

    # --- jobs

    async def activate_jobs(
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
        return (await self.send(call)).items

    async def complete_job(
        self, job: s.LeasedJob | str, variables: Mapping[str, object] | None = None, *, key: str | None = None
    ) -> None:
        """Completes a job. Raises `NotFound` when it is over, or when its lease ran out."""
        await self.send(calls.complete_job(job, variables, key))

    async def fail_job(
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
        return (await self.send(call)).retries or 0

    async def throw_job_error(
        self,
        job: s.LeasedJob | str,
        code: str,
        message: str = "",
        variables: Mapping[str, object] | None = None,
        *,
        key: str | None = None,
    ) -> None:
        """A BPMN error instead of a result."""
        await self.send(calls.throw_job_error(job, code, message, variables, key))

    async def deny_job(self, job: s.LeasedJob | str, reason: str = "", *, key: str | None = None) -> None:
        """A task listener says no."""
        await self.send(calls.deny_job(job, reason, key))

    async def extend_job(self, job: s.LeasedJob | str, lease: float, *, key: str | None = None) -> None:
        """Lets a lease end `lease` seconds from now."""
        await self.send(calls.extend_job(job, lease, key))

    async def finish_jobs(self, outcomes: Sequence[Mapping[str, Json]]) -> list[s.Finished]:
        """Tells what became of many jobs at once (the API's `FinishIn`); each is answered for itself."""
        return (await self.send(calls.finish(outcomes))).items

    # --- sending

    async def send(self, call: Call[_T]) -> _T:
        """Sends a call until its answer counts, and gives what it says."""
        attempts = Attempts(self.settings)
        while True:
            request = call.httpx(await token_soon(self.settings.token))
            try:
                answer = await self._http.request(**request)
            except httpx.TransportError as error:
                pause = attempts.failed(error)
            else:
                again = attempts.answered(answer)
                if again is None:
                    return call.decode(answer.content)
                pause = again
            await asyncio.sleep(pause)

    async def job_stream(
        self,
        *types: str,
        max_active: int = 32,
        lease: float = 300.0,
        worker: str = "",
        fetch: Sequence[str] = (),
    ) -> AsyncGenerator[list[s.LeasedJob], None]:
        """Jobs as they come, several at a time, until the server ends the stream; it is not connected anew.

        At most `max_active` jobs are leased to it and not finished. Empty lists mean that it is alive. Raises as the
        other methods do."""
        call = calls.stream_jobs(types, max_active=max_active, timeout_s=lease, worker=worker, fetch=fetch)
        request = call.httpx(await token_soon(self.settings.token))
        request["timeout"] = httpx.Timeout(SILENT_S, connect=self.settings.connect_s)
        try:
            async with self._http.stream(**request) as answer:
                if not answer.is_success:
                    raise error_of(answer.status_code, await answer.aread())
                rest = b""
                async for chunk in answer.aiter_raw():
                    *lines, rest = (rest + chunk).split(b"\n")
                    yield [_job(line) for line in lines if line]
        except httpx.TransportError as error:
            raise Unreachable(f"{self.settings.url}: {said(error)}") from error


_LINE: Final = msgspec.json.Decoder(known(s.LeasedJob), float_hook=Decimal)


@final
class _Last(msgspec.Struct, frozen=True):
    problem: Problem


def _job(line: bytes) -> s.LeasedJob:
    try:
        return _LINE.decode(line)
    except msgspec.ValidationError:
        problem = msgspec.json.decode(line, type=known(_Last)).problem
    raise error_of_problem(problem, problem.status)
