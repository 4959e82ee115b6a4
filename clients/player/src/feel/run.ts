/**
 * Runs programs: expressions that the server has read and written down as JSON. No code is made from them, so a page
 * needs no `unsafe-eval`.
 *
 * A constant stands for itself; anything else is an array, whose first item is a row of `NODES`. The other side is
 * `procession/feel/javascript/emit.py`.
 */

import { invoke, invokePattern } from "./builtins.js";
import { Ask, ask, parse } from "./numbers.js";
import * as o from "./operators.js";
import type { Type } from "./operators.js";
import { parseTemporal } from "./temporal.js";
import type { Pattern } from "./texts.js";
import { Fn } from "./values.js";
import type { Context, Value } from "./values.js";

export type Program = null | boolean | number | string | readonly Program[];
/** What variables are looked up in. */
export interface Variables {
  get(name: string): Value | undefined;
}
/** The value of an expression, or why only the server can find it. */
export type Outcome = { value: Value; ask?: never } | { value?: never; ask: string };

/** A scope: one name, or the item of a filter, whose entries are names, too. */
interface Scope {
  name: string | null;
  value: Value;
  up: Scope | null;
}
// Each row knows what its items are.
type Items = any;
type Node = (items: Items, scope: Scope | null) => Value;

/** Calls in calls; the server has the same limit, and an incident beyond it. */
const CALLS_MAX = 60;

let variables: Variables = new Map();
let calls = 0;

const run = (program: Program, scope: Scope | null): Value =>
  program === null || typeof program !== "object" ? program : NODES[program[0] as string]!(program, scope);

const within = (scope: Scope | null, name: string | null, value: Value): Scope => ({ name, value, up: scope });

/** A name's value in the scopes and among the variables; `undefined` if nobody has it. */
const find = (name: string, scope: Scope | null): Value | undefined => {
  for (; scope; scope = scope.up) {
    if (scope.name === name) return scope.value;
    if (scope.name === null) {
      if (scope.value instanceof Map && scope.value.has(name)) return scope.value.get(name);
      if (name === "item") return scope.value;
    }
  }
  return variables.get(name);
};

const literals = new WeakMap<object, Value>();
const literal =
  (read: (text: string) => Value): Node =>
  (items) => {
    let value = literals.get(items);
    if (value === undefined) literals.set(items, (value = read(items[1])));
    return value;
  };

const binary = (operator: string): Node => {
  const apply = o.BINARY[operator]!;
  // A chain such as a + b + c is one node.
  return (items, scope) => {
    let value = run(items[1], scope);
    for (let i = 2; i < items.length; i++) value = apply(value, run(items[i], scope));
    return value;
  };
};

const logic =
  (decisive: boolean): Node =>
  (items, scope) => {
    let value = run(items[1], scope);
    for (let i = 2; i < items.length && value !== decisive; i++) value = o.both(value, run(items[i], scope), decisive);
    return value;
  };

/** One of some tests; null if all are. */
const tests = (value: Value, given: readonly [string, Program][], scope: Scope | null): Value => {
  let result: Value | undefined;
  for (const [operator, operand] of given) {
    const found = (TESTS[operator] ?? o.BINARY[operator]!)(value, run(operand, scope));
    result = result === undefined ? found : found === true || (result === null && found === null ? null : false);
    if (result === true) break;
  }
  return result!;
};
const TESTS: Record<string, (value: Value, test: Value) => Value> = {
  "": o.unaryTest,
  "?": o.questionTest,
  t: o.tableTest,
};

type Turn = (scope: Scope | null) => boolean;
type Iterators = readonly (readonly [name: string, domain: Program, until?: Program])[];

/** Each turn of nested loops; false ends them. Gives null if there is nothing to run over. */
const loop = (iterators: Iterators, at: number, scope: Scope | null, turn: Turn): boolean | null => {
  const iterator = iterators[at];
  if (!iterator) return turn(scope);
  const [name, low, high] = iterator;
  const first = run(low, scope);
  const items = iterator.length > 2 ? o.span(first, run(high!, scope)) : o.domain(first);
  if (!items) return null;
  let missed = false;
  for (const item of items) {
    const went = loop(iterators, at + 1, within(scope, name, item), turn);
    if (went === false) return false;
    missed ||= went === null;
  }
  return missed ? null : true;
};

const quantified =
  (decisive: boolean): Node =>
  ([, iterators, body], scope) => {
    let result: Value = !decisive;
    const went = loop(iterators, 0, scope, (inner) => {
      const value = run(body, inner);
      if (value === decisive) return false;
      if (value !== !decisive) result = null;
      return true;
    });
    return went === false ? decisive : went === null ? null : result;
  };

