"""The lines of "check your answers": texts by language, what is left out, links back."""

from __future__ import annotations

from typing import Any

import pytest

from player_pages import PNG, ZONE, compiled, field, fields, html, options, paged, shown, text_of
from procession.forms import Setting, view
from procession.web.player.pages import answers
from procession.web.player.shown import Shown


@pytest.mark.parametrize(
    ("component", "value", "language", "text"),
    [
        (field("textfield", "a"), "x", "en", "x"),
        (field("textfield", "a"), "2026-01-31", "de", "2026-01-31"),
        (field("textfield", "a"), None, "de", "Nicht beantwortet"),
        (field("textfield", "a"), "", "en", "Not answered"),
        (field("number", "a", appearance={"suffixAdorner": "km"}), "1234.5", "de", "1.234,5 km"),
        (field("number", "a", _kind="currency", _currency="EUR"), 12, "en", "€12.00"),
        (field("datetime", "a", subtype="date", dateLabel="D"), "2026-01-31", "de", "31.01.2026"),
        (field("datetime", "a", subtype="time", timeLabel="T"), "14:30", "en", "2:30\u202fPM"),
        (field("datetime", "a", subtype="datetime"), "2026-07-01T10:30Z", "de", "01.07.2026 12:30"),
        (field("datetime", "a", subtype="datetime"), "nonsense", "de", "nonsense"),
        (field("checkbox", "a"), True, "fr", "Oui"),
        (field("checkbox", "a"), False, "es", "No"),
        (field("radio", "a", values=options("x", 1)), 1, "en", "Option 1"),
        (field("select", "a", values=options("x")), "gone", "en", "gone"),
        (field("checklist", "a", values=options("x", "y")), ["x", "y"], "en", "Option x, Option y"),
        (field("filepicker", "a"), [{"id": "1", "name": "a.pdf"}, "2"], "en", "a.pdf, 2"),
        (field("textfield", "a", _kind="signature", _sensitive=False), PNG, "en", PNG),
        (field("textfield", "a", _kind="signature", _sensitive=False), "Ann", "en", "Ann"),
    ],
)
def test_an_answer_is_written_as_its_language_does(
    component: dict[str, Any], value: Any, language: str, text: str
) -> None:
    seen = view(compiled(component), {"a": value}, Setting(language=language, zone=ZONE))
    assert [each.text for each in answers(seen)] == [text]


def test_what_is_hidden_or_a_code_is_left_out() -> None:
    form = compiled(
        field("textfield", "shown"),
        field("textfield", "hidden", conditional={"hide": "=true"}),
        field("textfield", "iban", _kind="iban", _sensitive=True),
        field("textfield", "code", _kind="one-time-code", _sensitive=False),
        {"type": "expression", "key": "sum", "expression": "=1", "computeOn": "change"},
        {"type": "text", "text": "words"},
        {"type": "group", "label": "G", "properties": {"procession.sensitive": True},
         "components": [field("textfield", "inner")]},
    )  # fmt: skip
    assert [each.path for each in answers(view(form, {}))] == ["shown", "iban", "inner"]


def test_rows_are_named_by_their_list_and_pages_lead_back() -> None:
    people = {"type": "dynamiclist", "label": "People", "path": "people", "defaultRepetitions": 1,
              "components": [field("textfield", "name", "Name")]}  # fmt: skip
    form = paged(("One", [field("textfield", "a", "A")]), ("Two", [people]))
    found = answers(view(form, {"people": [{"name": "Ann"}, {"name": "Bob"}]}), lambda page, path: f"/{page}?{path}")
    assert [(each.label, each.text, each.page, each.url) for each in found] == [
        ("A", "Not answered", "p0", "/p0?a"),
        ("People, 1: Name", "Ann", "p1", "/p1?people[0].name"),
        ("People, 2: Name", "Bob", "p1", "/p1?people[1].name"),
    ]


def test_the_page_shows_them_with_a_link_each_and_a_drawn_signature_as_its_image() -> None:
    page = shown(compiled(*fields()), {"name": "Ann", "sign": PNG})
    assert page.view is not None
    said = answers(page.view, lambda at, path: f"/back#{path}")
    tree = html(Shown(kind="check", language="en", title="Claim", answers=said))
    assert [each.get("src") for each in tree.iter("img")] == [PNG]
    links = [text_of(each) for each in tree.iter("a") if (each.get("href") or "").startswith("/back#")]
    assert links[0] == "Change Your name"
    assert len(links) == len(said)
