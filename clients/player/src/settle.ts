/**
 * The page for other answers, without the server: what is seen, computed, limited and held, by the form's programs
 * (`forms/settling.py`). `ask` tells that only the server knows what the page is now.
 */

import { evaluate } from "./evaluating.js";
import { pathOf, valueAt, withValue } from "./paths.js";
import { VALUES } from "./coerce.js";
import { isVisible, walk } from "./shown.js";
import type { Item, Page, Programs, RuleView, View } from "./shown.js";
import type { Program } from "./feel/index.js";
import { encode } from "./wire.js";
import type { Json, JsonObject } from "./wire.js";

const ROUNDS_MAX = 64;
const LIMITS = ["min", "max", "minLength", "maxLength", "minDate", "maxDate", "amount"];

export interface Settled {
  view: View;
  ask: boolean;
}

type Row = Record<string, Program>;

/** A name for an item at its place of the data: rows tell components apart that have no path. */
const keyOf = (item: Item, rows: readonly string[]): string => `${item.place}@${item.path || rows.at(-1) || ""}`;

/** Settles pages of one form. It remembers what it has seen: what is hidden is named only, and may come back. */
export class Settler {
  readonly #seen = new Map<string, Item>();
  readonly #pages = new Map<string, Page>();
  #ask = false;

  constructor(readonly programs: Programs) {}

