"""What the server tells of itself: no secrets, bounded labels, the largest tenants, whose request it was."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from procession.base.failure import StoreError
from procession.hosts.embedded.counters import OTHER, TYPES_MAX, Counters, Tally
from procession.hosts.embedded.engine import Engine
from procession.runtime.requests import BroadcastSignal
from procession.services.access import Caller
from procession.services.backend import Who
from procession.services.rollouts import state as states
from procession.services.rollouts.measures import Measures as Measured
from procession.services.rollouts.plan import read_plan
from procession.services.shadows import begun
from procession.web.app import create_app
from procession.web.draining import DrainingBackend
from procession.web.front import Front
from procession.web.health import GOOD_S, Health
from procession.web.site import OpenGate, Site
from procession.web.telemetry import logs
from procession.web.telemetry.backend import MeasuredBackend
from procession.web.telemetry.metrics import FIGURES, PROCESSES_TOP, Measures
from procession.web.telemetry.neighbours import Shares
from procession.web.telemetry.observing import Observing
from procession.web.telemetry.redaction import HIDDEN, Redactor
from procession.web.telemetry.seen import SeeingGate, request_id
from web_rig import XML, running_site


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgresql://me:s3cret@db/x cannot be reached", "s3cret"),
        ("GET /v1/x?api_key=s3cret&limit=1", "s3cret"),
        ("Authorization: Bearer s3cret.s3cret", "s3cret"),
        ('{"password": "s3cret"}', "s3cret"),
        ("connection failed: host=db password=s3cret user=me", "s3cret"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmVk was refused", "eyJhbGciOiJIUzI1NiJ9"),
        ("key pk_0123456789abcdefghij is revoked", "pk_0123456789abcdefghij"),
        ("webhook whsec_MfKQ9r8GKYqrTwjU refused", "whsec_MfKQ9r8GKYqrTwjU"),
        ("it says known-secret-of-settings here", "known-secret-of-settings"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, hidden: str) -> None:
    told = Redactor(["known-secret-of-settings"]).text(text)
    assert hidden not in told
    assert HIDDEN in told


@pytest.mark.parametrize(
    "text",
    ["instance 2251799813685249 started", "GET /v1/instances 200", "shard 0 is owned by process 12", "a basic thing"],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redactor().text(text).startswith(text.split(maxsplit=1)[0])
    assert Redactor().text(text) == text or "basic" in text


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    root, ours = logging.getLogger(), logging.getLogger("procession")
    before = root.handlers[:], root.level, ours.level
    stream = io.StringIO()
    logs.configure("info", "json", Redactor(["known-secret"]), stream)
    yield stream
    root.handlers[:], level, own = before
    root.setLevel(level)
    ours.setLevel(own)
    logging.captureWarnings(False)


def test_a_line_of_any_logger_is_json_without_secrets(logged: io.StringIO) -> None:
    logging.getLogger("procession.web").info("asked with password=abc", extra={"detail": {"why": ["known-secret"]}})
    logging.getLogger("uvicorn.error").error("failed")
    logging.getLogger("httpx").info("GET https://example/?token=x")
    try:
        raise StoreError("postgresql://me:hush@db")
    except StoreError:
        logging.getLogger("procession").exception("fault")
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert [line["event"] for line in lines] == [f"asked with password={HIDDEN}", "failed", "fault"]
    assert lines[0]["detail"] == {"why": [HIDDEN]}
    assert lines[0]["logger"] == "procession.web"
    assert "StoreError" in lines[2]["exception"]
    assert "hush" not in logged.getvalue()


def test_the_largest_tenants_are_found_among_very_many_in_bounded_memory() -> None:
    shares = Shares(kept=64)
    for number in range(20_000):
        shares.add(f"small-{number}")
        if number % 4 == 0:
            shares.add("large", 4)
    (first, share), *_ = shares.top(3)
    assert first == "large"
    assert 0.4 < share < 0.6
    assert len(shares.top(1_000)) == 64


def test_job_types_beyond_the_bound_are_one() -> None:
    with Engine() as engine:
        used: list[tuple[str, float]] = []
        counters = Counters(engine.pumps, lambda tenant, count: used.append((tenant, count)))
        for number in range(TYPES_MAX + 3):
            xml = XML.replace('type="work"', f'type="work-{number}"')
            engine.deploy(("p.bpmn", xml.encode()))
            engine.start("p")
        created = counters.read()["jobs_created"]
        assert len(created) == TYPES_MAX + 1
        assert created[OTHER] == 3
        assert sum(count for tenant, count in used if tenant == "<default>") == counters.read()["steps"][""]
        assert set(counters.read()) <= set(FIGURES)
        counters.close()


def test_a_request_id_is_that_of_the_trace_or_a_uuid_and_never_another_text() -> None:
    given = b"6F9619FF-8B86-D011-B42D-00CF4FC964FF"
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert request_id({b"x-request-id": given}) == given.decode().lower()
    assert request_id({b"x-request-id": given, b"traceparent": trace}) == "0af7651916cd43dd8448eb211c80319c"
    nobody = f"00-{'0' * 32}-b7ad6b7169203331-01".encode()
    assert request_id({b"x-request-id": given, b"traceparent": nobody}) == given.decode().lower()
    assert request_id({b"x-request-id": b"secret", b"traceparent": b"secret"}) != "secret"
    assert request_id({}) != request_id({})


class _Failing:
    """A host's backend that cannot reach its store."""

    async def ask(self, request: object, who: Who) -> object:
        raise StoreError("gone")


