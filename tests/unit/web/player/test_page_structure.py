"""The structure of pages: labels, faults, headings, ids, texts of languages, sizes. Read as browsers read it."""

from __future__ import annotations

import gzip
from itertools import pairwise
from typing import Any, Final
from xml.etree.ElementTree import Element

import pytest

from player_pages import (
    DATA,
    PNG,
    by_id,
    compiled,
    everything,
    field,
    fields,
    html,
    kinds,
    options,
    paged,
    parsed,
    shown,
    shows,
    text_of,
)
from procession.forms import languages
from procession.forms.components import COMPONENTS
from procession.forms.languages import BUILT_IN, plural
from procession.forms.verdict import Fault
from procession.web.player.pages import STYLE, STYLE_NAME, page_html
from procession.web.player.pages.drawing import Drawer
from procession.web.player.pages.wording import money_text, say, size_text, texts
from procession.web.player.shown import Brand, Conflict, Shown

HTML_BYTES_MAX: Final = 30_000
CSS_BYTES_MAX: Final = 10_000
ALL: Final = [
    pytest.param(page, id=f"{language}-{page.kind}-{number}")
    for language in ("en", "he")
    for number, page in enumerate([*everything(language), *kinds(language)])
]


@pytest.mark.parametrize("page", ALL)
def test_every_page_is_one_that_can_be_heard(page: Shown) -> None:
    tree = html(page)
    ids = by_id(tree)
    assert [tree.get("lang"), tree.get("dir")] == [page.language, page.direction]
    assert len(list(tree.iter("h1"))) == 1
    labelled = {each.get("for") for each in tree.iter("label")}
    for each in (one for tag in ("input", "select", "textarea") for one in tree.iter(tag)):
        if each.get("type") != "hidden":
            assert each.get("id") in labelled, each.attrib
        for id in (each.get("aria-describedby") or "").split():
            assert text_of(ids[id]).strip(), id
    assert labelled <= set(ids)
    for each in tree.iter("fieldset"):
        assert text_of(each[0]).strip(), each.attrib
        assert each[0].tag == "legend"
    assert all(each.get("alt") is not None for each in tree.iter("img"))
    levels = [int(each.tag[1]) for each in tree.iter() if each.tag in {"h1", "h2", "h3", "h4", "h5", "h6"}]
    body_levels = levels[levels.index(1) :]
    assert all(after <= before + 1 for before, after in pairwise(body_levels)), levels
    skip = next(each for each in tree.iter("a"))
    assert skip.get("href") == "#main"
    assert ids["main"].tag == "main"


@pytest.mark.parametrize("page", ALL)
def test_a_page_holds_no_script_and_no_style_of_its_own(page: Shown) -> None:
    for each in html(page).iter():
        assert each.tag not in {"script", "style"}
        assert not [name for name in each.attrib if str(name).startswith("on") or name == "style"]


def test_every_component_has_a_shape() -> None:
    assert set(Drawer.SHAPES) == set(COMPONENTS) - {"multipage", "page"}
    assert {each["type"] for each in [*fields(), *shows()]} == set(Drawer.SHAPES)


def test_faults_stand_at_the_top_and_at_their_fields_and_each_leads_there() -> None:
    page = shown(compiled(*fields()), DATA, judged=True)
    tree = html(page)
    ids = by_id(tree)
    summary = ids["errors"]
    assert "autofocus" in summary.attrib
    assert summary.get("tabindex") == "-1"
    links = {each.get("href"): text_of(each) for each in summary.iter("a")}
    assert len(links) == len(page.faults) > 3
    for fault in page.faults:
        id = f"f-{fault.path}"
        label = next(text_of(each) for each in tree.iter() if each.tag in {"label", "legend"} and names(each, ids[id]))
        assert links[f"#{id}"] == f"{label.removesuffix(' (optional)')}: {fault.message}"
        assert fault.message in text_of(ids[f"{id}-error"])
        assert ids[id].tag in {"input", "select", "textarea"}
    title = tree.find("head/title")
    assert title is not None
    assert title.text == "Error: Claim"
    radios = next(each for each in tree.iter("fieldset") if each.get("role") == "radiogroup")
    assert (radios.get("aria-invalid"), radios.get("aria-required")) == ("true", "true")


def names(label: Element, field: Element) -> bool:
    """Whether a label is that of a field; a legend is that of all fields of its set."""
    around = {"f-moment": "Moment", "f-colour": "Colour", "f-parts": "Broken parts"}.get(field.get("id") or "")
    return text_of(label) == around if around else label.get("for") == field.get("id")


def test_a_fault_of_no_field_is_said_without_a_link() -> None:
    page = shown(compiled(*fields()), DATA, faults=[Fault("", "rule", "Too much"), Fault("elsewhere", "x", "There")])
    summary = by_id(html(page))["errors"]
    assert [text_of(each) for each in summary.iter("li")] == ["Too much", "There"]
    assert list(summary.iter("a")) == []


