"""Declarations for editors: they compile under --strict, and know what a script may do."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

import npm
from procession.base.failure import BadValue
from procession.base.values import Json
from procession.scripts.library import link
from procession.scripts.modules import prepared
from procession.scripts.types import Type, declarations, of_feel, of_sample, written

PACKAGE: Final = Path(__file__).parent / "npm"

LIBRARY: Final = {
    "money": """\
/** Rounds to cents. */
export function round(amount, digits = 2, ...rest) { return amount }
export const rate = 1.5, name = "x", on = true, pattern = /a/, table = {}, { a, b: [c = 1, ...d] } = f();
export let later;
export async function load({ id }, [x]) {}
export function* all() {}
export async function* some() {}
export class Coin extends Base { #secret = 1; value = 1; static zero = "0"; constructor(v, w) { super() }
  get v() { return 1 } set v(x) {}
  async pay(to) {} *parts() {} [Symbol.iterator]() {} static { } "a b"() {} }
class Base {}
const f = () => ({});
export const twice = (x) => x * 2, thrice = x => x * 3;
export default class {}
export { f as make, rate as default2 };
""",
    "typed.ts": """\
import type { Unit } from "units.ts";
import { meter, type Other } from "units.ts";
import "money";
/** What is paid. */
export interface Payment<T = number> { amount: T; unit?: Unit }
type Hidden = { x: 1 };
export type Kind = "a" | "b" | Hidden["x"];
export const limit: number = 5, kinds = ["a"] as const;
export function pay<T extends object>(payment: Payment, to?: T, times = 1, ...more: string[]):
  payment is Payment<1> { return true }
export function over(a: string): string;
export function over(a: number): number;
export function over(a: any): any { return a }
export function first(a = 1, b: string): void {}
export function listen(this: Payment, f: (x: number) => void): asserts f {}
export async function slow({ a }: { a: number }, [b]: string[] = []) {}
export const arrow = async <T>(x: T): Promise<T> => x;
declare const elsewhere: number;
const outside = 2;
export abstract class Shape<T> implements Iface { private a: T | undefined; protected readonly b?: string;
  c!: number; static d = 4;
  declare e: string; [k: string]: unknown; constructor(a?: T) {} abstract area(): number; over(a: 1): 1;
  over(a: 2): 2; over(a: any): any {}
  get size(): number { return 1 } set size(v: number) {} private hidden(): void {}
  async go<U>(u: U): Promise<U> { return u } opt?(): void {} }
interface Iface { c: number }
namespace N { export type A = 1 }
export const n: N.A = 1;
export default function (x: number): string { return "" }
export type { Hidden };
export { type Iface, outside as out };
""",
    "units.ts": 'export type Unit = "m" | "s"; export interface Other { o: 1 }\n'
    'export const meter: Unit = "m"; export * from "./more"',
    "units.ts/more": 'export const more = 1; export * as money from "money"; export {rate as again} from "money"',
    "empty": "export default 1 + 1",
    "value.ts": "const x = { a: 1 }; export default x as { a: number }",
}
VARIABLES: Final = {
    "customer": of_sample({"name": "é", "age": 7, "tags": ["a"], "odd key": None, "address": {"lines": [[1], [2]]}}),
    "order": of_sample([{"id": 1, "sum": Decimal("1.5")}, {"id": 2, "note": None, "x": {}}, {"id": None}]),
    "due": of_feel("date and time"),
    "amounts": of_feel("list< number >"),
    "odd-name": of_feel("Any"),
    "class": Type("boolean", optional=True, nullable=True),
}
GOOD: Final = """\
const name: string = input.customer.name.toUpperCase(), key: any = input.customer["odd key"];
const n: number = input.amounts[0].valueOf();
const first: number = input.order[0].sum ?? 0, id: number | null = input.order[0].id;
const flag: boolean | null | undefined = input.class;
const line: number = input.customer.address.lines[0][0], due: string = input.due; input["odd-name"].anything();
console.log(context.tenant, context.processId, context.instance, context.elementId, context.job, context.now + 1);
console.assert(true, "x"); console.trace();
if (!flag) throw new BpmnError("LATE", "too late", { a: 1 });
try {} catch (error) { if (error instanceof BpmnError) error.code.length }
import Made, { round, rate, on, Coin, twice, thrice, make, default2, c, d, later, load, all } from "money";
round(); round(1, 2, 3, 4); rate.toFixed(); const really: boolean = on; new Coin(1).pay().then(); new Made();
  twice(1); thrice(); make(); c + d + later;
