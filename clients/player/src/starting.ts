/** A public start whose process has a form: its pages are asked one by one, and the answers kept here until it begins. */

import { PlayerApi, PlayerError, start } from "./api.js";
import type { Direction, Saved, Session, Step, Write } from "./api.js";
import { walk } from "./shown.js";
import type { Fault, Screen, Shown } from "./shown.js";
import type { Json } from "./wire.js";

const NEVER = new Promise<never>(() => undefined);

/** What a player plays before there is a journey: the same calls, and one that tells of the session that began. */
export class StartApi extends PlayerApi {
  readonly #process: string;
  readonly #send: typeof fetch;
  readonly #visit: string;
  #sets: Record<string, Json> = {};
  #version = 0;
  #language = "";

  constructor(
    /** The address of the start, `https://host/play/T/start/P`. */
    readonly start: string,
    visit: string,
    readonly began: (session: Session) => void,
    ask: typeof fetch = (...given) => fetch(...given),
  ) {
    super({ address: start.replace(/\/start\/[^/]*$/, "/api"), fetch: ask });
    this.#send = ask;
    this.#process = decodeURIComponent(new URL(start).pathname.split("/").at(-1)!);
    this.#visit = visit;
  }

  override async screen(page = "", _task = "", language = ""): Promise<Screen> {
    this.#language = language || this.#language;
    return this.#asked("show", page);
  }

  override draft(write: Write): Promise<Saved> {
    Object.assign(this.#sets, write.sets);
    this.#version++;
    return Promise.resolve({ version: this.#version, conflicts: [] });
  }

  override async judge(write: Write, page: string): Promise<Screen> {
    return this.#asked("judge", page, { ...this.#sets, ...write.sets });
  }

  override async step(direction: Direction, write: Write, page: string): Promise<Step> {
    Object.assign(this.#sets, write.sets);
    try {
      if (direction !== "submit") return { screen: await this.#asked(direction, page) };
      this.began(await start(this.start, this.#visit, this.#sets, this.#send, this.#language));
    } catch (error) {
      if (!(error instanceof PlayerError) || error.status !== 422 || !Array.isArray(error.problem["faults"])) throw error;
      const { faults, shown } = error.problem as unknown as { faults: Fault[]; shown?: Shown };
      return shown?.view ? { faults, shown } : { faults };
    }
    // Another player goes on: nothing more is shown by this one.
    return NEVER;
  }

  async #asked(action: string, page: string, sets = this.#sets): Promise<Screen> {
    const body = { process_id: this.#process, action, page, sets, language: this.#language, visit: this.#visit };
    const screen = (await this.ask("POST", "begin", body)) as unknown as Screen;
    // A script of the form may have given answers of its own.
    for (const each of screen.shown.view?.pages ?? []) {
      for (const item of walk(each.items)) {
        const open = item.path && item.visible && !item.readonly && !item.disabled && !item.path.includes("[");
        if (open && item.value !== null && item.value !== undefined) this.#sets[item.path!] ??= item.value;
      }
    }
    return { ...screen, version: this.#version };
  }
}
