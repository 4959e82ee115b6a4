"""The journeys of examples/, served by `procession dev` and played to their end in a real browser."""

from __future__ import annotations

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


def test_a_journey_is_played_to_its_end(server: tuple[str, str], page: Page, language: str) -> None:
    name, url = server
    PLAYS[name](page, url, language)


def account(page: Page, url: str, language: str) -> None:
    page.goto(f"{url}/play/-/start/account?lang={language}")
    assert page.locator("html").get_attribute("dir") == ("rtl" if language == "he" else "ltr")
    page.click("button.main")
    assert page.locator("#errors").count() == 1, "what is missing is summed up"
    page.fill("#f-email", "ann@example.com")
    page.check("#f-terms")
    page.click("button.main")
    fits(page)
    page.fill("#f-name", "Ann")
    page.fill('[name="f:born"]', "1990-04-01")
    page.check("input[type=radio] >> nth=1")
    page.click("button.main")
    page.fill("#f-firm", "Ann & Sons")
    page.fill("#f-turnover", "1000")
    page.click("button.main")
    fits(page)
    there = page.url
    page.go_back()
    assert page.input_value("#f-firm") == "Ann & Sons", "Back of the browser is Back, and nothing is lost"
    page.goto(there)
    page.fill("#f-phone", "+49 30 123456")
    page.fill("#f-from", "DE00 3704 0044 0532 0130 00")
    page.click("button.main")
    assert page.locator('[aria-invalid="true"]').count() == 1, "the check digits are wrong"
    page.fill("#f-from", "DE89 3704 0044 0532 0130 00")
    page.click("button.main")
    assert page.url.endswith("/check")
    assert "Ann & Sons" in page.inner_text("main")
    assert "+49" in page.inner_text("main")
    fits(page)
    page.click("button.main")
    assert "DE" in page.inner_text("main"), "a service and a script ran between two pages, in one round trip"
    page.fill('[name="f:signature"]', "Ann")
    page.click("button.main")
    page.click("button.main")
    assert page.url.endswith("/end")
    fits(page)


def claim(page: Page, url: str, language: str) -> None:
    page.goto(f"{url}/play/-/start/accident?lang={language}")
    page.click("button.main")
    page.fill("#f-policy", "AB123456")
    page.fill('[name="f:day"]', "2026-01-02")
    page.check("input[type=radio] >> nth=0")
    page.click("button.main")
    assert page.locator("#f-injuries").get_attribute("aria-invalid") == "true", "a field that came to be seen is asked"
    page.fill("#f-injuries", "A scratch")
    page.click("button.main")
    page.fill("#f-amount", "900")
    page.click("button.main")
    page.fill('[name$="plate"]', "B-XY 1")
    fits(page)
    page.click("button.main")
    assert page.url.endswith("/check")
    page.click("button.main")
    assert "150" in page.inner_text("main"), "the decision was made between two pages"
    page.check("#f-true_report")
    page.fill('[name="f:signature"]', "Ann")
    page.click("button.main")
    page.click("button.main")
    assert page.url.endswith("/wait")
    instance = _instances(url)[-1]
    _other(page, instance["variables"]["otherLink"], language)
    soon(lambda: _instances(url)[-1]["state"] == "completed")
    done = _instances(url)[-1]["variables"]
    paper = httpx.get(f"{url}/v1/documents/{done['report']}/content", timeout=SECONDS_MAX)
    assert paper.content.startswith(b"%PDF-")
    page.reload()
    assert page.url.endswith("/end")


def _other(page: Page, link: str, language: str) -> None:
    """The other driver, in a browser of their own."""
    context = page.context.browser
    assert context is not None
    own = context.new_context(viewport=page.viewport_size)
    try:
        theirs = own.new_page()
        theirs.goto(f"{link}?lang={language}")
        theirs.click("button.main")
        theirs.fill("#f-statement", "It rained <b>hard</b>.")
        theirs.check("input[type=radio] >> nth=1")
        theirs.click("button.main")
        assert "It rained <b>hard</b>." in theirs.inner_text("main")
        theirs.click("button.main")
        assert theirs.url.endswith(("/end", "/wait"))
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
