"""What holds for the whole API: problems, ids of requests, limits, exact values, its own pages."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from procession.base.failure import QuotaExceeded, StoreError
from procession.hosts.embedded.engine import Engine
from procession.services.access import Unauthorized
from procession.web.limits import SameForAll
from procession.web.problems import OF_STATUS, STATUS
from procession.web.site import Bounds, Site
from web_models import DECISION, QUICK
from web_rig import XML, Knows, admin, talk

P: Final = ("p.bpmn", XML)
START: Final = {"process_id": "p"}


NOBODY: Final = Knows(lambda _: Unauthorized("nobody is known by these credentials"))


REFUSED: Final[list[tuple[str, str, dict[str, Any], int, str]]] = [
    ("GET", "/v1/nothing", {}, 404, "no-route"),
    ("GET", "/", {}, 404, "no-route"),
    ("DELETE", "/v1/instances", {}, 405, "method-not-allowed"),
    ("GET", "/v1/instances/12", {}, 404, "not-found"),
    ("GET", "/v1/instances/9223372036854775808", {}, 404, "not-found"),
    ("GET", "/v1/instances/99999999999999999999", {}, 400, "bad-request"),
    ("GET", "/v1/instances/-1", {}, 400, "bad-request"),
    ("GET", "/v1/instances/1e3", {}, 400, "bad-request"),
    ("GET", "/v1/instances/0x10", {}, 400, "bad-request"),
    ("GET", "/v1/instances/%D9%A3", {}, 400, "bad-request"),
    ("GET", "/v1/definitions?limit=0", {}, 400, "bad-request"),
    ("GET", "/v1/definitions?limit=1001", {}, 400, "bad-request"),
    ("GET", "/v1/definitions?limit=ten", {}, 400, "bad-request"),
    ("GET", "/v1/definitions?proces_id=p", {}, 400, "bad-request"),
    ("GET", "/v1/definitions?after=garbage", {}, 400, "bad-value"),
    ("GET", "/v1/definitions?after=WzFd", {}, 400, "bad-value"),
    ("GET", "/v1/deployments?after=WyJhIl0", {}, 400, "bad-value"),
    ("GET", "/v1/deployments?after=WzE4NDQ2NzQ0MDczNzA5NTUxNjE2XQ", {}, 400, "bad-value"),
    ("POST", "/v1/instances", {"json": {**START, "wait": 1}}, 400, "bad-request"),
    ("POST", "/v1/instances", {"json": {"process_id": 5}}, 400, "bad-request"),
    ("POST", "/v1/instances", {"json": {**START, "version": "1"}}, 400, "bad-request"),
    ("POST", "/v1/instances", {"json": {**START, "version": 0}}, 400, "bad-request"),
    ("POST", "/v1/instances", {"json": {**START, "version": 1 << 40}}, 400, "bad-request"),
    ("POST", "/v1/instances", {"json": {}}, 400, "bad-value"),
    ("POST", "/v1/instances", {"json": {"process_id": "nobody"}}, 404, "not-found"),
    ("POST", "/v1/instances", {"json": {**START, "version": 7}}, 404, "not-found"),
    ("POST", "/v1/instances", {}, 400, "bad-request"),
    ("POST", "/v1/instances", {"content": b"{"}, 400, "bad-request"),
    ("POST", "/v1/instances", {"content": b"\xff\xfe"}, 400, "bad-request"),
    ("POST", "/v1/instances", {"content": b"[" * 100_000}, 400, "bad-request"),
    ("POST", "/v1/instances", {"content": b'{"variables":{"n":' + b"9" * 5_000 + b"}}"}, 400, "bad-request"),
    ("POST", "/v1/instances", {"content": b'{"process_id":"p","variables":{"n":1e999999999}}'}, 400, "bad-value"),
    ("POST", "/v1/instances", {"content": b'{"process_id":"\\ud800"}'}, 400, "bad-request"),
    ("POST", "/v1/instances", {"content": b"<a/>", "headers": {"content-type": "text/xml"}}, 415, "media-type"),
    ("POST", "/v1/instances", {"data": {"process_id": "p"}}, 415, "media-type"),
    ("POST", "/v1/instances?wait_ms=60001", {"json": START}, 400, "bad-value"),
    ("POST", "/v1/signals", {"json": {"name": "go"}, "headers": {"idempotency-key": ""}}, 400, "bad-request"),
    ("POST", "/v1/signals", {"json": {"name": "go"}, "headers": {"idempotency-key": "k" * 256}}, 400, "bad-request"),
    ("POST", "/v1/signals", {"json": {"name": "go", "variables": {"": 1}}}, 400, "bad-request"),
    ("POST", "/v1/signals", {"json": {"name": "x" * 4_001}}, 400, "bad-request"),
    ("POST", "/v1/deployments", {"json": {"resources": []}}, 400, "bad-request"),
    ("POST", "/v1/deployments", {"json": {"resources": [{"name": "p.bpmn", "text": "<a"}]}}, 422, "refused"),
    ("POST", "/v1/deployments", {"json": {"resources": [{"name": "p.bpmn", "base64": "€"}]}}, 400, "bad-value"),
    ("POST", "/v1/decisions/none/evaluate", {"json": {}}, 404, "not-found"),
]


def test_what_is_refused_is_a_problem_with_a_stable_code() -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        for method, path, options, status, code in REFUSED:
            answer = await client.request(method, path, **options)
            problem = answer.json()
            assert (answer.status_code, problem["code"]) == (status, code), f"{path} {options} {answer.text}"[:1_000]
            assert answer.headers["content-type"] == "application/problem+json"
            assert problem["type"] == f"https://procession.dev/problems/{code}"
            assert problem["status"] == status
            assert problem["request_id"] == answer.headers["procession-request-id"]

    talk(conversation, P)


def test_an_error_of_a_field_names_the_field() -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        body = {"begin": [{"element": "work", "ancestor": "x"}]}
        inner = (await client.post("/v1/instances/1/restart", json=body)).json()["errors"]
        query = (await client.get("/v1/definitions?limit=0")).json()["errors"]
        missing = (await client.post("/v1/signals")).json()["errors"]
        assert [(each["field"], each["source"]) for each in inner] == [("begin[0].ancestor", "body")]
        assert [(each["field"], each["source"]) for each in query] == [("limit", "query")]
        assert missing == [{"message": "the body is missing", "source": "body"}]

    talk(conversation)


def test_a_fault_of_ours_says_nothing_but_the_id_under_which_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    broken = Knows(lambda _: KeyError("the password is hunter2"))

    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        answer = await client.get("/v1/definitions", headers={"x-request-id": "find-me"})
        assert answer.status_code == 500
        assert "hunter2" not in answer.text
        assert "KeyError" not in answer.text
        assert answer.json()["request_id"] == "find-me"

    with caplog.at_level(logging.ERROR, "procession.web"):
        talk(conversation, gate=broken)
    assert "find-me" in caplog.text


def test_what_a_store_says_of_itself_is_not_told() -> None:
    full = Knows(lambda _: StoreError("/var/lib/secret/place.db: disk is full"))

    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        answer = await client.get("/v1/definitions")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "secret" not in answer.text
        assert answer.headers["retry-after"] == "1"

    talk(conversation, gate=full)


def test_of_a_stranger_nothing_is_read() -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        for path in ("/v1/instances", "/v1/deployments?dry_run=perhaps", "/v1/signals"):
            answer = await client.post(path, content=b"{" * 100)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
            assert answer.headers["www-authenticate"].startswith("Bearer")

    talk(conversation, gate=NOBODY)


IDS: Final[list[tuple[dict[str, str], str]]] = [
    ({"traceparent": f"00-{'a' * 31}1-{'b' * 16}-01"}, "a" * 31 + "1"),
    ({"traceparent": f"00-{'0' * 32}-{'b' * 16}-01"}, ""),
    ({"traceparent": "nonsense", "x-request-id": "mine-1"}, "mine-1"),
    ({"x-request-id": "no spaces"}, ""),
    ({"x-request-id": "x" * 129}, ""),
    ({"x-request-id": "<script>"}, ""),
    ({}, ""),
]


def test_a_response_carries_the_id_of_its_request() -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        for headers, id in IDS:
            for path in ("/v1/definitions", "/v1/nothing", "/v1/openapi.json"):
                answer = await client.get(path, headers=headers)
                told = answer.headers["procession-request-id"]
                assert told == id if id else re.fullmatch("[0-9a-f]{32}", told)
                assert answer.headers["cache-control"] == "no-store"
                assert answer.headers["x-content-type-options"] == "nosniff"

    talk(conversation)


def test_a_body_that_is_too_large_is_refused_by_what_it_announces() -> None:
    def small(site: Site) -> None:
        site.bounds = Bounds(body_bytes_max=100)

    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        answer = await client.post("/v1/signals", json={"name": "x" * 200})
        assert (answer.status_code, answer.json()["code"]) == (413, "too-large")

    talk(conversation, change=small)


def test_values_are_exact() -> None:
    variables = b'{"price":0.10000000000000000000000000001,"many":123456789012345678901234567890}'
    exact = b'{"process_id":"p","variables":%b}' % variables

    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        key = (await client.post("/v1/instances", content=exact)).json()["key"]
        answer = await client.get(f"/v1/instances/{key}/variables")
        assert answer.content == b'{"variables":%b}' % variables

    talk(conversation, P)


def test_what_has_not_changed_is_answered_by_304() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        key = (await client.post("/v1/instances", json=START)).json()["key"]
        path = f"/v1/instances/{key}/variables"
        etag = (await client.get(path)).headers["etag"]
        for named in (etag, f'"other", {etag}', f"W/{etag}", "*"):
            again = await client.get(path, headers={"if-none-match": named})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        engine.instance(int(key)).set_variables({"new": 1})
        changed = await client.get(path, headers={"if-none-match": etag})
        assert (changed.status_code, changed.json()) == (200, {"variables": {"new": 1}})

    talk(conversation, P)


@pytest.mark.parametrize(("seconds", "told"), [(0.2, "1"), (2.3, "3"), (None, None)])
def test_a_quota_says_when_to_come_back_if_time_alone_helps(seconds: float | None, told: str | None) -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        answer = await client.get("/v1/definitions")
        assert (answer.status_code, answer.json()["code"]) == (429, "quota-exceeded")
        assert answer.headers.get("retry-after") == told

    full = QuotaExceeded("this tenant's quota starts_per_second is 5", seconds)
    talk(conversation, gate=Knows(lambda _: full))


def test_a_tenant_over_its_rate_is_told_when_to_come_back_and_others_are_not_held_up() -> None:
    def slow(site: Site) -> None:
        site.rates = SameForAll(0.5, burst=2)

    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        mine, other = {"procession-tenant": "mine"}, {"procession-tenant": "other"}
        first = await client.get("/v1/definitions", headers=mine)
        await client.get("/v1/definitions", headers=mine)
        third = await client.get("/v1/definitions", headers=mine)
        assert first.headers["ratelimit-policy"] == '"tenant";q=2;w=4'
        assert first.headers["ratelimit"] == '"tenant";r=1;t=2'
        assert (third.status_code, third.json()["code"]) == (429, "too-many-requests")
        assert third.headers["retry-after"] == "2"
        assert third.headers["ratelimit"].startswith('"tenant";r=0;t=')
        assert (await client.get("/v1/definitions", headers=other)).status_code == 200

    talk(conversation, change=slow)


def test_pages_of_other_origins_are_let_in_by_name_alone() -> None:
    def shared(site: Site) -> None:
        site.bounds = Bounds(origins=("https://app.example.com",))

    async def asked(client: httpx.AsyncClient, origin: str) -> str | None:
        headers = {"origin": origin, "access-control-request-method": "POST"}
        preflight = await client.options("/v1/signals", headers=headers)
        plain = await client.get("/v1/definitions", headers={"origin": origin})
        header = "access-control-allow-origin"
        named: set[str | None] = {each.headers.get(header) for each in (preflight, plain)}
        assert len(named) == 1
        return named.pop()

    async def with_list(_: Engine, client: httpx.AsyncClient) -> None:
        assert await asked(client, "https://app.example.com") == "https://app.example.com"
        assert await asked(client, "https://evil.example.com") is None

    async def without(_: Engine, client: httpx.AsyncClient) -> None:
        assert await asked(client, "https://app.example.com") is None

    talk(with_list, change=shared)
    talk(without)


WRITES: Final[list[tuple[str, dict[str, Any]]]] = [
    ("/v1/instances", START),
    ("/v1/instances/many", {"process_id": "p", "instances": [{}, {"business_key": "b"}]}),
    ("/v1/messages", {"name": "paid", "ttl_ms": 60_000}),
    ("/v1/signals", {"name": "go"}),
    ("/v1/conditions/evaluate", {"variables": {"a": 1}}),
    ("/v1/deployments", {"resources": [{"name": "quick.bpmn", "text": QUICK}]}),
]


@pytest.mark.parametrize(("path", "body"), WRITES)
def test_a_write_under_an_idempotency_key_happens_once(path: str, body: dict[str, Any]) -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        key = {"idempotency-key": "once"}
        first = await client.post(path, json=body, headers=key)
        count = len(engine.instances())
        again = await client.post(path, json=body, headers=key)
        assert first.status_code in {200, 201}
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        assert len(engine.instances()) == count

    talk(conversation, P)


def test_an_idempotency_key_belongs_to_one_request_and_one_caller() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        async def start(who: str, business_key: str) -> httpx.Response:
            body = {**START, "business_key": business_key}
            return await client.post("/v1/instances", json=body, headers={"idempotency-key": "k", "who": who})

        assert (await start("a", "1")).status_code == 201
        assert (await start("a", "2")).json()["code"] == "conflict"
        assert (await start("b", "2")).status_code == 201
        assert len(engine.instances()) == 2

    talk(conversation, P, gate=Knows(lambda headers: admin(headers["who"])))


def test_the_document_that_is_served_is_the_one_in_the_documentation() -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        served = (await client.get("/v1/openapi.json")).content
        committed = Path(__file__).parents[3] / "docs/reference/openapi.json"
        assert served == committed.read_bytes(), "run `make reference`"

    talk(conversation, gate=NOBODY)


@pytest.mark.parametrize("path", ["/v1/docs", "/v1/funnel"])
def test_a_page_of_the_api_needs_nothing_from_elsewhere(path: str) -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        page = await client.get(path)
        assert page.headers["content-type"].startswith("text/html")
        assert "//" not in re.sub(r"https?://www\.w3\.org", "", page.text)
        assert "default-src 'none'" in page.headers["content-security-policy"]

    talk(conversation, gate=NOBODY)


def test_every_operation_declares_its_problems_and_has_an_id_of_its_own() -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        document = json.loads((await client.get("/v1/openapi.json")).content)
        operations = [each for item in document["paths"].values() for each in item.values()]
        ids = [each["operationId"] for each in operations]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch("[a-z][a-z_]+", id) for id in ids)
        for each in operations:
            assert {"400", "401", "403", "404", "429", "500", "503"} <= set(each["responses"])
        declared = {code for item in document["paths"].values() for each in item.values() for code in each["responses"]}
        named = {str(status) for _, status, _, _ in STATUS} | {str(status) for status in OF_STATUS}
        # Links and sessions that are over are journeys', whose addresses are no part of this document.
        assert named - {"410"} <= declared

    talk(conversation)


def test_a_code_has_one_status() -> None:
    statuses: dict[str, set[int]] = {}
    for _, status, code, _ in STATUS:
        statuses.setdefault(code, set()).add(status)
    for status, (code, _) in OF_STATUS.items():
        statuses.setdefault(code, set()).add(status)
    assert {code: found for code, found in statuses.items() if len(found) != 1} == {}


def test_what_one_tenant_has_is_not_there_for_another() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        definition = engine.definitions()[0]
        instance = engine.start("p").key
        other = {"procession-tenant": "other"}
        await client.post("/v1/deployments", json={"resources": [{"name": "q.bpmn", "text": QUICK}]}, headers=other)
        for path in (
            f"/v1/definitions/{definition.key}",
            f"/v1/definitions/{definition.key}/xml",
            f"/v1/deployments/{definition.deployment}",
            f"/v1/instances/{instance}",
            f"/v1/instances/{instance}/history",
        ):
            answer = await client.get(path, headers=other)
            assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
            assert (await client.get(path)).status_code == 200
        cancelled = await client.post(f"/v1/instances/{instance}/cancel", headers=other)
        assert cancelled.status_code == 404
        assert engine.instance(instance).state == "active"

    talk(conversation, P, ("d.dmn", DECISION))
