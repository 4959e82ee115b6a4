/** What operators, paths, tests and types mean. What has no value is null, never an exception. */

import * as n from "./numbers.js";
import { ask } from "./numbers.js";
import { Day, dayOf, daysOf, isDuration, minus, negated, over, plus, property, times } from "./temporal.js";
import { Range, compare, contains, isNumber, isTemporal, kind, same, sameItem } from "./values.js";
import type { Value } from "./values.js";

/** The longest text that an expression may make. */
export const TEXT_MAX = 4_000_000;
/** What takes more steps is the server's, which has a budget for it. */
const STEPS_MAX = 50_000;

let steps = 0;
export const start = (): void => {
  steps = 0;
};
/** Counts steps; beyond the limit the server is asked. */
export const charge = (count: number): void => {
  steps += count;
  if (steps > STEPS_MAX) ask("many steps");
};

type Operator = (a: Value, b: Value) => Value;

const ordered =
  (test: (order: number) => boolean): Operator =>
  (a, b) => {
    const order = compare(a, b);
    return order === null ? null : test(order);
  };

const equal: Operator = (a, b) => {
  charge(Array.isArray(a) ? a.length : 1);
  return a === null || b === null ? a === b : same(a, b);
};

const lengthOf = (text: string): number => (/[\ud800-\udbff]/.test(text) ? [...text].length : text.length);

/** A text, unless it is longer than texts may be. */
export const limited = (text: string): string | null => {
  charge(text.length >> 6);
  return text.length > TEXT_MAX && lengthOf(text) > TEXT_MAX ? null : text;
};

export const BINARY: Record<string, Operator> = {
  "+": (a, b) => {
    if (isNumber(a)) return isNumber(b) ? n.add(a, b) : null;
    if (typeof a === "string") return typeof b === "string" ? limited(a + b) : null;
    return plus(a, b);
  },
  "-": (a, b) => (isNumber(a) ? (isNumber(b) ? n.subtract(a, b) : null) : minus(a, b)),
  "*": (a, b) => {
    if (isNumber(a)) return isNumber(b) ? n.multiply(a, b) : isDuration(b) ? times(b, a) : null;
    return isDuration(a) && isNumber(b) ? times(a, b) : null;
  },
  "/": (a, b) => {
    if (isNumber(b) && !n.order(b, 0)) return null;
    if (isNumber(a)) return isNumber(b) ? n.divide(a, b) : null;
    return isDuration(a) && (isNumber(b) || isDuration(b)) ? over(a, b) : null;
  },
  "**": (a, b) => (isNumber(a) && isNumber(b) ? n.power(a, b) : null),
  "=": equal,
  "!=": (a, b) => {
    const result = equal(a, b);
    return result === null ? null : !result;
  },
  "<": ordered((order) => order < 0),
  "<=": ordered((order) => order <= 0),
  ">": ordered((order) => order > 0),
  ">=": ordered((order) => order >= 0),
};

export const negate = (a: Value): Value => (isNumber(a) ? n.negative(a) : isDuration(a) ? negated(a) : null);

/** `and`, or with `decisive` true `or`. */
export const both = (a: Value, b: Value, decisive: boolean): boolean | null =>
  a === decisive || b === decisive ? decisive : a === !decisive && b === !decisive ? !decisive : null;

export const between = (value: Value, low: Value, high: Value): boolean | null =>
  both(BINARY[">="]!(value, low), BINARY["<="]!(value, high), false);

/** A test without an operator: equal to it, in its list, or in its range. */
export const unaryTest = (value: Value, test: Value): boolean | null => {
  if (test instanceof Range) return value instanceof Range ? same(value, test) : contains(test, value);
  if (Array.isArray(test)) {
    charge(test.length);
    const member = (item: Value): boolean =>
      item instanceof Range && !(value instanceof Range) ? contains(item, value) === true : sameItem(value, item);
    return test.some(member) || same(value, test) === true;
  }
  return value === null || test === null ? value === test : same(value, test);
};

/** A test with `?` in it. */
export const questionTest = (value: Value, result: Value): boolean | null =>
  typeof result === "boolean" || result === null ? result : unaryTest(value, result);

