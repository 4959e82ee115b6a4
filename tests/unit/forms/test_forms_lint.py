"""The linter: each rule with a form that breaks it, and none that a sound form breaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from procession.forms import check_form
from procession.forms.rules import RULES

EVERYTHING: Final = Path(__file__).with_name("everything.form").read_bytes()


def text(key: str = "a", **more: Any) -> dict[str, Any]:
    return {"type": "textfield", "key": key, "label": "A", **more}


def ext(**extensions: Any) -> dict[str, Any]:
    return {f"procession.{name}": value for name, value in extensions.items()}


def form(*components: object, **more: object) -> bytes:
    return json.dumps({"type": "default", "id": "f", "components": components, **more}).encode()


def rows(*components: object) -> dict[str, Any]:
    return {"type": "dynamiclist", "path": "rows", "label": "R", "components": components}


OPTION: Final = {"label": "X", "value": "x"}
PAGE: Final = {"type": "page", "id": "p", "components": [text()]}
TWICE: Final = [text("a"), text("a")]
BAD: Final[list[tuple[str, str, bytes, str, str]]] = [
    ("form-json", "error", b"{", "", "no JSON that is taken"),
    ("form-size", "error", form({"type": "text", "text": "x" * 100_001}), "/components/0/text", "the limit is"),
    ("form-root", "error", b'{"type": "other"}', "/type", "says `type` `default`"),
    ("form-id", "warning", b'{"type": "default", "components": []}', "", "has no id"),
    (
        "form-id",
        "error",
        form(text("a", id="x"), text("b", id="x")),
        "/components/1",
        "is that of /components/0 already",
    ),
    ("form-component", "error", form({"type": "slider"}), "/components/0", "no component is of type 'slider'"),
    ("form-property", "error", form(text(label=3)), "/components/0/label", "must be a text"),
    ("form-property", "warning", form(text(lable="x")), "/components/0/lable", "no property of it"),
    (
        "form-property",
        "error",
        form({"type": "expression", "key": "a", "computeOn": "change"}),
        "/components/0",
        "`expression` is missing",
    ),
    (
        "form-extension",
        "warning",
        form(text(properties=ext(knid="iban"))),
        "/components/0/properties/procession.knid",
        "no extension",
    ),
    (
        "form-extension",
        "error",
        form(text(properties=ext(sensitive="maybe"))),
        "/components/0/properties/procession.sensitive",
        "true or false",
    ),
    (
        "form-extension",
        "warning",
        form(text(properties=ext(maxFiles=3))),
        "/components/0/properties/procession.maxFiles",
        "no effect",
    ),
    (
        "form-extension",
        "error",
        form(text(properties=ext(kind="bank"))),
        "/components/0/properties/procession.kind",
        "no kind of field",
    ),
    (
        "form-extension",
        "error",
        form(text(properties=ext(kind="consent"))),
        "/components/0/properties/procession.kind",
        "cannot be of kind",
    ),
    ("form-key", "error", form({"type": "textfield", "label": "A"}), "/components/0", "`key` is missing"),
    ("form-key", "error", form(text("a b")), "/components/0/key", "names with dots"),
    ("form-key", "error", form(*TWICE), "/components/1", "'a' is the way to /components/0 already"),
    ("form-key", "error", form(text("a.b"), text("a")), "/components/0", "leads through the value of /components/1"),
    ("form-key", "error", form(rows(*TWICE)), "/components/0/components/1", "'rows.[].a' is the way"),
    ("form-feel", "error", form(text(readonly="=a +")), "/components/0/readonly", "expected"),
    ("form-feel", "error", form({"type": "text", "text": "Hi {{a +}}"}), "/components/0/text", "expected"),
    ("form-feel", "error", form({"type": "text", "text": "{{#if a}}x"}), "/components/0/text", "not closed"),
    (
        "form-unset-name",
        "warning",
        form(text(conditional={"hide": "=cuontry = 1"})),
        "/components/0",
        "'cuontry' is read",
    ),
    ("form-options", "error", form(text(type="select")), "/components/0", "come from nowhere"),
    (
        "form-options",
        "error",
        form(text(type="select", values=[OPTION], valuesKey="b")),
        "/components/0",
        "values and valuesKey",
    ),
    (
        "form-options",
        "error",
        form(text(type="select", values=[OPTION, OPTION])),
        "/components/0/values",
        "the same value",
    ),
    ("form-table", "error", form({"type": "table", "label": "T", "dataSource": "=a"}), "/components/0", "no columns"),
    (
        "form-table",
        "error",
        form({"type": "table", "label": "T", "dataSource": "=a", "columns": [{"key": "a"}], "columnsExpression": "=b"}),
        "/components/0",
        "two sources",
    ),
    (
        "form-pattern",
        "error",
        form(text(validate={"pattern": "(a)\\1"})),
        "/components/0/validate/pattern",
        "refers back",
    ),
    ("form-pattern", "error", form(text(validate={"pattern": "(a"})), "/components/0/validate/pattern", "not closed"),
    (
        "form-limits",
        "error",
        form(text(validate={"minLength": 5, "maxLength": 2})),
        "/components/0/validate",
        "no value is taken",
    ),
    (
        "form-default",
        "error",
        form(text(defaultValue="x", validate={"minLength": 2})),
        "/components/0/defaultValue",
        "at least 2",
    ),
    (
        "form-default",
        "error",
        form(text(type="select", values=[OPTION], defaultValue="y")),
        "/components/0/defaultValue",
        "refused",
    ),
    ("form-label", "warning", form({"type": "textfield", "key": "a"}), "/components/0", "screen reader"),
    ("form-label", "warning", form({"type": "image", "source": "x"}), "/components/0", "give it alt"),
    ("form-page", "error", form(PAGE), "/components/0", "outside of a multipage"),
    (
        "form-page",
        "error",
        form({"type": "multipage", "components": [text()]}),
        "/components/0/components/0",
        "between pages",
    ),
    (
        "form-page",
        "error",
        form({"type": "group", "label": "G", "components": [{"type": "multipage", "components": [PAGE]}]}),
        "/components/0/components/0",
        "inside of another",
    ),
    (
        "form-page",
        "warning",
        form({"type": "multipage", "components": [{**PAGE, "conditional": {"hide": "=1 = 1"}}]}),
        "/components/0/components/0",
        "always hidden",
    ),
    ("form-page", "warning", form({"type": "multipage", "components": []}), "/components/0", "is empty"),
    (
        "form-language",
        "warning",
        form(text("a", properties=ext(translations={"de": {"label": "A"}})), text("b")),
        "/components/1",
        "no de for label",
    ),
    (
        "form-language",
        "warning",
        form(text(properties=ext(translations={"de": {"lable": "A"}}))),
        "/components/0/properties/procession.translations",
        "no text here",
    ),
    (
        "form-language",
        "error",
        form(text(properties=ext(translations={"German": {"label": "A"}}))),
        "/components/0/properties/procession.translations",
        "no language",
    ),
    (
        "form-rule",
        "error",
        form(properties=ext(rules=[{"when": "=true"}])),
        "/properties/procession.rules/0",
        "a `message`",
    ),
    (
        "form-rule",
        "warning",
        form(properties=ext(rules=[{"when": "=true", "message": "m", "at": "a"}])),
        "/properties/procession.rules",
        "no field",
    ),
    (
        "form-sensitive",
        "warning",
        form(text(properties=ext(kind="iban"))),
        "/components/0/properties/procession.kind",
        "sensitive",
    ),
]


@pytest.mark.parametrize(("rule", "severity", "data", "place", "says"), BAD)
def test_a_rule_is_broken(rule: str, severity: str, data: bytes, place: str, says: str) -> None:
    found = [each for each in check_form(data, "f.form") if each.rule == rule]
    assert found, [str(each) for each in check_form(data, "f.form")]
    assert any(
        (each.severity, each.element) == (severity, place or "/") and says in f"{each.message} {each.remedy}"
        for each in found
    ), [str(each) for each in found]
    assert all(each.span.line or place == "" for each in found)


def test_every_rule_is_broken_by_a_form() -> None:
    assert {row[0] for row in BAD} == set(RULES)


def test_a_sound_form_breaks_none_but_is_told_what_is_not_translated() -> None:
    assert {each.rule for each in check_form(EVERYTHING, "everything.form")} == {"form-language"}


def test_what_a_list_and_a_group_set_is_known() -> None:
    data = form(
        rows(text("b")),
        {
            "type": "group",
            "path": "g",
            "components": [text("c", readonly="=g.c = rows[1].b and i > 1 and this.b = parent.x")],
        },
    )
    assert check_form(data) == []