def test_faults_of_all_pages_lead_to_the_pages_from_the_answers() -> None:
    check = next(each for each in kinds("en") if each.kind == "check")
    links = {each.get("href") for each in by_id(html(check))["errors"].iter("a")}
    assert "/back#agree" in links


def test_progress_counts_the_visible_pages() -> None:
    form = paged(("One", [field("textfield", "a")]), ("Two", [field("textfield", "b")]))
    tree = html(shown(form, {}, "p1"))
    assert "Step 2 of 2" in text_of(tree)
    assert "Schritt 2 von 2" in text_of(html(shown(form, {}, "p1", language="de-AT")))
    assert "Step" not in text_of(html(shown(compiled(field("textfield", "a")), {})))


@pytest.mark.parametrize(
    ("page", "urls", "actions"),
    [
        ("p0", {}, ["next"]),
        ("p1", {}, ["submit", "back"]),
        ("p1", {"check": "/c"}, ["check", "back"]),
        ("p0", {"api": "/api"}, ["next", "save"]),
    ],
)
def test_buttons_are_those_of_the_place(page: str, urls: dict[str, str], actions: list[str]) -> None:
    form = paged(("One", [field("textfield", "a")]), ("Two", [field("textfield", "b")]))
    tree = html(shown(form, {}, page, urls=urls))
    assert [each.get("value") for each in tree.iter("button")] == actions


def test_the_enter_key_never_adds_a_row() -> None:
    first = next(html(shown(compiled(*fields()), DATA)).iter("button"))
    assert (first.get("value"), first.get("tabindex"), first.get("aria-hidden")) == ("submit", "-1", "true")


def test_a_form_with_a_button_of_its_own_gets_no_second_one() -> None:
    form = compiled(field("textfield", "a"), {"type": "button", "label": "Off it goes", "action": "submit"})
    seen = [each for each in html(shown(form, {})).iter("button") if each.get("aria-hidden") is None]
    assert [text_of(each) for each in seen] == ["Off it goes"]


def test_fields_tell_browsers_what_they_may_fill_in() -> None:
    ids = by_id(html(shown(compiled(*fields()), DATA)))
    filled = {id: each.get("autocomplete") for id, each in ids.items() if each.get("autocomplete")}
    assert filled["f-name"] == "name"
    assert filled["f-email"] == "email"
    assert filled["f-home.postcode"] == "postal-code"
    assert filled["f-phone"] == "tel"
    assert filled["f-code"] == "one-time-code"
    # The rows are of several people.
    assert "f-people[0].name" not in filled


def test_values_stand_in_their_fields_as_the_language_writes_them() -> None:
    data = {**DATA, "price": "1234.50", "moment": "2026-07-01T10:30Z", "story": "\none\ntwo", "colour": 1}
    tree = html(shown(compiled(*fields()), data, language="de"))
    ids = by_id(tree)
    assert ids["f-price"].get("value") == "1234,50"
    assert (ids["f-moment"].get("value"), ids["f-moment-time"].get("value")) == ("2026-07-01", "12:30")
    assert ids["f-story"].text == "\none\ntwo"
    chosen = [
        each.get("value") for each in tree.iter("input") if each.get("name") == "f:colour" and "checked" in each.attrib
    ]
    assert chosen == ["=1"]
    assert [each.get("src") for each in tree.iter("img")] == [PNG]
    assert ids["f-sign"].get("value") == ""
    assert "Zu zahlen: 12,50\xa0€" in text_of(tree)


def test_the_same_key_twice_gets_two_ids() -> None:
    form = compiled(field("textfield", "a", id="one"), field("textfield", "a", id="two"))
    ids = by_id(html(shown(form, {"a": "x"})))
    assert {"f-a", "f-a-2"} <= set(ids)


def test_what_is_read_only_and_cannot_be_so_in_html_is_disabled() -> None:
    form = compiled(field("checkbox", "a", readonly=True), field("select", "b", readonly=True, values=options("x")))
    ids = by_id(html(shown(form, {"a": True, "b": "x"})))
    assert all("disabled" in ids[id].attrib for id in ("f-a", "f-b"))


def test_an_iframe_is_caged() -> None:
    wild = {name: True for name in ("allowScripts", "allowSameOrigin", "allowTopNavigation", "allowForms")}
    rows: list[tuple[str, dict[str, bool], str | None]] = [
        ("https://example.com", {}, ""),
        (
            "https://example.com",
            wild,
            "allow-scripts allow-forms allow-top-navigation-by-user-activation allow-same-origin",
        ),
        ("http://example.com", {"allowSameOrigin": True}, ""),
        ("/our/own/page", wild, None),
        ("javascript:alert(1)", wild, None),
        ("data:text/html,x", wild, None),
    ]
    for url, security, expected in rows:
        tree = html(shown(compiled({"type": "iframe", "label": "x", "url": url, "security": security}), {}))
        assert [each.get("sandbox") for each in tree.iter("iframe")] == ([] if expected is None else [expected]), url