/** A test of a table's cell without `?`, that is no literal. */
export const tableTest = (value: Value, result: Value): boolean | null =>
  typeof result === "boolean" && value !== null && typeof value !== "boolean" && !Array.isArray(value)
    ? result
    : unaryTest(value, result);

export const makeRange = (low: Value, high: Value, included: number, form: string): Range | null => {
  const [first, last] = [(included & 1) > 0, (included & 2) > 0];
  if (form) return new Range(form.startsWith("<") ? null : low, form.startsWith(">") ? null : low, first, last, form);
  if (low !== null && high !== null) {
    const order = compare(low, high);
    if (order === null || order > 0) return null;
  }
  if ([low, high].some((end) => "blcfr".includes(kind(end)))) return null;
  return new Range(low, high, first && low !== null, last && high !== null);
};

/** `base.name`: an entry, a property, or for a list the name in each item. */
export const path = (base: Value, name: string): Value => {
  if (base instanceof Map) return base.get(name) ?? null;
  if (Array.isArray(base)) {
    charge(base.length);
    return base.map((item) => path(item, name));
  }
  if (base instanceof Range) {
    if (name === "start") return base.start;
    if (name === "end") return base.end;
    return name === "start included" ? base.startIncluded : name === "end included" ? base.endIncluded : null;
  }
  return isTemporal(base) ? property(base, name) : null;
};

export const asList = (a: Value): Value[] => (Array.isArray(a) ? a : a === null ? [] : [a]);

/** `base[3]`. */
export const at = (base: Value, position: Value): Value => {
  const place = isNumber(position) ? n.whole(position) : null;
  return place ? (asList(base).at(place > 0 ? place - 1 : place) ?? null) : null;
};

/** `base[test]`. */
export const filter = (base: Value, test: (item: Value) => Value): Value => {
  const items = asList(base);
  charge(items.length + 1);
  if (!items.length) return isNumber(test(null)) ? null : [];
  const kept: Value[] = [];
  for (const item of items) {
    const result = test(item);
    if (result === true) kept.push(item);
    else if (isNumber(result)) return at(items, result);
    else if (result !== false && result !== null) return null;
  }
  return kept;
};

const ordinal = (a: Value): number | null => (a instanceof Day ? daysOf(a) : isNumber(a) ? n.whole(a) : null);

const walk = (first: number, last: number, days: boolean): Value[] => {
  const count = Math.abs(last - first) + 1;
  charge(count);
  const step = first <= last ? 1 : -1;
  return Array.from({ length: count }, (_, index) => {
    const place = first + index * step;
    return days ? dayOf(place) : Number.isSafeInteger(place) ? place : ask("a number");
  });
};

/** What a loop runs over; null ends it. */
export const domain = (a: Value): Value[] | null => {
  if (!(a instanceof Range)) return a === null ? null : asList(a);
  let first = ordinal(a.start);
  let last = ordinal(a.end);
  if (first === null || last === null) return null;
  first += +!a.startIncluded;
  last -= +!a.endIncluded;
  return first > last ? [] : walk(first, last, a.start instanceof Day);
};

/** The steps of `low..high`, up or down. */
export const span = (low: Value, high: Value): Value[] | null => {
  const [first, last] = [ordinal(low), ordinal(high)];
  return first === null || last === null || kind(low) !== kind(high) ? null : walk(first, last, low instanceof Day);
};

/** A type: a kind's letter, `*` for Any, or with what its parts are of. */
export type Type = string | readonly [string, ...(Type | readonly [string, Type])[]];

export const conforms = (a: Value, type: Type): boolean => {
  const [letter, ...parts] = typeof type === "string" ? [type] : type;
  if (letter === "*") return a !== null;
  if (kind(a) !== letter) return false;
  const fits = (item: Value, of: Type): boolean => item === null || conforms(item, of);
  if (!parts.length) return true;
  if (Array.isArray(a)) return a.every((item) => fits(item, parts[0] as Type));
  if (a instanceof Map) return (parts as [string, Type][]).every(([key, of]) => a.has(key) && fits(a.get(key)!, of));
  const ends = a instanceof Range ? [a.start, a.end].filter((end) => end !== null) : [];
  return ends.length > 0 && ends.every((end) => conforms(end, parts[0] as Type));
};

