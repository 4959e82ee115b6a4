/** The built-in functions of texts. Places count characters, which are code points. */

import * as n from "./numbers.js";
import { ask } from "./numbers.js";
import type { Num } from "./numbers.js";
import { nothing, some } from "./lists.js";
import { charge, limited } from "./operators.js";
import type { Value } from "./values.js";

/** Scripts whose letters have the same upper and lower forms in every version of Unicode that matters. */
const STABLE = /^[\0-\u017f\u0370-\u052f]*$/;
const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const AROUND = new RegExp(`^${SPACE}+|${SPACE}+$`, "g");
const NUMBER = /^-?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,6})?$/;
const DIGITS_MAX = 10_000;

const cut = (a: Num): number => n.whole(a) ?? n.trunc(a);

export const length = (text: string): number => (/[\ud800-\udbff]/.test(text) ? [...text].length : text.length);

export const substring = (text: string, from: Num, count?: Num): string => {
  const characters = [...text];
  const at = cut(from);
  if (!at || Math.abs(at) > characters.length) nothing();
  const first = at > 0 ? at - 1 : characters.length + at;
  if (count === undefined) return characters.slice(first).join("");
  const taken = cut(count);
  return taken < 1 ? nothing() : characters.slice(first, first + taken).join("");
};

export const before = (text: string, match: string): string => text.slice(0, Math.max(text.indexOf(match), 0));
export const after = (text: string, match: string): string => {
  const at = text.indexOf(match);
  return at < 0 ? "" : text.slice(at + match.length);
};

export const upper = (text: string): string => (STABLE.test(text) ? text.toUpperCase() : ask("the case of letters"));
export const lower = (text: string): string => (STABLE.test(text) ? text.toLowerCase() : ask("the case of letters"));
export const trim = (text: string): string => text.replace(AROUND, "");

export const join = (items: Value[], delimiter: Value = null, prefix: Value = null, suffix: Value = null): Value => {
  const texts = items.filter((item) => item !== null);
  if (texts.some((item) => typeof item !== "string")) nothing();
  const between = texts.join((delimiter ?? "") as string);
  return some(limited(String(prefix ?? "") + between + String(suffix ?? "")));
};

export const number = (text: string, grouping: Value = null, point: Value = null): Value => {
  if (grouping !== null && ![" ", ",", "."].includes(grouping as string)) nothing();
  if (point !== null && ![",", "."].includes(point as string)) nothing();
  if (grouping !== null && grouping === (point ?? ".")) nothing();
  if (grouping !== null) text = text.replaceAll(grouping as string, "");
  if (point !== null) text = text.replaceAll(point as string, ".");
  return text.length <= DIGITS_MAX && NUMBER.test(text) ? some(n.parse(text)) : nothing();
};

/** A regular expression as programs have it: its source, the last character that it knows, how long texts may be. */
export type Pattern = readonly [source: string, top: number, limit: number];

const made = new WeakMap<Pattern, RegExp>();

const expression = (pattern: Pattern, text: string): RegExp => {
  const [source, top, limit] = pattern;
  charge(1 + (text.length >> 4));
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > top) ask("rare characters in a pattern");
  if (text.length > limit) nothing();
  let found = made.get(pattern);
  if (!found) made.set(pattern, (found = new RegExp(source, "gu")));
  found.lastIndex = 0;
  return found;
};

export const matches = (text: string, pattern: Pattern): boolean => expression(pattern, text).test(text);
export const split = (text: string, pattern: Pattern): Value => text.split(expression(pattern, text));
export const replace = (text: string, pattern: Pattern, by: string): Value =>
  some(limited(text.replace(expression(pattern, text), () => by)));

