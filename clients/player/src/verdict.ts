/**
 * The verdict on answers, as `forms/verdict.py` gives it. It is a courtesy: the server judges again. Where only the
 * server knows, `ask` is set: patterns that may take long, numbers of more than 28 digits, moments in named zones or
 * without an offset that the server's zone is added to.
 */

import { Ask, Dec, ask, order } from "./feel/numbers.js";
import type { Num } from "./feel/numbers.js";
import { daysOf } from "./feel/temporal.js";
import type { Moment } from "./feel/temporal.js";
import * as f from "./formats.js";
import { VALUES, dateIn, momentIn, numberIn, timeIn } from "./coerce.js";
import { found } from "./pattern.js";
import { isVisible, walk } from "./shown.js";
import type { Item, Page, RuleView, View } from "./shown.js";
import { isObject } from "./wire.js";
import type { Json, JsonObject } from "./wire.js";

const TEXT_MAX = 100_000;
const CHOICES_MAX = 1_000;
const SIGNATURE_MAX = 200_000;
const MINUTE_NS = 60_000_000_000;

/** What is wrong: the path, the rule, what its message needs, and the message where the form has one of its own. */
export interface Found {
  path: string;
  rule: string;
  params: JsonObject;
  message?: string;
}

export interface Judged {
  faults: Found[];
  /** Why the server has to be asked; empty if nothing is open. */
  ask: string[];
}

/** The clock, and the files that the server has, by id, where it says. */
export interface Around {
  now: number;
  files?: Readonly<Record<string, { name: string; size: number; type?: string }>>;
}

type Said = [rule: string, params?: JsonObject];
type Check = (item: Item, value: Json, around: Around) => Said[];

export const isEmpty = (value: Json | undefined): boolean =>
  value === null || value === undefined || ((typeof value === "string" || Array.isArray(value)) && !value.length);

