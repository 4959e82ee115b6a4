"""`procession js`: what is printed, and the reasons of exit code 1."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from procession.cli.app import app

MONEY = 'export const vat = (country: string): number => (country === "DE" ? 19 : 20);'
TESTS = """
import {equal, ok, test, throws} from "test";
import {vat} from "money";
test("germany", () => equal(vat("DE"), 19));
test("waits", async () => equal(await Promise.resolve({a: [1, {b: 2}]}), {a: [1, {b: 2}]}));
test("throws", () => throws(() => { throw new Error("no way") }, /no w/));
test("holds", () => ok(1 < 2));
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "money.ts").write_text(MONEY)
    (tmp_path / "money.test.js").write_text(TESTS)
    return tmp_path


def ran(folder: Path, source: str, *arguments: str, name: str = "a.js") -> tuple[int, str, str]:
    (folder / name).write_text(source)
    done = CliRunner().invoke(app, ["js", "run", str(folder / name), *arguments])
    return done.exit_code, done.stdout.rstrip("\n"), done.stderr


@pytest.mark.parametrize("engine", ["quickjs", "deno", "trusted"])
def test_a_script_is_run_with_the_modules_beside_it(folder: Path, engine: str) -> None:
    script = 'import {vat} from "money";\nconsole.log("hello", input.c);\n({vat: vat(input.c)})'
    code, out, err = ran(folder, script, "--input", '{"c": "DE"}', "--engine", engine)
    assert (code, out, err) == (0, '{"vat":19}', "log: hello DE\n")


@pytest.mark.parametrize(
    ("script", "arguments", "text"),
    [
        ("for (;;);", ("--limit", "0.1"), "time: it computes for more than 0.1 s"),
        ("const a = []; for (;;) a.push({})", ("--memory", "8"), "memory: it takes more than 8388608 bytes of memory"),
        ("const a = 1;\nthrow new TypeError('bad')", (), "thrown: TypeError: bad\n    at a.js:2:"),
        ("throw new BpmnError('late', 'by two days')", (), "BpmnError late: by two days"),
        ("return )", (), "a.js:1:"),
        ('import "nowhere"', (), "there is no module `nowhere`"),
        ("'x'.repeat(2e6)", (), "output: it gives more than 1048576 characters"),
    ],
)
def test_the_reason_of_a_failure_is_told(folder: Path, script: str, arguments: tuple[str, ...], text: str) -> None:
    code, out, err = ran(folder, script, *arguments)
    assert (code, out) == (1, "")
    assert text in err


def test_what_is_told_as_json(folder: Path) -> None:
    code, out, _ = ran(folder, "input.n + 1", "-i", '{"n": 1}', "--json")
    assert code == 0
    assert msgspec.json.decode(out)["value"] == 2
    code, _, err = ran(folder, "for (;;);", "--limit", "0.1", "--json")
    assert code == 1
    assert msgspec.json.decode(err) == {"error": "it computes for more than 0.1 s", "reason": "time"}


def test_tests_of_scripts(folder: Path) -> None:
    done = CliRunner().invoke(app, ["js", "test", str(folder)])
    assert done.exit_code == 0
    assert "✓ money.test.js: germany" in done.stdout
    assert done.stdout.rstrip().endswith("4 passed, 0 failed")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            'test("a", () => equal({a: [1, 3]}, {a: [1, 2]}))',
            "AssertionError: a[1] is 3, not 2\n        at x.test.js:2:",
        ),
        ('test("a", () => ok(false))', "AssertionError: false is not true"),
        ('test("a", () => throws(() => 1))', "AssertionError: nothing was thrown"),
        ('test("a", () => equal({a: 1}, {}))', "a is there, and should not be"),
        ("for (;;);", "it computes for more than 0.2 s"),
        ("null", "it holds no test"),
        ("const a = ;", "x.test.js:2:"),
    ],
)
def test_a_test_that_fails_says_where(tmp_path: Path, source: str, text: str) -> None:
    (tmp_path / "x.test.js").write_text(f'import {{equal, ok, test, throws}} from "test";\n{source}')
    done = CliRunner().invoke(app, ["js", "test", str(tmp_path), "--limit", "0.2"])
    assert done.exit_code == 1
    assert text in done.stdout


def test_there_have_to_be_tests(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["js", "test", str(tmp_path)]).exit_code == 1
    assert CliRunner().invoke(app, ["js", "test", str(tmp_path / "nothing")]).exit_code == 2
    assert CliRunner().invoke(app, ["js", "run", "a.js", "--engine", "v8"]).exit_code == 2


def test_declarations_of_a_model(folder: Path) -> None:
    model = Path("tests/scenarios/scripts/scripts_compute_and_map.bpmn").resolve()
    (folder / "m.bpmn").write_bytes(model.read_bytes())
    done = CliRunner().invoke(
        app, ["js", "types", str(folder / "m.bpmn"), "--sample", '{"items": [1], "country": "DE"}']
    )
    assert done.exit_code == 0
    for part in ("country: string", "items: Array<number>", "rate?: any", "doubled?: any", 'declare module "money"'):
        assert part in done.stdout
    out = folder / "script.d.ts"
    done = CliRunner().invoke(app, ["js", "types", str(folder / "m.bpmn"), "-o", str(out)])
    assert "declare const input" in out.read_text()


def test_check_reads_the_scripts_of_a_model(folder: Path) -> None:
    model = Path("tests/scenarios/scripts/scripts_compute_and_map.bpmn").read_text()
    (folder / "m.bpmn").write_text(
        model.replace("input.items.reduce(", 'import {vat} from "money"; input.items.reduce(')
    )
    assert CliRunner().invoke(app, ["check", str(folder / "m.bpmn")]).exit_code == 0
    (folder / "m.bpmn").write_text(model.replace("input.items.reduce(", "input.items.reduce(("))
    done = CliRunner().invoke(app, ["check", str(folder / "m.bpmn")])
    assert done.exit_code == 1
    assert "error [script] total: line " in done.stdout
