/** What was typed as the value that the server makes of it: `forms/coercion.py`, as far as the verdict depends on it. */

import { normal, parse } from "./feel/numbers.js";
import { Dec } from "./feel/numbers.js";
import type { Num } from "./feel/numbers.js";
import { parseClock, parseDay, parseMoment } from "./feel/temporal.js";
import type { Clock, Day, Moment } from "./feel/temporal.js";
import { ibanOf, phoneOf, trimmed } from "./formats.js";
import type { Item } from "./shown.js";
import type { Json } from "./wire.js";

const TEXT = "text";
export const VALUES: Readonly<Record<string, string>> = {
  textfield: TEXT, textarea: TEXT, number: "number", datetime: "moment", checkbox: "boolean", radio: "choice",
  select: "choice", checklist: "choices", taglist: "choices", filepicker: "files", expression: "any", dynamiclist: "rows",
};

/** The number of a value: a number, or the text of one; null for what is none. */
export const numberIn = (value: Json | undefined): Num | null => {
  if (typeof value === "number" || value instanceof Dec) return value;
  const text = typeof value === "string" ? trimmed(value) : "";
  if (text.length > 60 || !/^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,4})?$/.test(text)) return null;
  return normal(parse(text));
};

const withSeconds = (text: string): string => text.replace(/(^|T)(\d{2}:\d{2})(?!:)/, "$1$2:00");

export const momentIn = (value: Json | undefined): Moment | null =>
  typeof value === "string" && value.length <= 64 && value.includes("T") ? parseMoment(withSeconds(value)) : null;

export const dateIn = (value: Json | undefined): Day | null =>
  typeof value === "string" && value.length <= 64 ? (parseDay(value) ?? momentIn(value)?.day ?? null) : null;

export const timeIn = (value: Json | undefined): Clock | null =>
  typeof value === "string" && value.length <= 64 ? parseClock(withSeconds(value)) : null;

/** The value as the server keeps it. What cannot be made into the kind of its field stays, and the verdict refuses it. */
export const coerced = (item: Item, value: Json): Json => {
  const of = VALUES[item.type] ?? "";
  if (value === null || (value === "" && of !== TEXT)) return null;
  if (of === "number") return numberIn(value) ?? value;
  if (of === "boolean") return value === "true" || value === "on" ? true : value === "false" ? false : value;
  if (of === "choices" || of === "files") return Array.isArray(value) ? value : [value];
  if (of !== TEXT || typeof value !== "string") return value;
  const format = item.limits?.["format"];
  if (item.kind === "iban") return ibanOf(value);
  if (item.kind === "phone" || format === "phone") {
    const code = item.extensions?.["callingCode"];
    return phoneOf(value, typeof code === "string" ? code : "");
  }
  if (item.kind === "one-time-code" || item.kind === "payment" || format === "email") return trimmed(value);
  return value.replaceAll("\r\n", "\n");
};
