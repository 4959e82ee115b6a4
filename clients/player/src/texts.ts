/** What the page says by itself: the messages of verdicts, which are the server's, and the texts of buttons and states. */

import arRules from "forms-texts/ar.json";
import deRules from "forms-texts/de.json";
import enRules from "forms-texts/en.json";
import esRules from "forms-texts/es.json";
import frRules from "forms-texts/fr.json";
import heRules from "forms-texts/he.json";

import ar from "./texts/ar.json" with { type: "json" };
import de from "./texts/de.json" with { type: "json" };
import en from "./texts/en.json" with { type: "json" };
import es from "./texts/es.json" with { type: "json" };
import fr from "./texts/fr.json" with { type: "json" };
import he from "./texts/he.json" with { type: "json" };
import { Dec } from "./feel/numbers.js";
import { textOf } from "./wire.js";
import type { Json } from "./wire.js";

type Message = string | Record<string, string>;
type Table = Readonly<Record<string, Message>>;

const TABLES: Readonly<Record<string, Table>> = {
  ar: { ...arRules, ...ar },
  de: { ...deRules, ...de },
  en: { ...enRules, ...en },
  es: { ...esRules, ...es },
  fr: { ...frRules, ...fr },
  he: { ...heRules, ...he },
};

export const languages = (): string[] => Object.keys(TABLES);
export const tableOf = (language: string): Table => TABLES[language.split(/[-_]/)[0]!] ?? TABLES["en"]!;

const localeOf = (language: string): string => {
  try {
    return new Intl.Locale(language.replaceAll("_", "-")).toString();
  } catch {
    return "en";
  }
};

/** A number or date as the language writes it, any other value as text. */
export const shown = (value: Json, language: string): string => {
  if (typeof value === "number" || value instanceof Dec) {
    // A text of digits is formatted exactly.
    const format = new Intl.NumberFormat(localeOf(language), { maximumFractionDigits: 20 });
    return format.format(textOf(value) as Intl.StringNumericLiteral);
  }
  if (typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value)) {
    const date = new Date(`${value}T00:00:00Z`);
    if (!Number.isNaN(date.getTime())) {
      return new Intl.DateTimeFormat(localeOf(language), { dateStyle: "medium", timeZone: "UTC" }).format(date);
    }
  }
  return value === null ? "" : textOf(value);
};

/** A built-in text: in the language, else in English; "" for one that is not known. */
export const say = (name: string, language: string, params: Readonly<Record<string, Json>> = {}): string => {
  const found = tableOf(language)[name] ?? TABLES["en"]![name];
  if (found === undefined) return "";
  const n = params["n"];
  const category = typeof n === "number" ? new Intl.PluralRules(localeOf(language)).select(n) : "other";
  const text = typeof found === "string" ? found : (found[category] ?? found["other"]!);
  return text.replace(/\{(\w+)\}/g, (whole, key: string) => (Object.hasOwn(params, key) ? shown(params[key]!, language) : whole));
};

const signs = (language: string): [point: string, group: string] => {
  const parts = new Intl.NumberFormat(localeOf(language)).formatToParts(12345.6);
  const of = (type: string): string | undefined => parts.find((part) => part.type === type)?.value;
  const point = of("decimal") ?? ".";
  const group = of("group") ?? "";
  return [point, /^[.,]$/.test(group) ? group : point === "." ? "," : "."];
};

const digit = (sign: string): string => {
  if (/\p{Nd}/u.test(sign) && !/[0-9]/.test(sign)) {
    // Digits stand in tens, each from its own zero.
    let zero = sign.codePointAt(0)!;
    while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1)) && sign.codePointAt(0)! - zero < 9) zero--;
    return String(sign.codePointAt(0)! - zero);
  }
  return ({ "٫": ".", "٬": "", "−": "-" } as Record<string, string>)[sign] ?? sign;
};

/** What was typed as the text of a number: `1.234,5` in German, `1,234.5` in English; null for nothing. */
export const typed = (text: string, language: string): string | null => {
  const [point, group] = signs(language);
  const kept = [...text.replace(/[\s'\u2019\u200e\u200f\u061c]/g, "")].map(digit).join("");
  if (!kept) return null;
  const at = kept.indexOf(point);
  let head = at < 0 ? kept : kept.slice(0, at);
  const [first, ...groups] = head.split(group);
  const size = first!.replace(/^[+-]/, "").length;
  if (groups.length && groups.every((each) => each.length === 3) && size > 0 && size <= 3) head = first + groups.join("");
  else if (groups.length === 1 && at < 0) head = `${first}.${groups[0]}`;
  const made = at < 0 ? head : `${head}.${kept.slice(at + point.length)}`;
  return /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)$/.test(made) ? made : text.trim();
};

/** A number as it is typed in a language, without separators of groups. */
export const typable = (value: Json, language: string): string => {
  if (value === null) return "";
  const text = textOf(value);
  return typeof value !== "string" || /^-?[0-9]+(\.[0-9]+)?$/.test(text) ? text.replace(".", signs(language)[0]) : text;
};
