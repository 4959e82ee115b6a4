/** Pages of every kind: what stands around the fields. */

import { arrange, h, idOf, safe } from "../dom.js";
import type { Child } from "../dom.js";
import { pageOf } from "../shown.js";
import type { Fault, Shown } from "../shown.js";
import { say } from "../texts.js";
import type { Drawing } from "./fields.js";

/** What the buttons of a page do. */
export interface Actions {
  go(action: "next" | "back" | "submit"): void;
  /** Sends what is typed, and says that it may be gone on with later. */
  save(): void;
  follow(address: string): void;
  retry(): void;
  /** Changes the language; false where the link itself does it. */
  speak(language: string): boolean;
  /** Posts what a page without a form asks: to begin, to open, a code. */
  post(values: Record<string, string>): void;
}

export interface State {
  shown: Shown;
  faults: readonly Fault[];
  /** How it is saved, as text; whether the page waits for longer than is usual. */
  saved: string;
  long: boolean;
  busy: boolean;
  /** Whether the page around has the languages and the brand already. */
  framed: boolean;
  /** The label of the field at a path; "" where there is none. */
  labels(path: string): string;
}

const t = (state: State, name: string, params: Record<string, string | number> = {}): string =>
  say(name, state.shown.language, params);

/** What is said where there is no form: a text of the server's table that is known here, else that of the kind. */
const said = (state: State): string => {
  const { text = "", params = {}, kind } = state.shown;
  return say(text, state.shown.language, params) || t(state, `${kind}.text`);
};

export const titleOf = (shown: Shown): string => {
  const page = shown.view ? pageOf(shown.view, shown.page ?? "") : undefined;
  if (shown.kind === "check") return say("check", shown.language);
  return (shown.kind === "page" ? page?.texts["label"] : "") || shown.title || say(shown.kind, shown.language) || shown.view?.title || "";
};

/** The summary of what is wrong, with links that move to the fields. */
const summary = (state: State): HTMLElement | null => {
  if (!state.faults.length) return null;
  const named = (path: string, message: string): string => {
    const label = state.labels(path);
    return label ? t(state, "problem_at", { label, message }) : message;
  };
  const line = ({ path, message }: Fault): HTMLElement =>
    h("li", {}, path ? h("a", { href: `#${idOf(path)}`, click: (event) => {
      event.preventDefault();
      focusField((event.currentTarget as Element).getRootNode() as Document | ShadowRoot, path);
    } }, named(path, message)) : message);
  return h("div", { class: "errors", role: "alert", tabindex: -1, id: "errors", "aria-labelledby": "errors-title" }, h("h2", { id: "errors-title" }, t(state, "summary")), h("ul", {}, state.faults.map(line)));
};

/** Moves to the control of a field. */
export const focusField = (root: Document | ShadowRoot | Element, path: string): void => {
  const inside = [...root.querySelectorAll<HTMLElement>("[data-path]")].find((each) => each.dataset["path"] === path);
  const control = inside?.querySelector<HTMLElement>("input:not([type=hidden]):not([disabled]),select,textarea") ??
    [...root.querySelectorAll<HTMLElement>("fieldset[id]")].find((each) => each.id === idOf(path));
  control?.scrollIntoView?.({ block: "center" });
  control?.focus();
};

/** What stands above the heading: how far one is, or of what these are the answers. */
const over = (state: State): HTMLElement | null => {
  const { number = 0, of = 0, kind, title = "" } = state.shown;
  if (kind === "check") return title ? h("p", { class: "over" }, title) : null;
  return number > 0 && of > 1
    ? h("p", { class: "progress" }, t(state, "step", { n: number, of }))
    : null;
};

const brand = (shown: Shown): HTMLElement | null => {
  const logo = safe(shown.brand?.logo ?? "", true);
  return logo ? h("img", { class: "logo", src: logo, alt: shown.brand?.name ?? "" }) : null;
};

const buttons = (state: State, actions: Actions): HTMLElement => {
  const { shown } = state;
  const texts = shown.view ? (pageOf(shown.view, shown.page ?? "")?.texts ?? {}) : {};
  const last = shown.last === true || shown.kind === "check";
  const forward = last ? "submit" : "next";
  const to = shown.kind === "page" && last && shown.urls?.["check"] ? "next" : forward;
  const back = shown.first !== true || shown.kind === "check";
  const button = (action: "next" | "back" | "submit", name: string, text: string): HTMLElement =>
    h("button", { type: "submit", name: "action", value: action, class: name || null, disabled: state.busy && action !== "back", formnovalidate: true }, text);
  const hidden = last && shown.kind === "page" && shown.view?.show_submit === false;
  return h("div", { class: "buttons" },
    !hidden && button(to, "main", to === "submit" ? texts["submitLabel"] || t(state, "submit") : texts["nextLabel"] || t(state, "next")),
    back && button("back", "", texts["backLabel"] || t(state, "back")),
    shown.kind === "page" && h("button", { type: "button", click: () => actions.save() }, t(state, "save")),
    h("p", { class: "good", id: "saved", role: "status", "aria-live": "polite" }, state.saved));
};

const form = (state: State, actions: Actions, children: Child[]): HTMLElement => {
  const made = h("form", { method: "post", action: state.shown.urls?.["action"] ?? "", novalidate: true, "data-procession-page": state.shown.page ?? "" },
    h("input", { type: "hidden", name: "csrf", value: state.shown.csrf ?? "" }), h("input", { type: "hidden", name: "lang", value: state.shown.language }),
    h("input", { type: "hidden", name: "version", value: state.shown.version ?? 0 }), ...children);
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    const by = event.submitter as HTMLButtonElement | null;
    const action = by?.value === "back" || by?.value === "submit" ? by.value : state.shown.kind === "check" || primary(made) === "submit" ? "submit" : "next";
    actions.go(action);
  });
  return made;
};

