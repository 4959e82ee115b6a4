/** JSON as the server sends and takes it: numbers keep all of their digits. */

import { from, read, string, write } from "./feel/index.js";
import type { Value } from "./feel/index.js";
import { Dec } from "./feel/numbers.js";

export type Json = null | boolean | string | number | Dec | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

const plain = (value: Value): Json => {
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof Map)) return value as Json;
  const made: JsonObject = {};
  for (const [name, item] of value) {
    // Never by assignment, which would set the prototype for one of the names.
    Object.defineProperty(made, name, { value: plain(item), enumerable: true, configurable: true, writable: true });
  }
  return made;
};

/** The value of a JSON text. Throws `SyntaxError`. */
export const decode = (text: string): Json => plain(read(text));

const given = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(given);
  if (value === null || typeof value !== "object" || value instanceof Dec) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([name, item]) => [name, given(item)]),
  );
};

/** The JSON text of a value; what is undefined is left out. */
export const encode = (value: unknown): string => write(from(given(value)));

/** The value as FEEL has it. */
export const feelOf = (value: Json): Value => from(value);

/** The value as text, as FEEL writes it. */
export const textOf = (value: Json): string => string(from(value));

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Dec);
