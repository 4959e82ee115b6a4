"""What is posted of a page becomes the values that stood in it: numbers by language, times by zone, rows, files."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player_pages import DATA, PNG, ZONE, compiled, field, fields, html, options, posted, shown
from procession.base.values import Json
from procession.forms import Compiled, Page, Setting, submit
from procession.forms.languages import BUILT_IN
from procession.forms.scope import path_of, put_at, value_at
from procession.web.player.pages import form_values
from procession.web.player.pages.values import Body, number_shown, number_typed, option_text, option_value

FORM: Final = compiled(*fields())


def page_of(form: Compiled, data: dict[str, Any], language: str = "en") -> Page:
    view = shown(form, data, language=language).view
    assert view is not None
    return view.pages[0]


def sent(form: Compiled, data: dict[str, Any], language: str = "en", **changes: Any) -> dict[str, Json]:
    """The values of the form as a browser sends it, with changes by path."""
    body = posted(html(shown(form, data, language=language)), **{f"f:{path}": value for path, value in changes.items()})
    return form_values(page_of(form, data, language), body)


_TEXT: Final = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=12)
_LINE: Final = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
_NUMBER: Final = st.integers(-(10**12), 10**12) | st.decimals(-(10**6), 10**6, places=3).map(Decimal)
_CLOCK: Final = st.times().map(lambda time: time.strftime("%H:%M"))
_DATE: Final = st.dates().map(str)
_VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "name": _LINE,
    "story": _TEXT,
    "amount": _NUMBER,
    "price": _NUMBER,
    "day": _DATE,
    "hour": _CLOCK,
    "moment": st.tuples(_DATE, _CLOCK).map("T".join),
    "insured": st.booleans(),
    "agree": st.booleans(),
    "colour": st.sampled_from(["red", 1, True]),
    "city": st.sampled_from(["Rome", "Bonn"]),
    "parts": st.lists(st.sampled_from(["door", "roof"]), unique=True).map(sorted),
    "many": st.lists(st.integers(0, 19), unique=True).map(sorted),
    "home": st.fixed_dictionaries({"street": _LINE, "country": st.sampled_from(["DE", "IL"])}),
    "sign": _LINE | st.just(PNG),
    "people": st.lists(
        st.fixed_dictionaries({"name": _LINE, "seat": _NUMBER | st.none(), "hurt": st.booleans()}),
        min_size=1,
        max_size=3,
    ),
}


@given(st.fixed_dictionaries({}, optional=_VALUES), st.sampled_from(BUILT_IN))
def test_what_is_shown_and_sent_untouched_is_what_it_was(data: dict[str, Any], language: str) -> None:
    found = sent(FORM, data, language)
    for path, value in found.items():
        # A box that is not ticked, a list with nothing chosen, and a text of nothing are no answers, as null is.
        was = value_at(data, path_of(path))
        assert value == was or (value in ("", [], False) and not was), path
    for name in data:
        assert any(path == name or path.startswith((f"{name}.", f"{name}[")) for path in found), name


@given(_NUMBER, st.sampled_from([*BUILT_IN, "de-CH", "pl", "en-IN", "xx"]))
def test_a_number_is_read_as_it_was_shown(number: int | Decimal, language: str) -> None:
    assert number_typed(number_shown(number, language), language) == number


@pytest.mark.parametrize(
    ("text", "language", "number"),
    [
        ("1.234,5", "de", "1234.5"),
        ("1,234.5", "en", "1234.5"),
        ("1.234", "de", "1234"),
        ("1.234", "en", "1.234"),
        ("1,234", "en", "1234"),
        ("1,5", "en", "1.5"),
        ("12.50", "de", "12.50"),
        ("1.234.567", "de", "1234567"),
        ("1 234,5", "fr", "1234.5"),
        ("1\u202f234,5", "fr", "1234.5"),
        ("1.5", "fr", "1.5"),
        ("1.234,5", "fr", "1234.5"),
        ("1'234.5", "de-CH", "1234.5"),
        ("1’234.5", "de-CH", "1234.5"),
        ("١٢٣٫٥", "ar", "123.5"),
        ("१२", "hi", "12"),
        ("−5", "en", "-5"),
        ("-1.234,5", "de", "-1234.5"),
        (" 7 ", "en", "7"),
        (".5", "en", "0.5"),
    ],
)
def test_numbers_are_read_as_people_type_them(text: str, language: str, number: str) -> None:
    assert number_typed(text, language) == Decimal(number)


@pytest.mark.parametrize("text", ["abc", "1,2,3", "1.2.3", "1,23,4", "--1", "1e", "1,234,5x"])
def test_what_is_no_number_stays_what_it_is_and_is_refused(text: str) -> None:
    assert number_typed(text, "en") == text
    done = submit(compiled(field("number", "a")), {"a": number_typed(text, "en")})
    assert [fault.rule for fault in done.faults] == ["type"]


def test_nothing_is_no_number() -> None:
    assert number_typed("  ", "en") is None


@given(_TEXT | _NUMBER | st.booleans() | st.none() | st.lists(_LINE))
def test_the_value_of_an_option_survives(value: Any) -> None:
    expected = None if value == "" and not isinstance(value, str) else value
    assert option_value(option_text(value)) == expected


def test_a_forged_option_stays_a_text() -> None:
    assert option_value("={broken") == "={broken"
    assert option_value("") is None


def test_a_time_with_an_offset_is_shown_on_the_clock_of_the_zone_and_comes_back() -> None:
    form = compiled(field("datetime", "m", subtype="datetime", timeSerializingFormat="utc_normalized"))
    data = {"m": "2026-07-01T10:30Z"}
    assert sent(form, data) == {"m": "2026-07-01T12:30"}
    assert submit(form, sent(form, data), {}, Setting(zone=ZONE)).data == data


def test_half_a_moment_is_kept_and_refused() -> None:
    form = compiled(field("datetime", "m", subtype="datetime"))
    body = posted(html(shown(form, {})), **{"f:m:date": "2026-07-01"})
    values = form_values(page_of(form, {}), body)
    assert values == {"m": "2026-07-01T"}
    assert [fault.rule for fault in submit(form, values).faults] == ["date"]
    assert sent(form, values) == values


def test_boxes_that_are_not_ticked_were_still_asked() -> None:
    form = compiled(field("checkbox", "a"), field("checklist", "b", values=options("x", "y")))
    assert sent(form, {"a": True, "b": ["x"]}) == {"a": True, "b": ["x"]}
    body = posted(html(shown(form, {"a": True, "b": ["x"]})))
    body.pop("f:a"), body.pop("f:b")
    assert form_values(page_of(form, {"a": True, "b": ["x"]}), body) == {"a": False, "b": []}
    # A page that did not have them says nothing of them.
    assert form_values(page_of(form, {"a": True}), {}) == {}


def test_several_are_chosen() -> None:
    form = compiled(field("taglist", "a", values=options(*range(20))), field("taglist", "b", values=options("x", "y")))
    assert sent(form, {}, a=["=3", "=4"], b=["x", "y"]) == {"a": [3, 4], "b": ["x", "y"]}


def test_what_nobody_may_change_is_not_read() -> None:
    form = compiled(field("textfield", "a", readonly=True), field("textfield", "b", disabled=True))
    assert form_values(page_of(form, {}), {"f:a": ["x"], "f:b": ["x"], "f:c": ["x"], "a": ["x"]}) == {}
    hidden = compiled(field("textfield", "a", conditional={"hide": "=true"}))
    assert form_values(page_of(hidden, {}), {"f:a": ["x"]}) == {}


def test_lines_and_a_drawn_signature_stay_when_nobody_touched_them() -> None:
    form = compiled(field("textfield", "a"), field("textfield", "s", _kind="signature", _sensitive=False))
    data = {"a": "two\nlines", "s": PNG}
    assert sent(form, data) == data
    assert sent(form, data, s="Ann") == {"a": "two\nlines", "s": "Ann"}


def test_files_are_taken_away_by_their_ids() -> None:
    data: dict[str, Any] = {"photos": [{"id": "f1", "name": "a.png"}, {"id": "f2", "name": "b.png"}]}
    form = compiled(field("filepicker", "photos", multiple=True))
    assert sent(form, data) == {}
    assert sent(form, data, **{"photos:drop": "f1"}) == {"photos": [{"id": "f2", "name": "b.png"}]}
    assert sent(form, {"photos": ["f1"]}, **{"photos:drop": "f1"}) == {"photos": []}


def act(form: Compiled, data: dict[str, Any], action: str, **changes: Any) -> dict[str, Json]:
    body: Body = posted(html(shown(form, data)), action=action, **{f"f:{k}": v for k, v in changes.items()})
    return form_values(page_of(form, data), body)


def test_rows_are_added_and_taken_away_with_what_was_typed_in_them() -> None:
    data = {"people": [{"name": "Ann"}, {"name": "Bob"}]}
    typed: dict[str, Any] = {"people[0].name": "Eve"}
    plain = sent(FORM, data, **typed)
    assert (plain["people[0].name"], plain["people[1].name"]) == ("Eve", "Bob")
    added = act(FORM, data, "add:people", **typed)
    rows = added["people"]
    assert isinstance(rows, list)
    assert [row.get("name") for row in rows if isinstance(row, dict)] == ["Eve", "Bob", None]
    assert not [path for path in added if path.startswith("people[")]
    left = act(FORM, data, "remove:people[0]", **typed)["people"]
    assert isinstance(left, list)
    assert [row.get("name") for row in left if isinstance(row, dict)] == ["Bob"]
    assert act(FORM, data, "remove:people[7]") == plain | {"people[0].name": "Ann"}


def test_rows_inside_of_rows_change_by_themselves() -> None:
    inner = {"type": "dynamiclist", "label": "Kids", "path": "kids", "isRepeating": True, "allowAddRemove": True,
             "defaultRepetitions": 1, "components": [field("textfield", "name")]}  # fmt: skip
    outer = {**inner, "label": "People", "path": "people", "components": [field("textfield", "name"), inner]}
    form = compiled(outer)
    data = {"people": [{"name": "Ann", "kids": [{"name": "Tim"}]}]}
    assert act(form, data, "add:people[0].kids")["people[0].kids"] == [{"name": "Tim"}, {}]
    assert act(form, data, "add:people")["people"] == [{"name": "Ann", "kids": [{"name": "Tim"}]}, {}]


def test_a_list_that_may_not_change_does_not() -> None:
    fixed = {"type": "dynamiclist", "label": "P", "path": "p", "isRepeating": True, "allowAddRemove": False,
             "defaultRepetitions": 1, "components": [field("textfield", "name")]}  # fmt: skip
    form = compiled(fixed)
    assert not [each for each in html(shown(form, {})).iter("button") if (each.get("value") or "").startswith("add:")]
    assert "p" not in act(form, {"p": [{"name": "x"}]}, "add:p")


@given(
    st.dictionaries(
        st.sampled_from([f"f:{name}" for name in [*_VALUES, "people[0].seat", "moment:date"]]), st.lists(_TEXT)
    )
)
def test_any_body_gives_values_or_nothing(body: dict[str, list[str]]) -> None:
    values = form_values(page_of(FORM, DATA), body | {"lang": ["../x"], "action": ["add:people"]})
    data: dict[str, Json] = {}
    for path, value in values.items():
        put_at(data, path_of(path), value)
    submit(FORM, data)