const primary = (made: HTMLElement): string => made.querySelector<HTMLButtonElement>("button.main")?.value ?? "next";

const answers = (state: State, actions: Actions): HTMLElement =>
  h("dl", { class: "answers" }, (state.shown.answers ?? []).map((each) =>
    h("div", { "data-path": each.path }, h("dt", {}, each.label),
      h("dd", {}, /^data:image\//.test(each.text) ? h("img", { src: safe(each.text, true), alt: each.label }) : each.text || t(state, "unanswered")),
      h("dd", {}, h("a", { href: each.url, click: (event) => {
        event.preventDefault();
        actions.follow(each.url);
      } }, t(state, "change"), h("span", { class: "unseen" }, ` ${each.label}`))))));

/** A page without fields: one button, or the field of a code. */
const asking = (state: State, actions: Actions): Child[] => {
  const { kind } = state.shown;
  const code = h("input", { type: "text", inputmode: "numeric", autocomplete: "one-time-code", id: "f-code", name: "code", maxlength: 12, "aria-required": "true" });
  const made = h("form", { method: "post", action: state.shown.urls?.["action"] ?? "", novalidate: true },
    h("input", { type: "hidden", name: "csrf", value: state.shown.csrf ?? "" }),
    kind === "code" && h("div", { class: "field", "data-path": "code" }, h("label", { for: "f-code" }, t(state, "code")), code),
    h("div", { class: "buttons" }, h("button", { type: "submit", class: "main", disabled: state.busy }, t(state, kind === "begin" ? "start" : kind === "code" ? "confirm" : "open"))));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    actions.post(kind === "code" ? { code: code.value.trim() } : {});
  });
  return [h("p", {}, said(state)), made];
};

const languages = (shown: Shown, actions: Actions): HTMLElement | null =>
  (shown.languages ?? []).length > 1
    ? h("nav", {}, h("ul", {}, shown.languages!.map((each) =>
        h("li", {}, h("a", { href: safe(each.url), lang: each.code, hreflang: each.code, "aria-current": each.code === shown.language ? "true" : null, click: (event) => {
          if (actions.speak(each.code)) event.preventDefault();
        } }, each.name)))))
    : null;

const body = (state: State, actions: Actions, fields: HTMLElement): Child[] => {
  const { kind } = state.shown;
  if (kind === "page") return [form(state, actions, [fields, buttons(state, actions)])];
  if (kind === "check") return [form(state, actions, [answers(state, actions), buttons(state, actions)])];
  if (kind === "wait") {
    return [h("div", { class: "waiting", role: "status", "aria-live": "polite" },
      !state.long && h("progress", { "aria-label": t(state, "wait") }), h("p", {}, state.long ? t(state, "wait.long") : said(state)))];
  }
  if (kind === "end") return [h("p", {}, said(state))];
  if (kind === "problem") {
    return [h("p", { role: "alert" }, said(state)), h("div", { class: "buttons" }, h("button", { type: "button", class: "main", click: () => actions.retry() }, t(state, "retry")))];
  }
  return asking(state, actions);
};

/** A page that is drawn, and can be brought up to date in place. */
export class Drawn {
  readonly element: HTMLElement;
  readonly heading: HTMLElement;
  /** Whether a button is held down. */
  pressed = false;
  readonly #fields = h("div", { class: "fields" });
  readonly #note = h("div", { class: "notice", role: "status", "aria-live": "polite" });
  #summary: HTMLElement | null = null;
  #said = "[]";

  constructor(
    readonly drawing: Drawing,
    state: State,
    actions: Actions,
  ) {
    const { shown } = state;
    this.heading = h("h1", { tabindex: -1 }, titleOf(shown));
    this.element = h("div", { class: `page page-${shown.kind}`, lang: shown.language, dir: shown.direction ?? "ltr" },
      !state.framed && brand(shown), over(state), this.heading, this.#note, ...body(state, actions, this.#fields), !state.framed && languages(shown, actions));
    this.element.querySelector(".buttons")?.addEventListener("pointerdown", () => {
      this.pressed = true;
      addEventListener("pointerup", () => setTimeout(() => (this.pressed = false)), { once: true });
    });
    this.update(state);
  }

  /** The fields, messages and states as they are now; what is the same stays untouched. */
  update(state: State): void {
    const { shown } = state;
    const page = shown.kind === "page" && shown.view ? pageOf(shown.view, shown.page ?? "") : undefined;
    arrange(this.#fields, this.drawing.elements(page?.items ?? []));
    this.drawing.finish();
    this.heading.textContent = titleOf(shown);
    const line = this.element.querySelector("#saved");
    if (line && line.textContent !== state.saved) line.textContent = state.saved;
    const now = JSON.stringify(state.faults.map(({ path, message }) => [path, message, state.labels(path)]));
    if (now !== this.#said) {
      this.#summary?.remove();
      this.#summary = summary(state);
      if (this.#summary) this.heading.before(this.#summary);
      this.#said = now;
    }
    for (const button of this.element.querySelectorAll<HTMLButtonElement>("button.main")) button.disabled = state.busy;
  }

  /** What is said at the top: that nothing can be sent now. */
  note(text: string): void {
    if (this.#note.textContent !== text) this.#note.textContent = text;
    this.#note.hidden = !text;
  }

  get summary(): HTMLElement | null {
    return this.#summary;
  }
}
