/**
 * FEEL's numbers: 34 decimal digits, rounded half to even. A whole number that JavaScript holds exactly is a `number`,
 * any other a `Dec`. `null` means that there is no such number.
 */

/** `c` times ten to the `e`. */
export class Dec {
  constructor(
    readonly c: bigint,
    readonly e: number,
  ) {}
}

export type Num = number | Dec;
export type Rounding = "even" | "up" | "down" | "floor" | "ceiling" | "half up" | "half down";

/** Thrown where only the server knows the value. It is no error: whoever evaluates asks there. */
export class Ask extends Error {}

export const ask = (why: string): never => {
  throw new Ask(why);
};

const DIGITS = 34;
const TINY = -6176;
const TOP = 6111;
const LARGEST = 6144;
const POWER_MAX = 999_999;
const EXPONENT_MAX = 9_999;

const ten = (n: number): bigint => 10n ** BigInt(n);
const size = (c: bigint): bigint => (c < 0n ? -c : c);
const digits = (c: bigint): number => String(size(c)).length;

export const dec = (a: Num): Dec => (typeof a === "number" ? new Dec(BigInt(a), 0) : a);

/** The number, as it stands. */
export const make = (c: bigint, e = 0): Num => {
  const n = Number(c);
  return e === 0 && Number.isSafeInteger(n) ? n : new Dec(c, e);
};

/** `c` without its last digits. */
const cut = (c: bigint, drop: number, mode: Rounding): bigint => {
  const unit = ten(drop);
  const rest = c % unit;
  const kept = c / unit;
  if (!rest) return kept;
  const twice = size(rest) * 2n;
  const up =
    mode === "up" ||
    mode === (c < 0n ? "floor" : "ceiling") ||
    (/half|even/.test(mode) &&
      (twice > unit || (twice === unit && (mode === "half up" || (mode === "even" && kept % 2n !== 0n)))));
  return up ? kept + (c < 0n ? -1n : 1n) : kept;
};

/** The number of at most `precision` digits, whatever its exponent. */
const short = (c: bigint, e: number, precision: number, least = -Infinity): [bigint, number] => {
  const drop = Math.max(digits(c) - precision, least - e);
  if (drop > 0) {
    c = cut(c, drop, "even");
    e += drop;
    if (digits(c) > precision) {
      c /= 10n;
      e++;
    }
  }
  return [c, e];
};

/** The number as results are: of 34 digits, with an exponent in bounds. */
export const fit = (c: bigint, e: number): Num | null => {
  if (!c) return make(0n, Math.min(Math.max(e, TINY), TOP));
  [c, e] = short(c, e, DIGITS, TINY);
  if (e + digits(c) - 1 > LARGEST) return null;
  return e > TOP ? make(c * ten(e - TOP), TOP) : make(c, e);
};

/** An operand of 34 digits; whole numbers stay what they are. */
export const fitted = (a: Num): Dec => (typeof a === "number" ? dec(a) : dec(fit(a.c, a.e) ?? 0));

/** A whole number without its fraction, if it has 34 digits at most. */
export const normal = (a: Num | null): Num | null => {
  if (a === null || typeof a === "number") return a;
  if (!a.c) return 0;
  if (!a.e || digits(a.c) + a.e > DIGITS) return a;
  if (a.e > 0) return make(a.c * ten(a.e));
  const unit = ten(-a.e);
  return a.c % unit ? a : make(a.c / unit);
};

/** The number if it is whole, near enough where it is huge; else null. */
export const whole = (a: Num): number | null => {
  if (typeof a === "number") return a;
  const n = a.e ? normal(fit(a.c, a.e)) : a;
  return typeof n === "number" ? n : n && !n.e ? Number(n.c) : null;
};

/** The number without its fraction. */
export const trunc = (a: Num): number => {
  const n = dec(a);
  return Number(n.e < 0 ? n.c / ten(-n.e) : n.c * ten(n.e));
};

const PARTS = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i;

/** The number of a text with all of its digits, as variables are read; null if it is none. */
export const exact = (text: string): Num | null => {
  const match = PARTS.exec(text);
  if (!match || !(match[2] || match[3])) return null;
  const exponent = Number(match[4] ?? 0);
  if (Math.abs(exponent) > EXPONENT_MAX) ask("an exponent");
  return make(BigInt(match[1] + match[2]! + match[3]), exponent - match[3]!.length);
};

/** The number of a literal. */
export const parse = (text: string): Num | null => {
  const n = exact(text);
  return n instanceof Dec ? fit(n.c, n.e) : n;
};

/** The number without an exponent. */
export const numberText = (a: Num): string => {
  if (typeof a === "number") return String(a);
  let { c, e } = a;
  if (!e) ({ c, e } = fitted(a));
  if (!c && e > 0) return "0";
  const sign = c < 0n ? "-" : "";
  if (e >= 0) return sign + String(size(c)) + "0".repeat(e);
  const text = String(size(c)).padStart(1 - e, "0");
  return `${sign}${text.slice(0, e)}.${text.slice(e)}`;
};

const aligned = (a: Num, b: Num): [bigint, bigint, number] => {
  const x = dec(a);
  const y = dec(b);
  const e = Math.min(x.e, y.e);
  return [x.c * ten(x.e - e), y.c * ten(y.e - e), e];
};

