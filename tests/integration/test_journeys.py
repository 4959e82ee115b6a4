"""The journeys of examples/, served by `procession dev` and played to their end in a real browser."""

from __future__ import annotations

import base64
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import httpx
import pytest

import needs
from browser_page_rig import NARROW, PATIENCE_MS, axe_source, browser, violations
from journey_hands import Hands, Keys, Pointer, field
from procession.web.player.statics import SCRIPT
from server_rig import SECONDS_MAX, ServerProcess, soon

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

needs.require("server", "pip install 'procession[server]'")
needs.require("player", "pip install 'procession[player]'")

__all__ = ["browser"]
JOURNEYS: Final = Path(__file__).resolve().parents[2] / "examples" / "journeys"
WAYS: Final[dict[str, tuple[int, bool, Callable[[Page], Hands], bool]]] = {
    "1280-keys": (1280, True, Keys, False),
    "1280-no-js": (1280, False, Pointer, False),
    "320-js": (NARROW, True, Pointer, False),
    "320-no-js-rtl": (NARROW, False, Pointer, True),
}
"""Width of the page, whether scripts run, what it is played with, and whether it is read from right to left."""
SHOWN: Final = {"1280-keys", "320-no-js-rtl"}
"""The ways of which docs/journeys.md has pictures. `PROCESSION_RECORD=1` takes them anew."""
PICTURES: Final = JOURNEYS.parents[1] / "docs" / "journeys"
RTL: Final = {"account": "he", "claim": "ar"}
PHOTO: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Served(NamedTuple):
    """The folder of a journey, served: its name, where, and by whom."""

    name: str
    url: str
    process: ServerProcess


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Served]]:
    """Gives the server of a journey: one for all tests, started at first use."""
    with ExitStack() as open_:

        @cache
        def served(name: str) -> Served:
            at = tmp_path_factory.mktemp(name)
            shutil.copytree(JOURNEYS / name, at / "models")
            (at / "there").mkdir()
            process = ServerProcess(at / "there", "dev", str(at / "models"), "--port", "0", "--gateway-port", "0")
            open_.enter_context(process)
            open_.callback(process.ended)
            open_.callback(process.tell)
            process.ready()
            process.until("watching")
            return Served(name, process.url, process)

        yield served


@pytest.fixture(params=["account", "claim"])
def server(request: pytest.FixtureRequest, servers: Callable[[str], Served]) -> Served:
    """The folder of a journey, served."""
    return servers(request.param)


@final
class Play:
    """Somebody at a page of a journey."""

    def __init__(self, page: Page, server: Served, way: str, photo: Path) -> None:
        self.name, self.url, self.process = server
        self.page, self.way, self.photo = page, way, photo
        self.hands = WAYS[way][2](page)
        self.language = RTL[self.name] if WAYS[way][3] else "en"
        self.shots: list[str] = []

    def start(self, process: str) -> None:
        self.page.goto(f"{self.url}/play/-/start/{process}?lang={self.language}")
        assert self.page.locator("html").get_attribute("dir") == ("rtl" if WAYS[self.way][3] else "ltr")

    def other(self, page: Page) -> Play:
        """Somebody else, who plays the same way."""
        found = Play(page, Served(self.name, self.url, self.process), self.way, self.photo)
        found.shots = self.shots
        return found

    def on(self, to: str) -> None:
        """The main button, and what comes next: the page of an address that ends so. It fits."""
        self.shoot()
        self.hands.main()
        self.page.wait_for_url(re.compile(f".*/{to}(\\?.*)?$"))
        self.page.wait_for_selector("main button, main p")
        self.fits()

    def faulty(self, path: str) -> None:
        """The main button, and what is wrong: it stands at the field, and in the summary, which leads there."""
        self.hands.main()
        self.page.wait_for_selector("#errors")
        self.page.wait_for_selector(f'{field(path)}[aria-invalid="true"]')
        self.shoot()
        self.hands.mend(path)

    def fits(self) -> None:
        """Nothing has to be scrolled sideways."""
        size, box = self.page.viewport_size, self.page.locator("main").bounding_box()
        assert size is not None
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"]

    def shoot(self) -> None:
        """A picture for the docs, which show every page that was played."""
        if self.way not in SHOWN:
            return
        name = f"{self.name}-{'phone' if WAYS[self.way][3] else 'desktop'}-{len(self.shots) + 1:02}.png"
        self.shots.append(name)
        if os.environ.get("PROCESSION_RECORD"):
            PICTURES.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=PICTURES / name, full_page=True, animations="disabled", caret="hide")
        assert (PICTURES / name).exists(), "PROCESSION_RECORD=1 takes the pictures of the docs"


