"""The web component in Chromium, under a strict policy: typing, conditions, offline, conflicts, Back, keys only."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest
from tools import player

import needs
import npm
from player_rig import CLAIM, Journey, field, serving
from procession.base.values import encode

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

EVERYTHING: Final = Path(__file__).parents[1] / "unit" / "forms" / "everything.form"
CHROMIUM: Final = Path("/usr/bin/chromium")
FLAGS: Final = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WAIT_MS: Final = 10_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    needs.require("chromium", "apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(locale="en-GB")
    made.set_default_timeout(WAIT_MS)
    yield made
    made.close()


@pytest.fixture
def journey() -> Journey:
    return Journey(CLAIM)


@pytest.fixture
def address(journey: Journey) -> Iterator[str]:
    with serving(journey) as found:
        yield found


def opened(context: BrowserContext, url: str) -> tuple[Page, list[str]]:
    """A page, and what its console says: a breach of the policy is said there."""
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    return page, said


def until(page: Page, true: Callable[[], object]) -> None:
    """Lets the page work until something is true."""
    for _ in range(WAIT_MS // 20):
        if true():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it never became true")


KINDS: Final = [
    *(
        field("textfield", f"kind_{kind.replace('-', '_')}", kind, properties={"procession.kind": kind, **more})
        for kind, more in (
            ("phone", {"procession.callingCode": "+49"}),
            ("iban", {"procession.help": "On your card"}),
            ("signature", {}),
            ("one-time-code", {"procession.digits": 6}),
            ("payment", {"procession.amount": "=12.5", "procession.currency": "EUR"}),
        )
    ),
    field("textfield", "plate", "Plate", properties={"procession.mask": "AA-9999"}),
    {
        "type": "group",
        "label": "Address",
        "path": "home",
        "properties": {"procession.kind": "address"},
        "components": [field("textfield", "postcode", "Postcode"), field("textfield", "country", "Country")],
    },
]
"""A field of each kind that a form may have beyond the types."""
ENTRIES: Final = ("/host", "/play/-/J/T/who")


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_journey_is_played_under_a_strict_policy(
    context: BrowserContext, journey: Journey, address: str, entry: str
) -> None:
    page, said = opened(context, address + entry)
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Amount").fill("1,0")
    page.get_by_label("For a company").check()
    page.get_by_label("VAT number").wait_for()
    until(page, lambda: journey.data.get("company") is True)
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_role("link", name="Enter at least 5 characters.").or_(
        page.get_by_role("link", name="This must be filled in.")
    ).click()
    assert page.evaluate("(document.activeElement.shadowRoot ?? document).activeElement.name") == "f:vat"
    page.keyboard.type("GB12345")
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_role("heading", name="Pay").wait_for()
    page.get_by_label("IBAN").fill("DE89 3704 0044 0532 0130 00")
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_role("heading", name="Last").wait_for()
    page.get_by_label("Person").fill("Bo")
    page.get_by_role("button", name="Add another").click()
    page.get_by_label("Person").nth(1).fill("Cy")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("heading", name="One moment, please").wait_for()
    assert journey.data["vat"] == "GB12345"
    assert journey.data["iban"] == "DE89370400440532013000"
    assert journey.data["people"] == [{"name": "Bo"}, {"name": "Cy"}]
    journey.end()
    page.get_by_role("heading", name="Thank you").wait_for()
    assert said == []


def test_answers_are_saved_offline_and_sent_when_the_network_is_back(
    context: BrowserContext, journey: Journey, address: str
) -> None:
    page, _ = opened(context, address + "/play/-/J/T/who")
    page.get_by_label("Name").fill("Ann")
    until(page, lambda: journey.data.get("name") == "Ann")
    context.set_offline(True)
    page.get_by_label("Amount").fill("20")
    page.get_by_label("Name").fill("Bea")
    page.get_by_text("You are offline.").wait_for()
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_role("heading", name="Pay").wait_for()
    page.get_by_label("IBAN").fill("DE89370400440532013000")
    page.get_by_text("You are offline.").wait_for()
    assert journey.data == {"name": "Ann"}
    context.set_offline(False)
    until(page, lambda: journey.data.get("iban") and journey.page == "pay")
    assert (journey.data["name"], journey.data["amount"]) == ("Bea", 20)
    numbers = [(each["device"], each["seq"]) for each in journey.writes]
    assert len(set(numbers)) == len(numbers)


def test_what_a_closed_window_could_not_send_is_sent_by_the_next(
    context: BrowserContext, journey: Journey, address: str
) -> None:
    page, _ = opened(context, address + "/play/-/J/T/who")
    journey.failing["draft"] = [503] * 50
    page.get_by_label("Name").fill("Ann")
    page.get_by_text("could not be saved yet").wait_for()
    page.close()
    journey.failing.clear()
    again, _ = opened(context, address + "/play/-/J/T/who")
    until(again, lambda: journey.data.get("name") == "Ann")
    until(again, lambda: again.get_by_label("Name").input_value() == "Ann")


def test_a_tab_that_is_closed_loses_nothing(context: BrowserContext, journey: Journey, address: str) -> None:
    page, _ = opened(context, address + "/play/-/J/T/who")
    page.get_by_label("Name").fill("Ann")
    # At once, before any timer: the last request outlives the page.
    page.goto("about:blank")
    until(page, lambda: journey.data.get("name") == "Ann")


def test_a_field_that_was_changed_elsewhere_shows_both_values(
    context: BrowserContext, journey: Journey, address: str
) -> None:
    page, _ = opened(context, address + "/host")
    page.get_by_label("Name").wait_for()
    journey.elsewhere("name", "Theirs")
    page.get_by_label("Name").fill("Mine")
    page.get_by_text("This was changed elsewhere.").wait_for()
    page.get_by_role("button", name="Keep: Mine").wait_for()
    page.get_by_role("button", name="Take: Theirs").click()
    assert page.get_by_label("Name").input_value() == "Theirs"
    until(page, lambda: journey.data.get("name") == "Theirs")
    assert page.get_by_text("This was changed elsewhere.").count() == 0


@pytest.mark.parametrize("entry", ENTRIES)
def test_back_of_the_browser_is_back(context: BrowserContext, journey: Journey, address: str, entry: str) -> None:
    page, _ = opened(context, address + entry)
    page.get_by_label("Name").fill("Ann")
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_role("heading", name="Pay").wait_for()
    until(page, lambda: journey.page == "pay")
    # What is wrong does not keep anybody from going back, and is not lost.
    page.get_by_label("IBAN").fill("nonsense")
    page.go_back()
    page.get_by_role("heading", name="Who").wait_for()
    assert page.get_by_label("Name").input_value() == "Ann"
    until(page, lambda: journey.page == "who")
    page.go_forward()
    page.get_by_role("heading", name="Pay").wait_for()
    assert page.get_by_label("IBAN").input_value().upper() == "NONSENSE"
    if entry != "/host":
        assert page.url.endswith("/play/-/J/T/pay")


def test_a_page_that_was_shown_too_early_is_put_right(context: BrowserContext, journey: Journey, address: str) -> None:
    page, _ = opened(context, address + "/host")
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Amount").fill("7")
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_role("heading", name="Last").wait_for()
    # The pattern is the server's to match: here nobody knows that it is wrong.
    page.get_by_label("Odd").fill("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("heading", name="There is a problem").wait_for()
    assert page.get_by_role("link", name="This does not have the form that is asked for.").count() == 1
    assert journey.kind == "page"


def test_keys_are_enough(context: BrowserContext, journey: Journey, address: str) -> None:
    page, _ = opened(context, address + "/host")
    page.get_by_label("Name").wait_for()
    focused = "e => (document.activeElement.shadowRoot ?? document).activeElement?.{}"
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate(focused.format("name")) == "f:name":
            break
    page.keyboard.type("Ann")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.get_by_label("VAT number").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="There is a problem").wait_for()
    assert page.evaluate(focused.format("id")) == "errors"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate(focused.format("name")) == "f:vat"
    page.keyboard.type("GB12345")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Pay").wait_for()
    assert page.evaluate(focused.format("tagName")) == "H1"


def test_a_file_is_sent_in_parts_and_goes_on_after_a_fault(
    context: BrowserContext, journey: Journey, address: str, tmp_path: Path
) -> None:
    journey.page = "last"
    page, _ = opened(context, address + "/host")
    journey.failing["files"] = [503]
    for name, size in (("large.bin", 3_000_001), ("photo.bin", 2_500_000)):
        (tmp_path / name).write_bytes(b"x" * size)
        page.locator("input[type=file]").first.set_input_files(tmp_path / name)
    page.get_by_text("larger than 3,000,000").wait_for()
    until(page, lambda: journey.data.get("files"))
    assert journey.data["files"] == [
        {"id": "file1", "name": "photo.bin", "size": 2_500_000, "type": "application/octet-stream"}
    ]
    assert len(journey.files["file1"]) == 2_500_000


def test_a_file_shows_what_the_scanner_of_viruses_says(context: BrowserContext) -> None:
    file: dict[str, Any] = {"id": "f0", "name": "old.pdf", "size": 1, "type": "application/pdf", "scan": "waiting"}
    form = {"type": "default", "id": "s", "components": [field("filepicker", "files", "Files", multiple=True)]}
    journey = Journey(form, held={"files": [file]})
    with serving(journey) as address:
        page, said = opened(context, address + "/host")
        page.get_by_text("old.pdf (being checked for viruses)").wait_for()
        # Nobody presses anything: it is asked for again.
        with journey.lock:
            journey.data["files"] = [{**file, "scan": "infected"}]
        page.get_by_text("old.pdf (a virus was found)").wait_for()
        assert said == []


def test_who_stops_is_told_that_all_is_kept(context: BrowserContext, journey: Journey, address: str) -> None:
    page, _ = opened(context, address + "/host")
    page.get_by_label("Name").fill("Ann")
    page.get_by_role("button", name="Save and continue later").click()
    page.get_by_text("Your answers are saved.").wait_for()
    assert journey.data["name"] == "Ann"


def test_a_signature_is_drawn(context: BrowserContext) -> None:
    form = {
        "type": "default", "id": "s",
        "components": [field("textfield", "sign", "Signature", properties={"procession.kind": "signature"})],
    }  # fmt: skip
    journey = Journey(form)
    with serving(journey) as address:
        page, said = opened(context, address + "/host")
        box = page.locator("canvas").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 20, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + 120, box["y"] + 60)
        page.mouse.up()
        until(page, lambda: journey.data.get("sign"))
        assert str(journey.data["sign"]).startswith("data:image/png;base64,")
        assert said == []


def test_every_component_is_drawn_with_a_label_and_right_to_left(context: BrowserContext) -> None:
    form = json.loads(EVERYTHING.read_text(encoding="utf-8"))
    form["properties"].pop("procession.rules")
    form["components"][1]["components"][0]["components"] += KINDS
    journey = Journey(form, "ar", {"person": {"age": 20}, "cities": ["Rome", "Oslo"]})
    with serving(journey) as address:
        page, said = opened(context, address + "/host")
        for name in ("who", "what"):
            journey.page = name
            page.reload()
            page.locator(".page").wait_for()
            assert page.locator(".page").get_attribute("dir") == "rtl"
            unlabelled = page.evaluate(
                """() => [...document.querySelector('procession-player').shadowRoot.querySelectorAll(
                   'input:not([type=hidden]),select,textarea')].filter(each => !each.labels.length
                   && !each.ariaLabel).map(each => each.outerHTML)"""
            )
            assert unlabelled == []
            assert page.locator("p.error").filter(has_text=re.compile("^(group|table|html|image)$")).count() == 0
        assert [
            each for each in said if "example.com" not in each and "Frame" not in each and "frame" not in each
        ] == []


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("he", "dark")])
def test_every_component_is_accessible_and_fits_a_small_screen(
    context: BrowserContext, language: str, scheme: Literal["light", "dark"]
) -> None:
    axe = (npm.installed(player.PACKAGE) / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    form = json.loads(EVERYTHING.read_text(encoding="utf-8"))
    form["properties"].pop("procession.rules")
    form["components"][1]["components"][0]["components"] += KINDS
    journey = Journey(form, language, {"person": {"age": 20}, "cities": ["Rome"], "sums": [{"amount": 1}]})
    with serving(journey) as address:
        page, _ = opened(context, address + "/host")
        page.set_viewport_size({"width": 320, "height": 640})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for name in ("who", "what"):
            journey.page = name
            page.reload()
            page.locator(".page").wait_for()
            if name == "who":
                page.locator("button.main").click()
                page.locator(".errors").wait_for()
            page.evaluate(axe)
            found = page.evaluate("axe.run('procession-player', {iframes: false})")
            assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
            assert len(found["passes"]) > 10
            assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_page_falls_back_to_the_plain_form(context: BrowserContext, journey: Journey, address: str) -> None:
    page, _ = opened(context, address + "/play/-/J/T/who")
    page.get_by_label("Name").fill("Ann")
    until(page, lambda: journey.data.get("name") == "Ann")
    journey.failing["next"] = [400]
    journey.kind = "page"
    page.get_by_role("button", name="Continue", exact=True).click()
    # The next page was shown already, so the page is loaded anew, from where the server is.
    page.get_by_role("heading", name="Who").wait_for()
    page.get_by_label("Amount").fill("7")
    until(page, lambda: journey.data.get("amount") == 7)
    journey.page = "last"
    page.goto(address + "/play/-/J/T/last")
    journey.failing["submit"] = [400]
    page.get_by_role("button", name="Send").click()
    until(page, lambda: journey.posted)
    assert journey.posted[0]["action"] == ["submit"]
    assert journey.posted[0]["f:people[0].name"] == [""]


def test_texts_of_a_form_never_become_code(context: BrowserContext) -> None:
    script = "window.hacked=1"
    bad = f'<img src=x onerror="{script}"><script>{script}</script><a href="javascript:{script}">x</a>'
    form = {
        "type": "default", "id": "x",
        "components": [
            field("textfield", "a", bad, description=bad),
            {"type": "html", "content": bad},
            {"type": "text", "text": f"{bad} [x](javascript:window.hacked=1)"},
            field("select", "b", "B", values=[{"label": bad, "value": bad}]),
            {"type": "image", "source": "javascript:window.hacked=1", "alt": bad},
        ],
    }  # fmt: skip
    journey = Journey(form, held={"a": bad})
    with serving(journey) as address:
        page, _ = opened(context, address + "/host")
        page.get_by_label("B", exact=False).first.wait_for()
        root = "document.querySelector('procession-player').shadowRoot"
        assert page.evaluate(f"{root}.querySelectorAll('script,[onerror],a[href^=javascript]').length") == 0
        assert page.evaluate("window.hacked") is None
        assert encode(journey.data)


def test_a_process_is_started_by_the_element(context: BrowserContext, journey: Journey, address: str) -> None:
    page, said = opened(context, address + "/start")
    page.get_by_label("Name").fill("Ann")
    until(page, lambda: journey.data.get("name") == "Ann")
    assert said == []


def test_a_link_wants_its_code_first(context: BrowserContext, address: str) -> None:
    page, _ = opened(context, address + "/link")
    code = page.get_by_label("Enter the code")
    code.fill("000000")
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("link", name="Enter the 6 digits of the code.").click()
    code.fill("123456")
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Amount").wait_for()


def test_the_language_changes_in_place_and_loses_nothing(
    context: BrowserContext, journey: Journey, address: str
) -> None:
    page, _ = opened(context, address + "/host")
    page.get_by_label("Name").fill("Ann")
    page.get_by_role("link", name="de").click()
    page.get_by_role("button", name="Weiter", exact=True).wait_for()
    assert page.get_by_label("Name").input_value() == "Ann"
    assert page.url.endswith("/host")


def test_what_was_typed_before_the_script_came_is_kept(context: BrowserContext, journey: Journey, address: str) -> None:
    page = context.new_page()
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route("**/player.js", hold)
    page.goto(address + "/play/-/J/T/who", wait_until="commit")
    page.get_by_label("Name").fill("Early")
    until(page, lambda: waiting)
    waiting[0].continue_()
    page.get_by_label("Amount").wait_for()
    assert page.get_by_label("Name").input_value() == "Early"
    until(page, lambda: journey.data.get("name") == "Early")


def test_what_may_not_be_kept_is_sent_with_the_step(context: BrowserContext) -> None:
    secret = field("textfield", "secret", "Secret", properties={"procession.drafts": False})
    journey = Journey({"type": "default", "id": "s", "components": [secret]})
    with serving(journey) as address:
        page, _ = opened(context, address + "/host")
        page.get_by_label("Secret").fill("never a draft")
        page.get_by_role("button", name="Send").click()
        page.get_by_role("heading", name="One moment, please").wait_for()
        assert journey.asked[-1] != "draft"
        assert "draft" not in journey.asked
        assert journey.data == {"secret": "never a draft"}


def test_a_frame_is_as_high_as_its_page_and_tells_of_it(
    context: BrowserContext, journey: Journey, address: str
) -> None:
    with serving(Journey(CLAIM)) as outside:
        journey.framed_by = outside
        page, _ = opened(context, f"{outside}/frame?src={address}/play/-/J/T/who")
        inside = page.frame_locator("iframe")
        inside.get_by_label("Name").fill("Ann")
        page.locator("li", has_text="height").first.wait_for()
        tall = inside.locator("html").evaluate("each => each.getBoundingClientRect().height")
        height = "() => document.querySelector('iframe').getBoundingClientRect().height"
        until(page, lambda: page.evaluate(height) >= tall - 1)
        inside.get_by_role("button", name="Continue", exact=True).click()
        page.locator("li", has_text="page").nth(1).wait_for()
        assert page.locator("li").first.text_content() == "ready"
        # Framed by another, it says nothing.
        journey.framed_by = "https://example.com"
        page.reload()
        inside.get_by_label("Amount").wait_for()
        assert page.locator("li").count() == 0


def test_the_stream_may_fail_and_the_page_still_goes_on(
    context: BrowserContext, address: str, journey: Journey
) -> None:
    journey.kind = "wait"
    journey.failing["events"] = [404] * 100
    page, _ = opened(context, address + "/host")
    page.get_by_role("heading", name="One moment, please").wait_for()
    threading.Timer(0.1, journey.end).start()
    page.get_by_role("heading", name="Thank you").wait_for()