def test_what_engines_answer_is_counted_by_kind_and_outcome() -> None:
    async def told() -> str:
        measures = Measures()
        with Engine() as engine:
            async with running_site(engine) as site:
                backend = MeasuredBackend(site.backend, measures)
                await backend.ask(BroadcastSignal("<default>", "s", {}), Who("user:x"))
                await backend.write(
                    "<default>", "delivery_tried", [(1, 1, 0, 200, "", 1, "w", "d"), (2, 9, 0, 500, "", 1, "w", "d")]
                )
                await backend.ask_all([BroadcastSignal("<default>", "s", {})] * 2, Who("user:x"))
        with pytest.raises(StoreError):
            await MeasuredBackend(_Failing(), measures).ask(  # type: ignore[arg-type]
                BroadcastSignal("<default>", "s", {}), Who("user:x")
            )
        return measures.page().decode()

    text = asyncio.run(told())
    assert 'procession_asked_total{outcome="done",request="BroadcastSignal"} 3.0' in text
    assert 'procession_asked_total{outcome="store",request="BroadcastSignal"} 1.0' in text
    assert "procession_store_errors_total 1.0" in text
    assert 'procession_webhook_deliveries_total{outcome="delivered"} 1.0' in text
    assert 'procession_webhook_deliveries_total{outcome="given-up"} 1.0' in text
    assert "procession_intake_waiting 0.0" in text


def test_streams_end_and_waits_are_given_up_when_the_process_is_about_to_end() -> None:
    async def told() -> None:
        with Engine() as engine:
            async with running_site(engine) as site:
                backend = DrainingBackend(site.backend)
                reading = asyncio.create_task(_all(backend.news("<default>", 0)))
                seen = await backend.moved("<default>", 0, 60)
                waiting = asyncio.create_task(backend.moved("<default>", seen, 60))
                await asyncio.sleep(0)
                backend.drain(0.01)
                assert await asyncio.wait_for(reading, 5) == []
                with pytest.raises(StoreError, match="another one answers"):
                    await asyncio.wait_for(waiting, 5)

    asyncio.run(told())


async def _all(items: AsyncIterator[object]) -> list[object]:
    return [item async for item in items]


# --- the front


