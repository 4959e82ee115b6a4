/** A document for tests in Node, and what they wait with. */

import { Window } from "happy-dom";

export const window = new Window({ url: "http://host.test/", settings: { disableJavaScriptEvaluation: true } });

const NAMES = ["document", "HTMLElement", "HTMLFormElement", "Event", "CustomEvent", "Node", "ShadowRoot", "customElements", "DOMParser", "history", "location", "Image", "MutationObserver", "HTMLInputElement"];
for (const name of NAMES) {
  Object.defineProperty(globalThis, name, { value: (window as unknown as Record<string, unknown>)[name], configurable: true, writable: true });
}
for (const name of ["addEventListener", "removeEventListener", "dispatchEvent"] as const) {
  Object.defineProperty(globalThis, name, { value: (window[name] as () => void).bind(window), configurable: true });
}

/** Waits until something is true; it fails after five seconds. */
export const until = async <T>(get: () => T | Promise<T>): Promise<NonNullable<T>> => {
  const end = Date.now() + 5_000;
  for (;;) {
    const found = await get();
    if (found) return found;
    if (Date.now() > end) throw new Error(`it never became true: ${String(get)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
};
