/**
 * Patterns of forms. The server matches them in time that grows with the text; `RegExp` goes back and forth, and
 * `^(a+)+$` would stop the page. So only those run here whose worst case is known to be short; others are the server's.
 */

import { ask } from "./feel/numbers.js";

const WORK_MAX = 1_000_000;
const known = new Map<string, { test: RegExp; repeats: number } | null>();

/** How many parts repeat without end, or often; null where one stands in another, or what repeats has ways to choose. */
const repeats = (pattern: string): number | null => {
  let count = 0;
  const open: { choices: boolean; repeats: boolean }[] = [{ choices: false, repeats: false }];
  let last: { choices: boolean; repeats: boolean } | null = null;
  const token = /\\.|\[(?:\\.|[^\]\\])*\]|\((?:\?(?:[:=!]|<[=!]|<\w+>))?|[)|*+?]|\{\d+(?:,\d*)?\}|[^]/gu;
  for (const [sign] of pattern.matchAll(token)) {
    const around = open.at(-1)!;
    if (sign.startsWith("(")) {
      open.push({ choices: false, repeats: false });
      last = null;
    } else if (sign === ")") {
      last = open.pop() ?? null;
      const outer = open.at(-1);
      if (!outer) return null;
      outer.choices ||= last!.choices;
      outer.repeats ||= last!.repeats;
    } else if (sign === "|") {
      around.choices = true;
      last = null;
    } else if (/^(?:[*+?]|\{\d+(?:,\d*)?\})$/.test(sign)) {
      const fixed = /^\{(\d+)\}$/.test(sign);
      if (last && (last.repeats || last.choices) && sign !== "?") return null;
      if (!fixed) {
        // `a?` has two ways, too; twenty of them have a million.
        count += sign === "?" ? 0.5 : 1;
        around.repeats = true;
      }
      last = null;
    } else last = null;
  }
  return count;
};

/** Whether the pattern is found in the text. Throws `Ask` where only the server knows in time. */
export const found = (pattern: string, text: string): boolean => {
  let entry = known.get(pattern);
  if (entry === undefined) {
    const count = repeats(pattern);
    try {
      entry = count === null ? null : { test: new RegExp(pattern, "u"), repeats: count };
    } catch {
      entry = null;
    }
    known.set(pattern, entry);
  }
  // One more, for a pattern may begin at each place.
  if (!entry || Math.max(text.length, 2) ** (entry.repeats + 1) > WORK_MAX) return ask("a pattern");
  return entry.test.test(text);
};