class _Scraper:
    """A gate that knows two callers by a header."""

    def forget(self) -> None:
        """Keeps nothing."""

    async def caller(self, headers: dict[str, str], origin: str) -> Caller:
        permissions = frozenset({"metrics:read"} if headers.get("x-who") == "scraper" else ())
        return Caller("t", "key:1", origin, permissions)


async def _asked(app: object, path: str, host: str = "localhost:8080", **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
        return await client.get(path, headers=headers)


def test_metrics_are_for_those_who_may_read_them() -> None:
    async def told() -> None:
        with Engine() as engine:
            async with running_site(engine) as site:
                app, measures = create_app(site), Measures()
                front = Front(app, Health({}), measures, _Scraper(), metrics="callers")  # type: ignore[arg-type]
                assert (await _asked(front, "/metrics", **{"x-who": "scraper"})).status_code == 200
                refused = await _asked(front, "/metrics")
                assert refused.status_code == 403
                assert refused.headers["content-type"] == "application/problem+json"
                off = Front(app, Health({}), measures, OpenGate(), metrics="off")
                assert (await _asked(off, "/metrics")).status_code == 404
                here = Front(app, Health({}), measures, OpenGate(), metrics="loopback")
                assert (await _asked(here, "/metrics")).status_code == 200

    asyncio.run(told())


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("localhost:8080", "", 200),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", 200),
        ("[::1]:8080", "", 200),
        ("evil.example", "", 403),
        ("localhost.evil.example", "", 403),
        ("localhost:8080", "https://evil.example", 403),
        ("localhost:8080", "null", 403),
        ("localhost:8080", "http://localhost:9000", 403),
    ],
)
def test_an_open_server_answers_no_page_of_somebody_else(host: str, origin: str, status: int) -> None:
    async def told() -> None:
        with Engine() as engine:
            async with running_site(engine) as site:
                front = Front(
                    create_app(site), Health({}), Measures(), OpenGate(), metrics="off", page=b"<p>", open=True
                )
                headers = {"origin": origin} if origin else {}
                assert (await _asked(front, "/", host, **headers)).status_code == status

    asyncio.run(told())


def test_what_the_front_refuses_is_a_problem_as_of_the_api() -> None:
    async def told() -> None:
        with Engine() as engine:
            async with running_site(engine) as site:
                front = Front(create_app(site), Health({}), Measures(), OpenGate(), metrics="off")
                transport = httpx.ASGITransport(front)  # type: ignore[arg-type]
                async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                    answers = [await client.delete(path) for path in ("/health/live", "/v1/whoami")]
                problems = [{**answer.json(), "instance": "", "request_id": ""} for answer in answers]
                assert problems[0] == problems[1]
                assert [answer.status_code for answer in answers] == [405, 405]

    asyncio.run(told())


def test_health_says_why_it_is_not_ready_and_looks_once_a_second() -> None:
    async def told() -> None:
        looked: list[int] = []

        async def store() -> str:
            looked.append(1)
            raise StoreError("/secret/path: gone")

        async def disk() -> str:
            return "the disk is full"

        async def reader() -> str:
            raise StoreError("host.internal: starts", why="it starts")

        health = Health({"store": store, "disk": disk, "reader": reader})
        first = await asyncio.gather(*(health.ready() for _ in range(10)))
        said = {"store": "it failed; the log says why", "disk": "the disk is full", "reader": "it starts"}
        assert first[0].checks == said
        assert not first[0].ready
        assert len(looked) == 1
        assert GOOD_S <= 1
        health.draining = True
        assert "draining" in (await health.ready()).checks
        assert len(looked) == 1

    asyncio.run(told())


def test_what_is_degraded_is_told_and_does_not_make_the_process_unready() -> None:
    async def told() -> None:
        async def store() -> str:
            return ""

        async def degraded() -> dict[str, str]:
            return {"acme": "its store failed"}

        for draining in (False, True):
            health = Health({"store": store}, degraded)
            health.draining = draining
            found = await health.ready()
            assert (found.ready, found.degraded) == (not draining, {"acme": "its store failed"})

    asyncio.run(told())


