/** What the drawing of fields knows of the page that they stand on. */

import { idOf, h } from "../dom.js";
import type { Conflict, Item } from "../shown.js";
import { say, shown } from "../texts.js";
import type { Json, JsonObject } from "../wire.js";

export interface Host {
  readonly language: string;
  /** Whether what is drawn stands in a shadow tree: only there are slots. */
  readonly shadow: boolean;
  /** What is said about a field, and where its value was changed elsewhere. */
  messages(path: string): string[];
  conflict(path: string): Conflict | undefined;
  /** The value that stands at a path now. */
  value(path: string): Json;
  changed(item: Item, value: Json): void;
  left(item: Item): void;
  /** Takes their value (`theirs`), or keeps the one of this page, after it was changed elsewhere. */
  choose(conflict: Conflict, theirs: boolean): void;
  send(item: Item, file: File, progress: (share: number) => void): Sending;
  told(text: string): void;
  /** Asks the server how things stand: what it alone knows of a file, say. */
  look(): void;
  emit(name: string, detail: JsonObject): void;
}

/** A file on its way: `start` may be called again. */
export interface Sending {
  start(): Promise<JsonObject>;
  cancel(): void;
}

export type Draw = (item: Item, host: Host) => HTMLElement;

export const t = (host: Host, name: string, params: JsonObject = {}): string => say(name, host.language, params);

export const labelOf = (item: Item): string => item.texts?.["label"] ?? item.texts?.["dateLabel"] ?? item.texts?.["timeLabel"] ?? "";

/** The name of a form control, as the server reads it from a plain post. */
export const nameOf = (path: string, part = ""): string => `f:${path}${part && `:${part}`}`;

/** The elements around a control that say what it is, and what is wrong; with the ids that describe it. */
export const around = (item: Item, host: Host): { notes: (HTMLElement | null)[]; attributes: Record<string, string | boolean> } => {
  const path = item.path ?? "";
  const said: HTMLElement[] = [];
  const note = (part: string, name: string, ...texts: string[]): HTMLElement | null => {
    if (!texts.length || !texts[0]) return null;
    const made = h("p", { id: idOf(path, part), class: name }, texts.join(" "));
    said.push(made);
    return made;
  };
  const description = note("hint", "hint", item.texts?.["description"] ?? "");
  const messages = host.messages(path);
  const error = note("error", "error", ...messages);
  const notes = [description, help(item, host), error, conflicted(item, host)];
  const attributes: Record<string, string | boolean> = {};
  if (said.length) attributes["aria-describedby"] = said.map((each) => each.id).join(" ");
  if (messages.length) attributes["aria-invalid"] = "true";
  if (item.required) attributes["aria-required"] = "true";
  return { notes, attributes };
};

export const help = (item: Item, host: Host): HTMLElement | null => {
  const text = item.texts?.["help"] ?? item.extensions?.["help"];
  return typeof text === "string" && text
    ? h("details", { class: "help" }, h("summary", {}, t(host, "help")), h("p", {}, text))
    : null;
};

const conflicted = (item: Item, host: Host): HTMLElement | null => {
  const found = host.conflict(item.path ?? "");
  if (!found) return null;
  const text = (value: Json): string => {
    const option = item.options?.find((each) => each.value === value);
    return option?.label ?? (shown(value, host.language) || t(host, "empty"));
  };
  const choice = (name: string, value: Json, theirs: boolean): HTMLElement =>
    h("button", { type: "button", click: () => host.choose(found, theirs) }, t(host, name, { value: text(value) }));
  return h("div", { class: "notice", role: "status" },
    h("p", {}, t(host, "conflict")), choice("conflict.theirs", found.theirs, true), choice("conflict.mine", found.mine, false));
};

/** The label of a control, with a word where nothing need be answered. */
export const label = (item: Item, host: Host, attributes: Record<string, string> = { for: idOf(item.path ?? "") }): HTMLElement =>
  h("label", attributes, labelOf(item), optional(item, host));

export const optional = (item: Item, host: Host): HTMLElement | null =>
  item.required || item.readonly || item.disabled || item.type === "checkbox"
    ? null
    : h("span", { class: "mild" }, ` ${t(host, "optional")}`);

/** What the element around a control has: the same that the server's pages have. */
export const fieldOf = (item: Item, host: Host): Record<string, string | null> => ({
  class: `field${host.messages(item.path ?? "").length ? " bad" : ""}`,
  "data-path": item.path ?? "", "data-type": item.type, "data-kind": item.kind || null,
});

/** The field around a control. */
export const field = (item: Item, host: Host, ...children: (HTMLElement | null)[]): HTMLElement => h("div", fieldOf(item, host), ...children);
