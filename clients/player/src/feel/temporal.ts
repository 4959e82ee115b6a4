/**
 * Dates, times and durations. Zones with a name are the server's: their rules change, and so does what is installed.
 */

import { absolute, ask, dec, divide, fitted, make, multiply, order, trunc } from "./numbers.js";
import type { Num } from "./numbers.js";

export class Day {
  constructor(
    readonly year: number,
    readonly month: number,
    readonly day: number,
  ) {}
}

/** Nanoseconds since midnight, and seconds east of Greenwich; `null` is a local time. */
export class Clock {
  constructor(
    readonly ns: number,
    readonly offset: number | null = null,
  ) {}
}

export class Moment {
  constructor(
    readonly day: Day,
    readonly clock: Clock,
  ) {}
}

/** A duration of years and months. */
export class Months {
  constructor(readonly n: bigint) {}
}

/** A duration of days and time, in nanoseconds. */
export class Span {
  constructor(readonly n: bigint) {}
}

export type Duration = Months | Span;
export type Temporal = Day | Clock | Moment | Duration;

const YEAR_MAX = 999_999_999;
const SECOND = 1_000_000_000;
const SECONDS = BigInt(SECOND);
const DAY = 86_400_000_000_000;
const DAYS = BigInt(DAY);
const OFFSET_MAX = 18 * 3600;
const UNIX_DAY = 719_468;
const TEXT_MAX = 128;
const LONGEST = make(10n ** 30n);

const floor = Math.floor;
const size = (n: bigint): bigint => (n < 0n ? -n : n);
const pad = (n: number, width = 2): string => String(n).padStart(width, "0");
/** Division that rounds down, with the rest. */
const divmod = (a: bigint, b: bigint): [bigint, bigint] => {
  const rest = ((a % b) + b) % b;
  return [(a - rest) / b, rest];
};

/** Days since 1970-01-01. */
export const daysOf = ({ year: y, month: m, day: d }: Day): number => {
  const year = y - +(m <= 2);
  const era = floor(year / 400);
  const inEra = year - era * 400;
  const inYear = floor((153 * (m + (m > 2 ? -3 : 9)) + 2) / 5) + d - 1;
  return era * 146_097 + inEra * 365 + floor(inEra / 4) - floor(inEra / 100) + inYear - UNIX_DAY;
};

export const dayOf = (days: number): Day | null => {
  days += UNIX_DAY;
  const era = floor(days / 146_097);
  const inEra = days - era * 146_097;
  const year = floor((inEra - floor(inEra / 1460) + floor(inEra / 36_524) - floor(inEra / 146_096)) / 365);
  const inYear = inEra - (365 * year + floor(year / 4) - floor(year / 100));
  const shifted = floor((5 * inYear + 2) / 153);
  const month = shifted + (shifted < 10 ? 3 : -9);
  const result = new Day(year + era * 400 + +(month <= 2), month, inYear - floor((153 * shifted + 2) / 5) + 1);
  return Math.abs(result.year) <= YEAR_MAX ? result : null;
};

export const monthDays = (year: number, month: number): number =>
  month === 2
    ? year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
    : [4, 6, 9, 11].includes(month) ? 30 : 31;

export const makeDay = (year: number, month: number, day: number): Day | null =>
  Math.abs(year) <= YEAR_MAX && month >= 1 && month <= 12 && day >= 1 && day <= monthDays(year, month)
    ? new Day(year, month, day)
    : null;

/** 1 for Monday to 7 for Sunday. */
export const weekday = (day: Day): number => ((((daysOf(day) + 3) % 7) + 7) % 7) + 1;

const addMonths = ({ year, month, day }: Day, { n }: Months): Day | null => {
  const total = year * 12 + month - 1 + Number(n);
  const y = floor(total / 12);
  const m = total - y * 12 + 1;
  return Math.abs(y) <= YEAR_MAX ? new Day(y, m, Math.min(day, monthDays(y, m))) : null;
};

