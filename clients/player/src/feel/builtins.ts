/**
 * The built-in functions that programs may call: rows of a signature and what carries it out, as on the server.
 *
 * A signature has a word for each parameter: the letters of its kinds (`kind` in values.ts), `*` for any. `?` may be
 * left out, `~` takes all that remain, `+` at least one.
 */

import * as lists from "./lists.js";
import { NOTHING, nothing, some, spread } from "./lists.js";
import * as n from "./numbers.js";
import { ask } from "./numbers.js";
import type { Num, Rounding } from "./numbers.js";
import { charge } from "./operators.js";
import * as t from "./temporal.js";
import { Clock, Day, Moment, Months, Span } from "./temporal.js";
import * as texts from "./texts.js";
import { compare, kind, sameItem, string } from "./values.js";
import type { Context, Value } from "./values.js";

// Signatures have checked what a function gets.
type Call = (...given: any[]) => Value;
type Row = [signature: string, call: Call];

const DAY_NAMES = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(" ");
const MONTH_NAMES =
  "January February March April May June July August September October November December".split(" ");

const rounding = (mode: Rounding): Call => (a: Num, scale: Num = 0) => some(n.rounded(a, scale, mode));
const ROUNDINGS: Rounding[] = ["up", "down", "half up", "half down"];
/** `decimal` with a mode by its name in Java. */
const decimalBy: Call = (a: Num, scale: Num, named: string | null = null) => {
  const mode = (named ?? "half_even").toLowerCase().replace("_", " ").replace("half even", "even");
  if (mode === "unnecessary") ask("a mode of rounding");
  return [...ROUNDINGS, "floor", "ceiling", "even"].includes(mode) ? rounding(mode as Rounding)(a, scale) : nothing();
};

const dayOf = (a: Day | Moment): Day => (a instanceof Moment ? a.day : a);
const isMoment = (a: Value): a is Moment => a instanceof Moment;

const date: Call = (a: Value) => (a instanceof Day ? a : isMoment(a) ? a.day : some(t.parseDay(a as string)));
const dateOfParts: Call = (...parts: Num[]) => {
  const [year, month, day] = parts.map((part) => some(n.whole(part)));
  return some(t.makeDay(year!, month!, day!));
};
const time: Call = (a: Value) => {
  if (a instanceof Clock) return a;
  return isMoment(a) ? a.clock : a instanceof Day ? new Clock(0, 0) : some(t.parseClock(a as string));
};
const timeOfParts: Call = (hour: Num, minute: Num, second: Num, offset: Span | null = null) => {
  const [h, m] = [some(n.whole(hour)), some(n.whole(minute))];
  if (h < 0 || h > 23 || m < 0 || m > 59 || n.order(second, 0) < 0 || n.order(second, 60) >= 0) nothing();
  return some(t.makeClock(h, m, second, offset));
};
const moment: Call = (a: Value) => {
  if (isMoment(a)) return a;
  return a instanceof Day ? new Moment(a, new Clock(0)) : some(t.parseMoment(a as string));
};
const momentOfParts: Call = (a: Day | Moment, clock: Clock) => new Moment(dayOf(a), clock);
/** As `moment`; a text may have a zone in brackets. */
const momentOfJava: Call = (a: Value) => (typeof a === "string" && a.includes("[") ? ask("a time zone") : moment(a));
const weekOfYear: Call = (a: Day | Moment) => {
  const day = dayOf(a);
  const thursday = t.daysOf(day) - t.weekday(day) + 4;
  for (const year of [day.year + 1, day.year, day.year - 1]) {
    const first = t.daysOf(new Day(year, 1, 1));
    if (thursday >= first) return Math.floor((thursday - first) / 7) + 1;
  }
  return nothing();
};

