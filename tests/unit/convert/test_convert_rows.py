"""Every row of the mapping between the dialects: what is drawn there, what it becomes, and what is said of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from procession.convert import Report, convert
from procession.convert.tables import ACTIVITI, CAMUNDA, DIALECTS, FLOWABLE, JBPM, OPERATON, SPIFFWORKFLOW
from procession.convert.tree import read_document

NAMESPACES: Final = {each.name: each.namespace for each in DIALECTS}
HEAD: Final = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:x="{namespace}" targetNamespace="t">'
)


class Row(NamedTuple):
    """One case: the dialect, what stands in the process, what must stand in the result, and the entries."""

    name: str
    dialect: str
    drawn: str
    wanted: list[str]
    entries: list[tuple[str, str]]
    """Attribute as written and outcome."""


def _row(read: dict[str, Any]) -> Row:
    entries = [(attribute, outcome) for attribute, outcome in read.get("entries", ())]
    return Row(read["name"], read["dialect"], read["drawn"], list(read.get("wanted", ())), entries)


ROWS: Final = [_row(each) for each in yaml.safe_load(Path(__file__).with_name("rows.yaml").read_text(encoding="utf-8"))]
C: Final = "camunda"
F: Final = "flowable"


def converted(dialect: str, drawn: str) -> tuple[str, Report]:
    """The native process and the report."""
    head = HEAD.format(namespace=NAMESPACES[dialect])
    text = f'{head}<process id="p" isExecutable="true">{drawn}</process><error id="e" errorCode="E1"/></definitions>'
    done = convert(text.encode(), "m")
    return done.data.decode(), done.report


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_becomes_what_the_table_says(row: Row) -> None:
    text, report = converted(row.dialect, row.drawn)
    for wanted in row.wanted:
        assert wanted in re.sub(r"\n *", "\n", text), (wanted, text)
    told = {(entry.attribute, entry.outcome) for entry in report.entries}
    assert set(row.entries) <= told, told


@pytest.mark.parametrize("row", [row for row in ROWS if row.dialect == C], ids=lambda row: row.name)
def test_operaton_is_the_same_in_a_namespace_of_its_own(row: Row) -> None:
    first, second = converted(C, row.drawn), converted("operaton", row.drawn)
    assert first[0].replace(NAMESPACES[C], "") == second[0].replace(NAMESPACES["operaton"], "")
    assert second[1].dialects == ("operaton",)


@pytest.mark.parametrize("row", [row for row in ROWS if row.dialect == F], ids=lambda row: row.name)
def test_activiti_has_the_words_of_flowable(row: Row) -> None:
    first, second = converted(F, row.drawn), converted("activiti", row.drawn)
    assert first[0].replace(NAMESPACES[F], "") == second[0].replace(NAMESPACES["activiti"], "")


def test_a_message_that_is_waited_for_gets_a_key_and_one_that_starts_gets_none() -> None:
    drawn = (
        '<receiveTask id="t" messageRef="m" x:asyncBefore="true"/><serviceTask id="v" x:class="a.B"/>'
        '<startEvent id="s"><messageEventDefinition messageRef="n"/></startEvent>'
    )
    head = HEAD.format(namespace=CAMUNDA.namespace)
    messages = '<message id="m" name="paid"/><message id="n" name="begin"/>'
    text = f'{head}<process id="p" isExecutable="true">{drawn}</process>{messages}</definitions>'
    done = convert(text.encode(), "m")
    assert done.data.decode().count("correlationKey=") == 1
    told = [(each.element, each.outcome) for each in done.report.entries if each.attribute == "correlation"]
    assert told == [("m", "changed")]


@pytest.mark.parametrize(
    "dialect", [CAMUNDA, OPERATON, FLOWABLE, ACTIVITI, SPIFFWORKFLOW, JBPM], ids=lambda each: each.name
)
def test_a_table_has_one_row_for_a_name_on_an_element(dialect) -> None:
    seen: set[tuple[str, str]] = set()
    for row in dialect.rows:
        for element in row.on or {""}:
            assert (row.name, element) not in seen or dialect in {FLOWABLE, ACTIVITI}, row.name
            seen.add((row.name, element))


def test_every_prefix_is_found_wherever_it_is_declared() -> None:
    text = (
        '<b:definitions xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"><b:process id="p" '
        'isExecutable="true"><b:serviceTask id="t" xmlns:q="http://camunda.org/schema/1.0/bpmn" q:class="a.B" '
        'xmlns:zeebe="urn:other" zeebe:mine="1"/></b:process></b:definitions>'
    )
    done = convert(text.encode(), "m")
    root = read_document(done.data, "m").root
    task = next(each for each in root.walk() if each.name == "serviceTask")
    assert task.in_namespace("urn:other") == [("zeebe:mine", "mine", "1")]
    definitions = [each for each in root.walk() if each.name == "taskDefinition"]
    assert [each.namespace for each in definitions] == ["http://camunda.org/schema/zeebe/1.0"]
