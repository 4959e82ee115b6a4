"""Tables of cases: what a cell means, what passes and fails, and what a file that is wrong is told."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import Workbook
from typer.testing import CliRunner

from dmn_documents import decision, document, table, text
from procession import feel
from procession.cli.app import app
from procession.testing import CaseResult, run_cases
from procession.testing.cases import ROWS_MAX, value_of

DAY = '<inputData id="in_day" name="day"><variable name="day" typeRef="date"/></inputData>'
RATES = ('> 100 | "gold" || 0.1 | "big"', "<= 100 | - || 0 | null")
MODEL = document(
    DAY
    + decision("price", table('hitPolicy="UNIQUE"', "order.total | tier || rate | why", *RATES))
    + decision("next", text('day + duration("P1D")'), ["in_day"])
    + decision("twice", table('hitPolicy="UNIQUE"', "a || o", "> 1 || 1", "> 2 || 2").replace('id="r', 'id="q'))
)
HEAD = "model,m.dmn\ndecision,price\n"
COLUMNS = "case,in: order.total,in: tier,out: rate,out: why,rules,note\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "m.dmn").write_bytes(MODEL)
    return tmp_path


def ran(folder: Path, content: str) -> list[CaseResult]:
    file = folder / "t.cases.csv"
    file.write_text(content, encoding="utf-8")
    return run_cases(file)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("12", 12),
        ("-1.50", Decimal("-1.50")),
        ("true", True),
        ("gold", "gold"),
        ("big spender", "big spender"),
        ('"12"', "12"),
        ("null", None),
        ("2026-01-31", "2026-01-31"),
        ('@"P1D"', feel.DaysTimeDuration(86_400 * 10**9)),
        ("[1, a]", "[1, a]"),
        ('[1, "a"]', [1, "a"]),
        ('{a: 1, b: ["x"]}', {"a": 1, "b": ["x"]}),
        ("1 + 1", "1 + 1"),
        ("  ", feel.MISSING),
        (3, 3),
    ],
)
def test_a_cell_is_a_literal_or_a_text(cell: object, value: object) -> None:
    assert value_of(cell) == value
    assert type(value_of(cell)) is type(value)


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("big,200,gold,0.1,big,1,as agreed", ""),
        ("exact,200,gold,0.10,,,", ""),
        ("small,5,,0,null,2,", ""),
        ("wrong,200,gold,0.2,big,1,", "t.cases.csv:4:4: rate is 0.1, not 0.2"),
        ("rule,200,gold,0.1,big,2,", "t.cases.csv:4:6: the rules [2] were expected to match, but [1] did"),
        ("null,x,gold,1,,,", "t.cases.csv:4:4: rate is null, not 1"),
    ],
)
def test_a_row_is_a_case(folder: Path, row: str, error: str) -> None:
    (result,) = ran(folder, HEAD + COLUMNS + row)
    assert (result.passed, result.row, result.case) == (not error, 4, row.split(",", maxsplit=1)[0])
    assert error in result.error


def test_dates_are_read_by_the_type_of_the_input(folder: Path) -> None:
    (result,) = ran(folder, "model;m.dmn\ndecision;next\nin: day;out\n2026-01-31;2026-02-01\n")
    assert result.passed, result.error


def test_a_violated_hit_policy_is_the_cases_failure(folder: Path) -> None:
    good, bad = ran(folder, "model,m.dmn\ndecision,twice\nin: a,out\n2,1\n3,1\n")
    assert good.passed
    assert "t.cases.csv:5:1: decision 'twice': the hit policy UNIQUE" in bad.error


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", "t.cases.csv:1:1: there are no headings"),
        (COLUMNS + "a,1,b,0,,,", "t.cases.csv:1:1: there is no row `model`"),
        ("model,m.dmn\nmodel,n.dmn\n", "t.cases.csv:2:1: `model` is given twice"),
        ("model,\n", "t.cases.csv:1:2: `model` has no value"),
        ("model,m.dmn,x\n", "t.cases.csv:1:3: `model` has one value"),
        (HEAD + "in: a,output\n1,2", "t.cases.csv:3:2: 'output' is no heading"),
        (HEAD + "in: a,in: a,out\n1,2,3", "t.cases.csv:3:2: the heading stands in column 1 already"),
        (HEAD + "in: a,in: a.b,out\n1,2,3", "t.cases.csv:3:2: `a.b` is a part of `a`"),
        (HEAD + "in: a..b,out\n1,2", "t.cases.csv:3:1: 'in: a..b' has an empty name"),
        (HEAD + "in: a\n1", "t.cases.csv:3:1: nothing is expected"),
        (HEAD + "in: a,out\n", "t.cases.csv:3:1: there are no cases"),
        (HEAD + "in: a,out\n1,2,3", "t.cases.csv:4:3: a cell without a heading"),
        (HEAD + 'in: a,out\n"1,2', "t.cases.csv:4:1: unexpected end of data"),
        ("model,none.dmn\ndecision,x\nin: a,out\n1,2", "No such file"),
        ("model,m.dmn\ndecision,none\nin: a,out\n1,2", "t.cases.csv:4:1: there is no decision 'none'"),
        ("dialect,juel\n" + HEAD + "in: a,out\n1,2", "'juel' is no dialect"),
        (HEAD + "in: a,out\n" + "1,2\n" * ROWS_MAX, f"more than {ROWS_MAX} rows"),
    ],
)
def test_a_file_that_is_wrong_is_told_where(folder: Path, content: str, error: str) -> None:
    result = ran(folder, content)[-1]
    assert not result.passed
    assert error in result.error


def workbook(file: Path, *sheets: Sequence[Sequence[object]]) -> Path:
    book = Workbook()
    book.remove(book.worksheets[0])
    for number, rows in enumerate(sheets, 1):
        sheet = book.create_sheet(f"s{number}")
        for row in rows:
            sheet.append(list(row))
    book.save(file)
    return file


def test_a_workbook_has_a_table_on_each_sheet(folder: Path) -> None:
    prices = [("model", "m.dmn"), ("decision", "price"), ("in: order.total", "in: tier", "out: rate"),
              (200, "gold", 0.1), (200, "gold", 0.2)]  # fmt: skip
    days = [
        ("model", "m.dmn"),
        ("decision", "next"),
        (),
        ("in: day", "out"),
        (dt.date(2026, 1, 31), dt.date(2026, 2, 1)),
    ]
    results = run_cases(workbook(folder / "t.cases.xlsx", prices, [()], days))
    assert [(each.row, each.passed) for each in results] == [(4, True), (5, False), (5, True)]
    assert "t.cases.xlsx[s1]:5:3: rate is 0.1, not 0.2" in results[1].error


def test_what_is_no_workbook_is_told_so(folder: Path) -> None:
    (folder / "t.cases.xlsx").write_bytes(b"no zip")
    (result,) = run_cases(folder / "t.cases.xlsx")
    assert "t.cases.xlsx:1:1: this is no XLSX workbook" in result.error


def test_the_command_runs_tables_beside_scenarios(folder: Path) -> None:
    ran(folder, HEAD + COLUMNS + "big,200,gold,0.1,,,\nbad,200,gold,7,,,")
    done = CliRunner().invoke(app, ["test", str(folder)])
    assert done.exit_code == 1
    assert "(2 cases)" in done.stdout
    assert "t.cases.csv:5:4: rate is 0.1, not 7" in done.stdout
    lines = [json.loads(line) for line in CliRunner().invoke(app, ["test", str(folder), "--json"]).stdout.splitlines()]
    assert [(line["row"], line["case"], line["passed"]) for line in lines] == [(4, "big", True), (5, "bad", False)]
