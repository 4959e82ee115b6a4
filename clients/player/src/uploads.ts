/** Files by tus 1.0: in chunks, each of which may be sent again, from where the server says that it stands. */

import { PlayerError } from "./api.js";
import type { PlayerApi } from "./api.js";
import type { JsonObject } from "./wire.js";

export const CHUNK = 1_000_000;
const TUS = { "Tus-Resumable": "1.0.0" };
const TRIES = 5;

const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** One file on its way. `start` may be called again after it failed, and goes on. */
export class Upload {
  #address = "";
  #offset = 0;
  #stopped = new AbortController();

  constructor(
    readonly api: PlayerApi,
    readonly file: File,
    readonly meta: Readonly<Record<string, string>>,
    readonly progress: (share: number) => void,
    readonly pause = 500,
  ) {}

  cancel(): void {
    this.#stopped.abort();
  }

  /** Sends the file, or what is left of it. Gives the value of the field: `{id, name, size, type}`. */
  async start(): Promise<JsonObject> {
    if (!this.#address) await this.#create();
    else await this.#resume();
    for (let failed = 0; this.#offset < this.file.size; ) {
      try {
        await this.#chunk();
        failed = 0;
      } catch (error) {
        if (!(error instanceof PlayerError) || !(error.again || error.status === 409) || ++failed >= TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, this.pause * 2 ** failed));
        await this.#resume().catch(() => undefined);
      }
    }
    const id = new URL(this.#address, this.api.address).pathname.split("/").at(-1)!;
    return { id, name: this.file.name, size: this.file.size, type: this.file.type };
  }

  async #create(): Promise<void> {
    const given = { filename: this.file.name, filetype: this.file.type || "application/octet-stream", ...this.meta };
    const metadata = Object.entries(given).map(([name, value]) => `${name} ${base64(value)}`).join();
    const response = await this.#send("files", {
      method: "POST",
      headers: { ...TUS, "Upload-Length": String(this.file.size), "Upload-Metadata": metadata },
    });
    const location = response.headers.get("Location");
    if (!location) throw new PlayerError(502, { detail: "no place for the file" });
    this.#address = new URL(location, `${this.api.address}/files/`).href;
    this.#offset = 0;
    this.progress(0);
  }

  async #resume(): Promise<void> {
    const response = await this.#send(this.#address, { method: "HEAD", headers: TUS });
    this.#offset = Number(response.headers.get("Upload-Offset") ?? 0);
  }

  async #chunk(): Promise<void> {
    const response = await this.#send(this.#address, {
      method: "PATCH",
      headers: { ...TUS, "Upload-Offset": String(this.#offset), "Content-Type": "application/offset+octet-stream" },
      body: this.file.slice(this.#offset, this.#offset + CHUNK),
    });
    const offset = Number(response.headers.get("Upload-Offset"));
    if (!(offset > this.#offset)) throw new PlayerError(409, { detail: "the file does not grow" });
    this.#offset = offset;
    this.progress(offset / this.file.size);
  }

  async #send(address: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await this.api.send(address, { ...init, signal: this.#stopped.signal });
    } catch (error) {
      throw new PlayerError(this.#stopped.signal.aborted ? 499 : 0, { detail: String(error) });
    }
    if (!response.ok) throw new PlayerError(response.status, {});
    return response;
  }
}