const absolute: Call = (a: Value) => {
  if (a instanceof Months || a instanceof Span) return a.n < 0n ? t.negated(a) : a;
  return n.absolute(a as Num);
};
const HUGE = n.make(10n ** 34n);
const even: Call = (a: Num) => {
  const found = n.whole(a);
  // What is too large to be whole here ends in zeros.
  if (found === null) return n.order(a, HUGE) >= 0 || n.order(a, n.negative(HUGE)) <= 0;
  return typeof a === "number" ? a % 2 === 0 : Number.isSafeInteger(found) ? found % 2 === 0 : ask("a large number");
};
const odd: Call = (a: Num) => n.whole(a) !== null && !even(a);

const entries = (given: Value[], unique: boolean): Context => {
  const result: Context = new Map();
  charge(given.length);
  for (const entry of given) {
    const key = entry instanceof Map && entry.has("value") ? entry.get("key") : null;
    if (typeof key !== "string" || (unique && result.has(key))) return nothing();
    result.set(key, (entry as Context).get("value")!);
  }
  return result;
};
const put = (context: Context | null, key: string, value: Value): Context => {
  charge((context?.size ?? 0) + 1);
  return new Map(context ?? []).set(key, value);
};
const putNested = (context: Context | null, keys: Value[], value: Value): Context => {
  const key = keys[0];
  if (typeof key !== "string") return nothing();
  if (keys.length === 1) return put(context, key, value);
  const inner = context?.get(key) ?? null;
  return inner === null || inner instanceof Map
    ? put(context, key, putNested(inner, keys.slice(1), value))
    : nothing();
};
const merge = (contexts: Value[]): Context => {
  const result: Context = new Map();
  for (const context of contexts) {
    if (!(context instanceof Map)) return nothing();
    charge(context.size);
    for (const [key, value] of context) result.set(key, value);
  }
  return result;
};
const getEntries: Call = (context: Context) =>
  [...context].map(([key, value]) => new Map<string, Value>([["key", key], ["value", value]]));
const getValue: Call = (context: Context | null, key: string) => context?.get(key) ?? null;
const getDeep: Call = (context: Value, keys: Value[]) =>
  keys.reduce<Value>(
    (value, key) => (typeof key === "string" && value instanceof Map ? (value.get(key) ?? null) : null),
    context,
  );

const text: Call = (a: Value) => {
  charge(Array.isArray(a) ? a.length : 1);
  return a === null ? null : string(a);
};
const not: Call = (a: Value) => (typeof a === "boolean" ? !a : nothing());
const is: Call = (a: Value = null, b: Value = null) => {
  if (kind(a) !== kind(b)) return false;
  if (a instanceof Clock) return a.ns === (b as Clock).ns && a.offset === (b as Clock).offset;
  if (isMoment(a)) return !compare(a.day, (b as Moment).day) && is(a.clock, (b as Moment).clock);
  return sameItem(a, b);
};
const isEmpty: Call = (a: Value) => {
  if (Array.isArray(a) || typeof a === "string") return !a.length;
  return a instanceof Map ? !a.size : nothing();
};

const spreading = (call: Call): Row[] => [["l", call], ["*+", call]];
const all = lists.truths(false);
const any = lists.truths(true);