const localNs = ({ day, clock }: Moment): bigint => BigInt(daysOf(day)) * DAYS + BigInt(clock.ns);
const instantNs = (moment: Moment): bigint => localNs(moment) - BigInt(moment.clock.offset ?? 0) * SECONDS;
const clockNs = ({ ns, offset }: Clock): bigint => BigInt(ns) - BigInt(offset ?? 0) * SECONDS;
const sameClock = (a: Clock, b: Clock): boolean => (a.offset === null) === (b.offset === null);
const utc = (a: Day | Moment): Moment => (a instanceof Day ? new Moment(a, new Clock(0, 0)) : a);
const later = (moment: Moment, { n }: Span): Moment | null => {
  const [days, ns] = divmod(localNs(moment) + n, DAYS);
  const day = dayOf(Number(days));
  return day && new Moment(day, new Clock(Number(ns), moment.clock.offset));
};

export const isDuration = (a: unknown): a is Duration => a instanceof Months || a instanceof Span;
export const negated = (a: Duration): Duration => (a instanceof Months ? new Months(-a.n) : new Span(-a.n));

/** a + b; null where it has no value. */
export const plus = (a: unknown, b: unknown): Temporal | null => {
  if (isDuration(a) && !isDuration(b)) return plus(b, a);
  if (b instanceof Months) {
    if (a instanceof Months) return new Months(a.n + b.n);
    if (a instanceof Day) return addMonths(a, b);
    if (a instanceof Moment) {
      const day = addMonths(a.day, b);
      return day && new Moment(day, a.clock);
    }
  } else if (b instanceof Span) {
    if (a instanceof Span) return new Span(a.n + b.n);
    if (a instanceof Day) return dayOf(Number(divmod(BigInt(daysOf(a)) * DAYS + b.n, DAYS)[0]));
    if (a instanceof Moment) return later(a, b);
    if (a instanceof Clock) return new Clock(Number(divmod(BigInt(a.ns) + b.n, DAYS)[1]), a.offset);
  }
  return null;
};

/** a - b; null where it has no value. */
export const minus = (a: unknown, b: unknown): Temporal | null => {
  if (isDuration(b)) return plus(a, negated(b));
  if (a instanceof Clock && b instanceof Clock) return sameClock(a, b) ? new Span(clockNs(a) - clockNs(b)) : null;
  if (a instanceof Day && b instanceof Day) return new Span(BigInt(daysOf(a) - daysOf(b)) * DAYS);
  if ((a instanceof Day || a instanceof Moment) && (b instanceof Day || b instanceof Moment)) {
    const [x, y] = [utc(a), utc(b)];
    return sameClock(x.clock, y.clock) ? new Span(instantNs(x) - instantNs(y)) : null;
  }
  return null;
};

const scaled = (a: Duration, n: Num | null): Duration | null => {
  if (n === null || order(absolute(n), LONGEST) > 0) return null;
  const { c, e } = dec(n);
  const cut = e < 0 ? c / 10n ** BigInt(-e) : c * 10n ** BigInt(e);
  return a instanceof Months ? new Months(cut) : new Span(cut);
};

export const times = (a: Duration, factor: Num): Duration | null => scaled(a, multiply(make(a.n), fitted(factor)));

/** A duration divided by a number or a duration; null where it has no value. The divisor is no zero number. */
export const over = (a: Duration, b: unknown): Num | Duration | null => {
  if (isDuration(b)) return a.constructor === b.constructor && b.n ? divide(make(a.n), make(b.n)) : null;
  return scaled(a, divide(make(a.n), fitted(b as Num)));
};

/** The place of a value among those of its type. */
const place = (a: Temporal): bigint =>
  a instanceof Day ? BigInt(daysOf(a)) : a instanceof Clock ? clockNs(a) : a instanceof Moment ? instantNs(a) : a.n;

const comparable = (a: Temporal, b: Temporal): boolean =>
  a instanceof Clock ? sameClock(a, b as Clock) : !(a instanceof Moment) || sameClock(a.clock, (b as Moment).clock);

/** The order of two values of one type; null for a local one and one with an offset. */
export const temporalOrder = (a: Temporal, b: Temporal): number | null => {
  if (!comparable(a, b)) return null;
  const [x, y] = [place(a), place(b)];
  return x < y ? -1 : +(x > y);
};

/** Whether two values of one type are equal; times are compared in whole seconds. */
export const temporalSame = (a: Temporal, b: Temporal): boolean =>
  comparable(a, b) &&
  (a instanceof Clock ? divmod(place(a), SECONDS)[0] === divmod(place(b), SECONDS)[0] : place(a) === place(b));

