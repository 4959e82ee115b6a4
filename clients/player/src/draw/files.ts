/** Files: chosen or taken by the camera, checked, sent in chunks with progress, gone on with, taken away. */

import { append, h, idOf } from "../dom.js";
import type { Item } from "../shown.js";
import { say } from "../texts.js";
import { judgeItem } from "../verdict.js";
import { isObject } from "../wire.js";
import type { Json } from "../wire.js";
import { around, t } from "./host.js";
import type { Draw, Host, Sending } from "./host.js";
import { group } from "./inputs.js";

const LOOK = 2_000;
const LOOK_MAX = 30_000;
const PREVIEW = 64;

const filesOf = (value: Json | undefined): Json[] =>
  Array.isArray(value) ? value : value === null || value === undefined ? [] : [value];

const idOfFile = (value: Json): string => (isObject(value) && typeof value["id"] === "string" ? value["id"] : "");

/** Small pictures of what was sent from here, by the id of the file: a field that is drawn anew shows them again. */
const pictures = new Map<string, HTMLCanvasElement>();

const nameOfFile = (value: Json): string => {
  const name = isObject(value) ? (value["name"] ?? value["id"]) : value;
  return typeof name === "string" ? name : "";
};

const scanOf = (value: Json): string => (isObject(value) && typeof value["scan"] === "string" ? value["scan"] : "");

/** A file's name, and what the scanner of viruses says of it. */
const state = (value: Json, name: string, host: Host): string => {
  const scan = scanOf(value);
  return scan ? t(host, scan === "infected" ? "file.infected" : "file.waiting", { name }) : name;
};

/** Asks how a scan stands, as long as the field is shown: an answer that changed anything draws it anew. */
const again = (list: HTMLElement, host: Host, pause = LOOK): void => {
  setTimeout(() => {
    if (!list.isConnected) return;
    host.look();
    again(list, host, Math.min(pause * 2, LOOK_MAX));
  }, pause);
};

/** A small picture of an image that was chosen, drawn: no address of it, which a policy would have to allow. */
const preview = async (file: File, line: HTMLElement): Promise<void> => {
  if (!file.type.startsWith("image/") || typeof createImageBitmap !== "function") return;
  try {
    const picture = await createImageBitmap(file, { resizeHeight: PREVIEW, resizeQuality: "medium" });
    const canvas = h("canvas", { class: "preview", width: picture.width, height: PREVIEW, role: "img", "aria-label": file.name });
    canvas.getContext("2d")?.drawImage(picture, 0, 0);
    line.prepend(canvas);
  } catch {
    // No picture that can be shown: its name is.
  }
};

/** Why a file is not even sent; "" if it may be. */
const refused = (item: Item, file: File, before: Json[], host: Host): string => {
  const value = [...before, { id: "new", name: file.name, size: file.size, type: file.type }];
  const fault = judgeItem({ ...item, value, readonly: false, disabled: false }, { now: Date.now() }).faults[0];
  return fault ? say(fault.rule, host.language, fault.params) : "";
};

export const filepicker: Draw = (item, host) => {
  const { notes } = around(item, host);
  const accept = item.limits?.["accept"];
  const many = item.limits?.["multiple"] === true || typeof item.extensions?.["maxFiles"] === "number";
  const list = h("ul", { class: "files" });
  let values = filesOf(item.value);
  const off = item.disabled || item.readonly;
  const keep = (next: Json[]): void => {
    values = next;
    host.changed(item, values);
    host.left(item);
  };
  const row = (value: Json): HTMLElement => {
    const name = nameOfFile(value);
    const made = h("li", {}, pictures.get(idOfFile(value)), h("bdi", {}, state(value, name, host)), !off && h("button", { type: "button", click: () => {
      made.remove();
      keep(values.filter((each) => each !== value));
    } }, t(host, "remove", { label: name })));
    return made;
  };
  const take = (file: File): void => {
    const why = refused(item, file, many ? values : [], host);
    if (why) list.append(h("li", { class: "error", role: "alert" }, h("bdi", {}, file.name), ` ${why}`));
    else list.append(sent(item, file, host, (value, line) => {
      const picture = line.querySelector("canvas");
      if (picture) pictures.set(idOfFile(value), picture);
      line.replaceWith(row(value));
      keep(many ? [...values, value] : [value]);
      host.look();
    }));
  };
  const input = (part: string, more: Record<string, string | boolean>): HTMLInputElement => {
    const made = h("input", { type: "file", id: idOf(item.path ?? "", part), disabled: off, multiple: many, ...more });
    made.addEventListener("change", () => {
      [...(made.files ?? [])].forEach(take);
      made.value = "";
    });
    return made;
  };
  append(list, values.map(row));
  if (values.some((value) => ["waiting", "failed"].includes(scanOf(value)))) again(list, host);
  const images = typeof accept === "string" && /image\/|\.jpe?g|\.png/i.test(accept);
  const photo = images ? input("photo", { accept: "image/*", capture: "environment" }) : null;
  return group(item, host, notes, "", [
    input("file", { "aria-label": item.texts?.["label"] ?? "", ...(typeof accept === "string" ? { accept } : {}) }),
    photo && h("label", { for: photo.id, class: "apart" }, t(host, "file.photo")), photo, list,
  ]);
};

/** One line for a file on its way. */
const sent = (item: Item, file: File, host: Host, done: (value: Json, line: HTMLElement) => void): HTMLElement => {
  const bar = h("progress", { max: 1, value: 0, "aria-label": file.name });
  const text = h("span", {}, t(host, "file.sending", { name: file.name, n: 0 }));
  const line = h("li", {}, bar, text);
  const sending: Sending = host.send(item, file, (share) => {
    bar.value = share;
    text.textContent = t(host, "file.sending", { name: file.name, n: Math.round(share * 100) });
  });
  const go = async (): Promise<void> => {
    try {
      const value = await sending.start();
      host.told(t(host, "file.sent", { name: file.name }));
      done(value, line);
    } catch {
      const resume = h("button", { type: "button", click: () => {
        resume.remove();
        void go();
      } }, t(host, "file.resume", { name: file.name }));
      text.textContent = t(host, "file.failed", { name: file.name });
      line.append(resume);
      host.told(text.textContent);
    }
  };
  void preview(file, line);
  void go();
  return line;
};