export const FUNCTIONS: Record<string, Row[]> = {
  number: [["s s0? s0?", texts.number]],
  string: [["*", text]],
  not: [["*", not]],
  is: [["*? *?", is]],
  substring: [["s n n?", texts.substring]],
  "string length": [["s", texts.length]],
  "upper case": [["s", texts.upper]],
  "lower case": [["s", texts.lower]],
  "substring before": [["s s", texts.before]],
  "substring after": [["s s", texts.after]],
  contains: [["s s", (a: string, b: string) => a.includes(b)]],
  "starts with": [["s s", (a: string, b: string) => a.startsWith(b)]],
  "ends with": [["s s", (a: string, b: string) => a.endsWith(b)]],
  "string join": [["l s0?", texts.join]],
  floor: [["n n?", rounding("floor")]],
  ceiling: [["n n?", rounding("ceiling")]],
  ...Object.fromEntries(ROUNDINGS.map((mode) => [`round ${mode}`, [["n n", rounding(mode)]]])),
  decimal: [["n n", rounding("even")]],
  abs: [["nyp", absolute]],
  modulo: [["n n", (a: Num, b: Num) => (n.order(b, 0) ? some(n.modulo(a, b)) : nothing())]],
  sqrt: [["n", (a: Num) => (n.order(a, 0) < 0 ? nothing() : some(n.root(a)))]],
  odd: [["n", odd]],
  even: [["n", even]],
  count: [["l", (items: Value[]) => items.length]],
  min: spreading(lists.extreme(-1)),
  max: spreading(lists.extreme(1)),
  sum: spreading(lists.sum),
  mean: spreading(lists.mean),
  product: spreading(lists.product),
  median: spreading(lists.median),
  mode: spreading(lists.mode),
  all: spreading(all),
  any: spreading(any),
  "list contains": [["l *", lists.listContains]],
  sublist: [["l n n?", lists.sublist]],
  append: [["l *~", (items: Value[], ...more: Value[]) => [...items, ...more]]],
  concatenate: [["l~", lists.concatenate]],
  "insert before": [["l n *", lists.insertBefore]],
  remove: [["l n", lists.remove]],
  "list replace": [["l n *", lists.listReplace], ["l f *", lists.listReplace]],
  reverse: [["l", (items: Value[]) => [...items].reverse()]],
  "index of": [["l *", lists.indexOf]],
  union: [["l~", (...given: Value[][]) => lists.distinct(lists.concatenate(...given))]],
  "distinct values": [["l", lists.distinct]],
  flatten: [["l", lists.flatten]],
  sort: [["l f?", lists.sort]],
  "get value": [["c s", getValue]],
  "get entries": [["c", getEntries]],
  context: [["l", (given: Value[]) => entries(given, true)]],
  "context put": [["c s *", put], ["c l *", putNested]],
  "context merge": [["l", merge]],
  date: [["sdm", date], ["n n n", dateOfParts]],
  time: [["stmd", time], ["n n n p0?", timeOfParts]],
  "date and time": [["sdm", moment], ["dm t", momentOfParts]],
  duration: [["syp", (a: Value) => (t.isDuration(a) ? a : some(t.parseDuration(a as string)))]],
  "years and months duration": [
    ["dm dm", (a: Day | Moment, b: Day | Moment) => new Months(BigInt(t.monthsBetween(dayOf(a), dayOf(b))))],
  ],
  "day of year": [["dm", (a: Day | Moment) => t.daysOf(dayOf(a)) - t.daysOf(new Day(dayOf(a).year, 1, 1)) + 1]],
  "day of week": [["dm", (a: Day | Moment) => DAY_NAMES[t.weekday(dayOf(a)) - 1]!]],
  "month of year": [["dm", (a: Day | Moment) => MONTH_NAMES[dayOf(a).month - 1]!]],
  "week of year": [["dm", weekOfYear]],
  // Camunda's dialect; what has the name of another function has a mark.
  "is empty": [["*", isEmpty], ["*", isEmpty]],
  "is blank": [["s", (a: string) => !texts.trim(a)]],
  "is defined": [["*", (a: Value) => a !== null]],
  "get or else": [["* *", (a: Value, b: Value) => a ?? b]],
  assert: [["* * s0?", (a: Value, condition: Value) => (condition === true ? a : nothing())]],
  trim: [["s", texts.trim]],
  "last day of month": [
    ["dm", (a: Day | Moment) => new Day(dayOf(a).year, dayOf(a).month, t.monthDays(dayOf(a).year, dayOf(a).month))],
  ],
  partition: [["l n", lists.partition]],
  "duplicate values": [["l", lists.duplicates]],
  and: spreading(all),
  or: spreading(any),
  put: [["c0 s *", put]],
  "put all": [["*+", (...given: Value[]) => merge(spread(given))]],
  "abs!": [["nyp", absolute], ["n", absolute]],
  ...Object.fromEntries(ROUNDINGS.map((mode) => [`round ${mode}!`, [["n n?", rounding(mode)]]])),
  "context!": [["l", (given: Value[]) => entries(given, false)]],
  "get value!": [["c0 s", getValue], ["c0 l", getDeep], ["c0 s", getValue]],
  "context put!": [["c0 s *", put], ["c0 l *", putNested]],
  "get entries!": [["c", getEntries], ["c", getEntries]],
  "string join!": [["l s0? s0? s0?", texts.join]],
  "decimal!": [["n n s0?", decimalBy]],
  "date and time!": [["sdm", momentOfJava], ["dm t", momentOfParts], ["m s", () => ask("a time zone")]],
};

