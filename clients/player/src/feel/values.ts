/** The kinds of FEEL's values, their text, equality and order. */

import { Dec, numberText, order } from "./numbers.js";
import type { Num } from "./numbers.js";
import { Clock, Day, Moment, Months, Span, temporalOrder, temporalSame, temporalText } from "./temporal.js";
import type { Temporal } from "./temporal.js";

/** An interval. `form` is the operator of a one-sided one, such as `(< 10)`. */
export class Range {
  constructor(
    readonly start: Value,
    readonly end: Value,
    readonly startIncluded: boolean,
    readonly endIncluded: boolean,
    readonly form = "",
  ) {}
}

export class Fn {
  constructor(
    readonly parameters: readonly string[],
    readonly call: (given: Value[]) => Value,
  ) {}
}

export type Context = Map<string, Value>;
export type Value = null | boolean | string | Num | Temporal | Range | Fn | Context | Value[];

/** One letter a kind, as signatures have them: `0bnslcdtmyprf`, null first. */
export const kind = (a: Value): string => {
  if (a === null) return "0";
  if (typeof a !== "object") return typeof a === "string" ? "s" : typeof a === "number" ? "n" : "b";
  if (Array.isArray(a)) return "l";
  if (a instanceof Map) return "c";
  if (a instanceof Dec) return "n";
  if (a instanceof Day) return "d";
  if (a instanceof Clock) return "t";
  if (a instanceof Moment) return "m";
  if (a instanceof Months) return "y";
  if (a instanceof Span) return "p";
  return a instanceof Range ? "r" : "f";
};

export const isNumber = (a: Value): a is Num => typeof a === "number" || a instanceof Dec;
export const isTemporal = (a: Value): a is Temporal => "dtmyp".includes(kind(a));

const KEY = /^[\p{L}\p{N}_ ]+$/u;

/** The value as `string()` writes it; `quoted` is how a text looks inside of a list. */
export const string = (a: Value, quoted = false): string => {
  if (typeof a === "string") return quoted ? `"${a.replace(/[\\"]/g, "\\$&")}"` : a;
  if (a === null || typeof a === "boolean") return String(a);
  if (isNumber(a)) return numberText(a);
  if (Array.isArray(a)) return `[${a.map((item) => string(item, true)).join(", ")}]`;
  if (a instanceof Map) {
    return `{${[...a].map(([key, item]) => `${string(key, !KEY.test(key))}: ${string(item, true)}`).join(", ")}}`;
  }
  if (a instanceof Fn) return `function(${a.parameters.join(", ")})`;
  if (!(a instanceof Range)) return quoted ? `@"${temporalText(a)}"` : temporalText(a);
  if (a.form) return `(${a.form} ${string(a.form.startsWith("<") ? a.end : a.start, true)})`;
  const end = (value: Value): string => (value === null ? "" : string(value, true));
  return `${a.startIncluded ? "[" : "("}${end(a.start)}..${end(a.end)}${a.endIncluded ? "]" : ")"}`;
};

/** Equality; null for values of different kinds. */
export const same = (a: Value, b: Value): boolean | null => {
  if (typeof a === "string" && typeof b === "string") return a === b;
  if (kind(a) !== kind(b)) return null;
  if (isNumber(a)) return !order(a, b as Num);
  if (Array.isArray(a)) {
    const other = b as Value[];
    return a.length === other.length && a.every((item, index) => sameItem(item, other[index]!));
  }
  if (a instanceof Map) {
    const other = b as Context;
    return a.size === other.size && [...a].every(([key, item]) => other.has(key) && sameItem(item, other.get(key)!));
  }
  if (a instanceof Range) {
    const other = b as Range;
    const flags = (range: Range): string => `${range.startIncluded} ${range.endIncluded} ${range.form}`;
    return flags(a) === flags(other) && sameItem(a.start, other.start) && sameItem(a.end, other.end);
  }
  return isTemporal(a) ? temporalSame(a, b as Temporal) : a === b;
};

/** Equality in lists, where values of different kinds are not equal. */
export const sameItem = (a: Value, b: Value): boolean => (a === null || b === null ? a === b : same(a, b) === true);

/** Texts by code points: the halves of a pair come after all other units, as the characters that they stand for do. */
const textOrder = (a: string, b: string): number => {
  const unit = (text: string, at: number): number => {
    const code = text.charCodeAt(at);
    return code >= 0xe000 ? code - 0x800 : code >= 0xd800 ? code + 0x2000 : code;
  };
  for (let at = 0; at < a.length && at < b.length; at++) {
    if (a[at] !== b[at]) return unit(a, at) < unit(b, at) ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
};

/** -1, 0 or 1; null for values without an order. */
export const compare = (a: Value, b: Value): number | null => {
  if (isNumber(a)) return isNumber(b) ? order(a, b) : null;
  if (typeof a === "string") return typeof b === "string" ? textOrder(a, b) : null;
  return isTemporal(a) && kind(a) === kind(b) ? temporalOrder(a, b as Temporal) : null;
};

/** Whether an interval contains a value; null if it cannot be compared with the ends. */
export const contains = ({ start, end, startIncluded, endIncluded, form }: Range, value: Value): boolean | null => {
  if (form === "=" || form === "!=") {
    const equal = value === null ? start === null : same(start, value);
    return form === "=" || equal === null ? equal : !equal;
  }
  const inside = (bound: Value, sign: number, included: boolean): boolean | null => {
    const found = compare(value, bound);
    return found === null ? null : found === sign || (found === 0 && included);
  };
  const above = form.startsWith("<") || inside(start, 1, startIncluded);
  const below = form.startsWith(">") || inside(end, -1, endIncluded);
  return above === null || below === null ? null : above && below;
};