import text, { pay, over, first as firstOf, slow, arrow, limit, kinds, Shape, n as one, out } from "typed.ts";
import { type Payment, type Kind, type Hidden, type Iface } from "typed.ts";
const s: string = text(1), o1: string = over("a"), o2: number = over(1); pay({ amount: 1, unit: "m" }, {}, 2, "a");
  firstOf(undefined, "b"); slow({ a: 1 });
arrow(1).then((x: number) => x); limit.toFixed(); one === 1; out.toFixed();
class Square extends Shape<string> { c = 1; area() { return this.c + this.size } }
  new Square().go(1).then((x: number) => x);
import { more, money, again, meter } from "units.ts"; more.toFixed(); money.rate.toFixed(); again.toFixed();
  const unit: "m" | "s" = meter;
import two from "empty"; import value from "value.ts"; two + value.a;
"""
BAD: Final = [
    "input.customer.nam",
    "input.missing",
    "input.customer = 1",
    "input.order[0].id.toFixed()",
    "input.due.x",
    "context.nothing",
    "context.now = 1",
    "new BpmnError(1)",
    "new BpmnError()",
    "console.nothing()",
    "document.title",
    "setTimeout(() => 1)",
    'import { nothing } from "money"',
    'import { f } from "money"',
    'import { N } from "typed.ts"',
    'import x from "unknown"',
    'import { over } from "typed.ts"; over(true)',
    'import { pay } from "typed.ts"; pay({ amount: "1" })',
    'import { Shape } from "typed.ts"; new Shape()',
    'import { rate } from "money"; rate.toUpperCase()',
    'import text from "typed.ts"; text("1")',
    'import { limit } from "typed.ts"; limit.toUpperCase()',
    'import value from "value.ts"; value.b',
    'import { pay } from "typed.ts"; pay({ amount: 1 }, {}, "1")',
]


def messages(sets: list[dict[str, str]]) -> list[list[str]]:
    folder = npm.installed(PACKAGE, "check.cjs")
    asked = json.dumps(sets)
    done = subprocess.run(["node", "check.cjs"], cwd=folder, input=asked, capture_output=True, text=True, check=True)
    found: list[list[str]] = json.loads(done.stdout)
    return found


def made() -> str:
    asked = "".join(f'import "{name}";' for name in LIBRARY)
    bundle = link(prepared(asked, "all", typescript=False), LIBRARY.get, typescript=lambda name: ".ts" in name)
    return declarations(VARIABLES, [module.prepared for module in bundle.modules])


def test_the_declarations_are_strict_and_know_what_scripts_may_do() -> None:
    text = made()
    answers = messages([{"given.d.ts": text, "good.ts": GOOD}, *({"given.d.ts": text, "bad.ts": bad} for bad in BAD)])
    assert answers[0] == [], text
    assert [bad for bad, found in zip(BAD, answers[1:], strict=True) if not found] == []
    assert all(message.startswith("bad.ts:1:") for found in answers[1:] for message in found)


def test_comments_of_what_is_exported_stay() -> None:
    text = made()
    assert "/** Rounds to cents. */" in text
    assert "/** What is paid. */" in text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "any"),
        (True, "boolean"),
        (1, "number"),
        ("a", "string"),
        ([], "Array<any>"),
        ([None], "Array<any>"),
        ([1, None], "Array<number | null>"),
        ([1, "a"], "Array<any>"),
        ([[1], []], "Array<Array<number>>"),
        ({}, "{\n}"),
        ([{}], "Array<{\n}>"),
        ([{"a": 1}, {"b": "x", "a": None}], "Array<{\n  readonly a: number | null;\n  readonly b?: string;\n}>"),
    ],
)
def test_samples_tell_types(value: Json, text: str) -> None:
    assert written(of_sample(value)) == text


def test_deep_samples_are_told_to_a_depth() -> None:
    deep: Json = 1
    for _ in range(600):
        deep = [deep]
    assert written(of_sample(deep)).startswith("Array<Array<")


@pytest.mark.parametrize(
    "name", ["", "numbers", "list<>", "list<number", "list<" * 300 + "number" + ">" * 300, "function"]
)
def test_names_that_are_no_types_are_refused(name: str) -> None:
    with pytest.raises(BadValue, match="no type of FEEL"):
        of_feel(name)