def test_a_long_table_says_what_is_left_out() -> None:
    form = compiled({"type": "table", "label": "T", "dataSource": "=rows", "columnsExpression": "=null"})
    tree = html(shown(form, {"rows": [{"a": number, "b": True} for number in range(501)]}))
    assert len(list(tree.iter("tr"))) == 501
    assert "1 more row is not shown." in text_of(tree)
    assert [text_of(each) for each in tree.iter("th")] == ["a", "b"]


def test_a_conflict_shows_both_values() -> None:
    page = shown(compiled(*fields()), DATA, conflicts=[Conflict("city", "Rome", "Bonn"), Conflict("name", None, "Ann")])
    said = text_of(html(page))
    assert "City: on another device this became “Option Rome”. Here it was “Option Bonn”." in said
    assert "Your name: on another device this became “Not answered”. Here it was “Ann”." in said


def test_the_screen_is_data_that_ends_nothing() -> None:
    page = shown(compiled(field("textfield", "a")), {})
    tree = parsed(page_html(page, b'{"x":"</script><script>alert(1)</script>"}'))
    scripts = list(tree.iter("script"))
    assert [each.get("type") for each in scripts] == ["application/json"]
    assert scripts[0].text == '{"x":"\\u003c/script>\\u003cscript>alert(1)\\u003c/script>"}'


def test_a_page_without_javascript_looks_again_by_itself_while_it_waits() -> None:
    wait = next(each for each in kinds("en") if each.kind == "wait")
    tree = html(wait)
    refresh = next(each for each in tree.iter("noscript"))
    assert "refresh" in (text_of(refresh) or "".join(str(each.attrib) for each in refresh))
    assert by_id(tree)["wait"].get("data-events") == "/events"


def test_texts_of_kinds_are_found_by_their_names() -> None:
    said = text_of(html(Shown(kind="problem", language="en", text="expired")))
    assert "This link has expired" in said
    assert "Something went wrong" in text_of(html(Shown(kind="problem", language="en", text="no-such-text")))


def test_the_first_page_of_forty_fields_is_small_and_so_is_the_style() -> None:
    rows: list[dict[str, Any]] = [
        field("textfield", f"field{number}", f"A question with a label of some length {number}", description="A hint")
        for number in range(40)
    ]
    text = page_html(shown(compiled(*rows), {}, judged=False, brand=Brand(name="Insurance", logo="/logo.svg")))
    assert len(text.encode()) <= HTML_BYTES_MAX
    assert len(gzip.compress(STYLE)) <= CSS_BYTES_MAX
    assert b"@import" not in STYLE
    assert b"url(" not in STYLE
    assert STYLE_NAME in text


@pytest.mark.parametrize("language", BUILT_IN)
def test_every_language_has_every_text_with_its_parameters_and_plurals(language: str) -> None:
    english, own = texts("en"), texts(language)
    assert list(own) == list(english)
    categories = {plural(language, number) for number in range(200)}
    for name, message in own.items():
        forms = [message] if isinstance(message, str) else list(message.values())
        assert all(forms), name
        if not isinstance(message, str):
            assert categories <= set(message), name
        wanted = english[name] if isinstance(english[name], str) else english[name]["other"]  # type: ignore[index]
        parameters = {part.partition("}")[0] for part in str(wanted).split("{")[1:]} - {"n"}
        assert all({part.partition("}")[0] for part in each.split("{")[1:]} >= parameters for each in forms), name


def test_texts_are_found_from_the_region_to_english() -> None:
    assert say("next", "de-AT") == "Weiter"
    assert say("next", "xx") == "Continue"
    assert say("no-such", "de") == "no-such"
    assert say("max_files", "ar", n=2) == "ملفان على الأكثر."
    assert size_text(5_000_000, "de") == "5 MB"
    assert size_text(1_500, "de") == "1,5 KB"
    assert size_text(12, "en") == "12 B"
    assert money_text("12.5", "JPY", "en") == "¥12"
    assert money_text("much", "EUR", "en") == "much EUR"


def test_without_the_library_of_languages_english_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "babel", None)
    languages.locale_of.cache_clear()
    try:
        assert money_text(5, "EUR", "de") == "5 EUR"
        assert (
            by_id(html(shown(compiled(*fields()), {**DATA, "price": 2}, language="de")))["f-price"].get("value") == "2"
        )
    finally:
        languages.locale_of.cache_clear()