interface Parameter {
  kinds: string;
  rest: boolean;
}
interface Overload {
  parameters: Parameter[];
  least: number;
  most: number;
  call: Call;
}

const overload = ([signature, call]: Row): Overload => {
  const words = signature.split(" ");
  const parameters = words.map((word) => ({ kinds: word.replace(/[?~+]/, ""), rest: /[~+]/.test(word) }));
  return {
    parameters,
    least: words.filter((word) => !/[?~]/.test(word)).length,
    most: parameters.at(-1)!.rest ? Infinity : words.length,
    call,
  };
};

const TABLE = new Map(Object.entries(FUNCTIONS).map(([name, rows]) => [name, rows.map(overload)]));

const fits = ({ kinds }: Parameter, a: Value | undefined): boolean =>
  a === undefined || kinds.includes("*") || kinds.includes(kind(a));

/** An argument as the parameter wants it: of a list of one item the item, of an item a list. */
const converted = (parameter: Parameter, a: Value | undefined): Value | undefined => {
  if (fits(parameter, a)) return a;
  const [item] = Array.isArray(a) && a.length === 1 ? a : [null];
  if (item !== null && fits(parameter, item)) return item;
  return a !== null && parameter.kinds.includes("l") ? [a!] : nothing();
};

/** The value of a function; of arguments in the order of one signature, if it is given. One left out is `undefined`. */
export const invoke = (name: string, given: (Value | undefined)[], signature?: number): Value => {
  const rows = TABLE.get(name) ?? ask(`the function ${name}`);
  const counted = rows.filter(({ least, most }) => given.length >= least && given.length <= most);
  const parameterOf = ({ parameters }: Overload, index: number): Parameter => parameters[index] ?? parameters.at(-1)!;
  const exact = ({ parameters }: Overload): boolean =>
    given.every((a, index) => index >= parameters.length || fits(parameters[index]!, a));
  const row = signature === undefined ? (counted.find(exact) ?? counted[0]) : rows[signature];
  charge(1);
  if (!row) return null;
  try {
    return row.call(...given.map((a, index) => converted(parameterOf(row, index), a)));
  } catch (error) {
    if (error === NOTHING) return null;
    throw error;
  }
};

/** `matches`, `split` or `replace` with the pattern of the program. */
export const invokePattern = (name: string, given: Value, pattern: texts.Pattern, by: string): Value => {
  try {
    const subject = converted({ kinds: "s", rest: false }, given) as string;
    if (name === "matches") return texts.matches(subject, pattern);
    return name === "split" ? texts.split(subject, pattern) : texts.replace(subject, pattern, by);
  } catch (error) {
    if (error === NOTHING) return null;
    throw error;
  }
};

/** Every signature, for who compares them with the server's. */
export const signatures = (): Record<string, string[]> =>
  Object.fromEntries(Object.entries(FUNCTIONS).map(([name, rows]) => [name, rows.map(([signature]) => signature)]));
