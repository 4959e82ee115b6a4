"""The journeys of examples/, served by `procession dev` and played to their end in a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

import needs
from browser_page_rig import NARROW, PATIENCE_MS, browser
from server_rig import SECONDS_MAX, ServerProcess, soon

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

needs.require("server", "pip install 'procession[server]'")
needs.require("player", "pip install 'procession[player]'")

__all__ = ["browser"]
JOURNEYS: Final = Path(__file__).resolve().parents[2] / "examples" / "journeys"
WAYS: Final = [(1280, True, ""), (1280, False, ""), (NARROW, True, "ltr"), (NARROW, False, "rtl")]
"""Width of the page, whether scripts run, and where the text begins: "" for the language that is asked for first."""


@pytest.fixture(scope="module", params=["account", "claim"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The folder of a journey, served: its name, and where."""
    at = tmp_path_factory.mktemp(request.param)
    shutil.copytree(JOURNEYS / request.param, at / "models")
    (at / "there").mkdir()
    with ServerProcess(at / "there", "dev", str(at / "models"), "--port", "0", "--gateway-port", "0") as process:
        process.ready()
        process.until("watching")
        yield request.param, process.url
        process.tell()
        process.ended()


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{'js' if way[1] else 'no-js'}-{way[2] or 'first'}")
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    width, scripts, _ = request.param
    context = browser.new_context(java_script_enabled=scripts, viewport={"width": width, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.fixture
def language(request: pytest.FixtureRequest, server: tuple[str, str]) -> str:
    rtl = request.node.callspec.params["page"][2] == "rtl"
    return {"account": "he", "claim": "ar"}[server[0]] if rtl else "en"


def fits(page: Page) -> None:
    """Nothing has to be scrolled sideways."""
    size = page.viewport_size
    assert size is not None
    box = page.locator("main").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= size["width"]


def on(page: Page, to: str) -> None:
    """The main button, and what comes next: the page of an address that ends so. It fits."""
    page.click("button.main")
    page.wait_for_url(re.compile(f".*/{to}(\\?.*)?$"))
    page.wait_for_selector("main button, main p")
    fits(page)


def faulty(page: Page, path: str) -> None:
    """The main button, and what is wrong: it stands at the field, and in the summary."""
    page.click("button.main")
    page.wait_for_selector("#errors")
    page.wait_for_selector(f'[name="f:{path}"][aria-invalid="true"]')


def fill(page: Page, **values: str) -> None:
    for path, value in values.items():
        page.fill(f'[name="f:{path}"]', value)


def choose(page: Page, n: int) -> None:
    page.check(f"input[type=radio] >> nth={n}")


def test_a_journey_is_played_to_its_end(server: tuple[str, str], page: Page, language: str) -> None:
    name, url = server
    PLAYS[name](page, url, language)


def account(page: Page, url: str, language: str) -> None:
    page.goto(f"{url}/play/-/start/account?lang={language}")
    assert page.locator("html").get_attribute("dir") == ("rtl" if language == "he" else "ltr")
    faulty(page, "email")
    fill(page, email="ann@example.com")
    page.check('[name="f:terms"][type=checkbox]')
    on(page, "name")
    fill(page, name="Ann", born="1990-04-01")
    choose(page, 1)
    on(page, "business")
    fill(page, firm="Ann & Sons", turnover="1000")
    on(page, "reach")
    page.go_back()
    page.wait_for_url("**/business")
    assert page.input_value('[name="f:firm"]') == "Ann & Sons", "Back of the browser is Back, and nothing is lost"
    on(page, "reach")
    fill(page, phone="+49 30 123456", **{"from": "DE00 3704 0044 0532 0130 00"})
    faulty(page, "from")
    fill(page, **{"from": "DE89 3704 0044 0532 0130 00"})
    on(page, "check")
    page.wait_for_selector("text=Ann & Sons")
    # A service and a script run between two pages, in one round trip.
    on(page, "~")
    page.wait_for_selector("text=/DE[0-9]{20}/")
    fill(page, signature="Ann")
    on(page, "check")
    on(page, "end")


def claim(page: Page, url: str, language: str) -> None:
    page.goto(f"{url}/play/-/start/accident?lang={language}")
    on(page, "when")
    fill(page, policy="AB123456", day="2026-01-02")
    choose(page, 0)
    # A field that comes to be seen is asked for, at once where scripts run, else when the page is sent.
    faulty(page, "injuries")
    fill(page, injuries="A scratch")
    on(page, "damage")
    fill(page, amount="900")
    on(page, "others")
    page.fill('[name$="plate"]', "B-XY 1")
    on(page, "check")
    # The decision is made between two pages.
    on(page, "~")
    page.wait_for_selector("text=150")
    page.check('[name="f:true_report"][type=checkbox]')
    fill(page, signature="Ann")
    on(page, "check")
    on(page, "wait")
    _other(page, _instances(url)[-1]["variables"]["otherLink"], language)
    soon(lambda: _instances(url)[-1]["state"] == "completed")
    done = _instances(url)[-1]["variables"]
    paper = httpx.get(f"{url}/v1/documents/{done['report']}/content", timeout=SECONDS_MAX)
    assert paper.content.startswith(b"%PDF-")
    page.reload()
    page.wait_for_url("**/end")


def _other(page: Page, link: str, language: str) -> None:
    """The other driver, in a browser of their own."""
    context = page.context.browser
    assert context is not None
    own = context.new_context(viewport=page.viewport_size)
    try:
        theirs = own.new_page()
        theirs.goto(f"{link}?lang={language}")
        on(theirs, "~")
        fill(theirs, statement="It rained <b>hard</b>.")
        choose(theirs, 1)
        on(theirs, "check")
        theirs.wait_for_selector("text=It rained <b>hard</b>.")
        on(theirs, "(end|wait)")
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
