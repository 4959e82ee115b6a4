/** Programs over the data of a form: what names mean at a place of it (`forms/scope.py`). */

import { evaluate as run, from, write } from "./feel/index.js";
import type { Program, Value } from "./feel/index.js";
import { pathOf, valueAt } from "./paths.js";
import { decode } from "./wire.js";
import type { Json } from "./wire.js";

const cache = new WeakMap<object, Map<string, Value>>();

const variablesOf = (data: Json): Map<string, Value> => {
  if (data === null || typeof data !== "object") return new Map();
  let found = cache.get(data);
  if (!found) {
    found = from(data) as Map<string, Value>;
    cache.set(data, found);
  }
  return found;
};

/** The value of a program; `undefined` where only the server knows it. `rows` are those around, outermost first. */
export const evaluate = (program: Program, data: Json, rows: readonly string[]): Json | undefined => {
  const variables = variablesOf(data);
  const at = (path: string | undefined): Value => (path === undefined ? variables : from(valueAt(data, pathOf(path))));
  const special = (name: string): Value | undefined => {
    if (name === "this") return at(rows.at(-1));
    if (name === "parent") return rows.length ? at(rows.at(-2)) : null;
    if (name === "i") return rows.length ? Number(/(\d+)\]$/.exec(rows.at(-1)!)![1]) + 1 : null;
    return undefined;
  };
  const get = (name: string): Value | undefined =>
    variables.has(name) ? variables.get(name) : special(/^_(this|parent|i)_$/.exec(name)?.[1] ?? name);
  const outcome = run(program, { get });
  return outcome.ask === undefined ? decode(write(outcome.value)) : undefined;
};
