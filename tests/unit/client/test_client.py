"""Both clients in front of a real server: what they ask, what errors become, and what is asked again."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from procession.base.diagnostics import Refused
from procession.client import (
    AsyncClient,
    BadValue,
    Busy,
    Client,
    ClientCredentials,
    Conflict,
    Forbidden,
    NotFound,
    ProcessionError,
    ServerError,
    StoreError,
    Unauthorized,
    Unreachable,
)
from procession.client.credentials import token_soon
from procession.client.errors import error_of
from procession.hosts.embedded.engine import Engine
from served import served
from web_rig import XML

PROBLEM: Final = '{"type": "https://procession.dev/problems/%s", "title": "t", "status": %d, "detail": "why"}'


@contextmanager
def client() -> Iterator[tuple[Engine, Client]]:
    with Engine() as engine:
        engine.serve(threads=1)
        with served(engine) as running, Client(running.url) as found:
            yield engine, found


def test_models_are_deployed_started_and_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "p.bpmn"
    path.write_text(XML)
    with client() as (engine, found):
        made = found.deploy(path, name="first")
        assert [(each.process_id, each.version, each.new) for each in made.processes] == [("p", 1, True)]
        assert found.deploy(("p.bpmn", XML.encode()), dry_run=True).dry_run
        with pytest.raises(Refused) as refused:
            found.deploy(("bad.bpmn", XML.replace('targetRef="e"', 'targetRef="nowhere"').encode()))
        assert refused.value.diagnostics

        @engine.worker("work")
        def work(amount: Decimal) -> dict[str, object]:
            return {"double": amount * 2, "known": True}

        ended = found.start_and_wait("p", {"amount": Decimal("0.10")}, business_key="b", fetch=["known"])
        assert (ended.state, ended.variables) == ("completed", {"known": True})
        assert found.variables(ended.key, "double") == {"double": Decimal("0.20")}
        shown = found.instance(ended.key)
        assert (shown.process_id, shown.state, shown.business_key) == ("p", "completed", "b")
        assert found.variables(ended.key, "amount") == {"amount": Decimal("0.10")}


def test_a_key_of_idempotency_starts_one_instance() -> None:
    with client() as (engine, found):
        found.deploy(("p.bpmn", XML.encode()))
        assert found.start("p", {"n": 1}, key="k") == found.start("p", {"n": 1}, key="k")
        assert found.start("p", {"n": 1}) != found.start("p", {"n": 1})
        with pytest.raises(Conflict):
            found.start("p", {"n": 2}, key="k")
        assert len(engine.instances()) == 3


def test_messages_signals_and_changes_reach_the_engine() -> None:
    with client() as (engine, found):
        found.deploy(("p.bpmn", XML.encode()))
        assert int(found.publish("paid", "7", {"n": 1}, ttl=60)) > 0
        assert found.broadcast("stop") == 0
        key = found.start("p")
        found.set_variables(key, {"x": 1})
        assert engine.instance(int(key)).variables == {"x": 1}
        found.cancel(key, "no reason")
        assert found.instance(key).state == "terminated"


def test_jobs_are_leased_and_ended_one_by_one() -> None:
    with client() as (engine, found):
        found.deploy(("p.bpmn", XML.encode()))
        keys = [found.start("p", {"n": n}) for n in range(4)]
        jobs = {job.instance: job for job in found.activate_jobs("work", max_jobs=4, fetch=["n"], wait=5)}
        done, failed, thrown, longer = (jobs[key] for key in keys)
        assert done.variables == {"n": 0}
        found.complete_job(done, {"ok": True})
        with pytest.raises(NotFound):
            found.complete_job(done)
        assert found.fail_job(failed, "no", retries=5, backoff=0) == 5
        found.throw_job_error(thrown, "nobody", "catches this")
        with pytest.raises(Conflict):
            found.deny_job(longer)
        found.extend_job(longer, 600)
        assert [
            each.problem
            for each in found.finish_jobs([{"outcome": "return", "key": longer.key, "token": longer.token}])
        ] == [None]
        assert engine.instance(int(keys[0])).state == "completed"
        assert engine.instance(int(keys[2])).state == "incident"


def test_variables_that_no_engine_takes_are_not_sent_as_something_else() -> None:
    with Client("http://127.0.0.1:1", retries=0) as found:
        for value in (float("nan"), {1, 2}, b"bytes"):
            with pytest.raises(BadValue):
                found.complete_job("1", {"x": value})
            with pytest.raises(BadValue):
                found.throw_job_error("1", "code", variables={"x": value})


def test_the_two_clients_have_the_same_methods() -> None:
    shown = {name for name in vars(Client) if not name.startswith("_")}
    assert {name for name in vars(AsyncClient) if not name.startswith("_")} == shown | {"job_stream"}


def test_the_client_for_loops_asks_the_same() -> None:
    async def told(url: str) -> None:
        async with AsyncClient(url, tenant="other") as found:
            await found.deploy(("p.bpmn", XML.encode()))
            keys = await asyncio.gather(*(found.start("p", {"n": n}) for n in range(10)))
            assert len(set(keys)) == 10
            stream = found.job_stream("work", max_active=4)
            jobs = []
            async for some in stream:
                jobs += some
                if len(jobs) == 4:
                    break
            await stream.aclose()
            await found.complete_job(jobs[0])
            assert (await found.instance(jobs[0].instance)).state == "completed"
            with pytest.raises(NotFound):
                await found.instance("77")
        async with AsyncClient(url) as stranger:
            with pytest.raises(NotFound):
                await stranger.instance(keys[0])

    with Engine() as engine, served(engine) as running:
        asyncio.run(told(running.url))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, PROBLEM % ("not-found", 404), NotFound),
        (409, PROBLEM % ("conflict", 409), Conflict),
        (429, PROBLEM % ("busy", 429), Busy),
        (400, PROBLEM % ("bad-value", 400), BadValue),
        (401, PROBLEM % ("unauthorized", 401), Unauthorized),
        (403, PROBLEM % ("forbidden", 403), Forbidden),
        (503, PROBLEM % ("unavailable", 503), StoreError),
        (418, PROBLEM % ("of-another-version", 418), ServerError),
        (422, PROBLEM % ("no-result", 422), BadValue),
        (404, "<html>nginx</html>", NotFound),
        (500, "", ServerError),
    ],
)
def test_problems_become_the_errors_of_the_engine(status: int, body: str, kind: type[ProcessionError]) -> None:
    assert type(error_of(status, body.encode())) is kind


def complete(data: bytes) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return bool(end) and (length is None or len(body) >= int(length[1]))


def answering(*answers: bytes) -> tuple[str, list[bytes], threading.Thread]:
    """A server of few words: to each connection the next answer, or none; what it was asked."""
    listening = socket.create_server(("127.0.0.1", 0))
    asked: list[bytes] = []

    def serve() -> None:
        with listening:
            for answer in answers:
                connection, _ = listening.accept()
                with connection:
                    data = connection.recv(65536)
                    while not complete(data):
                        data += connection.recv(65536)
                    asked.append(data)
                    connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}", asked, thread


def reply(status: int, body: str, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", body]).encode()


def keys_of(asked: list[bytes]) -> set[bytes]:
    return {line for each in asked for line in each.split(b"\r\n") if line.lower().startswith(b"idempotency-key")}


def test_what_is_lost_or_refused_for_now_is_asked_again_under_the_same_key() -> None:
    url, asked, thread = answering(b"", reply(503, "", "Retry-After: 0"), reply(429, ""), reply(201, '{"key": "12"}'))
    with Client(url, token="secret") as found:
        assert found.start("p") == "12"
    thread.join()
    assert len(asked) == 4
    assert len(keys_of(asked)) == 1
    assert all(b"Bearer secret" in each for each in asked)


def test_retries_have_an_end() -> None:
    url, asked, thread = answering(reply(502, ""), reply(502, ""))
    with Client(url, retries=1) as found, pytest.raises(ServerError):
        found.instance("1")
    thread.join()
    assert len(asked) == 2
    with Client(url, retries=1) as found, pytest.raises(Unreachable):
        found.instance("1")


def test_a_token_is_fetched_once_and_kept_until_it_nearly_ends() -> None:
    url, asked, thread = answering(
        reply(200, '{"access_token": "one", "expires_in": 3600, "token_type": "Bearer"}'), reply(401, "")
    )
    provider = ClientCredentials(f"{url}/token", "me", "pass", scope="jobs")
    assert (provider(), provider()) == ("one", "one")
    assert b"scope=jobs" in asked[0]
    assert "pass" not in repr(provider)
    other = ClientCredentials(f"{url}/token", "me", "wrong")
    with pytest.raises(Unauthorized):
        other()
    thread.join()


def test_a_provider_may_be_a_coroutine_where_there_is_a_loop() -> None:
    async def soon() -> str:
        return "soon"

    providers: list[tuple[object, str]] = [
        (soon, "soon"),
        (lambda: "now", "now"),
        (None, ""),
    ]
    for provider, token in providers:
        assert asyncio.run(token_soon(provider)) == token  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["", ".", "..", 7])
def test_what_is_no_key_is_never_sent(key: object) -> None:
    with Client("http://127.0.0.1:9") as found, pytest.raises(BadValue):
        found.instance(key)  # type: ignore[arg-type]


TASK = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
 targetNamespace="t"><process id="asked" isExecutable="true"><startEvent id="s"/>
 <sequenceFlow id="f" sourceRef="s" targetRef="ask"/>
 <userTask id="ask"><extensionElements><zeebe:userTask/></extensionElements></userTask>
 <sequenceFlow id="g" sourceRef="ask" targetRef="e"/><endEvent id="e"/></process></definitions>"""


