"""The verdicts of forms in the browser: the component's own code in Node, row by row of the table of the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

import msgspec
import pytest

import node_rig
from procession.base.values import Json, Variables, encode
from procession.forms import Attached, Compiled, Setting, View, compile_form, judge, path_of, read_form, submit, view
from procession.forms.formats import IBAN_LENGTHS
from procession.forms.programs import programs
from procession.forms.scope import put_at, value_at
from procession.forms.submit import merged

TABLE: Final[dict[str, list[dict[str, Any]]]] = json.loads(
    (Path(__file__).parents[1] / "unit" / "forms" / "verdicts.json").read_text(encoding="utf-8"), parse_float=Decimal
)
ASKED: Final = {
    "a pattern that would take exponential time": "a pattern",
}
"""Rows of the table that the browser leaves to the server, with the reason."""

SETTLED_THERE: Final = {
    "a condition on itself ends",
    "conditions that contradict each other end",
    "disabled contributes nothing",
}
"""Rows whose page is the server's: it shows what was never seen here, or has no end."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[node_rig.Node]:
    with node_rig.running("fields.ts", tmp_path_factory.mktemp("fields")) as running:
        yield running


def compiled(components: list[dict[str, Any]], properties: dict[str, Any] | None = None) -> Compiled:
    raw = {"type": "default", "id": "f", "components": components, "properties": properties or {}}
    form, found = read_form(json.dumps(raw, default=float).encode(), "f.form")
    assert form is not None, found
    made, _ = compile_form(form)
    return made


def setting(row: dict[str, Any]) -> Setting:
    given: dict[str, Any] = dict(row.get("setting", {}))
    if "files" in given:
        given["files"] = {id: Attached(each["name"], each["size"]) for id, each in given["files"].items()}
    return Setting(**given)


def plain(value: object) -> Any:
    return msgspec.to_builtins(value, builtin_types=(Decimal,))


def around(given: Setting) -> dict[str, Any]:
    found: dict[str, Any] = {"now": given.now_ms}
    if given.files is not None:
        found["files"] = plain(given.files)
    return found


def asked(node: node_rig.Node, **question: Any) -> Any:
    answer = node.ask(encode(cast("Json", question)).decode())
    assert "failed" not in answer, answer
    return answer


@pytest.mark.parametrize("row", TABLE["validations"], ids=lambda row: row["name"])
def test_a_field_takes_and_refuses_as_on_the_server(node: node_rig.Node, row: dict[str, Any]) -> None:
    form, given = compiled([row["field"]]), setting(row)
    wanted: list[tuple[Any, list[list[str]]]] = [(value, []) for value in row["accept"]]
    wanted += [(value, [["f", rule]]) for rule, values in row["refuse"].items() for value in values]
    for value, faults in wanted:
        shown = view(form, merged(form, {"f": value}, {}, given), given, final=True)
        answer = asked(node, what="field", view=plain(shown), value=value, around=around(given))
        if row["name"] in ASKED and answer["ask"]:
            assert answer["ask"] == [ASKED[row["name"]]]
        else:
            assert answer == {"faults": faults, "ask": []}, value


@pytest.mark.parametrize("row", TABLE["conditions"], ids=lambda row: row["name"])
def test_a_form_is_judged_as_on_the_server(node: node_rig.Node, row: dict[str, Any]) -> None:
    form, given = compiled(row["components"], row.get("properties")), setting(row)
    done = submit(form, row["sent"], row.get("held"), given)
    answer = asked(node, what="view", view=plain(done.view), around=around(given))
    assert answer["ask"] == []
    assert answer["faults"] == [[fault.path, fault.rule] for fault in done.faults]
    for page in done.view.pages:
        if page.visible:
            wanted = [[fault.path, fault.rule] for fault in judge(done.view, given, page.id)]
            answer = asked(node, what="view", view=plain(done.view), page=page.id, around=around(given))
            assert answer["faults"] == wanted


@pytest.mark.parametrize("row", TABLE["conditions"], ids=lambda row: row["name"])
def test_conditions_show_and_hide_as_on_the_server(node: node_rig.Node, row: dict[str, Any]) -> None:
    """A page that is settled stays what it is; and what is typed on the page of what the server had shows and hides
    as it does on the server, or the server is asked."""
    form, given = compiled(row["components"], row.get("properties")), setting(row)
    known, held = programs(form), row.get("held") or {}
    after = view(form, merged(form, row["sent"], held, given), given)
    answer = asked(
        node, what="settle", view=plain(after), programs=plain(known), data=plain(after.data), around=around(given)
    )
    if known.ask:
        # The other data of the process are the server's: so is what reads them.
        assert answer["asked"]
        return
    assert answer == {"asked": False, **wanted(after, given)}
    before = view(form, held, given)
    data = cast("Variables", plain(before.data))
    sent: Variables = {}
    for item in (item for page in before.pages for item in page.walk() if item.visible and item.path):
        value = value_at(row["sent"], path_of(item.path))
        if value is not None and item.type not in {"dynamiclist", "expression"}:
            put_at(data, path_of(item.path), value)
            put_at(sent, path_of(item.path), value)
    answer = asked(node, what="settle", view=plain(before), programs=plain(known), data=data, around=around(given))
    then = view(form, merged(form, sent, held, given), given)
    assert answer["asked"] == (row["name"] in SETTLED_THERE)
    if not answer["asked"]:
        assert answer["seen"] == wanted(then, given)["seen"]
        assert answer["pages"] == wanted(then, given)["pages"]


def wanted(shown: View, given: Setting) -> dict[str, Any]:
    return {
        "seen": [f"{item.place}@{item.path}" for page in shown.pages for item in page.walk() if item.visible],
        "pages": [page.id for page in shown.pages if page.visible],
        "faults": [[fault.path, fault.rule] for fault in judge(shown, given)],
        "ask": [],
    }


def test_the_table_of_ibans_is_the_servers(node: node_rig.Node) -> None:
    assert asked(node, what="lengths") == IBAN_LENGTHS