export const order = (a: Num, b: Num): number => {
  if (typeof a === "number" && typeof b === "number") return a < b ? -1 : +(a > b);
  const [x, y] = aligned(a, b);
  return x < y ? -1 : +(x > y);
};

export const negative = (a: Num): Num => (typeof a === "number" ? 0 - a : a.e ? fit(-a.c, a.e)! : make(-a.c));
export const absolute = (a: Num): Num => {
  if (order(a, 0) < 0) return negative(a);
  return typeof a === "number" || !a.e ? a : fit(a.c, a.e)!;
};

export const add = (a: Num, b: Num): Num | null => {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  const [x, y, e] = aligned(a, b);
  return fit(x + y, e);
};

export const subtract = (a: Num, b: Num): Num | null => {
  if (typeof a === "number" && typeof b === "number") {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  const [x, y, e] = aligned(a, b);
  return fit(x - y, e);
};

export const multiply = (a: Num, b: Num): Num | null => {
  if (typeof a === "number" && typeof b === "number") {
    const product = a * b;
    // Zero has no sign here.
    if (Number.isSafeInteger(product)) return product + 0;
  }
  const x = dec(a);
  const y = dec(b);
  return fit(x.c * y.c, x.e + y.e);
};

/** The quotient of `precision` digits, exact ones with the exponent that they would have on paper. */
const quotient = (x: Dec, y: Dec, precision: number): [bigint, number] => {
  const shift = digits(y.c) - digits(x.c) + precision + 1;
  const above = x.c * ten(Math.max(shift, 0));
  const below = y.c * ten(Math.max(-shift, 0));
  let q = above / below;
  let e = x.e - y.e - shift;
  if (above % below) {
    // One more digit, so that a half is no half.
    if (!(q % 5n)) q += above < 0n === below < 0n ? 1n : -1n;
  } else {
    for (; e < x.e - y.e && !(q % 10n); e++) q /= 10n;
  }
  return [q, e];
};

/** a / b; b is not zero. */
export const divide = (a: Num, b: Num): Num | null => {
  if (typeof a === "number" && typeof b === "number" && !(a % b)) return a / b + 0;
  const x = dec(a);
  return x.c ? normal(fit(...quotient(x, dec(b), DIGITS))) : 0;
};

/** a ** b, in the steps of the server's library, so that the last digit is the same. */
export const power = (a: Num, b: Num): Num | null => {
  if (!order(b, 0)) return 1;
  const n = whole(b);
  if (n === null || Math.abs(n) > POWER_MAX) return ask("a power");
  const x = fitted(a);
  if (!x.c) return n > 0 ? 0 : null;
  const precision = DIGITS + String(Math.abs(n)).length + 2 + +(n < 0);
  const [c, e] = n < 0 ? short(...quotient(new Dec(1n, 0), x, precision), precision) : [x.c, x.e];
  let [rc, re] = [c, e];
  for (const bit of Math.abs(n).toString(2).slice(1)) {
    [rc, re] = short(rc * rc, re * 2, precision);
    if (bit === "1") [rc, re] = short(rc * c, re + e, precision);
    if (Math.abs(re + digits(rc)) > LARGEST) return ask("a power");
  }
  return normal(fit(rc, re));
};

/** The square root; a is not negative. */
export const root = (a: Num): Num | null => {
  let { c, e } = fitted(a);
  if (!c) return 0;
  if (e % 2) {
    c *= 10n;
    e--;
  }
  const more = Math.max(0, DIGITS + 1 - (digits(c) >> 1));
  const square = c * ten(2 * more);
  let r = ten((digits(square) >> 1) + 1);
  for (;;) {
    const next = (r + square / r) >> 1n;
    if (next >= r) break;
    r = next;
  }
  let exponent = e / 2 - more;
  if (r * r === square) for (; exponent < e / 2 && !(r % 10n); exponent++) r /= 10n;
  else if (!(r % 5n)) r++;
  return normal(fit(r, exponent));
};

/** The remainder with the sign of the divisor, which is not zero. */
export const modulo = (a: Num, b: Num): Num | null => {
  const isWhole = (n: Num): boolean => typeof n === "number" || !n.e;
  const keep = isWhole(a) && isWhole(b);
  const [x, y, e] = keep ? aligned(a, b) : aligned(fitted(a), fitted(b));
  const rest = ((x % y) + y) % y;
  return keep ? make(rest) : normal(fit(rest, e));
};

/** `a` with `places` digits after the point. */
export const rounded = (a: Num, scale: Num, mode: Rounding): Num | null => {
  const places = whole(scale) ?? trunc(fitted(scale));
  if (places < TOP * -1 || places > -TINY) return null;
  const { c, e } = fitted(a);
  if ((typeof a === "number" && places >= 0) || -e <= places) return a;
  const drop = -places - e;
  // Far below the place of rounding the digits do not matter.
  const kept = drop > digits(c) + 1 ? cut(c < 0n ? -1n : c && 1n, 2, mode) : cut(c, drop, mode);
  return digits(kept) > DIGITS ? null : normal(fit(kept, -places));
};
