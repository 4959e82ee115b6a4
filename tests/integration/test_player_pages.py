"""Pages of the player in a real browser: axe, 320 px, the keyboard alone, without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

from browser_page_rig import (
    NARROW,
    Sent,
    axe_source,
    browser,
    page_of,
    serving,
    sideways,
    small_targets,
    violations,
)
from player_pages import DATA, compiled, everything, field, fields, kinds, options, paged, shown
from procession.base.values import Json
from procession.forms import path_of, submit
from procession.forms.scope import put_at
from procession.web.player.pages import STYLE, STYLE_NAME, form_values, page_html, theme_css, theme_problems
from procession.web.player.shown import Brand, Shown
from unit.web.player.test_hostile_texts import HOSTILE, in_every_place

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["browser"]

LOUD: Final = Brand(
    name="High contrast",
    variables={
        "--ink": "#000", "--quiet": "#000", "--line": "#000", "--accent": "#000", "--panel": "#fff", "--error": "#900",
        "--focus": "#00f", "--text": "1.25rem", "--dark-ink": "#fff", "--dark-quiet": "#fff", "--dark-paper": "#000",
        "--dark-panel": "#000", "--dark-line": "#fff", "--dark-accent": "#ff0", "--dark-accent-ink": "#000",
    },
)  # fmt: skip
THEMES: Final[dict[str, tuple[str, Brand]]] = {
    "light": ("light", Brand(name="Insurance")),
    "dark": ("dark", Brand(name="Insurance")),
    "high contrast": ("light", LOUD),
    "high contrast, dark": ("dark", LOUD),
}
STYLE_PATH: Final = f"/play/static/{STYLE_NAME}"


class Site:
    """Pages by path, their style sheets, and what was posted."""

    def __init__(self) -> None:
        self.pages: dict[str, Shown] = {}
        self.posted: list[Sent] = []

    def answer(self, sent: Sent) -> tuple[int, str, str]:
        path = sent.path.partition("?")[0]
        if path == STYLE_PATH:
            return 200, "text/css", STYLE.decode()
        if path.endswith(".css"):
            return 200, "text/css", theme_css(LOUD)
        if sent.method == "POST":
            self.posted.append(sent)
        return (200, "text/html", page_html(self.pages[path])) if path in self.pages else (404, "text/plain", "")


@pytest.fixture
def site() -> Iterator[tuple[Site, str]]:
    made = Site()
    with serving(made.answer) as address:
        yield made, address


def all_pages(language: str, brand: Brand) -> list[Shown]:
    theme = {"theme": "/theme.css"} if theme_css(brand) else {}
    urls = {"action": "/play", "api": "/api", **theme}
    return [*everything(language, brand=brand, urls=urls), *kinds(language)]


@pytest.mark.parametrize(
    ("theme", "language"),
    [
        # Each theme, and each direction, in two; all of them in `make test-large`.
        pytest.param(theme, language, marks=[] if (n + m) % 2 == 0 else [pytest.mark.large])
        for n, theme in enumerate(THEMES)
        for m, language in enumerate(("en", "ar"))
    ],
)
def test_every_component_in_every_theme_and_direction_at_320_px(
    browser: Browser, site: tuple[Site, str], theme: str, language: str
) -> None:
    made, address = site
    scheme, brand = THEMES[theme]
    assert theme_problems(brand) == []
    axe = axe_source()
    made.pages = {f"/{number}": page for number, page in enumerate(all_pages(language, brand))}
    with page_of(browser, width=NARROW, color_scheme=scheme) as page:
        for path in made.pages:
            page.goto(address + path)
            assert violations(page, axe) == [], path
            assert sideways(page) == [], path
            assert small_targets(page) == [], path


def test_what_is_wrong_would_be_found(browser: Browser) -> None:
    """The eyes of the test above are open: each of these is seen."""
    text = """<!doctype html><html lang="en"><title>x</title><main><h1>x</h1><p style="color:#999">Grey on white</p>
        <input><button style="height:10px;width:2000px;padding:0">Some words</button></main>"""
    policy = "default-src * 'unsafe-inline'"
    with serving(lambda _: (200, "text/html", text), policy) as address, page_of(browser, width=NARROW) as page:
        page.goto(address)
        assert {each.rule for each in violations(page, axe_source())} >= {"label", "color-contrast"}
        assert sideways(page) != []
        assert len(small_targets(page)) == 2


def test_with_faults_the_focus_is_on_the_summary_and_its_links_lead_to_the_fields(
    browser: Browser, site: tuple[Site, str]
) -> None:
    made, address = site
    made.pages["/"] = shown(compiled(*fields()), DATA, judged=True)
    with page_of(browser) as page:
        page.goto(address)
        assert page.title() == "Error: Claim"
        page.wait_for_function("document.activeElement.id === 'errors'")
        for link in page.locator("#errors a").all():
            target = (link.get_attribute("href") or "")[1:]
            link.focus()
            page.keyboard.press("Enter")
            page.wait_for_function("id => document.activeElement.id === id", arg=target)


def stops(page: Page) -> list[str]:
    """What the Tab key comes to, from the start of the page until it begins anew."""
    found: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        here = page.evaluate(
            "() => { const e = document.activeElement; return e === document.body ? '' "
            ": e.id || e.value || e.textContent.trim(); }"
        )
        if not here or (found and here == found[0]):
            break
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", here
        found.append(here)
    return found


def test_a_page_is_filled_in_and_sent_by_the_keyboard_alone(browser: Browser, site: tuple[Site, str]) -> None:
    made, address = site
    form = compiled(
        field("textfield", "name", "Name", _help="All names."),
        field("radio", "colour", "Colour", values=options("red", "blue")),
        field("select", "city", "City", values=options("Rome", "Bonn")),
        field("checkbox", "agree", "Agree", _kind="consent"),
        {"type": "dynamiclist", "label": "People", "path": "people", "isRepeating": True, "allowAddRemove": True,
         "defaultRepetitions": 1, "components": [field("textfield", "name", "Name")]},
    )  # fmt: skip
    made.pages["/"] = shown(form, {}, urls={"action": "/done"})
    made.pages["/done"] = made.pages["/"]
    with page_of(browser) as page:
        page.goto(address)
        order = stops(page)
        assert order == [
            "Skip to the content", "f-name", "More about: Name", "f-colour", "f-city", "f-agree", "f-people[0].name",
            "remove:people[0]", "add:people", "submit",
        ]  # fmt: skip
        page.goto(address)
        for keys in (
            ["Tab", "Tab", "A", "n", "n"],
            ["Tab", "Tab", "ArrowDown"],
            ["Tab", "ArrowDown", "ArrowDown"],
            ["Tab", "Space"],
            ["Tab", "x"],
        ):
            for key in keys:
                page.keyboard.press(key)
        # The first button of the form is the one that goes on, whatever comes before it on the page.
        page.keyboard.press("Enter")
        page.wait_for_url("**/done")
    view = made.pages["/"].view
    assert view is not None
    assert made.posted[0].body["action"] == ["submit"]
    assert form_values(view.pages[0], made.posted[0].body) == {
        "name": "Ann", "colour": "blue", "city": "Bonn", "agree": True, "people[0].name": "x",
    }  # fmt: skip


def test_a_page_works_without_javascript(browser: Browser, site: tuple[Site, str]) -> None:
    """Rows are added and taken away, faults come back with what was typed, and what is right is taken."""
    made, _ = site
    form = compiled(
        field("textfield", "name", "Name", validate={"required": True}),
        field("number", "amount", "Betrag"),
        field("datetime", "day", subtype="date", dateLabel="Tag"),
        {"type": "dynamiclist", "label": "People", "path": "people", "isRepeating": True, "allowAddRemove": True,
         "defaultRepetitions": 1, "components": [field("textfield", "name", "Wer")]},
    )  # fmt: skip
    data: dict[str, Any] = {}
    taken: list[dict[str, Json]] = []

    def answer(sent: Sent) -> tuple[int, str, str]:
        if sent.path != "/":
            return made.answer(sent)
        page = shown(form, data, language="de", urls={"action": "/"})
        if sent.method == "POST":
            assert page.view is not None
            for path, value in form_values(page.view.pages[0], sent.body).items():
                put_at(data, path_of(path), value)
            judged = sent.body["action"] == ["submit"]
            done = submit(form, data)
            if judged and done.accepted:
                taken.append(done.data)
                return 200, "text/html", page_html(Shown(kind="end", language="de"))
            page = shown(form, data, language="de", urls={"action": "/"}, judged=judged)
        return 200, "text/html", page_html(page)

    with serving(answer) as address, page_of(browser, script=False) as page:
        page.goto(address)
        page.get_by_label("Betrag").fill("1.234,5")
        page.get_by_label("Wer").fill("Ann")
        page.get_by_role("button", name="Eintrag hinzufügen: People").click()
        assert page.get_by_label("Wer").count() == 2
        page.get_by_label("Wer").nth(1).fill("Bob")
        page.get_by_role("button", name="Entfernen: People, 1").click()
        assert [each.input_value() for each in page.get_by_label("Wer").all()] == ["Bob"]
        assert page.get_by_label("Betrag").input_value() == "1234,5"
        page.get_by_role("button", name="Absenden").click()
        assert page.title() == "Fehler: Claim"
        page.get_by_label("Name").fill("Eve")
        page.get_by_label("Tag").fill("2026-01-31")
        page.get_by_role("button", name="Absenden").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Vielen Dank"
    amount = taken[0].pop("amount")
    assert str(amount) == "1234.5"
    assert taken == [{"name": "Eve", "day": "2026-01-31", "people": [{"name": "Bob"}]}]


def test_hostile_texts_run_nowhere(browser: Browser, site: tuple[Site, str]) -> None:
    """No dialog, no error, nothing that the policy had to refuse; without a policy, too."""
    made, _ = site
    made.pages = {f"/{number}": in_every_place(text) for number, text in enumerate(HOSTILE)}
    with serving(made.answer, policy="default-src * data: 'unsafe-inline'") as address, page_of(browser) as page:
        page.route("**/*", lambda route: route.continue_() if route.request.url.startswith(address) else route.abort())
        for path in made.pages:
            page.goto(address + path, wait_until="domcontentloaded")
            assert page.evaluate("document.querySelectorAll('main form[data-procession-page]').length") == 1, path
            assert page.evaluate("document.querySelectorAll('script, [onerror], [onload], [onfocus]').length") == 0, (
                path
            )
            assert page.url == address + path


def test_pages_turn_with_their_language_and_keep_to_the_dark(browser: Browser, site: tuple[Site, str]) -> None:
    made, address = site
    two = paged(("A", [field("textfield", "a")]), ("B", [field("textfield", "b")]))
    made.pages = {"/en": shown(two, {}, "p1"), "/he": shown(two, {}, "p1", language="he")}
    with page_of(browser, color_scheme="dark") as page:
        lefts: dict[str, float] = {}
        for path in made.pages:
            page.goto(address + path)
            box = page.get_by_role("button").first.bounding_box()
            assert box is not None
            lefts[path] = box["x"]
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 28)"
        assert lefts["/he"] > 512 > lefts["/en"]
