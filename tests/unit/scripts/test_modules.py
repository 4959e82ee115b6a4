"""A source becomes the body of a function: what it returns, imports and exports, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from procession.base.diagnostics import Refused
from procession.scripts.library import link
from procession.scripts.modules import prepared
from script_rig import run

LIBRARY: Final = {
    "money": "export const rate = 2; export default function twice(x) { return x * rate }\nexport class Coin { v = 1 }",
    "all": 'export * from "money"; export {default as twice, rate as "a b"} from "money";'
    'export * as money from "money"',
    "own": 'export * from "money"; export const rate = 3; export default 7',
    "nameless": "export default function () { return 5 }\n(1)",
    "kind": "export default class { x = 4 }\n[1]",
    "arrow": "export default (x) => x + 1",
    "late": 'export const y = f(); function f() { return rate }\nimport { rate } from "money"',
    "effect": "globalThis.seen = (globalThis.seen || 0) + 1; export {}",
}

GIVES: Final[list[tuple[str, object]]] = [
    ("var x = 1; x", 1),
    ("1 + 1", 2),
    ("({a: 1})", {"a": 1}),
    ("return 3", 3),
    ("if (input.b) return 1; 2", None),
    ("let f = () => { return 1 }; f(), 4", 4),
    ("function f() { return 1 }\nf()\n// end", 1),
    ("x = 5; var x;", None),
    ("7;;", 7),
    ('"use strict"', "use strict"),
    ("#!/usr/bin/env node\n8", 8),
    ("await Promise.resolve(6)", 6),
    ("let s = 0; for await (const x of [1, 2]) s += x; s", 3),
    ("const f = async () => await 1; 2", 2),
    ("class A { async m() { await 1 } }; 3", 3),
    ("`a\r\nb`", "a\nb"),
    ("[1, 2].map(x => x * 2)", [2, 4]),
    ("/* é😀 */ 'é😀'", "é😀"),
    ("this === undefined", True),
    ('import twice from "money"\ntwice(4)', 8),
    ('import twice, {rate, Coin as C} from "money"; [twice(1), rate, new C().v]', [2, 2, 1]),
    ('import * as m from "money"\nObject.keys(m).sort()', ["Coin", "default", "rate"]),
    ('import d, * as m from "money"; m.default === d', True),
    ('import {"a b" as ab, money, twice, rate} from "all"; [ab, money.rate, twice(1), rate]', [2, 2, 2, 2]),
    ('import d, {rate} from "own"; [d, rate]', [7, 3]),
    ('import f from "nameless"; f()', 5),
    ('import K from "kind"; new K().x', 4),
    ('import f from "arrow"; f(1)', 2),
    ('import {y} from "late"; y', 2),
    ('import "effect"; import {} from "effect"; globalThis.seen', 1),
    ('import {\n  rate,\n  Coin,\n} from "money"\n(rate)', 2),
    ('import {rate} from "money"\nawait rate', 2),
    ('import {rate as input2} from "money"; return input.a + input2', 3),
]


def found(source: str, *, typescript: bool = False) -> dict[str, object]:
    return run(link(prepared(source, "script", typescript=typescript), LIBRARY.get), {"a": 1})


@pytest.mark.parametrize(("source", "value"), GIVES)
def test_a_script_gives_what_it_returns_or_its_last_expression(source: str, value: object) -> None:
    assert found(source).get("value") == value
    assert prepared(source, "script", typescript=False).kind == "script"


EXPORTS: Final[list[tuple[str, dict[str, object]]]] = [
    (
        "export const a = 1, {b, c: [d = 2, ...e], ...f} = {b: 3, c: [, 4], g: 5}",
        {"a": 1, "b": 3, "d": 2, "e": [4], "f": {"g": 5}},
    ),
    ("export let a = 1; a = 2", {"a": 2}),
    ("export var a; export {b as c, b as default}; var b = 1", {"c": 1, "default": 1}),
    ("export default 1 + 1", {"default": 2}),
    ("export default {a: 1}", {"default": {"a": 1}}),
    ("export default [1].concat([2])\n;(3)", {"default": [1, 2]}),
    ("const _default = 1, _m = 2; export default 3", {"default": 3}),
    ("export {a}; if (true) { var a = 1 }", {"a": 1}),
    ("export const toString = 1, hasOwnProperty = 2", {"toString": 1, "hasOwnProperty": 2}),
    ('export {rate} from "money"; export {default} from "money"; export const x = 1', {"rate": 2, "x": 1}),
    ('export * from "money"; export * as m from "arrow"', {"rate": 2, "m": {}}),
    ("export {}", {}),
    ("let x = 1\nexport {x}\n// the end", {"x": 1}),
]


@pytest.mark.parametrize(("source", "exports"), EXPORTS)
def test_a_module_gives_what_it_exports(source: str, exports: dict[str, object]) -> None:
    bundle = link(prepared(source, "script", typescript=False), LIBRARY.get)
    assert bundle.entry.kind == "module"
    assert run(bundle)["exports"] == exports


def test_functions_and_classes_are_exported_under_their_names() -> None:
    source = "export async function f() {} export class C {} export default function* g() {} export function* h() {}"
    made = prepared(source, "m", typescript=False)
    assert made.exports == ("f", "C", "default", "h")
    library = {"m": source}
    asked = 'import g, {f, C, h} from "m"; [f.name, C.name, g.name, h.name]'
    assert run(link(prepared(asked, "s", typescript=False), library.get))["value"] == ["f", "C", "g", "h"]


def test_types_of_imports_and_exports_are_not_there_at_run_time() -> None:
    library = {"m.ts": "export interface A { a: number }\nexport type {A as B}\nexport const a: A = {a: 1}\n"}
    source = 'import {type A, a} from "m.ts"\nimport type {B} from "m.ts"\nlet x: A = a as B\nx.a'
    bundle = link(prepared(source, "s", typescript=True), library.get)
    assert run(bundle)["value"] == 1
    assert bundle.modules[0].prepared.exports == ("a",)
    assert bundle.entry.imports == ("m.ts",)


def test_what_was_imported_is_told_with_its_place() -> None:
    made = prepared('import a from "x"\n  import {b as c} from "y"\nexport * from "x"', "m", typescript=False)
    assert made.imports == ("x", "y")
    assert [(want.specifier, want.names, want.line, want.column) for want in made.wants] == [
        ("x", ("default",), 1, 1),
        ("y", ("b",), 2, 3),
        ("x", (), 3, 1),
    ]
    assert made.stars == ("x",)


@pytest.mark.parametrize("source", [source for source, _ in [*GIVES, *EXPORTS]])
def test_lines_stay_where_they_are(source: str) -> None:
    made = prepared(source, "m", typescript=False)
    code = made.code.split("\n")
    lines = made.source.split("\n")
    assert len(code) - len(lines) in {0, 1}
    for line in lines[1:]:
        # Whatever stands in a line and is no import or export stands there afterwards.
        if "import" not in line and "export" not in line:
            at = lines.index(line)
            assert code[at].removeprefix("return ").strip(" ;") in line or line in code[at] or not code[at].strip()


REFUSED: Final = [
    ("\n  import('x')", 2, 3, "`import()`"),
    ("f(import.meta.url)", 1, 3, "`import.meta`"),
    ('import x from "x" with {type: "json"}', 1, 19, "attributes"),
    ("export const a = await f()", 1, 18, "`await` outside"),
    ("export {}\nreturn 1", 2, 1, "`return` outside"),
    ("export {a}", 1, 9, "no value of this module"),
    ("export const a = 1; export {b as a}; let b", 1, 29, "exported twice"),
    ("export default 1; export default 2", 1, 19, "exported twice"),
    ("const input = 1", 1, 7, "a name that every script has"),
    ("let [{a: context}] = 1", 1, 10, "a name that every script has"),
    ("class exports {}", 1, 7, "a name that every script has"),
    ("function require() {}", 1, 10, "a name that every script has"),
    ('import {a as console} from "a"', 1, 14, "a name that every script has"),
    ("export {a as __proto__}; let a", 1, 14, "__proto__"),
    ('import a from "a\\u0062"', 1, 15, "no plain name"),
    ('import a from ""', 1, 15, "no plain name"),
    ("var a = ;", 1, 7, "unexpected"),
    ("a(\n'é', }", 1, 2, "`(` is not closed"),
    ("if (a) {\n  b(1)\n  if (c) {\n}", 4, 2, "`}` is missing"),
    ("`${", 1, 2, "`${` is not closed"),
    ("a\0b", 1, 2, "U+0000"),
    ("a\n'\ud800'", 2, 2, "surrogate"),
    ("/*" + "x" * 300_000 + "*/", 1, 1, "at most 262144"),
    ("[" * 1000 + "]" * 1000 + "+a" * 2100, 1, 1, "nested deeper"),
]


@pytest.mark.parametrize(("source", "line", "column", "text"), REFUSED)
def test_what_cannot_be_run_is_refused_where_it_stands(source: str, line: int, column: int, text: str) -> None:
    with pytest.raises(Refused) as caught:
        prepared(source, "m.js", typescript=False)
    assert text in caught.value.diagnostics[0].message
    span = caught.value.diagnostics[0].span
    assert (span.file, span.line, span.column) == ("m.js", line, column)


def test_the_package_that_reads_sources_is_named_when_it_is_missing(tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "tree_sitter.py").write_text("raise ImportError('no', name='tree_sitter')")
    code = "from procession.scripts.modules import prepared; prepared('1', 'a', typescript=False)"
    path = json.dumps(str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {path}); {code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'ImportError: tree_sitter is missing: pip install "procession[js]"' in done.stderr