  /** The view for these answers; `data` is all that conditions see, with what was typed in hidden fields. */
  settle(view: View, data: JsonObject): Settled {
    this.#ask = (this.programs.ask ?? []).length > 0;
    this.#remember(view);
    let current: Json = data;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const pages = this.#pagesFor(view, current, data);
      const following = this.#following(pages, data, current);
      if (encode(following) === encode(current)) return this.#result(view, pages, following as JsonObject);
      current = following;
    }
    return { view, ask: true };
  }

  #remember(view: View): void {
    const each = (items: readonly Item[], rows: readonly string[]): void => {
      for (const item of items) {
        if (isVisible(item)) this.#seen.set(keyOf(item, rows), item);
        each(item.children ?? [], rows);
        item.rows?.forEach((row, number) => each(row, [...rows, `${item.path}[${number}]`]));
      }
    };
    for (const page of view.pages) {
      if (page.visible) this.#pages.set(page.id, page);
      each(page.items, []);
    }
  }

  #pagesFor(view: View, current: Json, data: Json): Page[] {
    let number = 0;
    return view.pages.map((page) => {
      const hidden = this.#is(this.programs.pages?.[page.id], "hide", current, [], !page.visible);
      const known = page.visible ? page : this.#pages.get(page.id);
      if (!hidden && !known) this.#ask = true;
      if (hidden || !known) return { ...page, visible: false, number: 0, items: [], rules: [] };
      number++;
      return { ...known, visible: true, number, items: this.#items(known.items, [], current, data) };
    });
  }

  #items(items: readonly Item[], rows: readonly string[], current: Json, data: Json): Item[] {
    return items.map((item) => this.#item(item, rows, current, data));
  }

  #item(given: Item, rows: readonly string[], current: Json, data: Json): Item {
    const own = this.programs.components?.[given.place];
    const hidden = this.#is(own, "hide", current, rows, !isVisible(given) && !own?.["hide"]);
    const item = isVisible(given) ? given : this.#seen.get(keyOf(given, rows));
    if (!hidden && !item) this.#ask = true;
    const { id, type, place, path = "" } = given;
    if (hidden || !item) return { id, type, place, path, visible: false };
    const made: Item = { ...item, visible: true };
    if (path) made.value = valueAt(data, pathOf(path));
    if (item.children) made.children = this.#items(item.children, rows, current, data);
    if (VALUES[type] === "rows") this.#rows(made, rows, current, data);
    return made;
  }

  /** The rows that the data have now; those that nobody has seen are copies of the first, or the server's. */
  #rows(made: Item, rows: readonly string[], current: Json, data: Json): void {
    const value = made.value;
    const count = Array.isArray(value) ? value.length : (made.rows ?? []).length;
    const drawn = made.rows ?? [];
    made.rows = Array.from({ length: count }, (_, number) => {
      const at = `${made.path}[${number}]`;
      const known = drawn[number] ?? drawn[0]?.map((each) => moved(each, `${made.path}[0]`, at));
      if (!known) this.#ask = true;
      return this.#items(known ?? [], [...rows, at], current, data);
    });
  }

  #following(pages: readonly Page[], data: Json, current: Json): Json {
    let following = data;
    const drop = (path: string | undefined): void => {
      if (path) following = withValue(following, pathOf(path), undefined);
    };
    const dropAll = (items: readonly Item[], rows: readonly string[]): void => {
      for (const item of items) {
        const known = isVisible(item) ? item : this.#seen.get(keyOf(item, rows));
        if (!isVisible(item)) {
          drop(item.path);
          for (const inner of walk(known ? [known] : [])) drop(inner.path);
        } else {
          dropAll(item.children ?? [], rows);
          item.rows?.forEach((row, number) => dropAll(row, [...rows, `${item.path}[${number}]`]));
        }
      }
    };
    for (const page of pages) {
      dropAll(page.visible ? page.items : (this.#pages.get(page.id)?.items.map((item) => ({ ...item, visible: false })) ?? []), []);
    }
    return this.#computed(pages, following, current);
  }

  #computed(pages: readonly Page[], following: Json, current: Json): Json {
    each(pages, (item, rows) => {
      const program = this.programs.components?.[item.place]?.["compute"];
      if (program === undefined || !item.path) return;
      const value = this.#value(program, current, rows);
      if (value !== undefined) following = withValue(following, pathOf(item.path), value);
    });
    return following;
  }

  #result(view: View, pages: readonly Page[], data: JsonObject): Settled {
    const finished = pages.map((page) => ({
      ...page,
      items: page.items.map((item) => this.#finished(item, [], data)),
      rules: this.#ruled(page.rules, this.programs.pages?.[page.id], data, []),
    }));
    const of = finished.filter((page) => page.visible).length;
    const rules = this.#ruled(view.rules, this.programs.form, data, []);
    return { view: { ...view, pages: finished, of, rules, data }, ask: this.#ask };
  }

  /** The item with its limits, whether it may be changed, its rules, and what was computed. */
  #finished(item: Item, rows: readonly string[], data: JsonObject, around: Row = {}): Item {
    const own = this.programs.components?.[item.place] ?? {};
    const made: Item = { ...item };
    if (!isVisible(item)) return made;
    for (const name of ["readonly", "disabled"] as const) {
      if (own[name] !== undefined) made[name] = this.#is(own, name, data, rows, item[name] === true);
    }
    for (const name of LIMITS) {
      if (own[name] === undefined) continue;
      const { [name]: _, ...others } = made.limits ?? {};
      const value = this.#value(own[name], data, rows) ?? null;
      made.limits = value === null ? others : { ...others, [name]: value };
    }
    if (own["compute"] !== undefined) made.value = valueAt(data, pathOf(item.path ?? ""));
    if (item.rules) made.rules = this.#ruled(item.rules, { ...around, ...own }, data, rows);
    made.children = item.children?.map((each) => this.#finished(each, rows, data));
    made.rows = item.rows?.map((row, number) => {
      const inner = [...rows, `${item.path}[${number}]`];
      return row.map((each, at) => this.#finished(each, inner, data, at ? {} : own));
    });
    return made;
  }

  #ruled(rules: readonly RuleView[] = [], own: Row | undefined, data: JsonObject, rows: readonly string[]): RuleView[] {
    return rules.map((rule) => ({ ...rule, holds: this.#is(own, `rule:${rule.name}`, data, rows, rule.holds) }));
  }

  #is(own: Row | undefined, name: string, data: Json, rows: readonly string[], otherwise: boolean): boolean {
    const program = own?.[name];
    if (program === undefined) return otherwise;
    const value = this.#value(program, data, rows);
    return value === undefined ? otherwise : value === true;
  }

  /** The value of a program at a place; `undefined`, and `ask`, where only the server knows. */
  #value(program: Program, data: Json, rows: readonly string[]): Json | undefined {
    const value = evaluate(program, data, rows);
    if (value === undefined) this.#ask = true;
    return value;
  }
}

const each = (pages: readonly Page[], use: (item: Item, rows: readonly string[]) => void): void => {
  const inside = (items: readonly Item[], rows: readonly string[]): void => {
    for (const item of items) {
      if (!isVisible(item)) continue;
      use(item, rows);
      inside(item.children ?? [], rows);
      item.rows?.forEach((row, number) => inside(row, [...rows, `${item.path}[${number}]`]));
    }
  };
  for (const page of pages) if (page.visible) inside(page.items, []);
};

/** An item of one row as it is in another. */
const moved = (item: Item, before: string, after: string): Item => ({
  ...item,
  value: null,
  path: item.path?.startsWith(before) ? after + item.path.slice(before.length) : (item.path ?? ""),
  children: item.children?.map((child) => moved(child, before, after)),
  rows: item.rows?.map((row) => row.map((child) => moved(child, before, after))),
  rules: item.rules?.map((rule) => ({ ...rule, at: rule.at.startsWith(before) ? after + rule.at.slice(before.length) : rule.at })),
});