def test_counts_of_several_engines_are_one_and_stay_when_an_engine_closes() -> None:
    tally = Tally()
    for number in range(2):
        with Engine() as engine:
            counters = Counters(engine.pumps, lambda tenant, count: None, tally)
            for other in range(TYPES_MAX - 1):
                xml = XML.replace('type="work"', f'type="work-{number}-{other}"')
                engine.deploy(("p.bpmn", xml.encode()))
                engine.start("p")
            counters.close()
            engine.start("p")
    figures = tally.figures()
    assert figures["instances_started"] == {"": 2 * (TYPES_MAX - 1)}
    assert len(figures["jobs_created"]) == TYPES_MAX + 1, "types are bounded for all of them together"
    assert figures["jobs_created"][OTHER] == TYPES_MAX - 2


def test_every_request_has_an_id_and_a_line_with_its_route_and_caller(logged: io.StringIO) -> None:
    async def told() -> httpx.Response:
        with Engine() as engine:
            async with running_site(engine) as inner:
                site = Site(inner.backend, SeeingGate(OpenGate()), version="t")
                measures = Measures()
                observed = Observing(create_app(site), measures)
                transport = httpx.ASGITransport(observed)  # type: ignore[arg-type]
                async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
                    await client.get("/v1/of/nobody/12345")
                    answer = await client.post("/v1/signals", json={"name": "s"}, headers={"procession-tenant": "a"})
                page = measures.page().decode()
                assert 'route="/v1/signals",status="404"' in page, "nobody knows the tenant"
                assert "12345" not in page
                assert 'procession_tenant_share{of="requests",tenant="a"} 1.0' in page
                return answer

    answer = asyncio.run(told())
    missed, line = [json.loads(each) for each in logged.getvalue().splitlines()]
    assert (missed["route"], missed["status"]) == ("(unmatched)", 404)
    assert (line["route"], line["tenant"], line["subject"]) == ("/v1/signals", "a", "user:dev")
    assert line["request_id"] == answer.headers["procession-request-id"]


def test_shadow_runs_are_counted_by_host_and_process() -> None:
    report = begun("r", "temporal", 0, 0)
    for status in ("equal", "different", "untold"):
        report = report.counted("order", status, ["order/pay"], 1)
    measures = Measures()
    measures.shadows = lambda: [report, begun("other", "here", 0, 0).counted("order", "equal", [], 1)]
    page = measures.page().decode()
    assert 'procession_shadow_compared_total{host="temporal",process="order"} 3.0' in page
    assert 'procession_shadow_different_total{host="temporal",process="order"} 1.0' in page
    assert 'procession_shadow_untold_total{host="temporal",process="order"} 1.0' in page
    assert 'procession_shadow_compared_total{host="here",process="order"} 1.0' in page


def test_rollouts_are_shown_at_their_steps() -> None:
    plan = read_plan({"name": "home", "from": "temporal", "to": "here", "steps": [{"starts": 10}, {"starts": 100}]})
    rollout = states.went_on(states.begun(plan, 1, "ann"), 2, "ann", Measured(), "")
    measures = Measures()
    measures.rollouts = lambda: [rollout, states.held(states.begun(plan, 1, "ann"), 2, "ann", "")]
    page = measures.page().decode()
    assert 'procession_rollout_step{rollout="home",state="running",to="here"} 2.0' in page
    assert 'procession_rollout_step{rollout="home",state="held",to="here"} 1.0' in page


def test_of_many_processes_the_first_are_counted_by_name() -> None:
    report = begun("r", "here", 0, 0)
    for n in range(PROCESSES_TOP + 3):
        report = report.counted(f"p{n}", "equal", [], 1)
    measures = Measures()
    measures.shadows = lambda: [report]
    page = measures.page().decode()
    assert 'procession_shadow_compared_total{host="here",process=""} 3.0' in page
