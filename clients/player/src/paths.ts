/** Data by path, as `forms/scope.py` has it: `people[0].name`. */

import { isObject } from "./wire.js";
import type { Json, JsonObject } from "./wire.js";

export type Step = string | number;

/** The steps of a path; none for a text that is no path. */
export const pathOf = (text: string): Step[] => {
  const steps: Step[] = [];
  let end = 0;
  for (const match of text.matchAll(/\.?([^.[\]]+)|\[(\d{1,6})\]/g)) {
    if (match.index !== end) return [];
    end += match[0].length;
    steps.push(match[2] === undefined ? match[1]! : Number(match[2]));
  }
  return end === text.length ? steps : [];
};

export const valueAt = (data: Json, path: readonly Step[]): Json => {
  for (const step of path) {
    if (typeof step === "string" && isObject(data) && Object.hasOwn(data, step)) data = data[step]!;
    else if (typeof step === "number" && Array.isArray(data) && step < data.length) data = data[step]!;
    else return null;
  }
  return data;
};

/** Other data in which a value stands at a path; what is not on the way is shared. */
export const withValue = (data: Json, path: readonly Step[], value: Json | undefined): Json => {
  const [step, ...rest] = path;
  if (step === undefined) return value ?? null;
  if (typeof step === "number") {
    const rows: Json[] = Array.isArray(data) ? [...data] : [];
    while (rows.length <= step) rows.push({});
    rows[step] = withValue(rows[step]!, rest, value);
    return rows;
  }
  const entries: JsonObject = isObject(data) ? { ...data } : {};
  if (step === "__proto__") return entries;
  if (!rest.length && value === undefined) delete entries[step];
  else if (value !== undefined || Object.hasOwn(entries, step)) entries[step] = withValue(entries[step] ?? null, rest, value);
  return entries;
};

/** The numbers of rows that a path is in, as paths of theirs, the outermost first. */
export const rowsOf = (path: string): string[] => [...path.matchAll(/\[\d+\]/g)].map((m) => path.slice(0, m.index + m[0].length));