const call = (callee: Value, given: Value[], names: readonly string[]): Value => {
  if (!(callee instanceof Fn)) return null;
  if (!names.length) return callee.call(given);
  const wanted = callee.parameters;
  if (new Set(names).size !== names.length || names.length !== wanted.length) return null;
  const places = wanted.map((name) => names.indexOf(name));
  return places.includes(-1) ? null : callee.call(places.map((place) => given[place]!));
};

const closure = (parameters: readonly string[], body: Program, scope: () => Scope | null): Fn =>
  new Fn(parameters, (given) => {
    if (given.length !== parameters.length) return null;
    if (calls >= CALLS_MAX) ask("functions that call each other");
    o.charge(8);
    calls++;
    const value = run(body, parameters.reduce((inner, name, at) => within(inner, name, given[at]!), scope()));
    calls--;
    return value;
  });

const context: Node = (items, scope) => {
  const made: Context = new Map();
  for (let i = 1; i < items.length; i += 2) {
    const [key, entry] = [items[i], items[i + 1]];
    const outer = scope;
    // A function may call itself by the name of its entry.
    const value: Value =
      Array.isArray(entry) && entry[0] === "fn"
        ? closure(entry[1], entry[2], () => within(outer, key, value))
        : run(entry, scope);
    scope = within(scope, key, value);
    made.set(key, value);
  }
  return made;
};

const each: Node = ([, iterators, body], scope) => {
  const made: Value[] = [];
  const went = loop(iterators, 0, scope, (inner) => {
    o.charge(1);
    made.push(run(body, inner));
    return true;
  });
  return went === null ? null : made;
};

const eachWithPartial: Node = ([, iterators, body], scope) => {
  const made: Value[] = [];
  const went = loop(iterators, 0, scope, (inner) => {
    o.charge(made.length);
    made.push(run(body, within(inner, "partial", [...made])));
    return true;
  });
  return went === null ? null : made;
};

const NODES: Record<string, Node> = {
  "#": literal(parse),
  "@": literal(parseTemporal),
  v: ([, name], scope) => find(name, scope) ?? null,
  // A name that a function has: who means the function is answered by the server.
  b: ([, name], scope) => find(name, scope) ?? (find(name, scope) === null ? null : ask(`the function ${name}`)),
  i: ([, name]) => variables.get(name) ?? ask(name),
  ".": ([, base, name], scope) => o.path(run(base, scope), name),
  "[": ([, base, test], scope) => o.filter(run(base, scope), (item) => run(test, within(scope, null, item))),
  "]": ([, base, place], scope) => o.at(run(base, scope), place),
  l: (items, scope) => items.slice(1).map((item: Program) => run(item, scope)),
  "{": context,
  r: ([, low, high, included], scope) => o.makeRange(run(low, scope), run(high, scope), included, ""),
  o: ([, form, operand, included], scope) => o.makeRange(run(operand, scope), null, included, form),
  fn: ([, parameters, body], scope) => closure(parameters, body, () => scope),
  c: ([, callee, names, ...given], scope) =>
    call(run(callee, scope), given.map((item: Program) => run(item, scope)), names),
  f: ([, name, ...given], scope) => invoke(name, given.map((item: Program) => run(item, scope))),
  // Named arguments, in the order of a signature; one that is left out is an empty array.
  n: ([, name, signature, ...given], scope) => {
    const absent = (item: Items): boolean => Array.isArray(item) && !item.length;
    return invoke(name, given.map((item: Program) => (absent(item) ? undefined : run(item, scope))), signature);
  },
  x: ([, name, text, pattern, by], scope) => invokePattern(name, run(text, scope), pattern as Pattern, by ?? ""),
  "~": ([, operand], scope) => o.negate(run(operand, scope)),
  ...Object.fromEntries(Object.keys(o.BINARY).map((operator) => [operator, binary(operator)])),
  "&": logic(false),
  "|": logic(true),
  w: ([, value, low, high], scope) => o.between(run(value, scope), run(low, scope), run(high, scope)),
  in: ([, value, ...given], scope) => tests(run(value, scope), given, scope),
  u: ([, negated, ...given], scope) => {
    const found = tests(find("?", scope) ?? null, given, scope);
    return negated && found !== null ? found !== true : found;
  },
  "?": ([, condition, yes, no], scope) => run(run(condition, scope) === true ? yes : no, scope),
  for: each,
  partial: eachWithPartial,
  some: quantified(true),
  every: quantified(false),
  is: ([, operand, type], scope) => o.conforms(run(operand, scope), type as Type),
};

/** The value of a program for these variables. */
export const evaluate = (program: Program, given: Variables): Outcome => {
  const outer = variables;
  variables = given;
  calls = 0;
  o.start();
  try {
    return { value: run(program, null) };
  } catch (error) {
    // What is nested too deeply for this stack may not be for the server's.
    if (error instanceof Ask || error instanceof RangeError) return { ask: error.message };
    throw error;
  } finally {
    variables = outer;
  }
};
