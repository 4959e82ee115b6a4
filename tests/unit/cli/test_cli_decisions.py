"""`procession feel`, its prompt, `procession dmn eval` and what `check` says of tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click import unstyle
from typer.testing import CliRunner

from dmn_documents import decision, document, table, text
from procession import feel
from procession.cli.app import app
from procession.cli.console import Output
from procession.cli.prompt import Session, answer, completions, is_open

INPUT = '<inputData id="in_n" name="n"/>'
FUNCTION = (
    '<businessKnowledgeModel id="k_f" name="add one"><encapsulatedLogic><formalParameter name="a"/>'
    "<literalExpression><text>a + 1</text></literalExpression></encapsulatedLogic></businessKnowledgeModel>"
)
SERVICE = (
    '<decisionService id="s" name="Service"><outputDecision href="#x"/><encapsulatedDecision href="#double"/>'
    '<inputData href="#in_n"/></decisionService>'
)
RULES = ("> 5 || 1", "> 3 || 2", "> 100 || 3")
MODEL = document(
    INPUT
    + FUNCTION
    + decision("double", text("n * 2"), ["in_n"])
    + decision("x", table('hitPolicy="UNIQUE"', "double || out", *RULES), ["double"])
    + SERVICE
)


def run(*arguments: str, code: int = 0, given: str | None = None) -> str:
    done = CliRunner().invoke(app, arguments, input=given, env={"COLUMNS": "100"})
    assert done.exit_code == code, f"{arguments}: exit {done.exit_code}\n{done.stdout}\n{done.stderr}"
    return unstyle(done.stdout if code == 0 else done.stdout + done.stderr)


def records(*arguments: str, code: int = 0) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(*arguments, "--json", code=code).splitlines()]


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "m.dmn").write_bytes(MODEL)
    return str(tmp_path / "m.dmn")


@pytest.mark.parametrize(
    ("arguments", "given", "printed"),
    [
        (("1 + 2",), None, "3"),
        (("a.b * 2", "--var", 'a={"b": 2.5}'), None, "5.0"),
        (("first name", "--var", "first name=Ada"), None, '"Ada"'),
        (("> 5, 3", "--unary", "3"), None, "true"),
        ((), "for i in\n1..3 return i", "[1, 2, 3]"),
        (("is empty([])", "--dialect", "camunda"), None, "true"),
        (("now().year > 2000",), None, "true"),
    ],
)
def test_feel_prints_the_value(arguments: tuple[str, ...], given: str | None, printed: str) -> None:
    assert run("feel", *arguments, given=given).strip() == printed


def test_feel_underlines_what_became_null() -> None:
    assert run("feel", "1 +\n  abc").splitlines() == [
        "null",
        "unknown-name: there is no variable `abc` (line 2, column 3)",
        "    abc",
        "    ^^^",
        "null: `+` has no result for number 1 and null (line 1, column 1)",
        "  1 +",
        "  ^^^",
    ]
    (record,) = records("feel", '"a" * 2')
    assert (record["value"], record["feel"]) == (None, "null")
    assert [(each["code"], each["start"], each["end"]) for each in record["diagnostics"]] == [("type", 0, 7)]


def test_feel_says_where_a_text_is_wrong_and_exits_1(tmp_path: Path) -> None:
    assert "     ^" in run("feel", "1 +", code=1)
    (record,) = records("feel", "1 +", code=1)
    assert (record["line"], record["column"]) == (1, 4)
    assert "no dialect" in run("feel", "1", "--dialect", "juel", code=2)
    (tmp_path / "c.json").write_text("[1]")
    assert "no JSON object" in run("feel", "1", "--context", str(tmp_path / "c.json"), code=1)
    assert "no expression" in run("feel", code=2, given="")


def session(**variables: object) -> Session:
    return Session(dict(variables), "feel", 0)


def asked(prompt: Session, text: str, capsys: pytest.CaptureFixture[str]) -> str:
    answer(prompt, text, Output(False))
    return unstyle(capsys.readouterr().out).strip()


def test_a_prompt_keeps_names_and_explains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prompt = session()
    (tmp_path / "c.json").write_text('{"order": {"total": 12}}')
    assert asked(prompt, f":load {tmp_path / 'c.json'}", capsys) == "1 variables: order"
    assert asked(prompt, "a = order.total + 1", capsys) == "13"
    assert asked(prompt, "a = 13", capsys) == "true"
    assert asked(prompt, "it", capsys) == "true"
    assert asked(prompt, ":explain", capsys).startswith("nothing to explain")
    assert "has no result" in asked(prompt, '"x" - 1', capsys)
    assert "^" in asked(prompt, ":explain", capsys)
    assert "order = {total: 12}" in asked(prompt, ":vars", capsys)
    assert "no command :nothing" in asked(prompt, ":nothing", capsys)
    assert "No such file" in asked(prompt, ":load none.json", capsys)
    assert "ends too early" in asked(prompt, "1 +", capsys)
    assert ":load FILE" in asked(prompt, ":help", capsys)


@pytest.mark.parametrize(
    ("text", "more"), [("1 +", True), ("if a then", True), ("a = [1,", True), ("1 + 2", False), (") 1", False),
                       ("1 +\n", False), (":load", False), ("", False)]
)  # fmt: skip
def test_an_expression_goes_on_until_it_is_whole(text: str, more: bool) -> None:
    assert is_open(text, "feel") is more


def test_a_prompt_reads_on_in_its_own_dialect() -> None:
    assert not is_open("is empty([]) and\nand(", "feel")
    assert is_open("is empty([]) and\nand(", "camunda")


def test_a_prompt_completes_builtins_variables_and_keys() -> None:
    prompt = session(order={"total": 1, "lines": [{"price": 2}]})
    assert completions(prompt, "string len") == ["string length("]
    assert completions(prompt, "ord") == ["order"]
    assert completions(prompt, "pri") == ["price"]
    assert ":load" in completions(prompt, ":l")


def test_eval_shows_every_decision_and_the_rules_that_match(model: str) -> None:
    printed = run("dmn", "eval", model, "-d", "x", "-i", '{"n": 2}', "--explain")
    assert printed.splitlines() == [
        "double", "  n = 2", "  gives 4",
        "x", "  double = 4", "  table, UNIQUE", "    double = 4", "    rule 2 (r2) matches", "  gives 2",
        "2",
    ]  # fmt: skip
    (record,) = records("dmn", "eval", model, "-d", "x", "-v", "n=2", "--explain")
    assert record["value"] == 2
    assert [each["id"] for each in record["evaluations"]] == ["double", "x"]
    assert record["evaluations"][1]["tables"][0]["rules"] == [{"number": 2, "id": "r2", "annotations": []}]


def test_eval_tells_of_a_violated_hit_policy_with_the_rules_that_matched(model: str) -> None:
    printed = run("dmn", "eval", model, "-d", "x", "-v", "n=3", "--explain", code=1)
    assert "rule 1 (r1) matches" in printed
    assert "rule 2 (r2) matches" in printed
    assert "no result: decision 'x': the hit policy UNIQUE" in printed


def test_eval_calls_services_and_functions(model: str) -> None:
    assert records("dmn", "eval", model, "-d", "Service", "-v", "n=2")[0]["value"] == 2
    assert records("dmn", "eval", model, "-d", "add one", "-v", "a=2")[0]["value"] == 3


def test_eval_says_what_it_needs(model: str, tmp_path: Path) -> None:
    assert "which decision? (--decision with one of: double, x, Service, add one)" in run("dmn", "eval", model, code=2)
    assert "there is no decision 'y'" in run("dmn", "eval", model, "-d", "y", code=1)
    assert "--input" in run("dmn", "eval", model, "-d", "x", "-i", "[", code=2)
    (tmp_path / "i.json").write_text('{"n": 2}')
    assert run("dmn", "eval", model, "-d", "x", "-i", f"@{tmp_path / 'i.json'}").strip() == "2"
    (tmp_path / "bad.dmn").write_text("<x/>")
    assert "[namespace]" in run("dmn", "eval", str(tmp_path / "bad.dmn"), code=1)


def test_check_says_what_is_wrong_with_tables(model: str) -> None:
    found = records("check", model)
    rules = [each["rule"] for each in found]
    assert "dmn-gap" in rules
    assert "dmn-overlap" in rules
    overlap = next(each for each in found if each["rule"] == "dmn-overlap")
    assert overlap["element"] in {"r2", "r3"}
    assert "for double = " in overlap["message"]
    assert overlap["line"]
    assert overlap["remedy"]


def test_the_builtins_that_are_completed_are_those_of_the_dialect() -> None:
    assert "is empty" in feel.builtin_names("camunda")
    assert "string length" in feel.builtin_names("feel")


def importing(id: str, *imports: str) -> bytes:
    drawn = "".join(f'<import name="{each}" namespace="urn:{each}" importType="DMN"/>' for each in imports)
    needs = "".join(
        f'<informationRequirement><requiredDecision href="urn:{each}#{each}"/></informationRequirement>'
        for each in imports
    )
    total = " + ".join(["1", *[f"{each}.{each}" for each in imports]])
    return (
        f'<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" id="{id}" name="{id}" '
        f'namespace="urn:{id}">{drawn}<decision id="{id}" name="{id}">{needs}{text(total)}</decision></definitions>'
    ).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`a` imports `b`, which imports `c`."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.dmn").write_bytes(importing("a", "b"))
    (tmp_path / "sub" / "b.dmn").write_bytes(importing("b", "c"))
    (tmp_path / "sub" / "c.DMN").write_bytes(importing("c"))
    return tmp_path


def test_check_reads_models_together_and_a_folder_whole(folder: Path) -> None:
    files = [str(folder / each) for each in ("a.dmn", "sub/b.dmn", "sub/c.DMN")]
    assert "3 checked: 0 errors" in run("check", *files)
    assert "3 checked: 0 errors" in run("check", str(folder))
    (missing, *_), *_ = [records("check", str(folder / "a.dmn"), code=1)]
    assert (missing["rule"], "deploy it together" in missing["remedy"]) == ("dmn-import", True)
    (folder / "empty").mkdir()
    assert "no *.bpmn, *.dmn or *.form under" in run("check", str(folder / "empty"), code=1)


def test_a_folder_is_deployed_whole(folder: Path) -> None:
    told = records("deploy", str(folder), "--db", str(folder / "e.db"))
    assert [(each["decision"], each["version"]) for each in told] == [("a", 1), ("b", 1), ("c", 1)]


@pytest.mark.parametrize("order", [("sub/b.dmn", "sub/c.DMN"), ("sub/c.DMN", "sub/b.dmn")])
def test_eval_takes_imports_in_any_order(folder: Path, order: tuple[str, str]) -> None:
    given = [part for each in order for part in ("--import", str(folder / each))]
    assert run("dmn", "eval", str(folder / "a.dmn"), *given) == "3\n"


FORM = '{"type": "default", "id": "ask", "components": [{"type": "textfield", "key": "a", "label": "A"}]}'


def test_check_reads_forms_by_name_and_those_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "ask.form").write_text(FORM)
    (tmp_path / "other.json").write_text(FORM.replace('"key": "a", ', ""))
    assert "1 checked: 0 errors, 0 warnings" in run("check", str(tmp_path))
    assert "1 checked: 0 errors, 0 warnings" in run("check", str(tmp_path / "ask.form"), "--standard")
    (found,) = [each for each in records("check", str(tmp_path / "other.json"), code=1) if each["severity"] == "error"]
    assert (found["rule"], found["element"], found["line"]) == ("form-key", "/components/0", 1)


def test_a_form_is_deployed_and_told(tmp_path: Path) -> None:
    (tmp_path / "ask.form").write_text(FORM)
    told = records("deploy", str(tmp_path), "--db", str(tmp_path / "e.db"))
    assert [(each["form"], each["version"], each["new"]) for each in told] == [("ask", 1, True)]
    assert "form ask version 1 unchanged" in run("deploy", str(tmp_path / "ask.form"), "--db", str(tmp_path / "e.db"))