/** Nanoseconds as seconds. */
const seconds = (ns: bigint): Num => {
  const part = (n: bigint, e: number): Num => (n && !(n % 10n) ? part(n / 10n, e + 1) : make(n, e));
  return ns % SECONDS ? part(ns, -9) : make(ns / SECONDS);
};
const part = ({ n }: Span, unit: bigint, limit: bigint): Num => make((n / (unit * SECONDS)) % limit);

type Pick = (a: never) => Num | Span | null;
const DAY_PARTS: Record<string, Pick> = {
  year: (a: Day) => a.year,
  month: (a: Day) => a.month,
  day: (a: Day) => a.day,
  weekday: (a: Day) => weekday(a),
};
const CLOCK_PARTS: Record<string, Pick> = {
  hour: (a: Clock) => floor(a.ns / SECOND / 3600),
  minute: (a: Clock) => floor(a.ns / SECOND / 60) % 60,
  second: (a: Clock) => seconds(BigInt(a.ns % (60 * SECOND))),
  "time offset": (a: Clock) => (a.offset === null ? null : new Span(BigInt(a.offset) * SECONDS)),
  timezone: () => null,
};
const MONTHS_PARTS: Record<string, Pick> = {
  years: (a: Months) => make(a.n / 12n),
  months: (a: Months) => make(a.n % 12n),
};
const SPAN_PARTS: Record<string, Pick> = {
  days: (a: Span) => part(a, 86_400n, 10n ** 40n),
  hours: (a: Span) => part(a, 3600n, 24n),
  minutes: (a: Span) => part(a, 60n, 60n),
  seconds: (a: Span) => seconds(a.n % (60n * SECONDS)),
};

/** `a.name`; null if there is none. */
export const property = (a: Temporal, name: string): Num | Span | null => {
  const pick = (parts: Record<string, Pick>, of: Temporal): Num | Span | null =>
    Object.hasOwn(parts, name) ? parts[name]!(of as never) : null;
  if (a instanceof Moment) return pick(DAY_PARTS, a.day) ?? pick(CLOCK_PARTS, a.clock);
  if (a instanceof Day) return pick(DAY_PARTS, a);
  if (a instanceof Clock) return pick(CLOCK_PARTS, a);
  return pick(a instanceof Months ? MONTHS_PARTS : SPAN_PARTS, a);
};

/** Whole months between two days. */
export const monthsBetween = (from: Day, to: Day): number => {
  if (daysOf(to) < daysOf(from)) return 0 - monthsBetween(to, from);
  return (to.year - from.year) * 12 + to.month - from.month - +(to.day < from.day);
};

const DATE = /^(-?)([1-9]\d{4,8}|\d{4})-(\d\d)-(\d\d)$/;
const TIME =
  /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,18}))?(?:([Zz])|([+-])(\d\d):(\d\d)(?::(\d\d))?|@([A-Za-z0-9_+/-]{1,64}))?$/;
const MONTHS = /^(-?)P(?=\d)(?:(\d{1,12})Y)?(?:(\d{1,12})M)?$/;
const SPAN = /^(-?)P(?:(\d{1,18})D)?(?:T(?=\d)(?:(\d{1,18})H)?(?:(\d{1,18})M)?(?:(\d{1,18})(?:\.(\d{0,18}))?S)?)?$/;
const fraction = (digits = ""): number => Number(digits.slice(0, 9).padEnd(9, "0"));

export const parseDay = (text: string): Day | null => {
  const m = DATE.exec(text);
  return m && makeDay(Number(m[1] + m[2]!) + 0, Number(m[3]), Number(m[4]));
};

/** A clock, whose time may be that of the next midnight. */
const clock = (text: string): Clock | null => {
  const m = TIME.exec(text);
  if (!m) return null;
  const ns = (Number(m[1]) * 3600 + Number(m[2]) * 60 + Number(m[3])) * SECOND + fraction(m[4]);
  if (Number(m[2]) > 59 || Number(m[3]) > 59 || ns > DAY) return null;
  if (m[10]) return ask("a time zone");
  if (m[5]) return new Clock(ns, 0);
  if (!m[6]) return new Clock(ns);
  const offset = Number(m[7]) * 3600 + Number(m[8]) * 60 + Number(m[9] ?? 0);
  if (Number(m[8]) > 59 || Number(m[9] ?? 0) > 59 || offset > OFFSET_MAX) return null;
  return new Clock(ns, m[6] === "-" ? 0 - offset : offset);
};

