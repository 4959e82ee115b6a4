/** Formats of kinds of fields: the tables of `forms/formats.py`, with its verdicts. */

import { dec, order } from "./feel/numbers.js";
import type { Num } from "./feel/numbers.js";

// What Python takes for a space; `\s` of JavaScript is another set.
const S = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const AROUND = new RegExp(`^[${S}]+|[${S}]+$`, "g");
const SPACES = new RegExp(`[${S}-]+`, "g");
const PHONE_SIGNS = new RegExp(`[${S}().\\-/\\u2010-\\u2015]`, "g");
const LOCAL = new RegExp(`^[^${S}@"(),:;<>[\\]\\\\]+$`);
const LABEL = /^(?!-)[\p{L}\p{N}_-]{1,63}(?<!-)$/u;

const LENGTHS = new Map<string, number>();
for (const row of (
  "15NO 16BE 18DKFIFKFOGLNLSD 19MKSI 20ATBAEEKZLTLUMNXK 21CHHRLILV 22BGBHCRDEGBGEIEMERSVA 23AEGIILIQOMSOTL " +
  "24ADCZESMDPKROSASESKTNVG 25LYPTST 26ISTR 27BIDJFRGRITMCMRSM 28ALAZBYCYDOGTHNHULBNIPLSV 29BREGPSQAUA 30JOKWMUYE " +
  "31MTSC 32LC 33RU"
).split(" ")) {
  for (let at = 2; at < row.length; at += 2) LENGTHS.set(row.slice(at, at + 2), Number(row.slice(0, 2)));
}

export const ibanLengths = (): Record<string, number> => Object.fromEntries(LENGTHS);

const NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
const THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND";

const POSTCODES: readonly (readonly [string, RegExp])[] = [
  ["AT AU BE BG CH CY DK GE HU LU LV NO NZ SI TN ZA", /^[0-9]{4}$/],
  ["DE EE ES FI FR HR IT KR KW LT MA MX MY RS SA TH TR UA US", /^[0-9]{5}$/],
  ["CN CO IN RO RU SG VN", /^[0-9]{6}$/],
  ["IL", /^[0-9]{7}$/],
  ["CZ GR SE SK", /^[0-9]{3} ?[0-9]{2}$/],
  ["PL", /^[0-9]{2}-?[0-9]{3}$/],
  ["PT", /^[0-9]{4}-?[0-9]{3}$/],
  ["BR", /^[0-9]{5}-?[0-9]{3}$/],
  ["JP", /^[0-9]{3}-?[0-9]{4}$/],
  ["NL", /^[1-9][0-9]{3} ?[A-Z]{2}$/],
  ["CA", /^[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]$/],
  ["GB", /^[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}$/],
  ["IE", /^[A-Z][0-9][0-9W] ?[A-Z0-9]{4}$/],
];

/** How many characters, not halves of pairs. */
export const length = (text: string): number => (/[\ud800-\udbff]/.test(text) ? [...text].length : text.length);
export const trimmed = (text: string): string => text.replace(AROUND, "");

export const isEmail = (text: string): boolean => {
  const at = text.lastIndexOf("@");
  const local = text.slice(0, Math.max(at, 0));
  const labels = text.slice(at + 1).split(".");
  return (
    at >= 0 && length(text) <= 254 && length(local) <= 64 && LOCAL.test(local) &&
    !local.startsWith(".") && !local.endsWith(".") && !local.includes("..") &&
    labels.length > 1 && labels.every((label) => LABEL.test(label)) && !/^\p{Nd}+$/u.test(labels.at(-1)!)
  );
};

export const phoneOf = (text: string, callingCode = ""): string => {
  const international = /^(\+|00)/.test(trimmed(text));
  const number = (international ? text.replaceAll("(0)", "") : text).replace(PHONE_SIGNS, "");
  if (number.startsWith("00")) return `+${number.slice(2)}`;
  return callingCode && number && !number.startsWith("+") ? callingCode + number.replace(/^0/, "") : number;
};
export const isPhone = (text: string): boolean => /^\+[1-9][0-9]{6,14}$/.test(text);

