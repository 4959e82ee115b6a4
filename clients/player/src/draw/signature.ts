/** A signature: drawn with a finger, pen or mouse, or a name that is typed, which needs no pointer. */

import { h, idOf } from "../dom.js";
import { sizeOf } from "../formats.js";
import { around, nameOf, t } from "./host.js";
import type { Draw } from "./host.js";
import { group } from "./inputs.js";

const [WIDTH, HEIGHT] = [600, 200];

export const signature: Draw = (item, host) => {
  const { notes, attributes } = around(item, host);
  const path = item.path ?? "";
  const value = typeof item.value === "string" ? item.value : "";
  const drawn = value.startsWith("data:");
  const off = item.disabled || item.readonly;
  const canvas = h("canvas", { class: "paper", width: WIDTH, height: HEIGHT, role: "img", "aria-label": t(host, "sign.draw") });
  const name = h("input", { ...attributes, type: "text", id: idOf(path, "name"), name: nameOf(path), autocomplete: "name", disabled: item.disabled, readonly: item.readonly });
  name.value = drawn ? "" : value;
  const paper = context(canvas);
  if (drawn && paper) show(paper, value);
  const clear = (): void => paper?.clearRect(0, 0, WIDTH, HEIGHT);
  name.addEventListener("input", () => {
    clear();
    host.changed(item, name.value);
  });
  if (paper && !off) {
    pen(canvas, paper, () => {
      name.value = "";
      host.changed(item, image(canvas, sizeOf(item.extensions?.["maxSize"]) ?? 200_000));
    });
  }
  const again = h("button", { type: "button", disabled: off, click: () => {
    clear();
    name.value = "";
    host.changed(item, null);
  } }, t(host, "sign.clear"));
  return group(item, host, notes, "", [
    paper && h("p", { class: "hint" }, t(host, "sign.draw")), paper && canvas, paper && h("p", {}, again),
    h("label", { for: name.id }, t(host, "sign.type")), name,
  ]);
};

const context = (canvas: HTMLCanvasElement): CanvasRenderingContext2D | null => {
  try {
    return canvas.getContext("2d");
  } catch {
    return null;
  }
};

const show = (paper: CanvasRenderingContext2D, value: string): void => {
  const picture = new Image();
  picture.onload = () => paper.drawImage(picture, 0, 0, WIDTH, HEIGHT);
  picture.src = value;
};

/** The picture, smaller where its file would be larger than the limit. */
const image = (canvas: HTMLCanvasElement, most: number): string => {
  let found = canvas.toDataURL("image/png");
  for (let scale = 0.5; found.length > most && scale > 0.05; scale /= 2) {
    const less = h("canvas", { width: WIDTH * scale, height: HEIGHT * scale });
    less.getContext("2d")?.drawImage(canvas, 0, 0, less.width, less.height);
    found = less.toDataURL("image/png");
  }
  return found;
};

const pen = (canvas: HTMLCanvasElement, paper: CanvasRenderingContext2D, done: () => void): void => {
  let down = false;
  const at = (event: PointerEvent): [number, number] => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / (box.width || WIDTH)) * WIDTH, ((event.clientY - box.top) / (box.height || HEIGHT)) * HEIGHT];
  };
  canvas.addEventListener("pointerdown", (event) => {
    down = true;
    canvas.setPointerCapture?.(event.pointerId);
    paper.lineWidth = 3;
    paper.lineCap = "round";
    // Ink that is seen on paper: what is drawn is printed, whatever the theme.
    paper.strokeStyle = "#111";
    paper.beginPath();
    paper.moveTo(...at(event));
    paper.lineTo(...at(event));
    paper.stroke();
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!down) return;
    paper.lineTo(...at(event));
    paper.stroke();
  });
  const up = (): void => {
    if (down) done();
    down = false;
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
};
