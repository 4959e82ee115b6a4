"""The programs of a form: which conditions, limits and rules a browser gets, and what it is told to ask for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from procession.forms import compile_form, read_form
from procession.forms.programs import Programs, programs


def of(*components: dict[str, Any], **properties: Any) -> Programs:
    raw = {"type": "default", "id": "f", "components": components, "properties": properties}
    form, found = read_form(json.dumps(raw).encode())
    assert form is not None, found
    return programs(compile_form(form)[0])


def field(**more: Any) -> dict[str, Any]:
    return {"type": "textfield", "key": "a", "label": "A", **more}


def test_they_stand_at_the_place_of_their_component() -> None:
    fields = [{"type": "number", "key": key, "label": key} for key in ("b", "c")]
    made = of(
        field(conditional={"hide": "=b > 1"}, validate={"maxLength": "=b", "minLength": 1}, readonly="=c"), *fields
    )
    assert made == Programs(
        {"/components/0": {"readonly": ["v", "c"], "maxLength": ["v", "b"], "hide": [">", ["v", "b"], 1]}},
        {}, {}, [], server=False,
    )  # fmt: skip


def test_pages_stand_under_their_ids_and_rules_of_the_form_apart() -> None:
    other = {"type": "checkbox", "key": "b", "label": "B"}
    page = {"type": "page", "id": "p", "components": [field(), other], "conditional": {"hide": "=b"}}
    rule = [{"name": "r", "when": "=a = b", "message": "No", "at": "a"}]
    made = of({"type": "multipage", "components": [page]}, **{"procession.rules": rule})
    assert made.pages == {"p": {"hide": ["v", "b"]}}
    assert made.form == {"rule:r": ["=", ["v", "a"], ["v", "b"]]}


def test_what_only_the_server_knows_is_named() -> None:
    made = of(field(conditional={"hide": "=today() > date(a)"}))
    assert made.components == {}
    assert made.ask == ["/components/0#hide"]


def test_what_reads_more_than_the_fields_of_the_form_is_the_servers() -> None:
    rows = {
        "type": "dynamiclist", "path": "people", "label": "P",
        "components": [
            field(key="name", conditional={"hide": "=i > 2 or this.age > 3"}),
            {"type": "number", "key": "age", "label": "Age", "conditional": {"hide": "=this.secret"}},
            field(key="c", conditional={"hide": "=parent.total > 3 and count(people) > 1"}),
        ],
    }  # fmt: skip
    group = {"type": "group", "path": "home", "components": [field(key="x", conditional={"hide": "=home.owner = 1"})]}
    total = {"type": "number", "key": "total", "label": "T", "conditional": {"hide": "=vip"}}
    made = of(rows, group, total)
    place = "/components/0/components/1#hide"
    assert made.ask == [place, "/components/1/components/0#hide", "/components/2#hide"]
    assert set(made.components) == {"/components/0/components/0", "/components/0/components/2"}


def test_it_tells_when_texts_and_options_depend_on_answers() -> None:
    assert not of(field()).server
    assert of(field(label="Hello {{b}}")).server
    assert of({"type": "select", "key": "s", "label": "S", "valuesKey": "b"}).server
    assert of({"type": "table", "label": "T", "dataSource": "=b", "columns": [{"key": "k"}]}).server


def test_they_are_json_for_a_form_with_everything() -> None:
    form, _ = read_form(Path(__file__).with_name("everything.form").read_bytes())
    assert form is not None
    made = programs(compile_form(form)[0])
    assert made.ask == []
    assert made.pages["what"]["hide"]
