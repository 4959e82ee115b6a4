"""Types are erased as the compiler of TypeScript does, without moving anything; what cannot be erased is refused."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path
from typing import Final

import pytest

import npm
from procession.base.diagnostics import Refused
from procession.scripts.modules import prepared
from procession.scripts.syntax import Edits, Source, parsed
from procession.scripts.typescript import erase

PACKAGE: Final = Path(__file__).parent / "npm"
SNIPPETS: Final = [text.strip("\n") for text in (Path(__file__).parent / "erased.txt").read_text().split("\n====\n")]
TYPES: Final = (
    "number",
    "string[]",
    "Map<string, number[]>",
    "{a: number; b?: string}",
    "(x: number) => void",
    "readonly [a: 1, b?: 2]",
    "A | B\n & C",
    "keyof typeof q",
    "T extends infer U ? U : never",
    "`a${string}`",
    "new () => X",
    "unique symbol",
    "{[K in keyof T]?: T[K]}",
    "import('m').X",
    "Array<\n  Array<Array<1>>\n>",
    "-1 | 'é😀'",
    "abstract new (...a: any[]) => X",
    "typeof import('x')",
    "{readonly [k: string]: unknown}",
    "(\n| 1\n| 2)",
    "asserted",
    "A.B.C<1>",
    "{(): void; new (): X; m?(): 1}",
)
STATEMENTS: Final = (
    "let {v}: {T} = {e}",
    "const {v}: {T} = {e};",
    "var {v}: {T}",
    "{v} = {e} as {T}",
    "{v} = ({v} satisfies {T})!.x",
    "function {v}<A extends {T}, B = {T}>(a: {T}, b?: {T}, ...c: {T}[]): {T} {{ return {e} as {T} }}",
    "const {v} = async <A,>(a: {T}): Promise<{T}> => {e}",
    "const {v} = (a: {T}, b: {T} = {e}): {T} => ({e})",
    "class {v}<A> extends B<{T}> implements C<{T}> {{\n  private a: {T} = {e}\n  readonly b?: {T}\n  static c!: {T};\n"
    "  protected async *[d]<E>(this: {T}, f: {T}): AsyncGenerator<{T}> {{ }}\n  get e(): {T} {{ return {e} }}\n}}",
    "interface {v} {{ a: {T} }}",
    "type {v}<A> = {T}",
    "declare const {v}: {T}",
    "f<{T}>({e}, {v}!)",
    "new F<{T}>({e})",
    "for (let {v}: {T} = {e};;) {{ break }}",
    "try {{ }} catch ({v}: unknown) {{ {v} as {T} }}",
    "if ({e}) {v} = {e} as {T}\nelse {v}!",
    "{v}?.a!.b<{T}>({e})",
    "abstract class {v} {{ abstract a: {T}; abstract b(): {T}; c(): {T}\n c() {{}} }}",
    "function {v}(a: {T}): asserts a is {T}\nfunction {v}(a?: any): any {{}}",
    "label: for (const {v} of {e} as {T}) continue label",
)
EXPRESSIONS: Final = (
    "1",
    "{v}",
    "[{v}, ...{v}]",
    "({v} as {T})",
    "{{a: {v}!}}",
    "`${{{v} as {T}}}é`",
    "/a/g",
    "{v} < 1",
    "(y: {T}) => y",
)


def erased(source: str) -> str:
    text = Source.of(source, "a.ts")
    edits = Edits(text)
    erase(text, parsed(text), edits)
    return edits.applied()[0]


def compared(sources: list[str]) -> list[dict[str, object]]:
    folder = npm.installed(PACKAGE, "typescript.cjs")
    asked = json.dumps({"snippets": [{"source": source, "erased": erased(source)} for source in sources]})
    done = subprocess.run(
        ["node", "typescript.cjs"], cwd=folder, input=asked, capture_output=True, text=True, check=True, timeout=300
    )
    answers: list[dict[str, object]] = json.loads(done.stdout)
    return answers


def drawn(chance: random.Random, text: str, depth: int = 0) -> str:
    """A template with every hole filled at random."""
    while "{" in text.replace("{{", "").replace("}}", ""):
        start = next(at for at in range(len(text)) if text[at : at + 3] in {"{v}", "{T}", "{e}"})
        kind = text[start + 1]
        if kind == "v":
            filled = chance.choice(("a", "b", "é", "type", "of", "declare", "$x"))
        elif kind == "T":
            filled = chance.choice(TYPES).replace("{", "{{").replace("}", "}}")
        else:
            filled = chance.choice(EXPRESSIONS) if depth < 3 else "1"
            depth += 1
        text = text[:start] + filled + text[start + 3 :]
        if not any(hole in text for hole in ("{v}", "{T}", "{e}")):
            break
    return text.replace("{{", "{").replace("}}", "}")


def test_the_table_is_erased_as_the_compiler_does() -> None:
    assert len(SNIPPETS) >= 80
    wrong = []
    for source, answer in zip(SNIPPETS, compared(SNIPPETS), strict=True):
        if not answer["valid"] or answer["expected"] != answer["got"]:
            wrong.append(f"{source}\n--- {answer}")
    assert not wrong, "\n\n".join(wrong)


def test_drawn_programs_are_erased_as_the_compiler_does() -> None:
    sources = []
    for seed in range(400):
        chance = random.Random(seed)
        sources.append("\n".join(drawn(chance, chance.choice(STATEMENTS)) for _ in range(chance.randint(1, 4))))
    kept: list[str] = []
    for source in sources:
        try:
            erased(source)
        except Refused:
            continue
        kept.append(source)
    answers = compared(kept)
    wrong = [
        f"{source}\n--- {answer}"
        for source, answer in zip(kept, answers, strict=True)
        if answer["valid"] and answer["expected"] != answer["got"]
    ]
    assert not wrong, "\n\n".join(wrong[:5])
    # Programs that are no TypeScript are drawn too; what counts is that enough of them are, and are read.
    assert sum(bool(answer["valid"]) for answer in answers) > 200


@pytest.mark.parametrize("source", SNIPPETS)
def test_nothing_moves(source: str) -> None:
    source = source.replace("\r\n", "\n")
    text = erased(source)
    assert [len(line) for line in text.split("\n")] == [len(line) for line in source.split("\n")]
    moved = [(was, now) for was, now in zip(source, text, strict=True) if now not in {was, " ", ";", "(", ")"}]
    assert not moved


REFUSED: Final = [
    ("enum E { A }", 1, 1, "an enum"),
    ("\n  const enum E { A }", 2, 3, "an enum"),
    ("export enum E { A }", 1, 8, "an enum"),
    ("namespace N { export const x = 1 }", 1, 1, "a namespace with values"),
    ("export namespace N { let x }", 1, 8, "a namespace with values"),
    ("namespace A.B { namespace C { f() } }", 1, 1, "a namespace with values"),
    ("class A { constructor(private a: number) {} }", 1, 23, "declared as a parameter"),
    ("class A { constructor(readonly a: number) {} }", 1, 23, "declared as a parameter"),
    ('import x = require("x")', 1, 1, "require"),
    ('import type x = require("x")', 1, 1, "require"),
    ("import x = A.B", 1, 1, "import x"),
    ("@d class A {}", 1, 1, "a decorator"),
    ("class A { @d m() {} }", 1, 11, "a decorator"),
    ("let x = <any>y", 1, 9, "<T>value"),
    ("let x = <div>a</div>", 1, 1, "JSX"),
    ("export = 1", 1, 1, "no export"),
    ("let a = b as T\n(c)", 2, 1, "end that with"),
    ("let a = b as T\n[c]", 2, 1, "end that with"),
    ("let a = b + c as number * d", 1, 9, "put it into parentheses"),
    ("a as number /* b */ + 1", 1, 1, "put it into parentheses"),
    ("f<T>`a`", 1, 1, "leave the arguments out"),
    ("let é: string = '😀' + = 1", 1, 23, "unexpected"),
]


@pytest.mark.parametrize(("source", "line", "column", "text"), REFUSED)
def test_what_cannot_be_erased_is_refused_where_it_stands(source: str, line: int, column: int, text: str) -> None:
    with pytest.raises(Refused) as caught:
        prepared(source, "a.ts", typescript=True)
    found = caught.value.diagnostics[0]
    assert text in f"{found.message} {found.remedy}"
    assert (found.span.file, found.span.line, found.span.column) == ("a.ts", line, column)


@pytest.mark.parametrize(
    "source",
    [
        'let b: import("y").Z<1>',
        'export type * from "m"',
        "class A { static [k: string]: any }",
        "class A { accessor x = 1 }",
        "class A {\n  x: number\n  *g() {}\n}",
        "class A { abstract: 2 }",
        "let x: A\n<B>(y)",
        "type F<in out T> = T",
        "using\nlet z: bigint = 1n",
    ],
)
def test_what_the_grammar_does_not_know_is_refused_not_misread(source: str) -> None:
    with pytest.raises(Refused):
        prepared(source, "a.ts", typescript=True)


@pytest.mark.parametrize(
    "source",
    [
        "let x: number",
        "interface A {}",
        "function f(a: T) {}",
        "enum E {}",
        "type A = 1",
        'import type {A} from "a"',
        "export type {A}",
    ],
)
def test_types_in_javascript_are_refused(source: str) -> None:
    with pytest.raises(Refused, match="no JavaScript"):
        prepared(source, "a.js", typescript=False)


def test_comparisons_of_javascript_are_no_types() -> None:
    source = "a < b > (c), a ? (b) : c => d"
    assert prepared(source, "a.js", typescript=False).code == f"return {source}"