export const ibanOf = (text: string): string => text.replace(SPACES, "").toUpperCase();
export const isIban = (text: string): boolean => {
  if (!/^[A-Z]{2}[0-9]{2}[A-Z0-9]+$/.test(text) || LENGTHS.get(text.slice(0, 2)) !== text.length) return false;
  const digits = [...(text.slice(4) + text.slice(0, 4))].map((sign) => parseInt(sign, 36)).join("");
  return BigInt(digits) % 97n === 1n;
};

export const currencyDecimals = (currency: string): number =>
  currency.length !== 3 ? 2 : NO_DECIMALS.includes(currency) ? 0 : THREE_DECIMALS.includes(currency) ? 3 : 2;

/** The digits and the exponent of a number without zeros at its end. */
const shortest = (number: Num): [bigint, number] => {
  let { c, e } = dec(number);
  if (!c) return [0n, 0];
  for (; c % 10n === 0n; c /= 10n) e++;
  return [c, e];
};
export const decimalsOf = (number: Num): number => Math.max(0, -shortest(number)[1]);
export const numberKey = (number: Num): string => shortest(number).join("e");

/** Whether `a - low` is a whole number of steps. */
export const isStep = (a: Num, low: Num, step: Num): boolean => {
  if (order(step, 0) <= 0) return true;
  const all = [a, low, step].map(dec);
  const e = Math.min(...all.map((each) => each.e));
  const [x, y, z] = all.map((each) => each.c * 10n ** BigInt(each.e - e)) as [bigint, bigint, bigint];
  return (x - y) % z === 0n;
};

export const isCardNumber = (text: string): boolean => {
  const digits = text.replace(SPACES, "");
  if (!/^[0-9]{13,19}$/.test(digits)) return false;
  const sum = [...digits].reverse().reduce((total, each, place) => {
    const n = Number(each) * (place % 2 ? 2 : 1);
    return total + (n > 9 ? n - 9 : n);
  }, 0);
  return sum % 10 === 0;
};

export const isPostcode = (text: string, country: string): boolean => {
  const row = POSTCODES.find(([names]) => names.split(" ").includes(country.toUpperCase()));
  const given = trimmed(text).toUpperCase();
  return !row || row[1].test(given) || (country.toUpperCase() === "US" && /^[0-9]{5}-[0-9]{4}$/.test(given));
};

export const fits = (sign: string, wanted: string): boolean => {
  const digit = /^[0-9]$/.test(sign);
  const letter = /^\p{L}$/u.test(sign);
  return wanted === "9" ? digit : wanted === "A" ? letter : wanted === "*" ? digit || letter : sign === wanted;
};
export const fitsMask = (text: string, mask: string): boolean => {
  const signs = [...text];
  const wanted = [...mask];
  return signs.length === wanted.length && signs.every((sign, at) => fits(sign, wanted[at]!));
};

export const isImage = (text: string): boolean =>
  /^data:image\/(?:png|jpeg|svg\+xml|webp);base64,[A-Za-z0-9+/]+={0,2}$/.test(text);

export const accepted = (accept: string, name: string, type: string): boolean => {
  const wanted = accept.split(",").map((each) => trimmed(each).toLowerCase()).filter(Boolean);
  const [file, media] = [name.toLowerCase(), type.toLowerCase()];
  return !wanted.length || wanted.some((each) =>
    each.startsWith(".") ? file.endsWith(each)
    : each.endsWith("/*") ? media.startsWith(each.slice(0, -1))
    : each === "*" || each === media);
};

/** A size in bytes, of a number or a text such as `5 MB`; null for what is none. */
export const sizeOf = (value: unknown): number | null => {
  if (typeof value === "number") return value > 0 ? value : null;
  const match = typeof value === "string" && value.length <= 20 ? /^\s*([0-9]+)\s*(|B|KB|MB|GB)\s*$/i.exec(value) : null;
  if (!match) return null;
  const size = Number(match[1]) * 1000 ** Math.max(0, ["B", "KB", "MB", "GB"].indexOf(match[2]!.toUpperCase()));
  return size || null;
};
