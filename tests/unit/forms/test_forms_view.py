"""What is shown: pages, texts in a language and what is missing, rows, limits, and verdicts of single pages."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from procession.feel import BudgetExceeded, FeelSyntaxError
from procession.feel.runtime import Runtime
from procession.forms import (
    Compiled,
    Item,
    Setting,
    compile_form,
    judge,
    languages,
    path_of,
    path_text,
    read_form,
    settling,
    submit,
    view,
)
from procession.forms.languages import BUILT_IN, direction, message, messages, plural, shown
from procession.forms.templates import compile_template, feel

EVERYTHING: Final = Path(__file__).with_name("everything.form").read_bytes()


def compiled(data: bytes | list[dict[str, Any]]) -> Compiled:
    if isinstance(data, list):
        data = json.dumps({"type": "default", "id": "f", "components": data}).encode()
    form, found = read_form(data)
    assert form is not None, found
    made, wrong = compile_form(form)
    assert wrong == []
    return made


FORM: Final = compiled(EVERYTHING)
ANN: Final[dict[str, Any]] = {
    "person": {"name": "Ann", "age": 30},
    "cities": ["Rome"],
    "sums": [{"amount": "1.50"}, {}],
}


def item(data: dict[str, Any], id: str, **setting: Any) -> Item:
    shown = view(FORM, data, Setting(**setting))
    return next(each for page in shown.pages for each in page.walk() if each.id == id)


def test_pages_are_counted_as_far_as_they_are_visible() -> None:
    grown = view(FORM, ANN)
    assert [(page.id, page.visible, page.number) for page in grown.pages] == [("who", True, 1), ("what", True, 2)]
    assert (grown.of, grown.title, grown.show_submit) == (2, "Everything", True)
    child = view(FORM, {"person": {"age": 3}})
    assert [(page.id, page.visible, page.number) for page in child.pages] == [("who", True, 1), ("what", False, 0)]
    assert child.of == 1
    assert child.pages[1].items == []


def test_the_way_from_page_to_page_leaves_out_what_is_hidden() -> None:
    grown, child = view(FORM, ANN), view(FORM, {"person": {"age": 3}})
    ahead, back = grown.beside("who", 1), grown.beside("what", -1)
    assert (ahead.id if ahead else "", back.id if back else "") == ("what", "who")
    assert child.beside("who", 1) is None
    assert grown.beside("who", -1) is None
    assert grown.beside("nowhere", 1) is None
    assert grown.page("what") is grown.pages[1]
    assert grown.page("nowhere") is None


def test_what_stands_beside_the_pages_is_on_each_and_judged_once() -> None:
    shown = view(FORM, ANN)
    assert [page.items[0].id for page in shown.pages] == ["intro", "intro"]
    form = compiled(
        [
            {"type": "textfield", "key": "a", "label": "A", "validate": {"required": True}},
            {"type": "multipage", "components": [{"type": "page", "id": id, "components": []} for id in "pq"]},
        ]
    )
    assert [fault.path for fault in judge(view(form, {}))] == ["a"]


def test_a_form_without_pages_is_one() -> None:
    shown = view(compiled([{"type": "textfield", "key": "a", "label": "A"}]), {"a": "x"})
    assert [(page.id, page.number, [each.value for each in page.items]) for page in shown.pages] == [("", 1, ["x"])]


def test_one_page_is_judged_alone() -> None:
    shown = view(FORM, {"person": {"name": "A"}, "agree": True, "sums": [{"amount": "x"}]})
    assert [(fault.path, fault.rule) for fault in judge(shown, page="who")] == [("person.name", "minLength")]
    assert [(fault.path, fault.rule) for fault in judge(shown, page="what")] == [("sums[0].amount", "type")]
    assert [fault.path for fault in judge(shown)] == ["person.name", "sums[0].amount", "person.age"]


@pytest.mark.parametrize(
    ("language", "label", "direction"),
    [
        ("en", "Colour", "ltr"),
        ("de", "Farbe", "ltr"),
        ("de-AT", "Farbe", "ltr"),
        ("de_CH", "Farbe", "ltr"),
        ("he", "Colour", "rtl"),
        ("", "Colour", "ltr"),
    ],
)
def test_texts_are_in_the_language_or_the_nearest(language: str, label: str, direction: str) -> None:
    assert item(ANN, "color", language=language).texts["label"] == label
    assert view(FORM, ANN, Setting(language=language)).direction == direction


def test_what_is_missing_in_a_language_is_listed() -> None:
    german = view(FORM, ANN, Setting(language="de"))
    assert german.title == "Alles"
    assert "age.label" in german.missing
    assert "color.label" not in german.missing
    assert view(FORM, ANN, Setting(language="en-GB")).missing == []
    assert next(rule for rule in german.rules).message == "Noch nicht geboren"


def test_options_have_labels_and_come_from_where_they_stand() -> None:
    labels = {
        id: [each.label for each in item(ANN, id, language="de").options or []] for id in ("color", "city", "tags")
    }
    assert labels == {"color": ["Rot", "Grün"], "city": ["Rome"], "tags": ["a", "b"]}
    asked = item(ANN, "more")
    assert (asked.options, asked.options_from) == (None, "tags")
    given = item(ANN, "more", sources={"tags": [{"label": "T", "value": 1}, 2, None, []]}).options or []
    assert [(each.label, each.value) for each in given] == [("T", 1), ("2", 2)]


def test_rows_have_their_paths_and_texts() -> None:
    sums = item(ANN, "sums")
    assert [[(each.path, each.texts["label"], each.value) for each in row] for row in sums.rows] == [
        [("sums[0].amount", "Amount 1", "1.50")],
        [("sums[1].amount", "Amount 2", None)],
    ]
    assert len(item({"person": {"age": 30}}, "sums").rows) == 2
    assert item(ANN, "t").data == ANN["sums"]
    assert item(ANN, "t").columns == [{"key": "amount", "label": "Amount"}]
    assert item(ANN, "total").value == 2


def test_limits_are_computed() -> None:
    assert item(ANN, "name").limits == {"minLength": 2, "maxLength": 50, "pattern": "^\\p{L}"}
    assert item(ANN, "age").limits == {"min": 0, "max": 120, "increment": 1, "decimalDigits": 0}
    assert item(ANN, "files").limits == {"accept": ".pdf", "multiple": True}
    assert item(ANN, "name").required
    assert item(ANN, "agree").kind == "consent"


@pytest.mark.parametrize(
    ("text", "data", "shown"),
    [
        ("plain", {}, "plain"),
        ("=a + 1", {"a": 1}, "2"),
        ("{{a}} and {{ b.c }}", {"a": 1, "b": {"c": "x"}}, "1 and x"),
        ("{{missing}}!", {}, "!"),
        ('{{"}}"}}', {}, "}}"),
        ("{{#if a > 1}}many{{/if}}.", {"a": 2}, "many."),
        ("{{#if a > 1}}many{{/if}}.", {"a": 1}, "."),
        ("{{#loop list}}<{{name}} {{this.name}}>{{/loop}}", {"list": [{"name": "a"}, {"name": "b"}]}, "<a a><b b>"),
        ("{{#loop list}}{{#if this > 1}}{{this}} {{x}};{{/if}}{{/loop}}", {"list": [1, 2], "x": "y"}, "2 y;"),
        ("<b>{{a}}</b>", {"a": "<script>"}, "<b><script></b>"),
    ],
)
def test_a_text_holds_expressions(text: str, data: dict[str, Any], shown: str) -> None:
    template = compile_template(text, feel)
    assert template.render(data.get, Runtime()) == shown


@pytest.mark.parametrize("text", ["{{/if}}", "{{#if a}}{{/loop}}", "{{#loop a}}", "{{a +}}", "=", "{{}}"])
def test_what_is_no_text_with_expressions_is_refused(text: str) -> None:
    with pytest.raises(FeelSyntaxError):
        compile_template(text, feel)


def test_every_language_has_every_message() -> None:
    for language in BUILT_IN:
        assert messages(language).keys() == messages("en").keys()
        for text in messages(language).values():
            assert isinstance(text, str) or "other" in text
    assert messages("../en") == {}


@pytest.mark.parametrize(
    ("language", "number", "category"),
    [
        ("en", 1, "one"),
        ("en", 2, "other"),
        ("fr", 0, "one"),
        ("he", 2, "two"),
        ("ar", 0, "zero"),
        ("ar", 3, "few"),
        ("ar", 11, "many"),
        ("xx", 1, "one"),
    ],
)
def test_plurals_are_those_of_the_language(language: str, number: int, category: str) -> None:
    assert plural(language, number) == category


def test_messages_are_in_the_language_with_its_plurals_and_numbers() -> None:
    assert message("maxLength", "en", {"n": 1}) == "Enter at most 1 character."
    assert message("maxLength", "en", {"n": 1000}) == "Enter at most 1,000 characters."
    assert message("maxLength", "de-AT", {"n": 1000}).startswith("Geben Sie höchstens 1")
    assert message("maxLength", "ar", {"n": 2}) == "أدخل حرفين على الأكثر."
    assert message("maxLength", "ja", {"n": 2}) == "Enter at most 2 characters."
    assert message("minDate", "de", {"date": "2026-01-31"}) == "Wählen Sie 31.01.2026 oder später."
    assert message("no-such-rule", "en", {}) == "no-such-rule"
    assert direction("ar-EG") == "rtl"


def test_without_the_library_of_languages_english_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "babel", None)
    languages.locale_of.cache_clear()
    try:
        assert message("maxLength", "ar", {"n": 2}) == "أدخل 2 حرف على الأكثر."
        assert (plural("ar", 2), shown(1000, "de")) == ("other", "1000")
    finally:
        languages.locale_of.cache_clear()


@pytest.mark.parametrize("text", ["a", "a.b", "a[0].b", "a[10][2]", ""])
def test_a_path_is_read_as_it_is_written(text: str) -> None:
    assert path_text(path_of(text)) == text


@pytest.mark.parametrize("text", ["a[", "a]", "[x]", ".."])
def test_what_is_no_path_is_none(text: str) -> None:
    assert path_of(text) == ()


def test_too_many_rows_and_steps_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BudgetExceeded, match="rows"):
        submit(FORM, {"sums": [{}] * 1_001})
    monkeypatch.setattr(settling, "PLACED_MAX", 10)
    with pytest.raises(BudgetExceeded, match="components"):
        view(FORM, {})
    monkeypatch.undo()
    monkeypatch.setattr(settling, "STEPS_MAX", 100)
    heavy = compiled([{"type": "spacer", "conditional": {"hide": "=sum(for x in 1..1000000 return x) = 1"}}])
    with pytest.raises(BudgetExceeded):
        view(heavy, {})


def test_a_submit_changes_nothing_that_it_was_given() -> None:
    sent: dict[str, Any] = {"person": {"name": "Bob", "age": "31"}, "agree": "on", "sums": [{"amount": "2"}]}
    held: dict[str, Any] = {"person": {"name": "Ann", "id": 7}, "cities": ["Rome"], "sums": [{"amount": "1"}] * 3}
    before = json.dumps([sent, held])
    done = submit(FORM, sent, held)
    assert json.dumps([sent, held]) == before
    assert done.accepted, done.faults
    assert done.data == {
        "person": {"name": "Bob", "age": 31, "note": "none"},
        "agree": True,
        "sums": [{"amount": "2"}],
        "total": 1,
    }
