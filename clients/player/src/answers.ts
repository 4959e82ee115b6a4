/** The answers of one task in this window: what the server gave, what was typed over it, what is said about it. */

import { coerced } from "./coerce.js";
import { pathOf, valueAt, withValue } from "./paths.js";
import { Settler } from "./settle.js";
import { isVisible, walk } from "./shown.js";
import type { Conflict, Fault, Item, Programs, View } from "./shown.js";
import { say } from "./texts.js";
import { identity, judge, judgeItem } from "./verdict.js";
import type { Found } from "./verdict.js";
import type { Json, JsonObject } from "./wire.js";

export class Answers {
  view: View;
  /** Whether only the server knows what the page is now. */
  stale = false;
  readonly conflicts = new Map<string, Conflict>();
  #given: View;
  #data: JsonObject;
  readonly #typed = new Map<string, Json>();
  readonly #settler: Settler;
  #faults: Fault[] = [];

  constructor(
    view: View,
    readonly programs: Programs,
  ) {
    this.view = this.#given = view;
    this.#data = view.data;
    this.#settler = new Settler(programs);
    this.settle();
  }

  get faults(): readonly Fault[] {
    return this.#faults;
  }

  value(path: string): Json {
    return valueAt(this.#data, pathOf(path));
  }

  /**
   * What the server says now. What was typed since it was asked (`open`) stays, and so does what hidden fields had.
   * Gives the paths of fields that have another value than before.
   */
  adopt(view: View, open: ReadonlySet<string>): string[] {
    const seen = new Map([...items(view)].filter((item) => item.path && isVisible(item)).map((item) => [item.path!, item]));
    const before = new Map([...items(this.view)].filter((item) => item.path).map((item) => [item.path!, item.value ?? null]));
    this.#given = view;
    let data: Json = view.data;
    for (const [path, value] of this.#typed) {
      if (seen.has(path) && !open.has(path)) this.#typed.delete(path);
      else data = withValue(data, pathOf(path), value);
    }
    this.#data = data as JsonObject;
    this.settle();
    return [...items(this.view)]
      .filter(({ path }) => path && before.has(path) && identity(before.get(path)!) !== identity(this.value(path)))
      .map((item) => item.path!);
  }

  /** Takes what was typed; gives the value as it is sent. */
  put(item: Item, value: Json): Json {
    const path = item.path ?? "";
    const kept = coerced(item, value);
    if (item.type === "dynamiclist") {
      for (const each of this.#typed.keys()) if (each.startsWith(`${path}[`)) this.#typed.delete(each);
    }
    this.#typed.set(path, kept);
    this.#data = withValue(this.#data, pathOf(path), kept) as JsonObject;
    this.settle();
    return kept;
  }

  settle(): void {
    const settled = this.#settler.settle(this.#given, this.#data);
    this.view = settled.view;
    // Without programs all conditions are the server's.
    this.stale = settled.ask || this.programs.server === true || !this.programs.components;
  }

  /** Judges one page; true if nothing is known to be wrong with it. */
  judgePage(page: string, now: number): boolean {
    this.#faults = judge(this.view, { now }, page).faults.map((each) => this.#fault(each));
    return !this.#faults.length;
  }

  /** Whether a page is without fault, without saying so. */
  isValid(page: string, now: number): boolean {
    return !judge(this.view, { now }, page).faults.length;
  }

  /** Judges one field when it is left. Gives whether only the server knows. */
  judgeField(path: string, now: number): boolean {
    const found: Found[] = [];
    let ask = false;
    for (const item of items(this.view)) {
      if (item.path !== path && item.kind !== "address") continue;
      const one = judgeItem(item, { now });
      found.push(...one.faults.filter((each) => each.path === path));
      ask ||= item.path === path && one.ask.length > 0;
    }
    for (const { at, holds, name, message } of this.#rules()) {
      if (at === path && !holds) found.push({ path, rule: name, params: {}, message });
    }
    this.say(path, found.map((each) => this.#fault(each)));
    return ask;
  }

  /** Replaces what is said about one field. */
  say(path: string, faults: readonly Fault[]): void {
    const order = [...items(this.view)].map((item) => item.path ?? "");
    const all = [...this.#faults.filter((fault) => fault.path !== path), ...faults];
    this.#faults = all.sort((a, b) => order.indexOf(a.path) - order.indexOf(b.path));
  }

  sayAll(faults: readonly Fault[]): void {
    this.#faults = [...faults];
  }

  /** The first visible page with a field that something is said about. */
  pageWith(faults: readonly Fault[]): string | undefined {
    const paths = new Set(faults.map((fault) => fault.path));
    return this.view.pages.find((page) => page.visible && [...walk(page.items)].some((item) => item.path && paths.has(item.path)))?.id;
  }

  /** The field at a path. */
  item(path: string): Item | undefined {
    return [...items(this.view)].find((item) => item.path === path && item.type !== "group");
  }

  messages(path: string): string[] {
    return path ? this.#faults.filter((fault) => fault.path === path).map((fault) => fault.message) : [];
  }

  *#rules(): Generator<{ at: string; holds: boolean; name: string; message: string }> {
    for (const page of this.view.pages) {
      yield* page.rules;
      for (const item of walk(page.items)) yield* item.rules ?? [];
    }
  }

  #fault({ path, rule, params, message }: Found): Fault {
    return { path, rule, params, message: message ?? (say(rule, this.view.language, params) || rule) };
  }
}

function* items(view: View): Generator<Item> {
  for (const page of view.pages) yield* walk(page.items);
}
