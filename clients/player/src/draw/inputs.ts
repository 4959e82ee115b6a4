/** Fields of texts, numbers, times and choices. */

import { h, idOf } from "../dom.js";
import type { Attributes } from "../dom.js";
import { fits } from "../formats.js";
import type { Item, Option } from "../shown.js";
import { typable, typed } from "../texts.js";
import { identity } from "../verdict.js";
import { encode, textOf } from "../wire.js";
import type { Json } from "../wire.js";
import { around, field, fieldOf, label, labelOf, nameOf, optional, t } from "./host.js";
import type { Draw, Host } from "./host.js";

const COMPLETE: Readonly<Record<string, string>> = {
  name: "name", firstname: "given-name", lastname: "family-name", email: "email", phone: "tel", street: "address-line1",
  postcode: "postal-code", city: "address-level2", country: "country", birthday: "bday", born: "bday",
};

/** What browsers may fill in: kinds of fields say what they are, and so do keys that have one meaning. */
const completion = (item: Item): string | null => {
  if (item.kind === "one-time-code") return "one-time-code";
  if (item.kind === "phone" || item.limits?.["format"] === "phone") return "tel";
  if (item.limits?.["format"] === "email") return "email";
  if (item.kind === "payment" || item.kind === "signature" || item.extensions?.["sensitive"] === true) return "off";
  return COMPLETE[(item.path ?? "").split(".").at(-1)!.toLowerCase().replaceAll("_", "")] ?? null;
};

const shared = (item: Item): Attributes => ({
  id: idOf(item.path ?? ""),
  name: nameOf(item.path ?? ""),
  disabled: item.disabled,
  readonly: item.readonly,
});

const adorned = (item: Item, control: HTMLElement): HTMLElement => {
  const [before, after] = [item.texts?.["prefixAdorner"], item.texts?.["suffixAdorner"]];
  const currency = item.kind === "currency" && typeof item.extensions?.["currency"] === "string" ? item.extensions["currency"] : "";
  if (!before && !after && !currency) return control;
  const sign = (text: string | undefined): HTMLElement | null => (text ? h("span", {}, text) : null);
  return h("div", { class: "around" }, sign(before), control, sign(after ?? currency));
};

/** Puts the fixed signs of a mask in while it is typed, and leaves out what does not fit. */
export const masked = (text: string, mask: string): string => {
  const signs = [...text];
  let made = "";
  for (const wanted of mask) {
    if (!signs.length) break;
    const open = "9A*".includes(wanted);
    while (open && signs.length && !fits(signs[0]!, wanted)) signs.shift();
    if (!open) {
      made += wanted;
      if (signs[0] === wanted) signs.shift();
    } else if (signs.length) made += signs.shift()!;
  }
  return made;
};

export const text: Draw = (item, host) => {
  const { notes, attributes } = around(item, host);
  const tel = item.kind === "phone" || item.limits?.["format"] === "phone";
  const type = tel ? "tel" : item.limits?.["format"] === "email" ? "email" : "text";
  const mask = item.extensions?.["mask"];
  const input = item.type === "textarea"
    ? h("textarea", { ...shared(item), ...attributes, rows: 4 })
    : h("input", { ...shared(item), ...attributes, type, autocomplete: completion(item), inputmode: item.kind === "one-time-code" ? "numeric" : null,
        spellcheck: item.kind || type !== "text" ? "false" : null, dir: tel || item.kind === "iban" ? "ltr" : null });
  input.value = typeof item.value === "string" ? item.value : item.value === null || item.value === undefined ? "" : textOf(item.value);
  input.addEventListener("input", (event) => {
    const grows = (event as InputEvent).inputType !== "deleteContentBackward" && input.selectionStart === input.value.length;
    if (typeof mask === "string" && grows) input.value = masked(input.value, mask);
    host.changed(item, input.value);
  });
  return field(item, host, label(item, host), ...notes, adorned(item, input));
};

export const number: Draw = (item, host) => {
  const { notes, attributes } = around(item, host);
  // Not of the type number: it takes no comma where the language of the browser is another, and scrolls values away.
  const input = h("input", { ...shared(item), ...attributes, type: "text", inputmode: "decimal", autocomplete: "off", dir: "ltr" });
  input.value = typable(item.value ?? null, host.language);
  input.addEventListener("input", () => host.changed(item, typed(input.value, host.language)));
  return field(item, host, label(item, host), ...notes, adorned(item, input));
};

const parts = (value: unknown, subtype: unknown): [string, string] => {
  const text = typeof value === "string" ? value : "";
  const clock = /^(?:.*T)?(\d\d:\d\d(?::\d\d)?)/.exec(text)?.[1] ?? "";
  return subtype === "time" ? ["", clock] : [text.split("T")[0]!, subtype === "datetime" ? clock : ""];
};

