/**
 * A journey in a frame: the page around makes it (`embed`), the page inside tells of itself (`answerParent`). Both look
 * at the origin of every message, and name the one that they speak to.
 */

const MARK = "procession-player";

export interface Told {
  /** `ready`, `height`, `page`, `submitted`, `ended`, `problem`. */
  name: string;
  detail: Record<string, unknown>;
}

export interface EmbedOptions {
  src: string;
  /** What a screen reader says of the frame. */
  title: string;
  on?: (told: Told) => void;
}

export interface Embedded {
  frame: HTMLIFrameElement;
  remove(): void;
}

const isTold = (data: unknown): data is Told & { from: string } =>
  typeof data === "object" && data !== null && (data as { from?: unknown }).from === MARK && typeof (data as { name?: unknown }).name === "string";

const HEIGHT_MAX = 20_000;

/** Puts a journey into an element, in a frame that is as high as its page. */
export const embed = (into: Element, { src, title, on }: EmbedOptions): Embedded => {
  const url = new URL(src, document.baseURI);
  if (!["https:", "http:"].includes(url.protocol)) throw new TypeError(`not an address of the web: ${src}`);
  const frame = document.createElement("iframe");
  Object.assign(frame, { src: url.href, title });
  frame.setAttribute("allow", "camera; payment");
  frame.style.cssText = "inline-size:100%;border:0";
  const hear = (event: MessageEvent): void => {
    if (event.source !== frame.contentWindow || event.origin !== url.origin || !isTold(event.data)) return;
    const { name, detail } = event.data;
    if (name === "hello") frame.contentWindow?.postMessage({ from: MARK, name: "hello" }, url.origin);
    const height = Number(detail?.["height"]);
    if (name === "height" && height > 0) frame.style.blockSize = `${Math.min(Math.ceil(height), HEIGHT_MAX)}px`;
    on?.({ name, detail });
  };
  addEventListener("message", hear);
  // A frame that was there before its listener hears of it by the greeting.
  frame.addEventListener("load", () => frame.contentWindow?.postMessage({ from: MARK, name: "hello" }, url.origin));
  into.append(frame);
  return {
    frame,
    remove: () => {
      removeEventListener("message", hear);
      frame.remove();
    },
  };
};

type Tell = (name: string, detail: unknown) => void;

/**
 * The page inside: it speaks only to an origin that greeted it, and that the server named in `data-embed-origins` of the
 * body, apart by spaces; the same that may frame it.
 */
export const answerParent = (document: Document, here: Window = window): Tell => {
  const allowed = (document.body?.dataset["embedOrigins"] ?? "").split(/\s+/).filter(Boolean);
  if (here.parent === here || !allowed.length) return () => undefined;
  let origin = "";
  let missed: [string, unknown][] = [];
  const tell: Tell = (name, detail) => {
    if (origin) here.parent.postMessage({ from: MARK, name, detail: JSON.parse(JSON.stringify(detail)) as unknown }, origin);
    else missed.push([name, detail]);
  };
  here.addEventListener("message", (event: MessageEvent) => {
    if (origin || event.source !== here.parent || !allowed.includes(event.origin) || !isTold(event.data)) return;
    origin = event.origin;
    tell("ready", {});
    const height = (): void => tell("height", { height: document.documentElement.getBoundingClientRect().height });
    new ResizeObserver(height).observe(document.documentElement);
    height();
    for (const [name, detail] of missed) tell(name, detail);
    missed = [];
  });
  return (name, detail) => {
    tell(name, detail);
    if (name === "page" && (detail as { kind?: string }).kind === "wait") tell("submitted", {});
  };
};