@pytest.fixture
def play(
    request: pytest.FixtureRequest, browser: Browser, server: Served, tmp_path: Path
) -> Iterator[Play]:  # fmt: skip
    width, scripts, *_ = WAYS[request.param]
    # A desktop is as wide as it is; its pictures need no empty space beside the page.
    context = browser.new_context(java_script_enabled=scripts, viewport={"width": width, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    photo = tmp_path / "car.png"
    photo.write_bytes(PHOTO)
    yield Play(context.new_page(), server, request.param, photo)
    context.close()


PLAYED: Final = [
    # Each of them with the keyboard alone, and from right to left without scripts; one of them in the other ways, too.
    pytest.param(name, way, marks=[] if name == "account" or way in SHOWN else [pytest.mark.large], id=f"{name}-{way}")
    for name in ("account", "claim")
    for way in WAYS
]


@pytest.mark.parametrize(("server", "play"), PLAYED, indirect=True)
def test_a_journey_is_played_to_its_end(play: Play) -> None:
    PLAYS[play.name](play)
    if play.shots:
        kind = play.shots[0].rpartition("-")[0]
        assert sorted(each.name for each in PICTURES.glob(f"{kind}-*.png")) == play.shots, "no others lie there"


def test_a_network_that_is_cut_for_a_minute_loses_no_answer(server: Served, browser: Browser) -> None:
    name, url, _ = server
    with browser.new_context() as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.clock.install()
        hands = Pointer(page)
        process, answers, there = {
            "account": ("account", {"name": "Ann", "born": "1990-04-01"}, "name"),
            "claim": ("accident", {"policy": "AB123456", "day": "2026-01-02"}, "when"),
        }[name]
        page.goto(f"{url}/play/-/start/{process}")
        if name == "account":
            hands.fill("email", "cut@example.com")
            hands.tick("terms")
            hands.main()
            page.wait_for_url("**/code")
            hands.fill("=code", server.process.until("message")["message"]["code"])
        hands.main()
        page.wait_for_url(f"**/{there}")
        context.set_offline(True)
        for path, value in answers.items():
            hands.fill(path, value)
        page.get_by_text("You are offline.").wait_for()
        page.clock.fast_forward(60_000)
        api = page.url.rsplit("/", 2)[0] + "/api/screen"
        context.set_offline(False)
        # Nobody has to press anything: what was typed is sent as soon as it can be.
        page.get_by_text("You are offline.").wait_for(state="hidden")
        found = context.request.get(api).json()["shown"]["view"]["data"]
        assert {path: found[path] for path in answers} == answers


def test_the_element_plays_a_public_start_with_its_form(server: Served, browser: Browser) -> None:
    name, url, process = server
    start = {"account": "account", "claim": "accident"}[name]
    host = f'<script type="module" src="{SCRIPT}"></script><procession-player start="/play/-/start/{start}" lang="en">'
    with browser.new_context() as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.route("**/host", lambda route: route.fulfill(content_type="text/html", body=f"<!doctype html>{host}"))
        page.goto(f"{url}/host")
        if name == "account":
            page.get_by_label("E-mail").fill("ann@example")
            page.get_by_role("button", name="Send").click()
            page.locator("#errors").get_by_text("I agree to the terms").wait_for()
            page.get_by_label("I agree to the terms").check()
            page.get_by_label("E-mail").fill("element@example.com")
            page.get_by_role("button", name="Send").click()
            page.locator("[name=code]").fill(process.until("message")["message"]["code"])
            page.get_by_role("button", name="Confirm").click()
            page.get_by_role("heading", name="Your name").wait_for()
            asked = next(each for each in _instances(url) if each["variables"].get("email") == "element@example.com")
            assert asked["variables"]["terms"] is True
        else:
            page.get_by_role("heading", name="When and where").wait_for()


def test_how_journeys_went_is_shown_on_a_page(server: Served, browser: Browser) -> None:
    name, url, _ = server
    process, sets = {"account": ("account", {"email": "ann@example.com", "terms": True}), "claim": ("accident", {})}[
        name
    ]
    begun = httpx.post(f"{url}/play/-/api/start", json={"process_id": process, "sets": sets}, timeout=SECONDS_MAX)
    assert begun.status_code == 201, begun.text
    with browser.new_context(viewport={"width": NARROW, "height": 800}) as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(f"{url}/v1/funnel")
        page.fill("[name=process_id]", "nobody-drew-it")
        page.click("text=Show")
        page.get_by_text("Nothing was counted.").wait_for()
        page.fill("[name=process_id]", process)

        def counted() -> bool:
            page.click("text=Show")
            page.wait_for_function("() => document.getElementById('said').textContent !== 'Asking …'")
            return page.locator("dt:text-is('started') + dd").all_inner_texts() not in ([], ["0"])

        # Counts are stored now and then.
        soon(counted)
        page.get_by_role("heading", name="All journeys").wait_for()
        page.fill("[name=version]", "7")
        page.click("text=Show")
        page.get_by_text("Nothing was counted.").wait_for()
        assert violations(page, axe_source()) == []


def account(play: Play) -> None:
    page, hands = play.page, play.hands
    play.start("account")
    play.faulty("email")
    hands.fill("email", "ann@example.com")
    hands.tick("terms")
    play.on("code")
    # `procession dev` has no mail server: it shows what it would have sent.
    hands.fill("=code", play.process.until("message")["message"]["code"])
    play.on("name")
    hands.fill("name", "Ann")
    hands.fill("born", "1990-04-01")
    hands.choose(1)
    play.on("business")
    hands.fill("firm", "Ann & Sons")
    hands.fill("turnover", "1000")
    play.on("reach")
    page.go_back()
    page.wait_for_url("**/business")
    assert page.input_value('[name="f:firm"]') == "Ann & Sons", "Back of the browser is Back, and nothing is lost"
    play.on("reach")
    hands.fill("phone", "+49 30 123456")
    hands.fill("from", "DE00 3704 0044 0532 0130 00")
    play.faulty("from")
    hands.fill("from", "DE89 3704 0044 0532 0130 00")
    play.on("check")
    page.wait_for_selector("text=Ann & Sons")
    # A service and a script run between two pages, in one round trip.
    play.on("~")
    page.wait_for_selector("text=/DE[0-9]{20}/")
    hands.fill("signature", "Ann")
    play.on("check")
    play.on("end")
    play.shoot()


def claim(play: Play) -> None:
    page, hands = play.page, play.hands
    play.start("accident")
    play.on("when")
    hands.fill("policy", "AB123456")
    hands.fill("day", "2026-01-02")
    hands.choose(0)
    # A field that comes to be seen is asked for, at once where scripts run, else when the page is sent.
    play.faulty("injuries")
    hands.fill("injuries", "A scratch")
    play.on("damage")
    hands.fill("amount", "900")
    hands.attach(play.photo)
    if WAYS[play.way][1]:
        page.wait_for_selector(".files button")
    play.on("others")
    hands.fill("*plate", "B-XY 1")
    play.on("check")
    page.wait_for_selector("text=car.png")
    # The decision is made between two pages.
    play.on("~")
    page.wait_for_selector("text=150")
    hands.tick("true_report")
    hands.fill("signature", "Ann")
    play.on("check")
    play.on("wait")
    play.shoot()
    _other(play, _instances(play.url)[-1]["variables"]["otherLink"])
    soon(lambda: _instances(play.url)[-1]["state"] == "completed")
    done = _instances(play.url)[-1]["variables"]
    paper = httpx.get(f"{play.url}/v1/documents/{done['report']}/content", timeout=SECONDS_MAX)
    assert paper.content.startswith(b"%PDF-")
    [seal] = httpx.get(f"{play.url}/v1/documents/{done['report']}/seals", timeout=SECONDS_MAX).json()
    assert (seal["intact"], seal["whole"]) == (True, True), "signed, and sealed by the certificate of this machine"
    [photo] = done["photos"]
    assert httpx.get(f"{play.url}/v1/documents/{photo['id']}/content", timeout=SECONDS_MAX).content == PHOTO
    # It goes on by itself, with scripts and without.
    page.wait_for_url("**/end")
    play.shoot()


def _other(play: Play, link: str) -> None:
    """The other driver, in a browser of their own."""
    context = play.page.context.browser
    assert context is not None
    own = context.new_context(viewport=play.page.viewport_size)
    try:
        theirs = play.other(own.new_page())
        theirs.page.goto(f"{link}?lang={play.language}")
        theirs.on("~")
        theirs.hands.fill("statement", "It rained <b>hard</b>.")
        theirs.hands.choose(1)
        theirs.on("check")
        theirs.page.wait_for_selector("text=It rained <b>hard</b>.")
        theirs.on("(end|wait)")
    finally:
        own.close()


def _instances(url: str) -> list[dict[str, Any]]:
    found = httpx.get(f"{url}/v1/instances", params={"limit": 100}, timeout=SECONDS_MAX).json()["items"]
    for each in found:
        each["variables"] = httpx.get(f"{url}/v1/instances/{each['key']}/variables", timeout=SECONDS_MAX).json()[
            "variables"
        ]
    return sorted(found, key=lambda each: int(each["key"]))


PLAYS: Final = {"account": account, "claim": claim}