export const moment: Draw = (item, host) => {
  const { notes, attributes } = around(item, host);
  const subtype = item.limits?.["subtype"];
  const [date, time] = parts(item.value, subtype);
  const path = item.path ?? "";
  const step = Number(item.limits?.["timeInterval"] ?? 1) * 60;
  const input = (type: "date" | "time", part: string, value: string): HTMLInputElement => {
    const limit = (name: string): string | null => (type === "date" && typeof item.limits?.[name] === "string" ? item.limits[name] : null);
    const made = h("input", { ...attributes, type, id: idOf(path, part), name: nameOf(path, part), disabled: item.disabled, readonly: item.readonly,
      min: limit("minDate") ?? limit("today"), max: limit("maxDate"), step: type === "time" && step > 60 ? step : null });
    made.value = value;
    return made;
  };
  if (subtype !== "datetime") {
    const one = input(subtype === "time" ? "time" : "date", "", subtype === "time" ? time : date);
    one.addEventListener("input", () => host.changed(item, one.value || null));
    return field(item, host, label(item, host), ...notes, one);
  }
  const [day, clock] = [input("date", "date", date), input("time", "time", time)];
  const told = (): void => host.changed(item, day.value || clock.value ? `${day.value}T${clock.value}` : null);
  const labelled = (made: HTMLInputElement, own: string): HTMLElement => {
    made.addEventListener("input", told);
    return h("div", {}, h("label", { for: made.id }, own), made);
  };
  return group(item, host, notes, "", [
    h("div", { class: "two" }, labelled(day, item.texts?.["dateLabel"] ?? t(host, "date")), labelled(clock, item.texts?.["timeLabel"] ?? t(host, "time"))),
  ]);
};

/** Several controls that are one question. */
export const group = (item: Item, host: Host, notes: (HTMLElement | null)[], role: string, children: (HTMLElement | null)[]): HTMLElement => {
  const { attributes } = around(item, host);
  const { "aria-required": required, ...others } = attributes;
  return h("fieldset", { ...fieldOf(item, host), id: idOf(item.path ?? ""), tabindex: -1, role: role || null, ...others, "aria-required": role === "radiogroup" ? required : null },
    h("legend", {}, labelOf(item), optional(item, host)), ...notes, ...children);
};

export const checkbox: Draw = (item, host) => {
  const { notes, attributes } = around(item, host);
  const { readonly: _, ...own } = shared(item);
  const box = h("input", { ...own, ...attributes, type: "checkbox", disabled: item.disabled || item.readonly });
  box.checked = item.value === true;
  box.addEventListener("change", () => {
    host.changed(item, box.checked);
    host.left(item);
  });
  return field(item, host, ...notes, h("div", { class: "check" }, box, label(item, host)), asked(item));
};

/** Tells a plain post that the boxes were on the page. */
const asked = (item: Item): HTMLElement => h("input", { type: "hidden", name: nameOf(item.path ?? "", "is"), value: "1" });

const signs = /[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]/;
const optionText = (value: Json): string =>
  typeof value === "string" && value && !value.startsWith("=") && !signs.test(value) ? value : `=${encode(value)}`;

const chosen = (item: Item): Set<string> =>
  new Set((Array.isArray(item.value) ? item.value : item.value === null || item.value === undefined ? [] : [item.value]).map(identity));

const unavailable = (item: Item, host: Host): HTMLElement | null =>
  item.options ? null : h("p", { class: "error" }, t(host, "unavailable"));

const boxes = (type: "radio" | "checkbox"): Draw => (item, host) => {
  const { notes } = around(item, host);
  const now = chosen(item);
  const inputs: [HTMLInputElement, Option][] = [];
  const choices = (item.options ?? []).map((option, at) => {
    const id = idOf(item.path ?? "", String(at));
    const input = h("input", { type, id, name: nameOf(item.path ?? ""), value: optionText(option.value), disabled: item.disabled || item.readonly });
    input.checked = now.has(identity(option.value));
    inputs.push([input, option]);
    input.addEventListener("change", () => {
      const values = inputs.filter(([each]) => each.checked).map(([, each]) => each.value);
      host.changed(item, type === "radio" ? (values[0] ?? null) : values);
    });
    return h("div", { class: "check" }, input, h("label", { for: id }, option.label));
  });
  return group(item, host, notes, type === "radio" ? "radiogroup" : "", [unavailable(item, host), ...choices, asked(item)]);
};

export const radio = boxes("radio");
export const checklist = boxes("checkbox");

const SEARCHED_FROM = 12;

export const select: Draw = (item, host) => {
  const { notes, attributes } = around(item, host);
  const now = chosen(item);
  const control = h("select", { id: idOf(item.path ?? ""), name: nameOf(item.path ?? ""), ...attributes, disabled: item.disabled || item.readonly });
  control.append(h("option", { value: "" }, t(host, "choose")));
  (item.options ?? []).forEach((option) => {
    const made = h("option", { value: optionText(option.value) }, option.label);
    made.selected = now.has(identity(option.value));
    control.append(made);
  });
  control.addEventListener("change", () => host.changed(item, item.options?.[control.selectedIndex - 1]?.value ?? null));
  return field(item, host, label(item, host), ...notes, unavailable(item, host), control);
};

/** Boxes, with a field that narrows them where there are many. */
export const taglist: Draw = (item, host) => {
  const drawn = checklist(item, host);
  const options = item.options ?? [];
  if (options.length < SEARCHED_FROM) return drawn;
  const search = h("input", { type: "search", class: "narrow", "aria-label": labelOf(item), autocomplete: "off" });
  search.addEventListener("input", (event) => {
    event.stopPropagation();
    const wanted = search.value.trim().toLocaleLowerCase();
    drawn.querySelectorAll<HTMLElement>(".check").forEach((each, at) => {
      each.hidden = !options[at]!.label.toLocaleLowerCase().includes(wanted) && !each.querySelector("input")!.checked;
    });
  });
  drawn.querySelector("legend")!.after(search);
  return drawn;
};
