/** The table of components: which function draws which, and the containers, which hold others. */

import { arrange, h, idOf } from "../dom.js";
import { isVisible } from "../shown.js";
import type { Item } from "../shown.js";
import { isObject, textOf } from "../wire.js";
import type { Json } from "../wire.js";
import { around, field, fieldOf, help, label, labelOf, nameOf, t } from "./host.js";
import type { Draw, Host } from "./host.js";
import { filepicker } from "./files.js";
import * as i from "./inputs.js";
import * as s from "./shows.js";
import { signature } from "./signature.js";

/** A number with the sign of its currency. */
const money = (amount: Json | undefined, currency: Json | undefined, language: string): string => {
  if (amount === null || amount === undefined) return "";
  if (typeof currency !== "string") return textOf(amount);
  try {
    return new Intl.NumberFormat(language, { style: "currency", currency }).format(textOf(amount) as Intl.StringNumericLiteral);
  } catch {
    return `${textOf(amount)} ${currency}`;
  }
};

/** A payment: what comes to be paid, and a place for the page around, which pays and gives the reference. */
const payment: Draw = (item, host) => {
  const { notes, attributes } = around(item, host);
  const path = item.path ?? "";
  const amount = money(item.limits?.["amount"], item.extensions?.["currency"], host.language);
  const input = h("input", { ...attributes, id: idOf(path), name: nameOf(path), type: "text", autocomplete: "off", readonly: item.readonly, disabled: item.disabled });
  input.value = typeof item.value === "string" ? item.value : "";
  input.addEventListener("input", () => host.changed(item, input.value));
  const own = h("div", {}, label(item, host), input);
  const place = host.shadow ? h("slot", { name: `payment-${path}` }, own) : h("div", { "data-payment": path }, own);
  queueMicrotask(() => host.emit("payment", { path, amount: item.limits?.["amount"] ?? null, currency: item.extensions?.["currency"] ?? null }));
  return field(item, host, amount ? h("p", { class: "amount" }, t(host, "pay", { amount })) : null, ...notes, place);
};

const button: Draw = (item) => {
  const reset = item.limits?.["action"] === "reset" || item.drawn?.["action"] === "reset";
  return h("button", { type: reset ? "reset" : "submit", name: reset ? null : "action", value: reset ? null : "next", disabled: item.disabled }, labelOf(item));
};

const KINDS: Readonly<Record<string, Draw>> = { signature, payment };

const DRAWN: Readonly<Record<string, Draw>> = {
  textfield: i.text, textarea: i.text, number: i.number, datetime: i.moment, checkbox: i.checkbox, radio: i.radio, select: i.select,
  checklist: i.checklist, taglist: i.taglist, filepicker, expression: s.computed, text: s.textual, html: s.html, image: s.image, button,
  spacer: s.spacer, separator: s.separator, iframe: s.iframe, table: s.table, documentPreview: s.documents,
};
export const types = (): string[] => [...Object.keys(DRAWN), "group", "dynamiclist"];

interface Kept {
  element: HTMLElement;
  /** What the element was drawn of: while it is the same, the element stays. */
  of: string;
  inside: HTMLElement | null;
}

/** Draws items and keeps what it drew: an element stays while its item does, so nobody loses focus or caret. */
export class Drawing {
  #kept = new Map<string, Kept>();
  readonly #fresh = new Set<string>();
  readonly #lines = new WeakMap<HTMLElement, HTMLElement[]>();

  constructor(readonly host: Host) {}

  /** Forgets everything: another page. */
  clear(): void {
    this.#kept.clear();
  }

  /** Draws a field anew at the next time, with the value of the data. */
  renew(path: string): void {
    this.#fresh.add(path);
  }

  /** The elements of items, new or kept. */
  elements(items: readonly Item[], rows = ""): HTMLElement[] {
    const lines: HTMLElement[] = [];
    let before = "";
    for (const item of items.filter(isVisible)) {
      const element = this.#element(item, `${item.place}@${item.path || rows}`);
      const row = rowOf(item);
      const line = lines.at(-1);
      // What its author put into one row stands beside the others of it, as long as there is room.
      if (row && row === before && line) this.#lines.set(line, [...this.#lines.get(line)!, element]);
      else if (row) lines.push(this.#line(`${rows} ${row}`, element));
      else lines.push(element);
      before = row;
    }
    for (const line of lines) if (this.#lines.has(line)) arrange(line, this.#lines.get(line)!);
    return lines;
  }

  #line(key: string, first: HTMLElement): HTMLElement {
    const kept = this.#kept.get(`line ${key}`) ?? { of: "", inside: null, element: h("div", { class: "line" }) };
    this.#kept.set(`line ${key}`, kept);
    this.#lines.set(kept.element, [first]);
    return kept.element;
  }

  finish(): void {
    this.#fresh.clear();
  }

  #element(item: Item, key: string): HTMLElement {
    const of = this.#signature(item);
    const before = this.#kept.get(key);
    const fresh = this.#fresh.has(item.path ?? "");
    let kept = before;
    if (!before || fresh || (before.of !== of && !this.#busy(before, item))) {
      const focused = before && document.activeElement && activeIn(before.element);
      kept = { ...this.#draw(item), of };
      this.#kept.set(key, kept);
      if (focused) queueMicrotask(() => refocus(kept!.element, focused));
    }
    if (kept!.inside) this.#fill(item, kept!.inside);
    return kept!.element;
  }

  /** What an element is made of: all but the value that its own control has, and what is inside. */
  #signature(item: Item): string {
    const shows = ["expression", "table"].includes(item.type) ? [item.value, item.data] : [];
    const { id, type, kind, readonly, disabled, required, texts, options, limits, extensions, path = "" } = item;
    const said = [this.host.messages(path), this.host.conflict(path) ?? null, this.host.language];
    const rows = item.type === "dynamiclist" ? (item.rows?.length ?? 0) : 0;
    return JSON.stringify([id, type, kind, readonly, disabled, required, texts, options, limits, extensions, shows, said, rows], plain);
  }

  /** Files on their way stay where they are, whatever else changes. */
  #busy(kept: Kept, item: Item): boolean {
    return item.type === "filepicker" && kept.element.querySelector("progress") !== null;
  }

