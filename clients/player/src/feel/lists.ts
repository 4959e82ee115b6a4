/** The built-in functions of lists. A function that has no value throws `NOTHING`. */

import * as n from "./numbers.js";
import { ask } from "./numbers.js";
import type { Num } from "./numbers.js";
import { charge } from "./operators.js";
import { isDuration, total } from "./temporal.js";
import { Fn, compare, isNumber, sameItem } from "./values.js";
import type { Value } from "./values.js";

/** What a function throws that has no value. */
export const NOTHING = {};
export const nothing = (): never => {
  throw NOTHING;
};
/** The value, unless there is none. */
export const some = <T>(a: T | null | undefined): T => a ?? nothing();

/** Lists that `sort` orders by a function: each pair is looked at, so that an order that is none is found. */
const SORTED_MAX = 64;

/** The items of one list, or the arguments. */
export const spread = (given: Value[]): Value[] => {
  const items = given.length === 1 && Array.isArray(given[0]) ? given[0] : given;
  charge(items.length);
  return items;
};

const numbers = (given: Value[]): Num[] => spread(given).map((item) => (isNumber(item) ? item : nothing()));

export const extreme =
  (sign: number) =>
  (...given: Value[]): Value => {
    let best: Value = null;
    for (const [index, item] of spread(given).entries()) {
      const order = some(compare(item, index ? best : item));
      if (!index || order === sign) best = item;
    }
    return best;
  };

const isWhole = (a: Num): boolean => typeof a === "number" || !a.e;

/** The sum in JavaScript's own numbers; null where they are not exact. */
const exactSum = (items: Num[]): number | null => {
  let sum = 0;
  for (const item of items) {
    if (typeof item !== "number" || !Number.isSafeInteger((sum += item))) return null;
  }
  return sum;
};

/** Whole numbers are added exactly, and rounded once. */
const added = (items: Num[]): Num => {
  const sum = exactSum(items);
  if (sum !== null) return sum;
  if (!items.every(isWhole)) return items.reduce((total, item) => some(n.add(total, item)), 0);
  return some(n.fit(items.reduce((total, item) => total + n.dec(item).c, 0n), 0));
};

export const sum = (...given: Value[]): Value => {
  const items = spread(given);
  if (!items.length) return null;
  return isDuration(items[0]) ? some(total(items)) : added(numbers([items]));
};

export const mean = (...given: Value[]): Value => {
  const items = numbers(given);
  return items.length ? n.divide(added(items), items.length) : null;
};

export const product = (...given: Value[]): Value => {
  const items = numbers(given);
  const times = (a: Num, b: Num): Num => some(n.multiply(a, n.fitted(b)));
  return items.length ? n.normal(items.reduce(times, 1)) : null;
};

export const median = (...given: Value[]): Value => {
  const items = [...numbers(given)].sort(n.order);
  const half = items.length >> 1;
  if (!items.length) return null;
  return items.length % 2 ? items[half]! : n.divide(added(items.slice(half - 1, half + 1)), 2);
};

export const mode = (...given: Value[]): Value => {
  const counts: [Num, number][] = [];
  for (const item of numbers(given)) {
    charge(counts.length);
    const known = counts.find(([other]) => !n.order(other, item));
    if (known) known[1]++;
    else counts.push([item, 1]);
  }
  const most = Math.max(...counts.map(([, count]) => count));
  return counts.filter(([, count]) => count === most).map(([item]) => item).sort(n.order);
};

export const truths =
  (decisive: boolean) =>
  (...given: Value[]): Value => {
    const items = spread(given);
    if (items.includes(decisive)) return decisive;
    return items.every((item) => item === !decisive) ? !decisive : nothing();
  };

const cut = (a: Num): number => n.whole(a) ?? n.trunc(a);

const place = (items: Value[], position: Num): number => {
  const at = cut(position);
  if (!at || Math.abs(at) > items.length) nothing();
  return at > 0 ? at - 1 : items.length + at;
};

export const sublist = (items: Value[], from: Num, length?: Num): Value => {
  const at = place(items, from);
  if (length === undefined) return items.slice(at);
  const count = cut(length);
  return count < 1 || at + count > items.length ? nothing() : items.slice(at, at + count);
};

export const concatenate = (...lists: Value[][]): Value[] => {
  const items = lists.flat() as Value[];
  charge(items.length);
  return items;
};

const replaced = (items: Value[], position: Num, remove: number, ...more: Value[]): Value[] => {
  const at = place(items, position);
  return [...items.slice(0, at), ...more, ...items.slice(at + remove)];
};

export const insertBefore = (items: Value[], position: Num, item: Value): Value => replaced(items, position, 0, item);
export const remove = (items: Value[], position: Num): Value => replaced(items, position, 1);

export const listReplace = (items: Value[], position: Value, item: Value): Value => {
  charge(items.length);
  if (!(position instanceof Fn)) return replaced(items, position as Num, 1, item);
  if (position.parameters.length !== 2) nothing();
  return items.map((old) => {
    const verdict = position.call([old, item]);
    return typeof verdict === "boolean" ? (verdict ? item : old) : nothing();
  });
};

export const indexOf = (items: Value[], match: Value): Value => {
  charge(items.length);
  return items.flatMap((item, index) => (sameItem(item, match) ? [index + 1] : []));
};

export const listContains = (items: Value[], element: Value): boolean => {
  charge(items.length);
  return items.some((item) => sameItem(item, element));
};

export const distinct = (items: Value[]): Value[] => {
  const result: Value[] = [];
  for (const item of items) {
    charge(result.length + 1);
    if (!result.some((other) => sameItem(item, other))) result.push(item);
  }
  return result;
};

export const duplicates = (items: Value[]): Value[] => {
  charge(items.length * items.length);
  return distinct(items).filter((value) => items.filter((item) => sameItem(item, value)).length > 1);
};

export const flatten = (items: Value[]): Value[] => {
  charge(items.length);
  return items.flatMap((item) => (Array.isArray(item) ? flatten(item) : [item]));
};

export const sort = (items: Value[], precedes?: Fn): Value => {
  charge(items.length * 8);
  if (!precedes) return [...items].sort((a, b) => some(compare(a, b)));
  if (precedes.parameters.length !== 2) nothing();
  if (items.length > SORTED_MAX) ask("a long list");
  const orders = items.map((a, i) => items.map((b, j) => (i !== j && precedes.call([a, b]) === true)));
  const order = (i: number, j: number): number => (orders[i]![j] ? -1 : +orders[j]![i]!);
  const places = [...items.keys()].sort(order);
  // What is no order would come out as it pleases the way of sorting, and there are many.
  const ranks: number[] = [];
  places.forEach((at, i) => ranks.push(i ? ranks[i - 1]! - Math.min(order(places[i - 1]!, at), 0) : 0));
  places.forEach((a, i) =>
    places.forEach((b, j) => i < j && order(a, b) !== -+(ranks[i]! < ranks[j]!) && ask("a function that is no order")),
  );
  return places.map((at) => items[at]!);
};

export const partition = (items: Value[], size: Num): Value => {
  const step = n.whole(size) ?? 0;
  if (step < 1) nothing();
  charge(items.length);
  return Array.from({ length: Math.ceil(items.length / step) }, (_, i) => items.slice(i * step, (i + 1) * step));
};
