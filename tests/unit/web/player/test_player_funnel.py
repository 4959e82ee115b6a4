"""What is counted of journeys: exact numbers of one that is played, and nothing of the person who played it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import httpx
import pytest

import postgres_rig
from journey_rig import PROPERTIES, World, documents, model, play, task
from mail_rig import mail_server
from procession.base.failure import StoreError
from procession.hosts.embedded.engine import Engine
from procession.runtime.ports import Cells
from procession.runtime.rows_of_server import JourneyCountRow
from procession.services.backend import Backend
from procession.services.journeys.funnel import DAY_MS, PAUSE_MS, Funnel, Where
from procession.services.journeys.rules import Rules, read_rules, variant_of
from procession.store.postgres.store import PostgresStore
from procession.web.playing import Bounds, Playing, now_ms
from procession.web.post.sending import Mail, Sending
from procession.web.telemetry.metrics import Measures

TYPED: Final = ("Ada Lovelace", "ada@example.com", "GB33BUKB", "-77", "CANARY")
"""What is typed in these tests, wherever it is typed."""
DRAWN: Final[dict[str, Any]] = {
    "type": "default",
    "id": "claim",
    "components": [
        {
            "type": "multipage",
            "id": "pages",
            "components": [
                {
                    "type": "page",
                    "id": "who",
                    "components": [
                        {"type": "textfield", "key": "name", "label": "Name", "validate": {"required": True}},
                        {
                            "type": "textfield",
                            "key": "account",
                            "label": "Account",
                            "validate": {"maxLength": 5},
                            "properties": {"procession.sensitive": "true"},
                        },
                    ],
                },
                {
                    "type": "page",
                    "id": "what",
                    "components": [
                        {
                            "type": "number",
                            "key": "amount",
                            "label": "Amount",
                            "validate": {"required": True, "min": 1},
                            "properties": {"procession.analyticsId": "amount-v2"},
                        }
                    ],
                },
            ],
        }
    ],
}


class Clock:
    """Unix ms, as far as it is moved."""

    def __init__(self) -> None:
        self.now = now_ms()

    def __call__(self) -> int:
        return self.now


class Device:
    """A program that plays by bearer."""

    def __init__(self, client: httpx.AsyncClient, opened: dict[str, Any]) -> None:
        self.client, self.api = client, opened["api"]
        self.headers = {"authorization": f"Bearer {opened['token']}"}

    async def screen(self) -> dict[str, Any]:
        answer = await self.client.get(f"{self.api}/screen", headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def do(self, what: str, task: str, page: str, **sets: Any) -> httpx.Response:
        body = {"task": task, "page": page, "sets": sets, "base": 1_000}
        return await self.client.post(f"{self.api}/{what}", json=body, headers=self.headers)


def counted(world: World) -> Clock:
    """A clock that is moved by hand, for what is counted."""
    clock = Clock()
    world.site.playing = Playing(world.site.backend, Bounds(url="http://test"), clock=clock)
    return clock


async def began(world: World, process: str = "claim") -> Device:
    client = world.browser().client
    answer = await client.post("/play/-/api/start", json={"process_id": process})
    assert answer.status_code == 201, answer.text
    return Device(client, answer.json())


async def funnel(world: World, **query: str) -> dict[str, Any]:
    await world.site.playing.funnel.flush()
    answer = await world.browser().client.get("/v1/journeys/funnel", params={"process_id": "claim", **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rows(world: World) -> list[JourneyCountRow]:
    args = (0, "claim", 0, 1 << 30, 0, 1 << 30, 1_000)
    return world.engine.store.read("journey_counts", args, JourneyCountRow)


def drawn(**properties: str) -> list[tuple[str, bytes]]:
    given = {**PROPERTIES, **{f"journey.{name}": text for name, text in properties.items()}}
    nodes = (("ask", task("ask", "claim", "customer")), ("sign", task("sign", "sign", "customer")))
    files = dict(documents(model(*nodes, properties=given)))
    return [*{**files, "claim.form": json.dumps(DRAWN).encode()}.items()]


async def played(world: World) -> None:
    clock = counted(world)
    device = await began(world)
    asked = (await device.screen())["shown"]["task"]
    await device.screen()
    clock.now += 4_000
    assert (await device.do("next", asked, "who", account="GB33BUKB")).status_code == 422
    clock.now += 6_000
    assert (await device.do("next", asked, "who", name="Ada Lovelace", account="")).status_code == 200
    clock.now += 1_000
    assert (await device.do("back", asked, "what")).json()["shown"]["page"] == "who"
    assert (await device.do("next", asked, "CANARY")).json()["shown"]["page"] == "what"
    clock.now += 3_000
    assert (await device.do("submit", asked, "what", amount=-77)).status_code == 422
    sent = await device.do("submit", asked, "what", amount=12)
    signed = sent.json()["shown"]["task"]
    # Sent again after the answer was lost, nothing of it counts once more.
    assert (await device.do("submit", asked, "what", amount=12)).status_code == 200
    clock.now += PAUSE_MS + 1
    await device.screen()
    assert (await device.do("submit", signed, "", signed="Ada Lovelace")).json()["shown"]["kind"] == "end"
    await device.screen()
    other = await began(world)
    await other.screen()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """On each of the stores."""
    if request.param == "sqlite":
        with Engine() as found:
            yield found
        return
    with Engine(store=PostgresStore(postgres_rig.server().database())) as found:
        yield found


def test_a_journey_that_is_played_gives_exactly_these_numbers(engine: Engine) -> None:
    async def conversation(world: World) -> None:
        await played(world)
        total = (await funnel(world))["total"]
        pages = {(each.pop("form"), each.pop("page")): each for each in total.pop("pages")}
        assert total == {
            "variant": "", "started": 2, "resumed": 1, "resume_rate": 0.5, "handed_over": 0, "submitted": 2,
            "ended": 1, "stopped": 0,
        }  # fmt: skip
        assert pages == {
            # Ten seconds until it was accepted, none when it was seen again; the second person is still there.
            ("claim", "who"): {
                "shown": 2, "left": 1, "drop_off": 0.5, "seconds": 5.0, "saved": 0,
                "faults": [
                    {"field": "account", "rule": "", "count": 1}, {"field": "name", "rule": "required", "count": 1},
                ],
            },
            # Left once by going back after a second, and once for good after three.
            ("claim", "what"): {
                "shown": 1, "left": 1, "drop_off": 0.0, "seconds": 2.0, "saved": 0,
                "faults": [{"field": "amount-v2", "rule": "min", "count": 1}],
            },
            # The pause is none of its time.
            ("sign", ""): {
                "shown": 1, "left": 1, "drop_off": 0.0, "seconds": 0.0, "saved": 0, "faults": [],
            },
        }  # fmt: skip

    play(conversation, *drawn(), engine=engine)


def test_nothing_that_is_counted_is_of_a_person() -> None:
    async def conversation(world: World) -> None:
        await played(world)
        await world.site.playing.funnel.flush()
        found = rows(world)
        assert found
        text = repr(found) + repr(world.site.playing.funnel.totals())
        assert not [each for each in TYPED if each in text]
        assert {row.page for row in found} == {"", "who", "what"}, "a page that nobody drew counts as none"
        assert {row.what for row in found} == {
            "started", "shown", "stayed", "left", "fault", "resumed", "submitted", "ended",
        }  # fmt: skip

    play(conversation, *drawn())


def test_counts_are_added_up_by_every_process_that_counts() -> None:
    async def conversation(world: World) -> None:
        for _ in range(2):
            counted(world)
            await began(world)
            await world.site.playing.funnel.flush()
            await world.site.playing.funnel.flush()
        assert (await funnel(world))["total"]["started"] == 2

    play(conversation)


def test_pages_without_javascript_count_as_those_of_programs_do() -> None:
    async def conversation(world: World) -> None:
        clock, browser = counted(world), world.browser()
        page = await browser.start()
        clock.now += 2_000
        assert (await browser.post(page, "next")).status == 422
        await browser.post(page, "save", {"email": "ada@example.com"})
        page = await browser.post(page, "next", {"name": "Ada Lovelace"})
        pages = {each["page"]: each for each in (await funnel(world))["total"]["pages"]}
        assert (pages["who"]["shown"], pages["who"]["left"], pages["who"]["saved"]) == (1, 1, 1)
        assert (pages["who"]["seconds"], pages["who"]["faults"]) == (
            2.0,
            [{"field": "name", "rule": "required", "count": 1}],
        )
        assert (pages["what"]["shown"], pages["what"]["drop_off"]) == (1, 1.0)

    play(conversation)


def test_days_and_versions_are_asked_for_and_forgotten() -> None:
    async def conversation(world: World) -> None:
        clock = counted(world)
        today = clock.now
        clock.now -= 10 * DAY_MS
        await began(world)
        clock.now = today
        await began(world)
        assert (await funnel(world))["total"]["started"] == 2
        day = datetime.fromtimestamp(today / 1_000, UTC).date()
        assert (await funnel(world, **{"from": str(day)}))["total"]["started"] == 1
        assert (await funnel(world, to=str(day - timedelta(days=1))))["total"]["started"] == 1
        assert (await funnel(world, to=str(day - timedelta(days=11))))["total"]["started"] == 0
        assert (await funnel(world, version="1"))["total"]["started"] == 2
        assert (await funnel(world, version="2"))["total"]["started"] == 0
        await world.site.playing.funnel.forget("<default>", today - 5 * DAY_MS)
        assert (await funnel(world))["total"]["started"] == 1

    play(conversation)


def test_variants_are_stable_are_stored_are_seen_by_forms_and_count_apart() -> None:
    hidden = {"type": "textfield", "key": "only", "label": "Only", "conditional": {"hide": '=journey.variant != "b"'}}
    form = json.dumps({"type": "default", "id": "claim", "components": [hidden]}).encode()
    files = [*dict([*drawn(variants="a:0, b:1"), ("claim.form", form)]).items()]

    async def conversation(world: World) -> None:
        counted(world)
        device = await began(world)
        shown = (await device.screen())["shown"]
        assert [item["visible"] for item in shown["view"]["pages"][0]["items"] if "visible" in item] in ([], [True])
        assert "journey" not in shown["view"]["data"]
        found = await funnel(world)
        assert [(each["variant"], each["started"]) for each in found["variants"]] == [("b", 1)]
        assert found["total"]["started"] == 1

    play(conversation, *files)


def test_shares_of_variants_are_kept() -> None:
    rules = read_rules({"journey.variants": "a:75, b:25"})
    given = [variant_of(rules, f"journey-{number}") for number in range(2_000)]
    assert given == [variant_of(rules, f"journey-{number}") for number in range(2_000)]
    assert 1_400 < given.count("a") < 1_600
    assert given.count("a") + given.count("b") == 2_000
    assert variant_of(Rules(), "x") == ""


@pytest.mark.parametrize("text", ["a:x", "a:50, a:50", ":5", "a:0", "a:99999", "a,,b", "a" * 61])
def test_variants_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(Exception, match=r"journey\.variants"):
        read_rules({"journey.variants": text})


def test_metrics_show_what_happened() -> None:
    async def conversation(world: World) -> None:
        counted(world)
        await began(world)
        measures = Measures()
        measures.journeys = world.site.playing.funnel.totals
        assert 'procession_journey_events_total{process="claim",what="started"} 1.0' in measures.page().decode()

    play(conversation)


class Watched:
    """A backend that tells when something was written; with `refuses` it says first that the store is not there."""

    def __init__(self, backend: Backend, refuses: int = 0) -> None:
        self.backend, self.refuses, self.written = backend, refuses, asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    async def write(self, tenant: str, statement: str, rows: Sequence[Cells]) -> None:
        if self.refuses:
            self.refuses -= 1
            raise StoreError("not there")
        await self.backend.write(tenant, statement, rows)
        self.written.set()


def test_what_a_store_refuses_is_counted_when_it_is_there_again() -> None:
    async def conversation(world: World) -> None:
        watched = Watched(world.site.backend, refuses=1)
        found = Funnel(cast("Backend", watched), now_ms)
        found.count("<default>", Where(process_id="claim"), "started")
        await found.flush()
        assert rows(world) == []
        found.count("<default>", Where(process_id="claim"), "started")
        await found.flush()
        assert [(row.what, row.n) for row in rows(world)] == [("started", 2)]
        found.count("gone", Where(process_id="claim"), "started")
        await found.flush()
        assert [(row.what, row.n) for row in rows(world)] == [("started", 2)], "nobody's are kept nowhere"

    play(conversation)


def test_counts_are_stored_now_and_then_and_at_the_end() -> None:
    async def conversation(world: World) -> None:
        watched = Watched(world.site.backend)
        found = Funnel(cast("Backend", watched), now_ms)
        going = asyncio.ensure_future(found.keep(0))
        found.count("<default>", Where(process_id="claim"), "started")
        await asyncio.wait_for(watched.written.wait(), 20)
        found.count("<default>", Where(process_id="claim"), "started")
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
        await found.flush()
        assert [(row.what, row.n) for row in rows(world)] == [("started", 2)]

    play(conversation)


def test_who_goes_on_at_another_device_has_resumed() -> None:
    async def conversation(world: World) -> None:
        device = await began(world)
        body = {"by": "email", "to": "ada@example.com"}
        answer = await device.client.post(f"{device.api}/handover", json=body, headers=device.headers)
        assert answer.status_code == 200, answer.text
        link, code = re.search(r"/play/-/l/(\S+)", inbox.texts[0]), re.search(r"\b\d{6}\b", inbox.texts[0])
        assert link is not None
        assert code is not None
        client = world.browser().client
        other = Device(client, (await client.post("/play/-/api/open", json={"link": link[1]})).json())
        given = await client.post(f"{other.api}/code", json={"code": code[0]}, headers=other.headers)
        assert given.status_code == 204, given.text
        total = (await funnel(world))["total"]
        assert (total["started"], total["handed_over"], total["resumed"], total["resume_rate"]) == (1, 1, 1, 1.0)
        assert "ada@example.com" not in repr(rows(world))

    with mail_server() as inbox:
        sender = Mail(host="127.0.0.1", port=inbox.port, sender="c@example.com", tls="none", seconds=5)
        play(conversation, post=Sending(sender))


def test_who_types_without_a_pause_has_not_resumed() -> None:
    async def conversation(world: World) -> None:
        clock = counted(world)
        device = await began(world)
        asked = (await device.screen())["shown"]["task"]
        for name in ("A", "Ad", "Ada"):
            clock.now += PAUSE_MS - 1_000
            body = {"task": asked, "sets": {"name": name}}
            assert (await device.client.put(f"{device.api}/draft", json=body, headers=device.headers)).is_success
        assert (await device.do("next", asked, "who")).status_code == 200
        total = (await funnel(world))["total"]
        assert total["resumed"] == 0
        assert total["pages"][1]["seconds"] == 3 * (PAUSE_MS // 1_000 - 1)

    play(conversation)


def test_the_form_of_a_start_counts_before_there_is_a_journey() -> None:
    async def conversation(world: World) -> None:
        counted(world)
        browser = world.browser()
        page = await browser.open("/play/-/start/claim")
        assert (await browser.post(page, "next")).status == 422
        page = await browser.post(page, "next", {"name": "CANARY"})
        assert page.status == 200
        total = (await funnel(world))["total"]
        assert total["started"] == 0
        pages = {each["page"]: (each["shown"], each["left"], len(each["faults"])) for each in total["pages"]}
        assert pages == {"who": (1, 1, 1), "what": (1, 0, 0)}
        page = await browser.post(page, "submit", {"amount": "7"})
        total = (await funnel(world))["total"]
        assert (total["started"], total["submitted"]) == (1, 1)
        assert "CANARY" not in repr(rows(world))

    play(conversation, *documents(model(("sign", task("sign", "sign", "customer")), start_form="claim")))
