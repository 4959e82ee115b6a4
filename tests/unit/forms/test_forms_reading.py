"""Reading forms: nothing is lost, everything wrong has a place, and no document harms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tools import form_schema

from procession.forms import check_form, compile_form, read_form, submit, view
from procession.forms.components import COMPONENTS
from procession.forms.patterns import PATTERN_MAX
from procession.forms.reading import COMPONENTS_MAX, DEPTH_MAX, FORM_BYTES_MAX, SCHEMA_VERSION, looks_like_form
from procession.parse.json_lines import DEPTH_MAX as JSON_DEPTH_MAX
from procession.parse.json_lines import JsonError, read_json, write_json

EVERYTHING: Final = Path(__file__).with_name("everything.form").read_bytes()
SCHEMA: Final = jsonschema_rs.Draft202012Validator(form_schema.document())
SHAPE: Final = {"form-root", "form-component", "form-property", "form-extension", "form-key"}

_TEXTS: Final = st.text(st.characters(codec="utf-8"), max_size=8)
_NUMBERS: Final = st.integers(-(10**20), 10**20) | st.decimals(allow_nan=False, allow_infinity=False, places=3)
JSON: Final = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)
WORDS: Final = ["type", "components", "key", "path", "properties", "id", "values", "validate", "conditional", "label"]


def a_form(*components: object, **more: object) -> bytes:
    return json.dumps({"type": "default", "id": "f", "components": components, **more}).encode()


def rules(data: bytes) -> list[str]:
    return [each.rule for each in check_form(data, "f.form")]


def test_a_form_of_every_type_is_read_whole() -> None:
    form, found = read_form(EVERYTHING, "everything.form")
    assert form is not None
    assert found == []
    assert {component.type for component in form.walk()} == set(COMPONENTS)
    assert (form.id, form.version_tag, form.schema_version) == ("everything", "v1", 19)
    assert form.to_bytes() == EVERYTHING
    assert write_json(dict(form.raw)).encode() == EVERYTHING
    compiled, wrong = compile_form(form)
    assert wrong == []
    assert compiled.languages == ("en", "de")


@given(st.dictionaries(_TEXTS, JSON, max_size=5), st.lists(JSON, max_size=3))
def test_what_is_not_known_is_kept_as_it_came(unknown: dict[str, Any], values: list[Any]) -> None:
    component = {"type": "textfield", "key": "a", "label": "A", "x-vendor": values}
    raw = {**{f"x-{name}": each for name, each in unknown.items()}, "type": "default", "components": [component]}
    written = write_json(raw)
    form, found = read_form(written.encode())
    assert form is not None, found
    assert write_json(dict(form.raw)) == written
    assert form.to_bytes() == written.encode()
    assert {each.severity for each in found} <= {"warning"}


def test_numbers_keep_their_digits() -> None:
    text = '{"a":1.00,"b":1E+5,"c":-0,"d":0.30}'
    value, places = read_json(text)
    assert value == {"a": Decimal("1.00"), "b": Decimal("1E+5"), "c": Decimal("-0"), "d": Decimal("0.30")}
    assert write_json(value).replace("\n", "").replace(" ", "") == text
    assert places["/b"] == (1, 15)


@pytest.mark.parametrize(
    ("text", "says", "place"),
    [
        ("", "expected a value", (1, 1)),
        ("{", "quotation marks", (1, 2)),
        ('{"a": 1, "a": 2}', "given twice", (1, 13)),
        ('{"a": NaN}', "expected a value", (1, 7)),
        ("[1, Infinity]", "expected a value", (1, 5)),
        ("[1e99999]", "larger than any", (1, 2)),
        ("[" + "9" * 5000 + "]", "larger than any", (1, 2)),
        ('["\\ud800"]', "lone surrogate", (1, 2)),
        ('["\\x"]', "escape", (1, 2)),
        ('["a\nb"]', "text in quotation marks", (1, 2)),
        ("[1 2]", "expected ','", (1, 4)),
        ("[1,]", "expected a value", (1, 4)),
        ("[1]\n x", "behind the end", (2, 2)),
        ("[" * (JSON_DEPTH_MAX + 2), "nested deeper", (1, JSON_DEPTH_MAX + 2)),
        ("[01]", "expected ','", (1, 3)),
    ],
)
def test_what_is_no_json_has_a_place(text: str, says: str, place: tuple[int, int]) -> None:
    with pytest.raises(JsonError, match=says) as caught:
        read_json(text)
    assert (caught.value.line, caught.value.column) == place
    assert rules(text.encode()) == ["form-json"]


@given(JSON)
def test_json_is_read_as_it_is_written(value: Any) -> None:
    assert read_json(write_json(value))[0] == value


def test_a_finding_names_pointer_line_and_column() -> None:
    data = b'{"type": "default", "id": "f",\n "components": [\n  {"type": "textfield", "label": 5, "key": "a"}]}'
    (found,) = [each for each in check_form(data, "f.form") if each.severity == "error"]
    assert (found.rule, found.element) == ("form-property", "/components/0/label")
    assert (found.span.line, found.span.column) == (3, 34)


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_every_version_of_the_schema_is_read(version: int) -> None:
    assert rules(a_form(schemaVersion=version)) == []


def test_a_newer_version_is_refused_by_name() -> None:
    (found,) = check_form(a_form(schemaVersion=SCHEMA_VERSION + 1))
    assert "schemaVersion 20; versions to 19 are known" in found.message


def nested(depth: int) -> dict[str, Any]:
    component: dict[str, Any] = {"type": "textfield", "key": "a", "label": "A"}
    for _ in range(depth - 1):
        component = {"type": "group", "components": [component]}
    return component


HOSTILE: Final[dict[str, bytes]] = {
    "deep": a_form(nested(DEPTH_MAX + 1)),
    "very deep": b'{"type": "default", "components": ' + b"[" * 100_000,
    "ten thousand fields": a_form(*({"type": "spacer"} for _ in range(10_000))),
    "large": b" " * (FORM_BYTES_MAX + 1),
    "a huge text": a_form({"type": "text", "text": "x" * 200_000}),
    "many options": a_form({"type": "select", "key": "a", "label": "A", "values": [{"value": 1}] * 6_000}),
    "a huge pattern": a_form(
        {"type": "textfield", "key": "a", "label": "A", "validate": {"pattern": "a" * (PATTERN_MAX + 1)}}
    ),
    "a pattern of many states": a_form(
        {"type": "textfield", "key": "a", "label": "A", "validate": {"pattern": "((a{99}){99}){99}"}}
    ),
    "a huge expression": a_form({"type": "spacer", "conditional": {"hide": "=" + "1+" * 100_000 + "1"}}),
    "a deep expression": a_form({"type": "spacer", "conditional": {"hide": "=" + "(" * 5_000}}),
    "a deep text": a_form({"type": "text", "text": "{{#if a}}" * 100}),
    "many rules": a_form(properties={"procession.rules": [{"when": "true", "message": "m"}] * 500}),
    "many languages": a_form(
        properties={
            "procession.title": "t",
            "procession.translations": {f"a{chr(97 + n % 26)}{chr(97 + n // 26)}": {"title": "t"} for n in range(99)},
        }
    ),
    "not utf-8": b'{"type": "default", "components": ["\xff"]}',
    "a list": b"[]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused(name: str) -> None:
    found = check_form(HOSTILE[name], "f.form")
    assert any(each.severity == "error" for each in found)
    assert len(found) <= 1_001
    assert all(len(str(each)) < 3_000 for each in found)


def test_the_deepest_and_the_largest_form_are_read() -> None:
    assert read_form(a_form(nested(DEPTH_MAX)))[0] is not None
    fields = [
        {"type": "textfield", "key": f"k{n}", "label": "A", "conditional": {"hide": f"=k{n - 1} = 1"}}
        for n in range(COMPONENTS_MAX)
    ]
    form, found = read_form(a_form(*fields))
    assert form is not None, found
    compiled, _ = compile_form(form)
    assert len(view(compiled, {}).pages[0].items) == COMPONENTS_MAX


@settings(deadline=None)
@given(JSON)
def test_no_json_at_all_raises(value: Any) -> None:
    check_form(write_json(value).encode())


SHAPED: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 20)
    | st.sampled_from(["", "=a", "a.b", "default", "{{a}}", *COMPONENTS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=15,
)


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(sorted(COMPONENTS)), st.dictionaries(st.sampled_from(WORDS), SHAPED, max_size=5), SHAPED)
def test_what_looks_like_a_form_never_raises(type: str, component: dict[str, Any], data: Any) -> None:
    raw = write_json({"type": "default", "components": [{**component, "type": type}]}).encode()
    check_form(raw)
    form, _ = read_form(raw)
    if form is not None:
        compiled, _ = compile_form(form)
        given = data if isinstance(data, dict) else {"a": data}
        done = submit(compiled, given)
        assert submit(compiled, done.data).data == done.data


def test_the_schema_is_made_of_the_tables_and_shipped() -> None:
    assert form_schema.FILE.read_text(encoding="utf-8") == form_schema.text(), "run `python -m tools.form_schema`"
    assert jsonschema_rs.meta.is_valid(form_schema.document())


def test_the_schema_takes_a_form_of_every_type() -> None:
    assert SCHEMA.is_valid(json.loads(EVERYTHING))


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in entries:
        yield from places(each, (*at, step))


PLACES: Final = list(places(json.loads(EVERYTHING)))[1:]
OTHERS: Final = st.sampled_from([None, True, 0, -1, 7, 99, "", "x", "=a", "a b", "a.b", [], {}, ["x"], [1], {"a": 1}])


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(PLACES), OTHERS, st.booleans())
def test_the_schema_refuses_what_the_reader_refuses(place: tuple[Any, ...], value: object, remove: bool) -> None:
    changed = json.loads(EVERYTHING)
    around = changed
    for step in place[:-1]:
        around = around[step]
    if remove:
        del around[place[-1]]
    else:
        around[place[-1]] = value
    form, found = read_form(json.dumps(changed).encode())
    refused = [each for each in found if each.severity == "error"]
    assert {each.rule for each in refused} <= SHAPE
    assert SCHEMA.is_valid(changed) is (form is not None), (place, value, [str(each) for each in refused])


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        (a_form(), True),
        (b'{"type": "default"}', False),
        (b'{"type": "other", "components": []}', False),
        (b'{"a": {"type": "default", "components": []}}', False),
        (b"[]", False),
        (b"{", False),
        (EVERYTHING, True),
    ],
)
def test_a_form_is_told_from_other_json(data: bytes, is_one: bool) -> None:
    assert looks_like_form(data) is is_one
