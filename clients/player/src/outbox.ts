/**
 * Answers that are to be saved. Each write has a number of its device and is kept until the server has it: in IndexedDB
 * where there is one, else in memory. A write that is sent again is answered again, and done once.
 */

import { PlayerError } from "./api.js";
import type { PlayerApi, Saved, Write } from "./api.js";
import { decode, encode } from "./wire.js";
import type { Json } from "./wire.js";

/** Where writes are kept, by journey. */
export interface Shelf {
  all(journey: string): Promise<Write[]>;
  put(journey: string, write: Write): Promise<void>;
  remove(journey: string, write: Write): Promise<void>;
}

export type State = "saved" | "saving" | "offline" | "unsaved" | "refused";

const keyOf = (journey: string, write: Write): string => `${journey} ${write.device} ${String(write.seq).padStart(12, "0")}`;

/** In memory: for browsers, and windows, that have no storage. */
export class MemoryShelf implements Shelf {
  readonly #kept = new Map<string, Write>();

  all(journey: string): Promise<Write[]> {
    return Promise.resolve([...this.#kept].filter(([key]) => key.startsWith(`${journey} `)).map(([, write]) => write));
  }

  put(journey: string, write: Write): Promise<void> {
    this.#kept.set(keyOf(journey, write), write);
    return Promise.resolve();
  }

  remove(journey: string, write: Write): Promise<void> {
    this.#kept.delete(keyOf(journey, write));
    return Promise.resolve();
  }
}

const STORE = "outbox";
const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

interface Row {
  key: string;
  journey: string;
  text: string;
}

class StoredShelf implements Shelf {
  constructor(readonly database: IDBDatabase) {}

  #store(mode: IDBTransactionMode): IDBObjectStore {
    return this.database.transaction(STORE, mode).objectStore(STORE);
  }

  async all(journey: string): Promise<Write[]> {
    const rows = (await done(this.#store("readonly").getAll())) as Row[];
    // As JSON text, so that numbers keep their digits.
    return rows.filter((row) => row.journey === journey).map((row) => decode(row.text) as unknown as Write);
  }

  async put(journey: string, write: Write): Promise<void> {
    await done(this.#store("readwrite").put({ key: keyOf(journey, write), journey, text: encode(write) } satisfies Row));
  }

  async remove(journey: string, write: Write): Promise<void> {
    await done(this.#store("readwrite").delete(keyOf(journey, write)));
  }
}

/** The shelf of this browser. */
export const openShelf = async (): Promise<Shelf> => {
  try {
    const opening = indexedDB.open("procession-player", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "key" });
    return new StoredShelf(await done(opening));
  } catch {
    return new MemoryShelf();
  }
};

export const newDevice = (): string =>
  [...crypto.getRandomValues(new Uint8Array(12))].map((each) => each.toString(16).padStart(2, "0")).join("");

export interface Outcome {
  write: Write;
  saved: Saved;
}

const RETRY_MAX = 30_000;

/** The queue of one page that is open. Each has a device of its own: two windows never share numbers. */
export class Outbox {
  readonly device = newDevice();
  version = 0;
  #seq = 0;
  #queue: Write[] = [];
  #staged = new Map<string, Json>();
  #task = "";
  #sending: Promise<void> | null = null;
  #retry = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #shelf: Promise<Shelf>;

  constructor(
    readonly api: PlayerApi,
    readonly told: (state: State, outcome?: Outcome) => void,
    shelf: Promise<Shelf> = openShelf(),
  ) {
    this.#shelf = shelf;
  }

  /** What earlier windows of this journey could not send. */
  async earlier(): Promise<Write[]> {
    const kept = await this.#kept((shelf) => shelf.all(this.api.address));
    const writes = (kept ?? []).filter((write) => write.device !== this.device);
    const before = writes.sort((a, b) => a.base - b.base || a.seq - b.seq);
    this.#queue = [...before, ...this.#queue];
    return before;
  }

  /** Takes an answer; it is in no write yet. */
  stage(task: string, path: string, value: Json): void {
    if (task !== this.#task) this.seal();
    this.#task = task;
    this.#staged.set(path, value);
  }

  /** Whether all that was typed has reached the server. */
  get empty(): boolean {
    return !this.#staged.size && !this.#queue.length;
  }

  /** Makes a write of what is staged. */
  seal(): void {
    if (!this.#staged.size) return;
    const write = this.write(this.#task, Object.fromEntries(this.#staged));
    this.#staged.clear();
    this.#queue.push(write);
    void this.#kept((shelf) => shelf.put(this.api.address, write));
  }

  /** A write with the next number. */
  write(task: string, sets: Record<string, Json> = {}): Write {
    this.#seq++;
    return { task, base: this.version, sets, seq: this.#seq, device: this.device };
  }

  /** Sends all, in order; comes back when all is sent or nothing more can be. */
  async flush(): Promise<boolean> {
    this.seal();
    clearTimeout(this.#timer);
    this.#sending ??= this.#send().finally(() => (this.#sending = null));
    await this.#sending;
    return this.#queue.length === 0;
  }

  async #send(): Promise<void> {
    while (this.#queue.length) {
      const write = this.#queue[0]!;
      this.told("saving");
      try {
        const saved = await this.api.draft(write);
        this.version = Math.max(this.version, saved.version);
        this.#retry = 0;
        this.#forget(write);
        this.told(this.#queue.length ? "saving" : "saved", { write, saved });
      } catch (error) {
        if (!(error instanceof PlayerError)) throw error;
        if (error.again) {
          this.told(error.status === 0 ? "offline" : "unsaved");
          this.#later();
          return;
        }
        // The task is over, or is nobody's any more: the page is read anew, and says so.
        if ([403, 401].includes(error.status)) {
          this.told("refused");
          return;
        }
        this.#forget(write);
        this.told("refused");
      }
    }
  }

  #forget(write: Write): void {
    this.#queue = this.#queue.filter((each) => each !== write);
    void this.#kept((shelf) => shelf.remove(this.api.address, write));
  }

  #later(): void {
    this.#retry = Math.min(this.#retry ? this.#retry * 2 : 1_000, RETRY_MAX);
    this.#timer = setTimeout(() => void this.flush(), this.#retry);
  }

  /** The page goes away: what is left is sent by requests that outlive it, and stays on the shelf until it is known. */
  leave(): void {
    this.seal();
    clearTimeout(this.#timer);
    // One request for each task, with all that is not known to have arrived: several would overtake each other, and the
    // server takes no write after one with a higher number.
    for (const task of new Set(this.#queue.map((write) => write.task))) {
      const open = this.#queue.filter((write) => write.task === task);
      const own = open.filter((write) => write.device === this.device);
      const last = own.length > 1 ? { ...this.write(task, Object.assign({}, ...own.map((write) => write.sets))), base: own[0]!.base } : own[0];
      if (last) void this.api.draft(last, true).then(() => own.forEach((write) => this.#forget(write)), () => undefined);
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async #kept<T>(use: (shelf: Shelf) => Promise<T>): Promise<T | undefined> {
    try {
      return await use(await this.#shelf);
    } catch {
      // A full or closed storage: what is in memory is still sent.
      return undefined;
    }
  }
}