def test_tasks_are_found_claimed_and_completed() -> None:
    with client() as (_, found):
        found.deploy(("asked.bpmn", TASK.encode()))
        keys = [found.start("asked", {"n": n}) for n in range(3)]
        page = found.tasks(process_id="asked", limit=2)
        assert len(page.items) == 2
        rest = found.tasks(process_id="asked", limit=2, after=page.next)
        assert (len(rest.items), rest.next) == (1, None)
        (task,) = found.tasks(instance=keys[0]).items
        found.claim(task.key)
        assert found.tasks(instance=keys[0]).items[0].assignee == "dev"
        found.complete(task.key, {"answer": Decimal("0.5")}, key="k")
        found.complete(task.key, {"answer": Decimal("0.5")}, key="k")
        assert found.variables(keys[0], "answer") == {"answer": Decimal("0.5")}
        ended = found.search(state="completed")
        assert [each.key for each in ended.items] == [keys[0]]


def test_incidents_are_found_and_resolved() -> None:
    with client() as (_, found):
        found.deploy(("p.bpmn", XML.encode()))
        key = found.start("p")
        (job,) = found.activate_jobs("work", wait=5)
        assert found.fail_job(job, "no paper", retries=0) == 0
        (incident,) = found.incidents(instance=key).items
        assert (incident.code, incident.message, incident.job) == ("job-no-retries", "no paper", job.key)
        found.resolve(incident.key, retries=2)
        assert found.incidents(instance=key).items == []
        assert found.activate_jobs("work", wait=5)[0].retries == 2


def test_documents_are_stored_read_and_deleted() -> None:
    with client() as (_, found):
        stored = found.store_document("a b.txt", b"hello", "text/plain")
        assert (stored.name, stored.size, stored.content_type) == ("a b.txt", 5, "text/plain")
        assert found.document(stored.id) == stored
        assert found.document_content(stored.id) == b"hello"
        found.delete_document(stored.id)
        with pytest.raises(NotFound):
            found.document(stored.id)
