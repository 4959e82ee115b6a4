/**
 * What programs cost beside JavaScript made of the same trees: `node speed.mjs PROGRAMS.json MODULE.mjs`. The module's
 * functions get the operators as `F` and the scope as `s`. Prints nanoseconds of one evaluation, warm, both ways.
 */

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { invoke, invokePattern } from "../src/feel/builtins.js";
import { evaluate, from, string } from "../src/feel/index.js";
import type { Program, Value } from "../src/feel/index.js";
import { parse } from "../src/feel/numbers.js";
import * as o from "../src/feel/operators.js";
import { parseTemporal } from "../src/feel/temporal.js";
import type { Pattern } from "../src/feel/texts.js";
import { Fn } from "../src/feel/values.js";

type Scope = { name: string | null; value: Value; up: Scope } | null;
type Later = (scope: Scope) => Value;

let variables: Map<string, Value>;
const inner = (up: Scope, name: string | null, value: Value): Scope => ({ name, value, up });
const find = (name: string, scope: Scope): Value => {
  for (; scope; scope = scope.up) {
    if (scope.name === name) return scope.value;
    if (scope.name === null) {
      if (scope.value instanceof Map && scope.value.has(name)) return scope.value.get(name)!;
      if (name === "item") return scope.value;
    }
  }
  return variables.get(name) ?? null;
};
const decided = (decisive: boolean, scope: Scope, given: Later[]): Value => {
  let value = given[0]!(scope);
  for (let i = 1; i < given.length && value !== decisive; i++) value = o.both(value, given[i]!(scope), decisive);
  return value;
};
/** What is read once of a text, as the interpreter does with constants. */
const kept = <T>(read: (text: string) => T): ((text: string) => T) => {
  const found = new Map<string, T>();
  return (text) => found.get(text) ?? found.set(text, read(text)).get(text)!;
};
const patternOf = kept((text) => JSON.parse(text) as Pattern);

const F = {
  ...o.BINARY,
  v: find,
  n: kept(parse),
  d: kept(parseTemporal),
  f: invoke,
  x: (name: string, text: Value, pattern: string) => invokePattern(name, text, patternOf(pattern), ""),
  path: o.path,
  at: o.at,
  range: o.makeRange,
  between: o.between,
  negate: o.negate,
  is: o.conforms,
  and: (scope: Scope, ...given: Later[]) => decided(false, scope, given),
  or: (scope: Scope, ...given: Later[]) => decided(true, scope, given),
  filter: (base: Value, scope: Scope, test: Later) => o.filter(base, (item) => test(inner(scope, null, item))),
  test: (value: Value, ...given: [string, Value][]): Value => {
    for (const [operator, operand] of given) {
      if ((operator ? o.BINARY[operator]!(value, operand) : o.unaryTest(value, operand)) === true) return true;
    }
    return false;
  },
  context: (...given: [string, Value][]) => new Map(given),
  each: (name: string, items: Value, scope: Scope, body: Later): Value =>
    (o.domain(items) ?? []).map((item) => body(inner(scope, name, item))),
  any: (name: string, items: Value, scope: Scope, body: Later, decisive: boolean): Value =>
    (o.domain(items) ?? []).some((item) => body(inner(scope, name, item)) === decisive) ? decisive : !decisive,
  fn: (names: string[], scope: Scope, body: Later): Value =>
    new Fn(names, (given) => body(names.reduce((up, name, i) => inner(up, name, given[i]!), scope))),
};

const [, , programsPath, modulePath] = process.argv;
const [programs, context] = JSON.parse(readFileSync(programsPath!, "utf8")) as [Program[], object];
variables = from(context) as Map<string, Value>;
const made = (await import(pathToFileURL(modulePath!).href)) as { default: ((f: typeof F, s: Scope) => Value)[] };

const nanoseconds = (work: () => void): number => {
  const turns = 100;
  let least = Infinity;
  // The best of many rounds is the one that nobody else's work disturbed.
  for (let round = 0; round < 60; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < turns; i++) work();
    least = Math.min(least, Number(process.hrtime.bigint() - start));
  }
  return least / turns / programs.length;
};

programs.forEach((program, i) => {
  o.start();
  const [one, other] = [evaluate(program, variables).value!, made.default[i]!(F, null)];
  if (string(one, true) !== string(other, true)) throw new Error(`${JSON.stringify(program)}: ${string(other, true)}`);
});
const asPrograms = nanoseconds(() => programs.forEach((program) => evaluate(program, variables)));
const asCode = nanoseconds(() =>
  made.default.forEach((each) => {
    o.start();
    each(F, null);
  }),
);
console.log(JSON.stringify({ programs: asPrograms, code: asCode }));
