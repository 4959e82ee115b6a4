/** Files: chosen or taken by the camera, checked, sent in chunks with progress, gone on with, taken away. */

import { append, h, idOf } from "../dom.js";
import type { Item } from "../shown.js";
import { say } from "../texts.js";
import { judgeItem } from "../verdict.js";
import { isObject } from "../wire.js";
import type { Json } from "../wire.js";
import { around, nameOf, t } from "./host.js";
import type { Draw, Host, Sending } from "./host.js";
import { group } from "./inputs.js";

const filesOf = (value: Json | undefined): Json[] =>
  Array.isArray(value) ? value : value === null || value === undefined ? [] : [value];

const nameOfFile = (value: Json): string => {
  const name = isObject(value) ? (value["name"] ?? value["id"]) : value;
  return typeof name === "string" ? name : "";
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
    const made = h("li", {}, h("bdi", {}, name), !off && h("button", { type: "button", click: () => {
      made.remove();
      keep(values.filter((each) => each !== value));
    } }, t(host, "remove", { label: name })));
    return made;
  };
  const take = (file: File): void => {
    const why = refused(item, file, many ? values : [], host);
    if (why) list.append(h("li", { class: "error", role: "alert" }, h("bdi", {}, file.name), ` ${why}`));
    else list.append(sent(item, file, host, (value, line) => {
      line.replaceWith(row(value));
      keep(many ? [...values, value] : [value]);
    }));
  };
  const input = (part: string, more: Record<string, string | boolean>): HTMLInputElement => {
    const made = h("input", { type: "file", id: idOf(item.path ?? "", part), disabled: off, multiple: many, ...more });
    if (!part) made.name = nameOf(item.path ?? "");
    made.addEventListener("change", () => {
      [...(made.files ?? [])].forEach(take);
      made.value = "";
    });
    return made;
  };
  append(list, values.map(row));
  const images = typeof accept === "string" && /image\/|\.jpe?g|\.png/i.test(accept);
  const photo = images ? input("photo", { accept: "image/*", capture: "environment" }) : null;
  return group(item, host, notes, "", [
    input("file", { "aria-label": item.texts?.["label"] ?? "", ...(typeof accept === "string" ? { accept } : {}) }),
    photo && h("label", { for: photo.id }, t(host, "file.photo")), photo, list,
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
      const again = h("button", { type: "button", click: () => {
        again.remove();
        void go();
      } }, t(host, "file.resume", { name: file.name }));
      text.textContent = t(host, "file.failed", { name: file.name });
      line.append(again);
      host.told(text.textContent);
    }
  };
  void go();
  return line;
};