export const parseClock = (text: string): Clock | null => {
  const found = clock(text);
  return found && new Clock(found.ns % DAY, found.offset);
};

export const parseMoment = (text: string): Moment | null => {
  const at = text.indexOf("T");
  const day = parseDay(at < 0 ? text : text.slice(0, at));
  const found = at < 0 ? new Clock(0) : day && clock(text.slice(at + 1));
  if (!day || !found) return null;
  if (found.ns < DAY) return new Moment(day, found);
  const next = dayOf(daysOf(day) + 1);
  return next && new Moment(next, new Clock(0, found.offset));
};

export const parseDuration = (text: string): Duration | null => {
  let m = MONTHS.exec(text);
  const whole = (digits = "0"): bigint => BigInt(digits);
  const signed = (n: bigint): bigint => (m![1] ? -n : n);
  if (m) return new Months(signed(whole(m[2]) * 12n + whole(m[3])));
  m = SPAN.exec(text);
  if (!m || text.endsWith("P")) return null;
  const total = whole(m[2]) * 86_400n + whole(m[3]) * 3600n + whole(m[4]) * 60n + whole(m[5]);
  return new Span(signed(total * SECONDS + BigInt(fraction(m[6]))));
};

/** What `@"…"` stands for. */
export const parseTemporal = (text: string): Temporal | null =>
  text.length > TEXT_MAX
    ? null
    : ((text.includes("T") ? parseMoment(text) : null) ?? parseDay(text) ?? parseClock(text) ?? parseDuration(text));

/** `hour`, `minute` and `second`, which may have a fraction, as a clock. */
export const makeClock = (hour: number, minute: number, second: Num, offset: Span | null): Clock | null => {
  const ns = (hour * 60 + minute) * 60 * SECOND + trunc(multiply(second, SECOND) ?? 0);
  if (!offset) return new Clock(ns);
  const east = Number(offset.n / SECONDS);
  return Math.abs(east) > OFFSET_MAX ? null : new Clock(ns, east);
};

const dayText = ({ year, month, day }: Day): string =>
  `${year < 0 ? "-" : ""}${pad(Math.abs(year), 4)}-${pad(month)}-${pad(day)}`;

const tail = (ns: number): string => (ns ? `.${pad(ns, 9)}`.replace(/0+$/, "") : "");

const clockText = ({ ns, offset }: Clock): string => {
  const s = floor(ns / SECOND);
  const text = `${pad(floor(s / 3600))}:${pad(floor(s / 60) % 60)}:${pad(s % 60)}${tail(ns % SECOND)}`;
  if (offset === null) return text;
  if (!offset) return `${text}Z`;
  const east = Math.abs(offset);
  const rest = east % 60 ? `:${pad(east % 60)}` : "";
  return `${text}${offset < 0 ? "-" : "+"}${pad(floor(east / 3600))}:${pad(floor(east / 60) % 60)}${rest}`;
};

const spanText = (n: bigint): string => {
  const sign = n < 0n ? "-" : "";
  const total = size(n);
  const s = total / SECONDS;
  const days = s / 86_400n;
  const unit = (amount: bigint, letter: string): string => (amount ? `${amount}${letter}` : "");
  const rest = tail(Number(total % SECONDS));
  const time =
    unit((s / 3600n) % 24n, "H") + unit((s / 60n) % 60n, "M") + (s % 60n || rest ? `${s % 60n}${rest}S` : "");
  return days || time ? `${sign}P${unit(days, "D")}${time && `T${time}`}` : "PT0S";
};

export const temporalText = (a: Temporal): string => {
  if (a instanceof Day) return dayText(a);
  if (a instanceof Clock) return clockText(a);
  if (a instanceof Moment) return `${dayText(a.day)}T${clockText(a.clock)}`;
  if (a instanceof Span) return spanText(a.n);
  const n = size(a.n);
  const months = n % 12n || n < 12n ? `${n % 12n}M` : "";
  return `${a.n < 0n ? "-" : ""}P${n < 12n ? "" : `${n / 12n}Y`}${months}`;
};

/** A sum of durations of one kind; null of two kinds. */
export const total = (items: readonly unknown[]): Duration | null => {
  let sum = items[0] as Duration;
  for (const item of items.slice(1)) {
    if (!isDuration(item) || item.constructor !== sum.constructor) return null;
    sum = plus(sum, item) as Duration;
  }
  return sum;
};

