/** What the server tells while a page waits: SSE over `fetch`, which can carry a token; polling where it breaks. */

import type { PlayerApi } from "./api.js";

const POLL_FIRST = 2_000;
const POLL_MAX = 15_000;

/** Follows the events of a journey until it is stopped; `moved` is called for each, and at each poll. */
export class Live {
  #stopped = new AbortController();
  #failures = 0;

  constructor(
    readonly api: PlayerApi,
    readonly moved: () => Promise<void>,
    readonly address = "events",
    readonly poll = POLL_FIRST,
  ) {}

  start(): void {
    void this.#follow();
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.#stream(signal);
        this.#failures = 0;
      } catch {
        this.#failures++;
      }
      if (signal.aborted) return;
      // A stream that ended, or never was: the page is asked, and the stream tried again after a while.
      await this.#moved();
      await rest(Math.min(this.poll * 2 ** Math.min(this.#failures, 4), POLL_MAX), signal);
    }
  }

  async #moved(): Promise<void> {
    try {
      await this.moved();
    } catch {
      // Not reached; asked again after a while.
    }
  }

  async #stream(signal: AbortSignal): Promise<void> {
    const response = await this.api.send(this.address, { headers: { Accept: "text/event-stream" }, signal });
    if (!response.ok || !response.body || !/^text\/event-stream/.test(response.headers.get("Content-Type") ?? "")) {
      throw new Error(`no stream: ${response.status}`);
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value.replace(/\r\n?/g, "\n");
      const parts = text.split("\n\n");
      text = parts.pop()!;
      // A comment keeps the line open and tells nothing.
      if (parts.some((part) => part.split("\n").some((line) => line.startsWith("data:")))) await this.#moved();
    }
  }
}

const rest = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
