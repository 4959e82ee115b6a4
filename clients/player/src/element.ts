/** `<procession-player>`: a journey on any page, without a framework. */

import { open, PlayerApi, PlayerError, start } from "./api.js";
import type { Session } from "./api.js";
import { MemoryShelf, newDevice } from "./outbox.js";
import type { Shelf } from "./outbox.js";
import { Player } from "./player.js";
import type { Past } from "./past.js";
import type { Screen } from "./shown.js";
import { StartApi } from "./starting.js";
import { style, theme } from "./styles.js";
import type { Json, JsonObject } from "./wire.js";

const Base = typeof HTMLElement === "undefined" ? (class {} as typeof HTMLElement) : HTMLElement;

/**
 * Attributes: `src`, the address of a journey or a link to one, or `start`, that of a process which the public may start; `token`, of a
 * session of the API; `history="entries"` lets Back of the browser go back in the form.
 */
export class ProcessionPlayer extends Base {
  static readonly observedAttributes = ["src", "start", "token"];
  #player: Player | null = null;
  #planned = false;
  readonly #root: ShadowRoot;

  constructor() {
    super();
    this.#root = this.attachShadow({ mode: "open" });
    style(this.#root);
  }

  /** The player of the journey that is shown. */
  get player(): Player | null {
    return this.#player;
  }

  connectedCallback(): void {
    this.#plan();
  }

  disconnectedCallback(): void {
    this.#stop();
  }

  attributeChangedCallback(): void {
    this.#plan();
  }

  /** Gives the reference of a payment, or any other answer that the page around has found. */
  answer(path: string, value: Json): boolean {
    return this.#player?.answer(path, value) ?? false;
  }

  // Attributes are set one by one, and make one journey.
  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      if (this.isConnected) void this.#open();
    });
  }

  #stop(): void {
    this.#player?.stop();
    this.#player = null;
  }

  async #open(): Promise<void> {
    this.#stop();
    const src = this.getAttribute("src");
    const begin = this.getAttribute("start");
    const address = new URL(src ?? begin ?? "", document.baseURI).href;
    const link = /\/l\/[^/]+$/.test(address);
    if (src && !link) await this.#play(`${address.replace(/\/+$/, "")}/api`, this.getAttribute("token") ?? "");
    else if (src || begin) {
      try {
        if (link) await this.#go(await open(address));
        else await this.#begin(address, newDevice());
      } catch (error) {
        this.#emit("problem", { status: error instanceof PlayerError ? error.status : 0, detail: String(error) });
      }
    }
  }

  /** A public start: its form is shown where it has one, else it begins at once. */
  async #begin(address: string, visit: string): Promise<void> {
    const api = new StartApi(address, visit, (session) => void this.#go(session));
    const first = await api.screen("", "", this.#language);
    if (first.shown.kind !== "page") await this.#go(await start(address, visit, {}, fetch, this.#language));
    // What is typed before a journey has begun stays in this window.
    else await this.#show(api, first, Promise.resolve(new MemoryShelf()));
  }

  async #go({ token, api, proven }: Session): Promise<void> {
    this.#stop();
    const code: Screen = { shown: { kind: "code", language: this.#language || "en" }, version: 0 };
    await this.#play(api, token, proven ? undefined : code);
  }

  get #language(): string {
    return this.closest("[lang]")?.getAttribute("lang") ?? "";
  }

  #play(address: string, token: string, screen?: Screen): Promise<void> {
    return this.#show(new PlayerApi({ address: new URL(address, document.baseURI).href, token }), screen);
  }

  async #show(api: PlayerApi, screen?: Screen, shelf?: Promise<Shelf>): Promise<void> {
    const past: Past = this.getAttribute("history") === "entries" ? "entries" : "none";
    const emit = (name: string, detail: JsonObject): void => this.#emit(name, detail);
    const player = new Player({ root: this.#root, api, past, emit, ...(shelf ? { shelf } : {}) });
    this.#player = player;
    await player.open(screen);
  }

  #emit(name: string, detail: JsonObject): void {
    const shown = this.#player?.shown;
    if (name === "page" && shown) {
      theme(this, shown.brand?.variables);
      this.lang = shown.language;
      this.dir = shown.direction ?? "ltr";
    }
    this.dispatchEvent(new CustomEvent(`procession:${name}`, { detail, bubbles: true, composed: true }));
  }
}

/** Makes the element known to the page; once. */
export const define = (name = "procession-player"): void => {
  if (!customElements.get(name)) customElements.define(name, ProcessionPlayer);
};
