/** Variables as JSON: numbers keep all of their digits, contexts the order of their entries. */

import { Dec, exact, make, numberText } from "./numbers.js";
import { temporalText } from "./temporal.js";
import { Fn, Range } from "./values.js";
import type { Value } from "./values.js";

const TOKEN = /\s*(?:([[\]{},:])|("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)|(true|false|null))\s*/y;

/** The value of a JSON text. Throws `SyntaxError`. */
export const read = (text: string): Value => {
  let at = 0;
  const next = (): RegExpExecArray => {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) throw new SyntaxError(`no JSON at ${at}`);
    at = TOKEN.lastIndex;
    return match;
  };
  const items = (close: string, item: () => void): void => {
    const before = at;
    if (next()[1] === close) return;
    at = before;
    for (;;) {
      item();
      const mark = next()[1];
      if (mark === close) return;
      if (mark !== ",") throw new SyntaxError(`no JSON at ${at}`);
    }
  };
  const value = (): Value => {
    const [, mark, quoted, number, word] = next();
    if (quoted) return JSON.parse(quoted) as string;
    if (number) return exact(number) ?? JSON.parse(number);
    if (word) return JSON.parse(word) as boolean | null;
    if (mark === "[") {
      const made: Value[] = [];
      items("]", () => made.push(value()));
      return made;
    }
    if (mark !== "{") throw new SyntaxError(`no JSON at ${at}`);
    const made = new Map<string, Value>();
    items("}", () => {
      const key = value();
      if (typeof key !== "string" || next()[1] !== ":") throw new SyntaxError(`no JSON at ${at}`);
      made.set(key, value());
    });
    return made;
  };
  const result = value();
  if (at < text.length) throw new SyntaxError(`no JSON at ${at}`);
  return result;
};

/** Plain values of JavaScript as FEEL has them: a number is read as it prints. */
export const from = (a: unknown): Value => {
  if (typeof a === "number") return Number.isSafeInteger(a) ? a + 0 : exact(String(a));
  if (typeof a === "bigint") return make(a);
  if (a === undefined || a === null || typeof a !== "object") return (a ?? null) as Value;
  if (Array.isArray(a)) return a.map(from);
  if (Object.getPrototypeOf(a) !== Object.prototype) return a as Value;
  return new Map(Object.entries(a).map(([key, item]) => [key, from(item)]));
};

/** The value as a variable has it, as JSON: temporal values are texts, ranges contexts, functions null. */
export const write = (a: Value): string => {
  if (a === null || a instanceof Fn) return "null";
  if (a instanceof Dec) return a.e < 0 ? numberText(a) : a.c + (a.e ? `e${a.e}` : "");
  if (typeof a !== "object") return JSON.stringify(a);
  if (Array.isArray(a)) return `[${a.map(write).join()}]`;
  if (a instanceof Map) return `{${[...a].map(([key, item]) => `${JSON.stringify(key)}:${write(item)}`).join()}}`;
  if (!(a instanceof Range)) return JSON.stringify(temporalText(a));
  const flags = `"start included":${a.startIncluded},"end included":${a.endIncluded}`;
  return `{"start":${write(a.start)},"end":${write(a.end)},${flags}}`;
};
