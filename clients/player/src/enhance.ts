/** Takes over a page that the server made. Where anything goes wrong, the page stays the plain form that it is. */

import { PlayerApi } from "./api.js";
import { answerParent } from "./embed.js";
import { Player } from "./player.js";
import type { PlayerOptions } from "./options.js";
import type { Screen } from "./shown.js";
import { decode, isObject } from "./wire.js";

const KINDS = ["page", "check", "wait"];

/** The screen that the server wrote beside its HTML, as data: no script, so a policy lets it pass. */
const screenOf = (document: Document): Screen | null => {
  try {
    const found = decode(document.getElementById("procession-screen")?.textContent ?? "null");
    if (!isObject(found)) return null;
    const screen = found as unknown as Screen;
    // A page may hold the screen, or what is shown alone.
    return isObject(found["shown"]) ? screen : { shown: found as unknown as Screen["shown"], version: Number(found["version"] ?? 0) };
  } catch {
    return null;
  }
};

/** What was typed before this script ran. */
const typed = (form: HTMLFormElement): Map<string, string> => {
  const found = new Map<string, string>();
  for (const control of form.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>("input,textarea")) {
    const plain = control.tagName === "TEXTAREA" || ["text", "email", "tel", "date", "time"].includes((control as HTMLInputElement).type);
    if (plain && control.name && control.value !== control.defaultValue) found.set(control.name, control.value);
  }
  return found;
};

const post = (form: HTMLFormElement | null, action: string, address: string): void => {
  if (!form) {
    location.assign(address);
    return;
  }
  const button = form.ownerDocument.createElement("input");
  Object.assign(button, { type: "hidden", name: "action", value: action });
  form.append(button);
  // The form's own `submit` may be hidden by a field of that name.
  HTMLFormElement.prototype.submit.call(form);
};

export const enhance = (document: Document, options: Partial<PlayerOptions> = {}): Player | null => {
  const screen = screenOf(document);
  const form = document.querySelector<HTMLFormElement>("form[data-procession-page],form[data-procession-check]");
  const address = form?.dataset["api"] ?? screen?.shown.urls?.["api"];
  const root = form?.closest("main") ?? document.querySelector("main");
  if (!screen || !root || !address || !KINDS.includes(screen.shown.kind)) return null;
  const before = form ? typed(form) : new Map<string, string>();
  const focused = document.activeElement?.id;
  const original = [...root.childNodes];
  const { emit = () => undefined, ...given } = options;
  const tell = answerParent(document);
  try {
    const api = new PlayerApi({ address: new URL(address, document.baseURI).href, csrf: screen.shown.csrf });
    const player = new Player({
      root, api, past: "addresses", plain: post,
      emit: (name, detail) => {
        tell(name, detail);
        emit(name, detail);
        document.dispatchEvent(new CustomEvent(`procession:${name}`, { detail }));
      },
      ...given,
    });
    void player.open(screen);
    for (const [name, value] of before) {
      const control = [...root.querySelectorAll<HTMLInputElement>("[name]")].find((each) => each.name === name);
      if (!control) continue;
      control.value = value;
      control.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (focused) document.getElementById(focused)?.focus();
    return player;
  } catch (error) {
    root.replaceChildren(...original);
    console.error(error);
    return null;
  }
};