/** A text that is the same for values that are equal as JSON: true is not 1, and 1.0 is 1. */
export const identity = (value: Json): string => {
  if (typeof value === "number" || value instanceof Dec) return `n${f.numberKey(value)}`;
  if (Array.isArray(value)) return `[${value.map(identity).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${identity(value[key]!)}`).join()}}`;
};

const bounded = (number: Num): Num => {
  const size = String(number instanceof Dec ? number.c : number).replace("-", "").length;
  return size > 28 ? ask("a long number") : number;
};

const KINDS: Readonly<Record<string, (item: Item, value: string) => Said[]>> = {
  phone: (_, value) => (f.isPhone(value) ? [] : [["phone"]]),
  iban: (_, value) => (f.isIban(value) ? [] : [["iban"]]),
  payment: (_, value) => (f.isCardNumber(value) ? [["payment"]] : []),
  signature: (item, value) => {
    const most = f.sizeOf(item.extensions?.["maxSize"]) ?? SIGNATURE_MAX;
    if (f.length(value) > most) return [["maxSize", { n: most }]];
    return (value.startsWith("data:") && !f.isImage(value)) || !f.trimmed(value) ? [["signature"]] : [];
  },
  "one-time-code": (item, value) => {
    const digits = item.extensions?.["digits"];
    const n = typeof digits === "number" ? digits : 6;
    return value.length === n && /^[0-9]+$/.test(value) ? [] : [["one-time-code", { n }]];
  },
};

const text: Check = (item, value) => {
  if (typeof value !== "string") return [["type"]];
  const said: Said[] = [];
  const limits = item.limits ?? {};
  const size = f.length(value);
  const low = numberIn(limits["minLength"]);
  const high = numberIn(limits["maxLength"]);
  if (low !== null && order(size, low) < 0) said.push(["minLength", { n: low }]);
  if (high !== null && order(size, high) > 0) said.push(["maxLength", { n: high }]);
  if (size > TEXT_MAX && item.kind !== "signature") said.push(["maxLength", { n: TEXT_MAX }]);
  const pattern = limits["pattern"];
  if (typeof pattern === "string" && !found(pattern, value)) said.push(["pattern", { pattern }]);
  if (limits["format"] === "email" && !f.isEmail(value)) said.push(["email"]);
  if (limits["format"] === "phone" && item.kind !== "phone" && !f.isPhone(value)) said.push(["phone"]);
  const mask = item.extensions?.["mask"];
  if (typeof mask === "string" && !f.fitsMask(value, mask)) said.push(["mask", { mask }]);
  return [...said, ...(KINDS[item.kind ?? ""]?.(item, value) ?? [])];
};

const number: Check = (item, value) => {
  const given = numberIn(value);
  if (given === null) return [["type"]];
  const said: Said[] = [];
  const limits = item.limits ?? {};
  const low = numberIn(limits["min"]);
  const high = numberIn(limits["max"]);
  if (low !== null && order(given, low) < 0) said.push(["min", { min: low }]);
  if (high !== null && order(given, high) > 0) said.push(["max", { max: high }]);
  const decimals = limits["decimalDigits"];
  const currency = item.extensions?.["currency"];
  let most = typeof decimals === "number" ? decimals : null;
  if (item.kind === "currency" && typeof currency === "string") most ??= f.currencyDecimals(currency);
  if (most !== null && f.decimalsOf(bounded(given)) > most) said.push(["decimals", { n: most }]);
  const step = numberIn(limits["increment"]);
  if (step !== null && !f.isStep(bounded(given), low ?? 0, step)) said.push(["increment", { step }]);
  return said;
};

const interval = (item: Item, ns: number): Said[] => {
  const n = item.limits?.["timeInterval"];
  return typeof n === "number" && n > 0 && ns % (n * MINUTE_NS) ? [["interval", { n }]] : [];
};

const passed = (item: Item, days: number, at: Moment | null, now: number): boolean => {
  const today = dateIn(item.limits?.["today"]);
  if (!today) return false;
  const offset = at?.clock.offset ?? null;
  const format = item.limits?.["timeSerializingFormat"];
  // The server gives such a moment the offset of its own zone.
  if (at && offset === null && format !== undefined && format !== "no_timezone") ask("a time zone");
  if (!at || offset === null) return days < daysOf(today);
  return days * 86_400_000 + at.clock.ns / 1e6 - offset * 1000 < now;
};

const moment: Check = (item, value, around) => {
  const subtype = item.limits?.["subtype"];
  if (subtype === "time") {
    const time = timeIn(value);
    return time ? interval(item, time.ns) : [["time"]];
  }
  const date = dateIn(value);
  const at = momentIn(value);
  if (!date || (subtype === "datetime" && !at) || (subtype === "date" && at)) return [["date"]];
  const days = daysOf(date);
  const said = at ? interval(item, at.clock.ns) : [];
  if (passed(item, days, at, around.now)) said.push(["passed"]);
  for (const [name, sign] of [["minDate", 1], ["maxDate", -1]] as const) {
    const limit = dateIn(item.limits?.[name]);
    if (limit && days * sign < daysOf(limit) * sign) said.push([name, { date: item.limits![name]! }]);
  }
  return said;
};

const choice: Check = (item, value) => {
  if (!item.options) return [["unavailable"]];
  const wanted = identity(value);
  return item.options.some((option) => identity(option.value) === wanted) ? [] : [["option"]];
};

const choices: Check = (item, value) => {
  if (!Array.isArray(value)) return [["type"]];
  if (!item.options) return [["unavailable"]];
  if (value.length > CHOICES_MAX) return [["type"]];
  const known = new Set(item.options.map((option) => identity(option.value)));
  const chosen = value.map(identity);
  if (!chosen.every((each) => known.has(each))) return [["option"]];
  return new Set(chosen).size < chosen.length ? [["duplicate"]] : [];
};

const attached = (value: Json, around: Around): { name: string; size: number; type: string } | null => {
  const id = isObject(value) ? value["id"] : value;
  if (typeof id !== "string" || !id) return null;
  if (around.files) {
    const file = Object.hasOwn(around.files, id) ? around.files[id]! : null;
    return file && { type: "", ...file };
  }
  const { name = id, size = 0, type = "" } = isObject(value) ? value : {};
  return typeof name === "string" && typeof type === "string" && typeof size === "number" && size >= 0
    ? { name, size, type }
    : null;
};

const files: Check = (item, given, around) => {
  const value = Array.isArray(given) ? given : [given];
  const limit = item.extensions?.["maxFiles"];
  const many = item.limits?.["multiple"] === true || typeof limit === "number";
  const most = typeof limit === "number" ? Math.min(limit, CHOICES_MAX) : many ? CHOICES_MAX : 1;
  if (value.length > most) return [["maxFiles", { n: most }]];
  const largest = f.sizeOf(item.extensions?.["maxSize"]);
  const accept = item.limits?.["accept"];
  const said: Said[] = [];
  for (const each of value) {
    const file = attached(each, around);
    if (!file) return [...said, ["file"]];
    if (largest !== null && file.size > largest) said.push(["maxSize", { n: largest, name: file.name }]);
    if (typeof accept === "string" && !f.accepted(accept, file.name, file.type)) said.push(["accept", { accept, name: file.name }]);
  }
  return said;
};

const CHECKS: Readonly<Record<string, Check>> = {
  text, number, moment, choice, choices, files,
  boolean: (_, value) => (typeof value === "boolean" ? [] : [["type"]]),
  rows: (_, value) => (Array.isArray(value) && value.every(isObject) ? [] : [["type"]]),
};

const said = (item: Item, around: Around): Said[] => {
  const of = VALUES[item.type];
  if (!of || of === "any") return [];
  const value = item.value ?? null;
  const needed: Said[] = item.required ? [[item.kind === "consent" ? "consent" : "required"]] : [];
  if (isEmpty(value) || (item.kind === "consent" && value === false)) {
    return of === "rows" && value !== null ? [...needed, ...CHECKS[of]!(item, value, around)] : needed;
  }
  if (of === "boolean" && value === false && item.required) return needed;
  return CHECKS[of]!(item, value, around);
};

const postcode = (item: Item): Found[] => {
  const parts = new Map([...walk([item])].filter((each) => each.path && isVisible(each)).map((each) => [each.path!.split(".").at(-1), each]));
  const code = parts.get("postcode");
  const country = parts.get("country")?.value;
  if (typeof country !== "string" || typeof code?.value !== "string" || !code.value) return [];
  return f.isPostcode(code.value, country) ? [] : [{ path: code.path!, rule: "postcode", params: { country } }];
};

const broken = (rules: readonly RuleView[] = []): Found[] =>
  rules.filter((rule) => !rule.holds).map(({ at, name, message }) => ({ path: at, rule: name, params: {}, message }));

/** What is wrong with one field. */
export const judgeItem = (item: Item, around: Around): Judged => {
  if (item.disabled || item.readonly) return { faults: [], ask: [] };
  try {
    const address = item.kind === "address" ? postcode(item) : [];
    const own = said(item, around).map(([rule, params = {}]): Found => {
      const message = rule === "pattern" ? item.texts?.["patternErrorMessage"] : undefined;
      return { path: item.path ?? "", rule, params, ...(message ? { message } : {}) };
    });
    return { faults: [...address, ...own], ask: [] };
  } catch (error) {
    if (error instanceof Ask) return { faults: [], ask: [error.message] };
    throw error;
  }
};

/** What is wrong with one page, or with all visible ones and the form. */
export const judge = (view: View, around: Around, page?: string): Judged => {
  const result: Judged = { faults: [], ask: [] };
  const judgePage = (each: Page): void => {
    for (const item of visibly(each.items)) {
      const one = judgeItem(item, around);
      result.faults.push(...one.faults, ...broken(item.rules));
      result.ask.push(...one.ask);
    }
    result.faults.push(...broken(each.rules));
  };
  view.pages.filter((each) => each.visible && (page === undefined || page === each.id)).forEach(judgePage);
  if (page === undefined) result.faults.push(...broken(view.rules));
  const seen = new Map(result.faults.map((fault) => [JSON.stringify([fault.path, fault.rule, fault.message, encodeParams(fault)]), fault]));
  return { faults: [...seen.values()], ask: result.ask };
};

const encodeParams = (fault: Found): string => identity(fault.params);

function* visibly(items: readonly Item[]): Generator<Item> {
  for (const item of walk(items)) if (isVisible(item)) yield item;
}