  #draw(item: Item): { element: HTMLElement; inside: HTMLElement | null } {
    if (item.type === "group") return this.#group(item);
    if (item.type === "dynamiclist") return this.#list(item);
    const draw = KINDS[item.kind ?? ""] ?? DRAWN[item.type];
    const element = draw ? draw(item, this.host) : h("p", { class: "error" }, item.type);
    if (item.type !== "expression" && !element.classList.contains("field")) {
      element.classList.add("part");
      const note = help(item, this.host);
      if (note) element.append(note);
    }
    element.addEventListener("focusout", (event) => {
      if (!element.contains(event.relatedTarget as Node | null) && item.path) this.host.left(item);
    });
    const columns = item.drawn?.["layout"] && isObject(item.drawn["layout"]) ? item.drawn["layout"]["columns"] : null;
    if (typeof columns === "number") element.classList.add(`c${columns}`);
    return { element, inside: null };
  }

  #group(item: Item): { element: HTMLElement; inside: HTMLElement } {
    const inside = h("div", { class: "inside" });
    const { notes } = around(item, this.host);
    const text = labelOf(item);
    const element = text
      ? h("fieldset", { class: `group${item.drawn?.["showOutline"] === true ? " outline" : ""}`, "data-kind": item.kind || null }, h("legend", {}, text), ...notes, inside)
      : h("div", { class: "group" }, ...notes, inside);
    return { element, inside };
  }

  #list(item: Item): { element: HTMLElement; inside: HTMLElement } {
    const inside = h("div", { class: "rows" });
    const { notes } = around(item, this.host);
    const add = item.limits?.["allowAddRemove"] === true && item.limits["isRepeating"] !== false;
    const more = h("button", { type: "button", class: "add", click: () => {
      this.host.changed(item, [...rowsOf(item, this.host), {}]);
      queueMicrotask(() => inside.lastElementChild?.querySelector<HTMLElement>("input,select,textarea")?.focus());
    } }, t(this.host, "add"));
    const element = h("fieldset", { ...fieldOf(item, this.host), id: idOf(item.path ?? ""), tabindex: -1 },
      h("legend", {}, labelOf(item)), ...notes, inside, add && more);
    return { element, inside };
  }

  #fill(item: Item, inside: HTMLElement): void {
    if (item.type === "group") {
      arrange(inside, this.elements(item.children ?? [], item.path));
      return;
    }
    const removable = item.limits?.["allowAddRemove"] === true;
    const rows = (item.rows ?? []).map((row, number) => {
      const at = `${item.path}[${number}]`;
      const key = `row ${at}`;
      const name = t(this.host, "row", { label: labelOf(item), n: number + 1 });
      const remove = h("button", { type: "button", class: "remove", click: () => {
        this.#forget(item.path ?? "");
        this.host.changed(item, rowsOf(item, this.host).filter((_, each) => each !== number));
        inside.closest<HTMLElement>("fieldset")?.focus();
      } }, t(this.host, "remove", { label: name }));
      const fields = h("div", { class: "inside" });
      const kept = this.#kept.get(key) ?? { of: "", inside: fields, element: h("fieldset", { class: "row" }, h("legend", {}, name), fields, removable && remove) };
      this.#kept.set(key, kept);
      arrange(kept.inside!, this.elements(row, at));
      return kept.element;
    });
    arrange(inside, rows);
  }

  /** The rows of a list are drawn anew: their numbers are others. */
  #forget(path: string): void {
    for (const key of this.#kept.keys()) if (key.includes(`@${path}[`) || key.startsWith(`row ${path}[`)) this.#kept.delete(key);
  }
}

const rowsOf = (item: Item, host: Host): Json[] => {
  const value = host.value(item.path ?? "");
  return Array.isArray(value) ? value : (item.rows ?? []).map(() => ({}));
};

const rowOf = (item: Item): string => {
  const layout = item.drawn?.["layout"];
  return isObject(layout) && typeof layout["row"] === "string" ? layout["row"] : "";
};

const plain = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value);

const activeIn = (element: HTMLElement): { id: string; caret: number | null } | null => {
  const root = element.getRootNode() as Document | ShadowRoot;
  const active = root.activeElement as HTMLInputElement | null;
  if (!active || !element.contains(active) || !active.id) return null;
  let caret: number | null = null;
  try {
    caret = active.selectionStart;
  } catch {
    // Dates have no caret.
  }
  return { id: active.id, caret };
};

const refocus = (element: HTMLElement, { id, caret }: { id: string; caret: number | null }): void => {
  const found = [...element.querySelectorAll<HTMLInputElement>("[id]")].find((each) => each.id === id);
  found?.focus();
  if (found && caret !== null) found.setSelectionRange?.(caret, caret);
};
