/** The headless client of a journey: the addresses of docs/design/0016, typed, over `fetch`. It knows no page. */

import type { Conflict, Fault, Screen, Shown } from "./shown.js";
import { decode, encode, isObject } from "./wire.js";
import type { Json, JsonObject } from "./wire.js";

/** What is written: values by path, with the version that the page had, and the number of the write on this device. */
export interface Write {
  task: string;
  base: number;
  sets: Record<string, Json>;
  seq: number;
  device: string;
}

export interface Saved {
  version: number;
  conflicts: Conflict[];
}

/** A step: to another page (`screen`), or an answer that was refused (`faults`). */
export type Step = { screen: Screen; faults?: never } | { screen?: never; faults: Fault[]; shown?: Shown };
export type Direction = "next" | "back" | "submit";

/** An answer that is none: `status` 0 where the server was not reached. `problem` is RFC 9457's, where it was given. */
export class PlayerError extends Error {
  constructor(
    readonly status: number,
    readonly problem: JsonObject,
  ) {
    super(typeof problem["detail"] === "string" ? problem["detail"] : `the server answered ${status}`);
    this.name = "PlayerError";
  }

  /** Whether the same may be asked again: the network was cut, or the server is busy. */
  get again(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

export interface ApiOptions {
  /** The address of the API of one journey, `https://host/play/T/J/api`. */
  address: string;
  /** The bearer token of a session; without it the cookie of the page counts, with `csrf`. */
  token?: string | undefined;
  csrf?: string | undefined;
  fetch?: typeof fetch;
  /** How long an answer may take, in milliseconds. */
  timeout?: number;
}

export class PlayerApi {
  readonly address: string;
  csrf: string;
  readonly #token: string;
  readonly #fetch: typeof fetch;
  readonly #timeout: number;

  constructor(options: ApiOptions) {
    this.address = options.address.replace(/\/+$/, "");
    this.csrf = options.csrf ?? "";
    this.#token = options.token ?? "";
    this.#fetch = options.fetch ?? ((...given) => fetch(...given));
    this.#timeout = options.timeout ?? 30_000;
  }

  /** Where the journey is, or one page of a task's form; from now on in a language, where one is given. */
  async screen(page = "", task = "", language = ""): Promise<Screen> {
    const query = new URLSearchParams({ ...(task && { task }), ...(page && { page }), ...(language && { language }) }).toString();
    return this.#known((await this.ask("GET", `screen${query && `?${query}`}`)) as unknown as Screen);
  }

  /** Keeps answers as a draft. `last` is for a page that goes away: the request outlives it. */
  async draft(write: Write, last = false): Promise<Saved> {
    const saved = (await this.ask("PUT", "draft", write, last)) as Partial<Saved>;
    return { version: saved.version ?? write.base, conflicts: saved.conflicts ?? [] };
  }

  /** The page as the server sees it for these answers, with its faults; nothing is kept. */
  async judge(write: Write, page: string): Promise<Screen> {
    return this.#known((await this.ask("POST", "judge", { ...write, page })) as unknown as Screen);
  }

  next(write: Write, page: string): Promise<Step> {
    return this.step("next", write, page);
  }

  back(write: Write, page: string): Promise<Step> {
    return this.step("back", write, page);
  }

  submit(write: Write, page: string): Promise<Step> {
    return this.step("submit", write, page);
  }

  async step(direction: Direction, write: Write, page: string): Promise<Step> {
    try {
      const screen = (await this.ask("POST", direction, { ...write, page })) as unknown as Screen;
      return { screen: this.#known(screen) };
    } catch (error) {
      if (!(error instanceof PlayerError) || error.status !== 422 || !Array.isArray(error.problem["faults"])) throw error;
      const { faults, shown } = error.problem as unknown as { faults: Fault[]; shown?: Shown };
      return shown ? { faults, shown } : { faults };
    }
  }

  /** Sends the journey to another device: by e-mail or SMS, where the server says to whom. */
  async handover(how: JsonObject = {}): Promise<void> {
    await this.ask("POST", "handover", how);
  }

  /** Gives the code that was sent. */
  async code(code: string): Promise<void> {
    await this.ask("POST", "code", { code });
  }

  /** A request with who asks in its headers, to the API or to an address that it named. */
  send(address: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#token) headers.set("Authorization", `Bearer ${this.#token}`);
    else if (this.csrf) headers.set("X-CSRF-Token", this.csrf);
    return this.#fetch(this.#own(address), { credentials: this.#token ? "omit" : "same-origin", ...init, headers });
  }

  /** An address below that of the API, or another of the same server: a token goes nowhere else. */
  #own(address: string): string {
    const url = new URL(address, `${this.address}/`);
    if (url.origin !== new URL(this.address).origin) throw new PlayerError(400, { detail: `${url.origin} is another server` });
    return url.href;
  }

  #known(screen: Screen): Screen {
    if (!isObject(screen.shown)) throw new PlayerError(502, { detail: "no screen" });
    // A token that is bound to the session may be a new one with each page.
    this.csrf = screen.shown.csrf ?? this.csrf;
    return screen;
  }

  /** What the server answers to a request of JSON. Raises `PlayerError`. */
  async ask(method: string, path: string, body?: unknown, last = false): Promise<JsonObject> {
    const init: RequestInit = { method, headers: { Accept: "application/json" }, keepalive: last };
    if (body !== undefined) {
      init.body = encode(body);
      init.headers = { Accept: "application/json", "Content-Type": "application/json" };
    }
    if (!last) init.signal = AbortSignal.timeout(this.#timeout);
    let text = "";
    let status = 0;
    try {
      const response = await this.send(path, init);
      status = response.status;
      text = await response.text();
    } catch (error) {
      throw new PlayerError(0, { detail: String(error) });
    }
    const answer = bodyOf(text);
    if (status < 200 || status > 299 || !answer) throw new PlayerError(status < 300 ? 502 : status, answer ?? {});
    return answer;
  }
}

const bodyOf = (text: string): JsonObject | null => {
  try {
    const value = decode(text || "{}");
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
};

/** A session. Where it is not proven, a code has to be given first. */
export interface Session {
  journey: string;
  token: string;
  proven: boolean;
  api: string;
}

const session = async (address: URL, what: string, body: JsonObject, ask: typeof fetch): Promise<Session> => {
  const url = new URL(address.pathname.replace(/\/(?:start|l)\/[^/]*$/, `/api/${what}`), address);
  const init = { method: "POST", headers: { Accept: "application/json", "Content-Type": "application/json" }, body: encode(body) };
  const response = await ask(url, { ...init, credentials: "omit" });
  const answer = bodyOf(await response.text());
  if (!response.ok || !answer) throw new PlayerError(response.status, answer ?? {});
  const found = answer as unknown as Session;
  return { ...found, api: new URL(found.api, url).href };
};

const nameIn = (address: URL): string => decodeURIComponent(address.pathname.split("/").at(-1)!);

/** Starts a journey by the public address of its process, `https://host/play/T/start/P`; once for the same `visit`. */
export const start = (address: string, visit = "", sets: Record<string, Json> = {}, ask: typeof fetch = fetch, language = ""): Promise<Session> => {
  const url = new URL(address);
  return session(url, "start", { process_id: nameIn(url), sets, visit, language }, ask);
};

/** Opens a session by a link, `https://host/play/T/l/TOKEN`. */
export const open = (address: string, ask: typeof fetch = fetch): Promise<Session> => {
  const url = new URL(address);
  return session(url, "open", { link: nameIn(url) }, ask);
};
